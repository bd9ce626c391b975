"""Control charts in units of the series' own spread, with the limits of their theory.

Mean and spread are learnt as the series goes: in full until `memory_n` samples, fading after. A sample far off pulls
the baseline no harder than OUTLIER_SIGMAS. Scores do not change when the series is scaled or shifted.
"""

import math
from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules.detector import Measuring, Sample, State, positive, within

OUTLIER_SIGMAS = 3.0
SIGMAS_MOST = 8.0  # of one sample: what a single wild one can do to a sum
FEWEST = 30  # samples before a spread is believed

Baseline = tuple[int, float, float]  # samples, mean, variance
NOTHING_YET: Baseline = (0, 0.0, 0.0)


def learnt(baseline: Baseline, value: float, memory_n: int) -> Baseline:
    n, mean, variance = baseline
    if n == 0:
        return 1, value, 0.0
    error = value - mean
    if n >= FEWEST and error * error > OUTLIER_SIGMAS**2 * variance > 0:
        error = math.copysign(OUTLIER_SIGMAS * math.sqrt(variance), error)
    share = 1 / (n + 1) if n < memory_n else 1 / memory_n
    # West's update (Comm. ACM 22, 1979): exact while n grows, exponentially weighted after.
    return n + 1 if n < memory_n else n, mean + share * error, (1 - share) * (variance + share * error * error)


def sigmas(baseline: Baseline, value: float) -> float:
    """How many spreads `value` is from the mean, -SIGMAS_MOST to SIGMAS_MOST; 0 until FEWEST samples."""
    n, mean, variance = baseline
    if n < FEWEST or value == mean:
        return 0.0
    if variance <= 0:
        return math.copysign(SIGMAS_MOST, value - mean)
    return max(-SIGMAS_MOST, min(SIGMAS_MOST, (value - mean) / math.sqrt(variance)))


@dataclass(frozen=True, kw_only=True)
class Chart(Measuring):
    """Judges the means of `group_n` samples each; `memory_n` of those make up the mean and the spread.

    The false-alarm rates of the theory hold for independent values. Samples a second apart are not: take group_n so
    large that a group outlasts what lingers.
    """

    claims_invariance: ClassVar[bool] = True

    group_n: int = 1
    memory_n: int = 1000

    def check(self) -> None:
        within("group_n", self.group_n, 1, 100_000)
        within("memory_n", self.memory_n, FEWEST, 1_000_000)

    @abstractmethod
    def begun(self) -> State:
        """What is judged by, before the first group: the baseline, then the chart's own."""

    @abstractmethod
    def judge(self, by: State, value: float) -> tuple[State, float]:
        """After the mean of one group."""

    def empty(self) -> State:
        return self.begun(), 0.0, 0, 0.0

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        by, total, n, ratio = memory
        total, n = total + sample.value, n + 1
        if n < self.group_n:
            return (by, total, n, ratio), ratio
        by, ratio = self.judge(by, total / n)
        return (by, 0.0, 0, ratio), ratio

    def may_clear(self, memory: State, now_s: float) -> bool:
        return bool(memory[0][0][0] >= FEWEST)

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        _, mean, variance = memory[0][0]
        return mean, f"departs from its usual {mean:.4g} ± {math.sqrt(variance):.3g}"


@dataclass(frozen=True, kw_only=True)
class Ewma(Chart):
    """Exponentially weighted mean; weight 0.1 and 2.814 spreads: one false alarm in 500 independent samples.

    Lucas and Saccucci, Technometrics 32 (1990), table 3.
    """

    purpose: ClassVar[str] = "the mean moves by about one spread; finds small lasting shifts"

    weight: float = 0.1
    width_sigmas: float = 2.814

    def check(self) -> None:
        super().check()
        within("weight", self.weight, 0.001, 1)
        positive(self, "width_sigmas")

    def begun(self) -> State:
        return NOTHING_YET, 0.0

    def judge(self, by: State, value: float) -> tuple[State, float]:
        baseline, mean = by
        mean += self.weight * (sigmas(baseline, value) - mean)
        width = self.width_sigmas * math.sqrt(self.weight / (2 - self.weight))
        return (learnt(baseline, value, self.memory_n), mean), abs(mean) / width


