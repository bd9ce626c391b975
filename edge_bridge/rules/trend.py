"""How fast a value moves, and when it will be at a limit, while there is still time to act.

Time is that of the stamps, so that what was held on its way makes the same trend. What is not newer than the newest is
passed over. If nothing newer comes for `over_s` by the gateway's clock, the sensor's is wrong, and the gateway's clock
counts (`elapsed`).
"""

import math
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules import elapsed
from edge_bridge.rules.detector import Sample, State, positive, within
from edge_bridge.rules.thresholds import RuleError

FEWEST = 5  # samples before a trend is believed
FORGOTTEN = 20.0  # times over_s without a sample, and the trend begins anew
MAX_CLAUSE_CHARS = 125  # a reference of 100, and behind it that nobody verified it
OUTLIER_SIGMAS = 3.0  # a sample further off pulls no harder than this (Huber's clipping)


class Trend(elapsed.Counting):
    """It clears nothing before `over_s` has elapsed."""

    over_s: float  # becomes a field where it is said again

    def may_clear(self, memory: State, now_s: float) -> bool:
        counted_s: float = memory[0][3]
        return counted_s >= self.over_s

    def memory_as_now_kept(self, memory: State) -> State:
        return elapsed.as_now_kept(memory[0], self.over_s), *memory[1:]


@dataclass(frozen=True, kw_only=True)
class Rate(Trend):
    """Change per second, smoothed over `over_s`, beyond `limit_per_s` in either direction."""

    purpose: ClassVar[str] = "the value changes faster than limit_per_s"

    limit_per_s: float
    over_s: float = 10.0

    def check(self) -> None:
        positive(self, "limit_per_s", "over_s")

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        if not memory:
            return (elapsed.begun(sample), sample.value, 0.0), 0.0
        before, value, rate = memory
        now, dt_s = elapsed.counted_on(before, sample, self.over_s)
        if dt_s == 0:
            return (now, value, rate), abs(rate) / self.limit_per_s
        share = -math.expm1(-dt_s / self.over_s)
        rate += share * ((sample.value - value) / dt_s - rate)
        return (now, sample.value, rate), abs(rate) / self.limit_per_s

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        return self.limit_per_s, f"changes by {memory[2] * 60:.3g} a minute; {self.limit_per_s * 60:.3g} is allowed"


@dataclass(frozen=True, kw_only=True)
class TimeToLimit(Trend):
    """The trend of the last `over_s` reaches `limit` within `horizon_s`, with the asked confidence.

    A straight line by least squares whose weights fade with exp(-age / over_s), in running sums, so that uneven
    sampling is no matter. A sample far from the line is pulled in first; the spread is that of the one-step errors.
    `sigmas` is how many standard errors the slope must be away from zero: 2.33 is 99 % on one side.
    """

    purpose: ClassVar[str] = "the trend reaches `limit` within horizon_s; names the clause"
    words: ClassVar[tuple[str, ...]] = ("unit", "clause")

    limit: float
    is_high: bool = True
    horizon_s: float = 900.0
    over_s: float = 120.0
    sigmas: float = 2.33
    unit: str = ""
    clause: str = ""

    def check(self) -> None:
        positive(self, "horizon_s", "over_s", "sigmas")
        for name, most in (("unit", 50), ("clause", MAX_CLAUSE_CHARS)):
            if len(getattr(self, name)) > most or not getattr(self, name).isprintable():
                raise RuleError(name, f"must be printable text of at most {most} characters")
        within("horizon_s", self.horizon_s, self.over_s / 10, 30 * 86400)

    def may_clear(self, memory: State, now_s: float) -> bool:
        """Also by the first value after so long a pause that what was foreseen before is over."""
        return (memory[2] == 0 or memory[2] >= FEWEST) and super().may_clear(memory, now_s)

    def _begun(self, now: elapsed.Elapsed, sample: Sample) -> tuple[State, float]:
        memory = (now, sample.value, 0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        return memory, self._ratio(memory)

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        if not memory:
            return self._begun(elapsed.begun(sample), sample)
        before, origin, n, s0, s1, s2, sy, sty, variance = memory
        now, dt_s = elapsed.counted_on(before, sample, self.over_s)
        if dt_s > FORGOTTEN * self.over_s:
            return self._begun(elapsed.begun(sample, dt_s), sample)
        if dt_s == 0:
            return (now, *memory[1:]), self._ratio(memory)
        fade = math.exp(-dt_s / self.over_s)
        # Ages count from the newest sample, so the sums are moved by dt_s before it is added.
        s2 = fade * (s2 - 2 * dt_s * s1 + dt_s * dt_s * s0)
        sty, s1, s0, sy = fade * (sty - dt_s * sy), fade * (s1 - dt_s * s0), fade * s0, fade * sy
        level, _ = _line(s0, s1, s2, sy, sty)
        error, n = sample.value - origin - level, n + 1
        most = OUTLIER_SIGMAS * math.sqrt(variance) if n > FEWEST else math.inf
        pulled = error if -most <= error <= most or variance == 0 else math.copysign(most, error)
        variance += max(1 - fade, 1 / n) * (pulled * pulled - variance)
        memory = (now, origin, n, s0 + 1, s1, s2, sy + level + pulled, sty, variance)
        return memory, self._ratio(memory)

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        eta_s, soonest_s, latest_s = self.eta_s(memory)
        limit = f"{self.limit:g} {self.unit}".strip()
        clause = f", {self.clause}" if self.clause else ""
        if math.isinf(eta_s):
            return self.limit, f"no longer heads for {limit}{clause}"
        if eta_s == 0:
            return self.limit, f"is at {limit}{clause}"
        return self.limit, f"reaches {limit} in {_time(eta_s)} ({_time(soonest_s)} to {_time(latest_s)}){clause}"

    def eta_s(self, memory: State) -> tuple[float, float, float]:
        """Seconds until the limit: expected, soonest and latest at the asked confidence; inf: not on this trend."""
        _, origin, n, s0, s1, s2, sy, sty, variance = memory
        level, slope = _line(s0, s1, s2, sy, sty)
        way = self.limit - origin - level if self.is_high else origin + level - self.limit
        if way <= 0:
            return 0.0, 0.0, 0.0
        towards = slope if self.is_high else -slope
        spread = s0 * s2 - s1 * s1
        margin = self.sigmas * math.sqrt(variance * s0 / spread) if spread > 0 else math.inf
        if n < FEWEST or towards <= margin:
            return math.inf, math.inf, math.inf
        return way / towards, way / (towards + margin), way / (towards - margin)

    def _ratio(self, memory: State) -> float:
        eta_s, _, _ = self.eta_s(memory)
        return self.horizon_s / eta_s if eta_s > 0 else self.horizon_s


def _line(s0: float, s1: float, s2: float, sy: float, sty: float) -> tuple[float, float]:
    """Level at age 0 and slope per second of the weighted line."""
    spread = s0 * s2 - s1 * s1
    slope = (s0 * sty - s1 * sy) / spread if spread > 1e-12 * s0 * s0 else 0.0
    return (sy - slope * s1) / s0, slope


def _time(seconds: float) -> str:
    return (
        f"{seconds:.0f} s"
        if seconds < 90
        else f"{seconds / 60:.0f} min"
        if seconds < 7200
        else f"{seconds / 3600:.1f} h"
    )
