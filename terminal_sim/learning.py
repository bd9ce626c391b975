"""Rules that judge by time or by what a series was before, foreseen: each worked out anew from what it is said to do.

What they say follows from values and stamps alone, so it is certain for a gateway that hears the scenario from its
start.
"""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean, median
from typing import Final

from terminal_sim.foreseen import HealthWatch, Judged, Passing, Seen, Watch

FEWEST_OF_A_SPREAD, FEWEST_OF_A_TREND = 30, 5
PULLED_SIGMAS, MOST_SIGMAS = 3.0, 8.0
FORGOTTEN = 20.0  # times over_s without a sample
FADED = 30.0  # times over_s: what is older weighs 1e-13


@dataclass(frozen=True, slots=True, kw_only=True)
class Learnt(Judged):
    """`settings`: every parameter of the kind, as the rule says it or by its default."""

    kind: str
    settings: Mapping[str, float]

    def watch(self) -> Watch:
        return KINDS[self.kind][0](self)


class LearningWatch(HealthWatch):
    """Raised where what it measures reaches its limit (1.0)."""

    def __init__(self, alarm: Learnt) -> None:
        super().__init__(alarm)
        self.said = alarm.settings

    def is_ill(self, seen: Seen) -> bool:
        return self.ratio(seen) >= self.least

    @abstractmethod
    def ratio(self, seen: Seen) -> float:
        """Of what is measured to its limit."""


class ClockWatch(LearningWatch):
    last_s: float | None = None

    def ratio(self, seen: Seen) -> float:
        now_s = seen.stamp_s
        off_s = abs(now_s - seen.heard_s)
        back_s = 0.0 if self.last_s is None else self.last_s - now_s
        self.last_s = now_s
        return max(off_s, back_s) / self.said["limit_s"]


class RateWatch(LearningWatch):
    """Cleared once it was followed for `over_s`."""

    passing: Passing | None = None
    value = per_s = 0.0

    def ratio(self, seen: Seen) -> float:
        if self.passing is None:
            self.passing, self.value = Passing.since(seen, self.said["over_s"]), seen.value
        elif (passed_s := self.passing.to(seen)) > 0:
            kept = math.exp(-passed_s / self.said["over_s"])
            self.per_s = kept * self.per_s + (1 - kept) * (seen.value - self.value) / passed_s
            self.value = seen.value
        return abs(self.per_s) / self.said["limit_per_s"]

    @property
    def may_clear(self) -> bool:
        return self.passing is not None and self.passing.total_s >= self.said["over_s"]


class SpikeWatch(LearningWatch):
    """`usual` is the mean distance from the median of the five before, of the samples that were no spikes."""

    def __init__(self, alarm: Learnt) -> None:
        super().__init__(alarm)
        self.last: list[float] = []
        self.n, self.usual = 0, 0.0

    def ratio(self, seen: Seen) -> float:
        if len(self.last) < 5:
            self.last.append(seen.value)
            return 0.0
        distance = abs(seen.value - median(self.last))
        self.last = [*self.last[1:], seen.value]
        is_known = self.n >= 10
        ratio = _share(distance, self.said["width"] * self.usual) if is_known else 0.0
        learnt = min(distance, 3 * self.usual) if is_known and self.usual > 0 else distance
        self.n = min(self.n + 1, int(self.said["memory_n"]))
        self.usual += (learnt - self.usual) / self.n
        return ratio


class Usual:
    """Mean and spread of a series: of all until `memory_n` values, fading after; a wild one counts as three spreads."""

    def __init__(self, memory_n: float) -> None:
        self.memory_n, self.n = memory_n, 0
        self.mean = self.variance = 0.0

    def sigmas(self, value: float) -> float:
        off = value - self.mean
        if self.n < FEWEST_OF_A_SPREAD or off == 0:
            return 0.0
        return math.copysign(min(_share(abs(off), math.sqrt(self.variance)), MOST_SIGMAS), off)

    def learn(self, value: float) -> None:
        off, spread = value - self.mean, math.sqrt(self.variance)
        if self.n >= FEWEST_OF_A_SPREAD and abs(off) > PULLED_SIGMAS * spread > 0:
            off = math.copysign(PULLED_SIGMAS * spread, off)
        weight = 1 / min(self.n + 1, self.memory_n) if self.n else 1.0
        self.mean += weight * off
        self.variance = (1 - weight) * (self.variance + weight * off * off) if self.n else 0.0
        self.n += self.n < self.memory_n


class ChartWatch(LearningWatch):
    """Judges the mean of each `group_n` values; between two of them the last judgement holds."""

    def __init__(self, alarm: Learnt) -> None:
        super().__init__(alarm)
        self.usual = Usual(self.said["memory_n"])
        self.group: list[float] = []
        self.judged = self.up = self.down = 0.0

    def ratio(self, seen: Seen) -> float:
        self.group.append(seen.value)
        if len(self.group) >= self.said["group_n"]:
            self.judged = self.judge(sum(self.group) / len(self.group))
            self.group = []
        return self.judged

    @abstractmethod
    def judge(self, value: float) -> float: ...

    def sums(self, z: float) -> float:
        """Of what lies above and below the slack since either was last zero; held at twice the limit."""
        slack, limit = self.said["slack_sigmas"], self.said["limit_sigmas"]
        self.up = min(max(0.0, self.up + z - slack), 2 * limit)
        self.down = min(max(0.0, self.down - z - slack), 2 * limit)
        return max(self.up, self.down) / limit


class EwmaWatch(ChartWatch):
    def judge(self, value: float) -> float:
        weight = self.said["weight"]
        self.up = (1 - weight) * self.up + weight * self.usual.sigmas(value)
        self.usual.learn(value)
        return abs(self.up) / (self.said["width_sigmas"] * math.sqrt(weight / (2 - weight)))


