"""The recommended detector: how rare is this sample, by what the series itself has shown so far?

A sample is looked at in five ways (FACETS): its change from the sample before; its error against the best of three
simple forecasts, alone and smoothed over 8 and 20 samples; and how much stiller than usual the series has become. The
forecasts are the running level, the hour of the day and the hour of the week; one of them is preferred once its mean
error is clearly smaller.

Each facet keeps its KEPT greatest values. A greater one's rarity follows from the tail that they span: by Hill's
estimate (Annals of Statistics 3, 1975) a value x beyond the least kept u is exceeded KEPT / n * (x / u) ** (-1 / shape)
of the time. The exponents of ten of the five rarities are added, as Fisher's test adds logarithms, without weights. So
nothing depends on the unit or the spread of the series; what recurs becomes ordinary; what is once told is not learnt
in full, so that a second anomaly of the same size is told too.

Where the constants come from: theory where it says something, else the Numenta Anomaly Benchmark's 58 files as a whole,
by their total and by the total of each half at the other half's threshold, never by one file. Each lies where its
neighbours do about as well. bench/nab.py and docs/how-to/see-it-early.md have the figures.
"""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules.detector import Measuring, Sample, State, positive, within

KEPT = 10
FEWEST_KEPT = 5
WARM_N, RIPE_N = 150, 300  # samples before anything is judged; before an outlier is held back from learning
SHAPE_LEAST, SHAPE_MOST = 0.05, 1.0  # of a tail: thinner and thicker ones are not believed from ten values
LEARNT_EXPONENT = 2.0  # a value is learnt as if it had been at most so many powers of ten rare
CROWDING = 0.5  # successive samples resemble one another, so n of them count as the square root of n
DUST_FRAC = 1e-9  # of the mean error: below it is rounding
LEVEL_N, ERROR_N = 500, 200
DAY_SHARE, WEEK_SHARE = 0.02, 0.04
CLEARLY_FRAC = 0.8
SMOOTH_N = (8, 20)
STILL_N, USUAL_N, STILL_FRAC = 150, 1000, 0.01
BLOCKS = (1, 1, 4, 10, 75)  # samples of which a facet keeps one value: half of what it is smoothed over
FACETS = ("changes", "is off its forecast", "stays off its forecast", "drifts from its forecast", "has become still")

HOUR_S, DAY_HOURS, WEEK_HOURS = 3600, 24, 168


# States are plain tuples. A mean is (value, samples behind it). Hours are (the open hour of the week; its mean as an
# hour of the day, as an hour of the week; all hours of the day, of the week): the means go back to their places only
# when another hour opens. Forecasts are (samples, level, hours, mean errors of level, day and week). A tail is (kept in
# rising order, the most of the open block, its age in samples).
NOT_SEEN = (0.0, 0)
NO_HOURS = (0, NOT_SEEN, NOT_SEEN, (NOT_SEEN,) * DAY_HOURS, (NOT_SEEN,) * WEEK_HOURS)
NO_FORECASTS = (0, 0.0, NO_HOURS, (0.0,) * 3)
NO_TAIL = ((), 0.0, 0)


@dataclass(frozen=True, kw_only=True)
class Surprise(Measuring):
    """`limit_exponent`: the sum of the exponents at which the alarm is raised; then it rests for `rest_n` samples."""

    purpose: ClassVar[str] = "anything the series has not shown before: no limit, no unit, no training"
    claims_invariance: ClassVar[bool] = True

    limit_exponent: float = 4.5
    rest_n: int = 100

    def check(self) -> None:
        positive(self, "limit_exponent")
        within("rest_n", self.rest_n, 0, 1_000_000)

    def empty(self) -> State:
        return NO_FORECASTS, 0.0, (0.0,) * 4, (NO_TAIL,) * len(FACETS), 0, (0.0,) * len(FACETS)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        forecasts, before, smooth, tails, resting, _ = memory
        n = forecasts[0]
        forecasts, error = _forecast(forecasts, sample)
        change = abs(sample.value - before) if n else 0.0
        smooth = _smoothed(smooth, n, error, change)
        distances = (change, abs(error), abs(smooth[0]), abs(smooth[1]), _stillness(smooth[2], smooth[3]))
        dust = DUST_FRAC * forecasts[3][0]
        exponents, after = [], []
        for tail, distance, block in zip(tails, distances, BLOCKS, strict=True):
            exponent, tail = _placed(tail, distance if distance > dust else 0.0, block, n)
            exponents.append(exponent)
            after.append(tail)
        ratio = 0.0 if resting else sum(exponents) / self.limit_exponent
        resting = self.rest_n if ratio >= 1 else max(resting - 1, 0)
        return (forecasts, sample.value, smooth, tuple(after), resting, tuple(exponents)), ratio

    def may_clear(self, memory: State, now_s: float) -> bool:
        return bool(memory[0][0] >= WARM_N)

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        exponents = memory[5]
        if memory[4] < self.rest_n:
            return self.limit_exponent, "is as usual again"
        most = max(range(len(FACETS)), key=exponents.__getitem__)
        return self.limit_exponent, f"{FACETS[most]} as rarely before: exponents add up to {sum(exponents):.1f}"


