"""Is the sensor itself well? A sensor that is stuck, mad, silent or of the wrong time says nothing of the mine."""

from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.rules import elapsed
from edge_bridge.rules.detector import Judged, Measuring, Sample, State, not_negative, positive, within
from edge_bridge.rules.thresholds import RuleError

FEWEST = 10  # distances of samples before a usual one is believed


@dataclass(frozen=True, kw_only=True)
class Stuck(elapsed.Counting):
    """The value has not left `tolerance` around where it came to rest for `for_s`.

    The memory: what has elapsed since, where it rests, and whether it was seen to move there; only moving clears.
    """

    purpose: ClassVar[str] = "the value stands still for for_s, as no real measurement does"

    for_s: float = 600.0
    tolerance: float = 0.0

    def check(self) -> None:
        positive(self, "for_s")
        not_negative(self, "tolerance")

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        if not memory or abs(sample.value - memory[1]) > self.tolerance:
            return (elapsed.begun(sample), sample.value, bool(memory)), 0.0
        now, _ = elapsed.counted_on(memory[0], sample, self.for_s)
        return (now, *memory[1:]), now[3] / self.for_s

    def may_clear(self, memory: State, now_s: float) -> bool:
        return bool(memory[2])

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        return memory[1], f"has stood at {memory[1]:g} for {memory[0][3]:.0f} s"

    def memory_as_now_kept(self, memory: State) -> State:
        return elapsed.as_now_kept(memory[0], 0.0), memory[1], False


@dataclass(frozen=True, kw_only=True)
class Spike(Measuring):
    """One sample is `width` times further from the median of the last five than they usually are."""

    purpose: ClassVar[str] = "a single sample jumps away and comes back"
    claims_invariance: ClassVar[bool] = True

    width: float = 8.0
    memory_n: int = 200

    def check(self) -> None:
        positive(self, "width")
        within("memory_n", self.memory_n, 10, 1_000_000)

    def empty(self) -> State:
        return (), 0, 0.0

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        last, n, usual = memory
        if len(last) < 5:
            return ((*last, sample.value), n, usual), 0.0
        distance = abs(sample.value - sorted(last)[2])
        known = n >= FEWEST and distance > 0
        ratio = min(distance / (self.width * usual), 1e3) if known and usual > 0 else 1e3 if known else 0.0
        pulled = min(distance, 3 * usual) if n >= FEWEST and usual > 0 else distance
        n = min(n + 1, self.memory_n)
        return ((*last[1:], sample.value), n, usual + (pulled - usual) / n), ratio

    def may_clear(self, memory: State, now_s: float) -> bool:
        return bool(memory[1] >= FEWEST)

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        middle = sorted(memory[0])[2]
        return middle, f"spikes to {sample.value:.4g} from about {middle:.4g}, where {memory[2]:.2g} is usual"


@dataclass(frozen=True, kw_only=True)
class OutOfRange(Measuring):
    """Outside what the instrument can measure, or what nature allows."""

    purpose: ClassVar[str] = "the value is outside what the instrument can measure"

    lowest: float
    highest: float

    def check(self) -> None:
        if not self.lowest < self.highest:
            raise RuleError("highest", "must be above lowest")

    def empty(self) -> State:
        return ()

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        half = (self.highest - self.lowest) / 2
        off = abs(sample.value - self.lowest - half) / half
        return memory, off if off > 1 else min(off, 1.0) * 0.5

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        limit = self.lowest if sample.value < (self.lowest + self.highest) / 2 else self.highest
        return limit, f"is to be within {self.lowest:g} to {self.highest:g}"


@dataclass(frozen=True, kw_only=True)
class Silence(Measuring):
    """Nothing has come for `for_s` by the gateway's clock; the next sample clears it, sure or not."""

    purpose: ClassVar[str] = "nothing comes for for_s; judged when time passes, not when samples come"
    is_by_gateways_clock: ClassVar[bool] = True

    for_s: float = 60.0

    def check(self) -> None:
        positive(self, "for_s")

    def empty(self) -> State:
        return ()

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        return (sample.heard_s, sample.value), 0.0

    def step(self, state: State, sample: Sample) -> Judged:
        return super().step(state, sample._replace(at_s=sample.heard_s, is_sure=True))

    def tick(self, state: State, now_s: float) -> Judged:
        if not state[2]:
            return state, 0.0, None
        last_s, value = state[2]
        return self.judged(state, state[2], max(now_s - last_s, 0.0) / self.for_s, Sample(now_s, value))

    def clock_was_put(self, state: State, by_s: float) -> State:
        is_raised, over_s, memory = state
        return self._heard((is_raised, over_s + by_s, memory), memory[0] + by_s) if memory else state

    def begun_again(self, state: State, now_s: float) -> State:
        return self._heard(state, now_s) if state[2] and not self.is_raised(state) else state

    @staticmethod
    def _heard(state: State, at_s: float) -> State:
        is_raised, over_s, (_, value) = state
        return is_raised, over_s, (at_s, value)

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        quiet_s = sample.at_s - memory[0]
        return self.for_s, f"has been silent for {quiet_s:.0f} s" if quiet_s > 0 else "speaks again"


@dataclass(frozen=True, kw_only=True)
class Clock(Measuring):
    """The terminal's clock is `limit_s` from the gateway's, or goes back by that much between two samples."""

    purpose: ClassVar[str] = "the sensor's clock is wrong or jumps back"

    limit_s: float = 30.0

    def check(self) -> None:
        positive(self, "limit_s")

    def empty(self) -> State:
        return ()

    def measure(self, memory: State, sample: Sample) -> tuple[State, float]:
        off_s = sample.at_s - sample.heard_s
        back_s = memory[0] - sample.at_s if memory else 0.0
        return (sample.at_s, off_s, back_s), max(abs(off_s), back_s) / self.limit_s

    def explain(self, memory: State, sample: Sample) -> tuple[float, str]:
        _, off_s, back_s = memory
        if back_s > abs(off_s):
            return self.limit_s, f"its clock went back by {back_s:.0f} s"
        return self.limit_s, f"its clock is {abs(off_s):.0f} s {'ahead' if off_s > 0 else 'behind'}"