class CusumWatch(ChartWatch):
    def judge(self, value: float) -> float:
        ratio = self.sums(self.usual.sigmas(value))
        self.usual.learn(value)
        return ratio


class PageHinkleyWatch(ChartWatch):
    def judge(self, value: float) -> float:
        self.usual.learn(value)
        return self.sums(self.usual.sigmas(value))


class TailWatch(ChartWatch):
    def judge(self, value: float) -> float:
        weight = 2 / (self.said["short_n"] + 1)
        self.up = (1 - weight) * self.up + weight * self.usual.sigmas(value)
        self.usual.learn(value)
        tail = math.erfc(abs(self.up) / math.sqrt(weight / (2 - weight)) / math.sqrt(2))
        return (-math.log10(tail) if tail > 1e-300 else 300.0) / self.said["tail_exponent"]


class TrendWatch(LearningWatch):
    """When the weighted line through what was seen lately reaches `limit`, against `horizon_s`.

    The line is fitted to the points themselves, each as it was pulled towards the line of those before it; its time is
    what has passed since the first. A long pause begins it anew. Cleared by one that was followed for `over_s`, or by
    the first value after such a pause.
    """

    passing: Passing | None = None

    def __init__(self, alarm: Learnt) -> None:
        super().__init__(alarm)
        self.points: list[tuple[float, float]] = []
        self.n, self.variance = 0, 0.0

    def ratio(self, seen: Seen) -> float:
        over_s = self.said["over_s"]
        passed_s = self.passing.to(seen) if self.passing else math.inf
        if self.passing is None or passed_s > FORGOTTEN * over_s:
            paused_s = 0.0 if self.passing is None else passed_s
            self.passing, self.n, self.variance = Passing.since(seen, over_s), 0, 0.0
            self.passing.total_s, self.points = paused_s, [(paused_s, seen.value)]
        elif passed_s > 0:
            self._add(self.passing.total_s, seen.value)
        return self._nearness()

    @property
    def may_clear(self) -> bool:
        is_full = self.passing is not None and self.passing.total_s >= self.said["over_s"]
        return is_full and (self.n == 0 or self.n >= FEWEST_OF_A_TREND)

    def _add(self, now_s: float, value: float) -> None:
        over_s = self.said["over_s"]
        faded = math.exp(-(now_s - self.points[-1][0]) / over_s)
        self.points = [point for point in self.points if now_s - point[0] < FADED * over_s]
        level = self._line(now_s)[0]
        error, self.n = value - level, self.n + 1
        most = PULLED_SIGMAS * math.sqrt(self.variance) if self.n > FEWEST_OF_A_TREND and self.variance else math.inf
        pulled = max(-most, min(most, error))
        self.variance += max(1 - faded, 1 / self.n) * (pulled * pulled - self.variance)
        self.points.append((now_s, level + pulled))

    def _line(self, now_s: float) -> tuple[float, float, float]:
        """Level now, slope a second, and the weighted sum of squares of the times around their mean."""
        weights = [math.exp((at_s - now_s) / self.said["over_s"]) for at_s, _ in self.points]
        times, values = ([point[k] for point in self.points] for k in (0, 1))
        middle, mean = fmean(times, weights), fmean(values, weights)
        around = sum(w * (t - middle) ** 2 for w, t in zip(weights, times, strict=True))
        if around <= 1e-12 * sum(weights):
            return mean, 0.0, 0.0
        both = sum(w * (t - middle) * (v - mean) for w, t, v in zip(weights, times, values, strict=True))
        return mean + both / around * (now_s - middle), both / around, around

    def _nearness(self) -> float:
        level, slope, around = self._line(self.points[-1][0])
        side = 1 if self.said["is_high"] else -1
        way, towards = side * (self.said["limit"] - level), side * slope
        if way <= 0:
            return self.said["horizon_s"]
        margin = self.said["sigmas"] * math.sqrt(self.variance / around) if around > 0 else math.inf
        if self.n < FEWEST_OF_A_TREND or towards <= margin:
            return 0.0
        return self.said["horizon_s"] * towards / way


def _share(part: float, whole: float) -> float:
    """`part` / `whole`; of nothing at all it is as large as anything is counted."""
    return part / whole if whole > 0 else (1e3 if part > 0 else 0.0)


# By kind, who watches and which parameters it takes, with their defaults; None: it has to be said.
_OF_CHARTS: Final = {"group_n": 1.0, "memory_n": 1000.0}
KINDS: Final[Mapping[str, tuple[type[LearningWatch], Mapping[str, float | None]]]] = {
    "clock": (ClockWatch, {"limit_s": 30.0}),
    "rate": (RateWatch, {"limit_per_s": None, "over_s": 10.0}),
    "spike": (SpikeWatch, {"width": 8.0, "memory_n": 200.0}),
    "ewma": (EwmaWatch, {**_OF_CHARTS, "weight": 0.1, "width_sigmas": 2.814}),
    "cusum": (CusumWatch, {**_OF_CHARTS, "slack_sigmas": 0.5, "limit_sigmas": 5.0}),
    "page_hinkley": (PageHinkleyWatch, {**_OF_CHARTS, "slack_sigmas": 0.2, "limit_sigmas": 12.0}),
    "gaussian_tail": (TailWatch, {**_OF_CHARTS, "short_n": 10.0, "tail_exponent": 5.0}),
    "time_to_limit": (
        TrendWatch,
        {"limit": None, "is_high": 1.0, "horizon_s": 900.0, "over_s": 120.0, "sigmas": 2.33},
    ),
}
