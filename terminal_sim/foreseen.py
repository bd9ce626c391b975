"""What a gateway with certain rules must say, worked out apart from the gateway: half of the truth of a scenario.

Here limits, and values that stand still or leave their range; rules that judge by time or that learn: `learning`; rules
over several sensors: `several`.
"""

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple, Self

Point = tuple[str, str]  # equipment, tag


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen(ABC):
    """One alarm that a rule may raise. Times in seconds, values in the unit of the tag.

    `inputs`: what it judges, in its order, if that is not the tag at which its alarm stands.
    """

    rule: str
    equipment: str
    tag: str
    alarm_type: str
    severity: str
    inputs: tuple[Point, ...] = ()

    @property
    def points(self) -> tuple[Point, ...]:
        """What it judges."""
        return self.inputs or ((self.equipment, self.tag),)

    @property
    def is_by_gateways_clock(self) -> bool:
        """Whether its alarms are of the moment in which the gateway hears, whatever stamps say."""
        return False

    @abstractmethod
    def watch(self) -> "Watch": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Foreseen):
    """One level of one rule; it clears beyond `clear`, or without one beyond the deadband."""

    side: int
    value: float
    clear: float | None = None
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0

    @property
    def clears_at(self) -> float:
        return self.value - self.side * self.deadband if self.clear is None else self.clear

    def watch(self) -> "Watch":
        return LimitWatch(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged(Foreseen):
    """By a share of a limit: cleared below `clear_frac` of it, once that has been so for `hold_s`."""

    clear_frac: float = 0.8
    hold_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Still(Judged):
    """The value has stood within `tolerance` for `for_s`."""

    for_s: float = 600.0
    tolerance: float = 0.0

    def watch(self) -> "Watch":
        return StillWatch(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Judged):
    """The value is not from `lowest` to `highest`; it is at half the limit where it is just inside."""

    lowest: float
    highest: float

    def watch(self) -> "Watch":
        return RangeWatch(self)


@dataclass(slots=True)
class Span:
    """Stamps, from the scenario's start; `left` and `cleared` are None while the alarm stands.

    `true_from_s` and `true_to_s`: when it was raised and cleared by a right clock, in seconds of the scenario.
    `support`: how many sensors stood behind it when it was raised, of how many.
    """

    passed: timedelta
    raised: timedelta
    true_from_s: float
    support: tuple[int, int] | None = None
    left: timedelta | None = None
    cleared: timedelta | None = None
    true_to_s: float = math.inf


class Seen(NamedTuple):
    """A value as it came. `stamp` by the terminal's clock, `heard` by the gateway's, both from the scenario's start.

    One that is not sure clears nothing; `source` counts the rule's inputs.
    """

    stamp: timedelta
    value: float
    is_sure: bool
    heard: timedelta
    source: int = 0

    @property
    def stamp_s(self) -> float:
        return self.stamp.total_seconds()

    @property
    def heard_s(self) -> float:
        return self.heard.total_seconds()


@dataclass(slots=True)
class Passing:
    """How long it was between values. One that is not newer than the newest says nothing of it and is passed over.

    But once only such came for `patience_s`, the clock is wrong: until it goes on, it was as long as the gateway says,
    and no longer than that to the value with which it goes on.
    """

    patience_s: float
    newest_s: float
    heard_s: float
    old_since_s: float | None = None
    total_s: float = 0.0

    @classmethod
    def since(cls, seen: Seen, patience_s: float) -> Self:
        return cls(patience_s, seen.stamp_s, seen.heard_s)

    def to(self, seen: Seen) -> float:
        """From the newest value to this one; 0 where it is passed over."""
        passed_s, now_s = seen.stamp_s - self.newest_s, seen.heard_s
        goes_on, old_since_s = passed_s > 0, self.old_since_s
        if old_since_s is not None and abs(now_s - old_since_s) >= self.patience_s:
            heard_for_s = now_s - self.heard_s if now_s >= self.heard_s else self.patience_s
            passed_s = min(passed_s, heard_for_s) if goes_on else heard_for_s
        elif not goes_on:
            self.old_since_s = now_s if old_since_s is None else old_since_s
            return 0.0
        self.old_since_s = None if goes_on else old_since_s
        self.newest_s, self.heard_s = seen.stamp_s, now_s
        self.total_s += passed_s
        return passed_s


class Watch(ABC):
    """One alarm over its series, in the order of arrival."""

    def __init__(self, alarm: Foreseen) -> None:
        self.alarm = alarm
        self.spans: list[Span] = []

    @property
    def standing(self) -> Span | None:
        return self.spans[-1] if self.spans and self.spans[-1].cleared is None else None

    @abstractmethod
    def see(self, at_s: float, seen: "Seen") -> None:
        """`at_s`: the scenario's second that it is about, by a right clock."""

    def end(self, at_s: float, now: timedelta) -> None:  # noqa: B027 (to most of them it says nothing)
        """The scenario is over."""


class LimitWatch(Watch):
    """A delay is over by the stamps, or by when values were heard where the stamp is not newer than the last."""

    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit = limit
        self._first: Seen | None = None  # that wanted the change: the least of stamps and of times when it was heard
        self._last: timedelta | None = None

    def see(self, at_s: float, seen: Seen) -> None:
        standing, stamp = self.standing, seen.stamp
        side, value = self.limit.side, seen.value
        if standing is None:
            wants_change = side * value >= side * self.limit.value
        else:
            wants_change = side * value < side * self.limit.clears_at and seen.is_sure
        if not wants_change:
            self._first = None
            return
        first, last = self._first or seen, self._last if self._first else None
        first = first._replace(stamp=min(first.stamp, stamp), heard=min(first.heard, seen.heard))
        self._first, self._last = first, stamp
        delay_s = self.limit.on_delay_s if standing is None else self.limit.off_delay_s
        is_newer = last is None or stamp > last
        waited = stamp - first.stamp if is_newer else max(stamp - first.stamp, seen.heard - first.heard)
        if waited < timedelta(seconds=delay_s):
            return
        if standing is None:
            self.spans.append(Span(first.stamp, stamp, at_s))
        else:
            standing.left, standing.cleared, standing.true_to_s = first.stamp, stamp, at_s
        self._first = None


class HealthWatch(Watch):
    """Raised at once when the sensor is ill, cleared once it was well for longer than `hold_s`."""

    def __init__(self, alarm: Judged) -> None:
        super().__init__(alarm)
        self._clear_frac, self._hold_s = alarm.clear_frac, alarm.hold_s
        self._ill: timedelta | None = None

    @property
    def least(self) -> float:
        """The share of the limit from which it is ill."""
        return self._clear_frac if self.standing else 1.0

    @property
    def may_clear(self) -> bool:
        """Whether it has seen enough for that."""
        return True

    @abstractmethod
    def is_ill(self, seen: Seen) -> bool: ...

    def see(self, at_s: float, seen: Seen) -> None:
        standing, stamp = self.standing, seen.stamp
        if self.is_ill(seen):
            self._ill = stamp
            if standing is None:
                self.spans.append(Span(stamp, stamp, at_s))
        elif standing is not None and seen.is_sure and self.may_clear and not self._is_held(stamp):
            standing.left = standing.cleared = stamp
            standing.true_to_s = at_s

    def _is_held(self, stamp: timedelta) -> bool:
        """A clock that went back holds nothing."""
        return self._ill is not None and timedelta(0) <= stamp - self._ill < timedelta(seconds=self._hold_s)


class StillWatch(HealthWatch):
    def __init__(self, still: Still) -> None:
        super().__init__(still)
        self.still = still
        self._rest: tuple[Passing, float] | None = None

    def is_ill(self, seen: Seen) -> bool:
        if self._rest is None or abs(seen.value - self._rest[1]) > self.still.tolerance:
            self._rest = Passing.since(seen, self.still.for_s), seen.value
        else:
            self._rest[0].to(seen)
        return self._rest[0].total_s >= self.still.for_s * self.least


class RangeWatch(HealthWatch):
    def __init__(self, range_: Range) -> None:
        super().__init__(range_)
        self.range = range_

    def is_ill(self, seen: Seen) -> bool:
        lowest, highest = self.range.lowest, self.range.highest
        is_inside = lowest <= seen.value <= highest
        return not is_inside or abs(seen.value - (lowest + highest) / 2) / (highest - lowest) >= self.least
