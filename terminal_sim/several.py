"""Rules over several sensors, foreseen: who has a voice at a moment of the gateway's clock, and what the voices say.

Terminals are heard in the order of the scenario. Where a gateway hears those of one moment in another order, an alarm
comes a step earlier or later, that of twins by some steps, as they are smoothed; and one that stands for no longer than
a step may stay away.
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from terminal_sim.foreseen import Seen, Watch
from terminal_sim.learning import LearningWatch, Learnt, Usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Together(Learnt):
    """Of the `inputs`; `settings` as those of one series."""

    @property
    def is_by_gateways_clock(self) -> bool:
        return True

    def watch(self) -> Watch:
        return KINDS[self.kind][0](self)


@dataclass(slots=True)
class Input:
    """What one sensor said last that counted, and what came since then that had been held on its way.

    Held is what is older than the last that counted, or came more than `fresh_s` later than that did. It counts as well
    once such values have come for `fresh_s`: the clock was put. A backlog is no such clock: it catches up by half of
    `fresh_s`, or comes out of another silence, later by as much; then the time is counted from there. But if its stamp
    is not newer than the first of them, the clock stands still.
    """

    fresh_s: float
    heard_s: float = -math.inf
    stamp_s: float = -math.inf
    late_s: float = 0.0
    value: float | None = None
    sure_value: float | None = None
    held: list[tuple[float, float]] = field(default_factory=list)  # when each was heard, and its stamp

    def hear(self, seen: Seen) -> bool:
        """Whether it counts. An uncertain value counts, and says nothing."""
        now_s, late_s = seen.heard_s, seen.heard_s - seen.stamp_s
        if seen.stamp_s < self.stamp_s or late_s - self.late_s > self.fresh_s:
            if self.held and self._is_another(now_s, seen.stamp_s):
                self.held = []
            self.held.append((now_s, seen.stamp_s))
            if now_s - self.held[0][0] < self.fresh_s:
                return False
        else:
            self.held = []
        self.heard_s, self.stamp_s, self.late_s = now_s, seen.stamp_s, late_s
        self.value = seen.value if seen.is_sure else None
        self.sure_value = seen.value if seen.is_sure else self.sure_value
        return True

    def _is_another(self, now_s: float, stamp_s: float) -> bool:
        (first_s, first_stamp_s), (last_s, _) = self.held[0], self.held[-1]
        grown_s = (now_s - stamp_s) - (first_s - first_stamp_s)
        is_after_silence = now_s - last_s > self.fresh_s and stamp_s > first_stamp_s
        return grown_s < -self.fresh_s / 2 or (grown_s > self.fresh_s / 2 and is_after_silence)

    def speaks(self, now_s: float) -> bool:
        return self.value is not None and now_s - self.heard_s <= self.fresh_s

    def is_held(self, now_s: float) -> bool:
        return bool(self.held) and self.heard_s < self.held[-1][0] and now_s - self.held[-1][0] <= self.fresh_s


class TogetherWatch(LearningWatch):
    """While somebody without a voice may yet speak, nothing is cleared."""

    begun_s: float | None = None

    def __init__(self, alarm: Together) -> None:
        super().__init__(alarm)
        self.inputs = [Input(self.said["fresh_s"]) for _ in alarm.inputs]
        self.now_s = 0.0

    def see(self, at_s: float, seen: Seen) -> None:
        self.now_s = seen.heard_s
        self.begun_s = self.now_s if self.begun_s is None else self.begun_s
        counts, before = self.inputs[seen.source].hear(seen), len(self.spans)
        self.learn(seen, counts)
        super().see(at_s, seen._replace(stamp=seen.heard))
        if len(self.spans) > before:
            self.spans[-1].support = self.support()

    @property
    def voices(self) -> list[float]:
        return [each.value for each in self.inputs if each.value is not None and each.speaks(self.now_s)]

    @property
    def may_clear(self) -> bool:
        return not self.awaited

    @property
    def awaited(self) -> int:
        """How many are mute and may yet speak: anybody until all had time to, and who is heard with what was held."""
        is_new = self.begun_s is not None and self.now_s - self.begun_s <= self.said["fresh_s"]
        mute = (each for each in self.inputs if not each.speaks(self.now_s))
        return sum(is_new or each.is_held(self.now_s) for each in mute)

    def needed(self, n: float) -> float:
        """`n`, or all that are left."""
        return min(n, len(self.voices) + self.awaited)

    def learn(self, seen: Seen, counts: bool) -> None:
        """What is more than the present voices."""

    @abstractmethod
    def support(self) -> tuple[int, int]:
        """How many stand behind the alarm, of how many."""


class MajorityWatch(TogetherWatch):
    """Nobody clears it by silence or doubt: most of all must speak, now or since it was last beyond, and now all whose
    last sure value was beyond."""

    @property
    def may_clear(self) -> bool:
        mute = [each.sure_value for each in self.inputs if not each.speaks(self.now_s)]
        return 2 * len(self.agreed) > len(self.inputs) and not self.n_beyond(mute) and super().may_clear

    @property
    def agreed(self) -> list[float]:
        """What was said, now or since it was last beyond."""
        ill_s = math.inf if self._ill is None else self._ill.total_seconds()
        told = (each for each in self.inputs if each.speaks(self.now_s) or each.heard_s > ill_s)
        return [each.value for each in told if each.value is not None]

    def n_beyond(self, values: Iterable[float | None]) -> int:
        side = 1 if self.said["is_high"] else -1
        return sum(value is not None and side * value >= side * self.said["limit"] for value in values)


class VoteWatch(MajorityWatch):
    """Enough of them are at or beyond the limit."""

    def ratio(self, seen: Seen) -> float:
        needed = self.needed(self.said["k"])
        return self.support()[0] / needed if needed else 0.0

    def support(self) -> tuple[int, int]:
        return self.n_beyond(self.voices), len(self.voices)


class TwinWatch(TogetherWatch):
    """What the first shows more than the second, smoothed from one moment with both voices to the next.

    Cleared once they were compared for `over_s`.
    """

    off, off_s = 0.0, -math.inf

    def learn(self, seen: Seen, counts: bool) -> None:
        if counts and len(self.voices) == 2:
            one, other = self.voices
            kept = math.exp(-(self.now_s - self.off_s) / self.said["over_s"])
            self.off, self.off_s = kept * self.off + (1 - kept) * (one - other), self.now_s

    @property
    def may_clear(self) -> bool:
        return self.begun_s is not None and self.off_s - self.begun_s >= self.said["over_s"] and super().may_clear

    def ratio(self, seen: Seen) -> float:
        return abs(self.off) / self.said["tolerance"]

    def support(self) -> tuple[int, int]:
        return len(self.voices), 2


class FusionWatch(MajorityWatch):
    """The mean of those within three sigmas of the median, if they are most of all sensors; else nothing clears."""

    @property
    def agreed(self) -> list[float]:
        return self.near(super().agreed)

    def near(self, values: Sequence[float]) -> list[float]:
        """Those close to the one in the middle."""
        middle = median(values) if values else 0.0
        return [value for value in values if abs(value - middle) <= 3 * self.said["sigma"]]

    def ratio(self, seen: Seen) -> float:
        agreed = self.near(self.voices)
        if not agreed or len(agreed) < self.needed(len(self.inputs) // 2 + 1):
            return 0.0
        together, limit = sum(agreed) / len(agreed), self.said["limit"]
        beyond = (together - limit) / abs(limit)
        return max(1 + (beyond if self.said["is_high"] else -beyond), 0.0)

    def support(self) -> tuple[int, int]:
        return len(self.near(self.voices)), len(self.inputs)


class NeighboursWatch(TogetherWatch):
    """How far the first is from its own usual; those behind it are as far from theirs as counts, on the same side."""

    def __init__(self, alarm: Together) -> None:
        super().__init__(alarm)
        self.usual = [Usual(self.said["memory_n"]) for _ in self.inputs]
        self.off = [0.0] * len(self.inputs)

    def learn(self, seen: Seen, counts: bool) -> None:
        if counts and seen.is_sure:
            usual, n = self.usual[seen.source], max(self.said["smooth_n"], 1)
            self.off[seen.source] += (usual.sigmas(seen.value) - self.off[seen.source]) / n
            usual.learn(seen.value)

    def ratio(self, seen: Seen) -> float:
        return abs(self.off[0]) / self.said["width_sigmas"]

    def support(self) -> tuple[int, int]:
        others = zip(self.inputs[1:], self.off[1:], strict=True)
        sided = [math.copysign(1, self.off[0]) * off for each, off in others if each.speaks(self.now_s)]
        return sum(off >= self.said["support_sigmas"] for off in sided), len(sided)


_OF_ALL: Final = {"fresh_s": 60.0}
_OF_A_LIMIT: Final = {**_OF_ALL, "limit": None, "is_high": 1.0}
KINDS: Final[Mapping[str, tuple[Callable[[Together], TogetherWatch], Mapping[str, float | None]]]] = {
    "vote": (VoteWatch, {**_OF_A_LIMIT, "k": 2.0}),
    "twin": (TwinWatch, {**_OF_ALL, "tolerance": None, "over_s": 60.0}),
    "fusion": (FusionWatch, {**_OF_A_LIMIT, "sigma": None}),
    "neighbours": (
        NeighboursWatch,
        {**_OF_ALL, "width_sigmas": 5.0, "support_sigmas": 2.0, "memory_n": 1000.0, "smooth_n": 5.0},
    ),
}