def _forecast(before: State, sample: Sample) -> tuple[State, float]:
    """Learns the sample; and the error that the best forecast made of it."""
    n, level, hours, (level_error, day_error, week_error) = before
    value, hour = sample.value, int(sample.at_s // HOUR_S) % WEEK_HOURS
    if hour != hours[0]:
        hours = _opened(hours, hour)
    _, of_day, of_week, day, week = hours
    off_level = value - level if n else 0.0
    off_day = value - of_day[0] if of_day[1] else off_level
    off_week = value - of_week[0] if of_week[1] else off_day
    error = off_level if day_error >= CLEARLY_FRAC * level_error else off_day
    if week_error < CLEARLY_FRAC * min(level_error, day_error):
        error = off_week
    n += 1
    share = max(1 / n, 1 / ERROR_N)
    errors = (
        level_error + share * (abs(off_level) - level_error),
        day_error + share * (abs(off_day) - day_error),
        week_error + share * (abs(off_week) - week_error),
    )
    hours = (hour, _learnt(of_day, value, DAY_SHARE), _learnt(of_week, value, WEEK_SHARE), day, week)
    return (n, level + off_level / min(n, LEVEL_N) if n > 1 else value, hours, errors), error


def _opened(hours: State, hour: int) -> State:
    """The hour that was open goes back to its place, which is all the copying there is."""
    before, of_day, of_week, day, week = hours
    at = before % DAY_HOURS
    day = (*day[:at], of_day, *day[at + 1 :])
    week = (*week[:before], of_week, *week[before + 1 :])
    return hour, day[hour % DAY_HOURS], week[hour], day, week


def _learnt(mean_n: tuple[float, int], value: float, share: float) -> tuple[float, int]:
    mean, n = mean_n
    return mean + (value - mean) * max(1 / (n + 1), share), n + 1


def _smoothed(before: State, n: int, error: float, change: float) -> State:
    short, long, still, usual = before
    return (
        short + 2 / (SMOOTH_N[0] + 1) * (error - short),
        long + 2 / (SMOOTH_N[1] + 1) * (error - long),
        still + max(1 / (n + 1), 2 / (STILL_N + 1)) * (change - still),
        usual + max(1 / (n + 1), 2 / (USUAL_N + 1)) * (change - usual),
    )


def _stillness(still: float, usual: float) -> float:
    """By how many powers of e the last changes are smaller than usual ones; 0 if they are not."""
    return max(0.0, math.log((1 + STILL_FRAC) * usual / (still + STILL_FRAC * usual))) if usual > 0 else 0.0


def _placed(tail: State, distance: float, block: int, n: int) -> tuple[float, State]:
    """The exponent of ten of the distance's rarity (0: not rare), and the tail that has learnt it."""
    kept, most, age = tail
    if block == 1 and len(kept) == KEPT and distance <= kept[0]:
        return 0.0, tail
    exponent, learnt = 0.0, distance
    if n >= WARM_N and len(kept) >= FEWEST_KEPT and distance > kept[0] > 0:
        shape = _shape(kept)
        exponent = CROWDING * math.log10((n + 1) / block / len(kept) + 1) + math.log10(distance / kept[0]) / shape
        if n >= RIPE_N:
            learnt = min(distance, kept[0] * 10 ** (shape * LEARNT_EXPONENT))
    most, age = learnt if learnt > most else most, age + 1
    if age < block:
        return exponent, (kept, most, age)
    return exponent, (_inserted(kept, most), 0.0, 0)


def _shape(kept: Sequence[float]) -> float:
    """Hill's estimate, within bounds."""
    least = kept[0]
    spread = sum(math.log(value / least) for value in kept) / (len(kept) - 1)
    return min(max(spread, SHAPE_LEAST), SHAPE_MOST)


def _inserted(kept: tuple[float, ...], value: float) -> tuple[float, ...]:
    if len(kept) == KEPT:
        if value <= kept[0]:
            return kept
        kept = kept[1:]
    ordered = list(kept)
    insort(ordered, value)
    return tuple(ordered)