@dataclass(frozen=True, kw_only=True)
class Cusum(Chart):
    """Two-sided cumulative sum; slack 0.5 and 5 spreads: one false alarm in 465 independent samples.

    Montgomery, Introduction to Statistical Quality Control, ch. 9. After it cleared, the sums begin anew.
    """

    purpose: ClassVar[str] = "the mean moves by one spread or more; the quickest for a given false-alarm rate"

    slack_sigmas: float = 0.5
    limit_sigmas: float = 5.0

    def check(self) -> None:
        super().check()
        positive(self, "slack_sigmas", "limit_sigmas")

    def begun(self) -> State:
        return NOTHING_YET, 0.0, 0.0

    def judge(self, by: State, value: float) -> tuple[State, float]:
        baseline, above, below = by
        z, most = sigmas(baseline, value), 2 * self.limit_sigmas
        above = min(max(above + z - self.slack_sigmas, 0.0), most)
        below = min(max(below - z - self.slack_sigmas, 0.0), most)
        ratio = max(above, below) / self.limit_sigmas
        return (learnt(baseline, value, self.memory_n), above, below), ratio


@dataclass(frozen=True, kw_only=True)
class PageHinkley(Chart):
    """Sum of departures from the running mean since its least (or greatest); Page, Biometrika 41 (1954); Hinkley.

    `slack_sigmas` 0.2 and `limit_sigmas` 12: by Siegmund's approximation one false alarm in about 1,170 samples.
    """

    purpose: ClassVar[str] = "the mean drifts slowly, by less than a spread"

    slack_sigmas: float = 0.2
    limit_sigmas: float = 12.0

    def check(self) -> None:
        super().check()
        positive(self, "slack_sigmas", "limit_sigmas")

    def begun(self) -> State:
        return NOTHING_YET, 0.0, 0.0

    def judge(self, by: State, value: float) -> tuple[State, float]:
        baseline, rise, fall = by
        # The mean is taken with the sample in it, which is what tells this chart from a cumulative sum.
        baseline = learnt(baseline, value, self.memory_n)
        z, most = sigmas(baseline, value), 2 * self.limit_sigmas
        rise = min(max(rise + z - self.slack_sigmas, 0.0), most)
        fall = min(max(fall - z - self.slack_sigmas, 0.0), most)
        return (baseline, rise, fall), max(rise, fall) / self.limit_sigmas


@dataclass(frozen=True, kw_only=True)
class GaussianTail(Chart):
    """The mean of the last `short_n` samples (exponentially weighted) as a tail of the normal distribution.

    `tail_exponent` 5: the alarm is raised at a two-sided probability of 1e-5.
    """

    purpose: ClassVar[str] = "a short run is improbable under the normal distribution of the long one"

    short_n: int = 10
    tail_exponent: float = 5.0

    def check(self) -> None:
        super().check()
        within("short_n", self.short_n, 1, self.memory_n)
        positive(self, "tail_exponent")

    def begun(self) -> State:
        return NOTHING_YET, 0.0

    def judge(self, by: State, value: float) -> tuple[State, float]:
        baseline, short = by
        weight = 2 / (self.short_n + 1)
        short += weight * (sigmas(baseline, value) - short)
        ratio = tail_exponent(short / math.sqrt(weight / (2 - weight))) / self.tail_exponent
        return (learnt(baseline, value, self.memory_n), short), ratio


def tail_exponent(z: float) -> float:
    """Minus log10 of the two-sided normal tail beyond `z`; 300 where it is too small to tell."""
    probability = math.erfc(abs(z) / math.sqrt(2))
    return -math.log10(probability) if probability > 1e-300 else 300.0
