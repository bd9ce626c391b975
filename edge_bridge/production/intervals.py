"""From samples of a machine's state to intervals that cover a span of time without gap or overlap. Pure.

Intervals are half-open, `begins_at` ≤ t < `ends_at`, aware UTC, and counted in whole microseconds: sums are exact.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final, NamedTuple, TypeVar

from edge_bridge.production.time_model import STATES_WITH_REASON, WORKING, Category, categorise
from edge_bridge.protocol.machine import MachineState, StopReason

# A gateway repeats a value that doesn't change each minute (`override_s`); after five without a word nothing is known.
HOLD: Final = timedelta(minutes=5)
Code = TypeVar("Code", MachineState, StopReason)


class Sample(NamedTuple):
    """`value` is None where the reading is bad: from there on nothing is known."""

    at: datetime
    value: float | None


class Run(NamedTuple):
    begins_at: datetime
    ends_at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A machine in one state; `state` is None where nothing is known. `stop_reason` only where the state has one."""

    begins_at: datetime
    ends_at: datetime
    state: MachineState | None
    stop_reason: StopReason = StopReason.NONE
    category: Category = Category.NO_DATA

    @property
    def duration(self) -> timedelta:
        return self.ends_at - self.begins_at

    @property
    def label(self) -> tuple[Category, MachineState | None, StopReason]:
        return self.category, self.state, self.stop_reason


@dataclass(frozen=True, slots=True)
class Correction:
    """What a person said of a span of a machine's time; None: what the readings say holds again."""

    begins_at: datetime
    ends_at: datetime
    category: Category | None


def intervals_of(
    states: Iterable[Sample], stop_reasons: Iterable[Sample], *, since: datetime, until: datetime
) -> list[Interval]:
    """Covers `since` to `until` exactly; samples may come in any order. Needs those from `since` less HOLD on."""
    first, second = list(held(states, since, until)), list(held(stop_reasons, since, until))
    return list(joined(_crossed(first, second)))


def held(samples: Iterable[Sample], since: datetime, until: datetime) -> Iterator[Run]:
    """Each value from its sample to the next, for HOLD at most; None in between. Covers the span exactly."""
    at = since
    for run in _spans(samples):
        begins_at, ends_at = max(run.begins_at, at), min(run.ends_at, until)
        if begins_at >= ends_at:
            continue
        if begins_at > at:
            yield Run(at, begins_at, None)
        yield Run(begins_at, ends_at, run.value)
        at = ends_at
    if at < until:
        yield Run(at, until, None)


def joined(intervals: Iterable[Interval]) -> Iterator[Interval]:
    """Neighbours that say the same become one."""
    last: Interval | None = None
    for one in intervals:
        if last is not None and last.ends_at == one.begins_at and last.label == one.label:
            last = replace(last, ends_at=one.ends_at)
            continue
        if last is not None:
            yield last
        last = one
    if last is not None:
        yield last


def clipped(intervals: Iterable[Interval], since: datetime, until: datetime) -> Iterator[Interval]:
    for one in intervals:
        begins_at, ends_at = max(one.begins_at, since), min(one.ends_at, until)
        if begins_at < ends_at:
            yield replace(one, begins_at=begins_at, ends_at=ends_at)


def filled(intervals: Iterable[Interval], since: datetime, until: datetime) -> Iterator[Interval]:
    """The span exactly: where no interval is, nothing is known."""
    at = since
    for one in clipped(intervals, since, until):
        if at < one.begins_at:
            yield Interval(at, one.begins_at, None)
        yield one
        at = one.ends_at
    if at < until:
        yield Interval(at, until, None)


def corrected(intervals: Sequence[Interval], corrections: Iterable[Correction]) -> list[Interval]:
    """The later correction holds. Work stays work: readings that come late outweigh what was said of their time."""
    found = list(intervals)
    for correction in corrections:
        found = list(_cut(found, correction.begins_at, correction.ends_at, _saying(correction.category)))
    return list(joined(found))


def scheduled(intervals: Iterable[Interval], shifts: Sequence[tuple[datetime, datetime]]) -> list[Interval]:
    """Standby and silence outside every shift are unscheduled. `shifts` are sorted and don't overlap."""
    found = list(intervals)
    if not found:
        return found
    edges = [found[0].begins_at, *(moment for shift in shifts for moment in shift), found[-1].ends_at]
    for begins_at, ends_at in zip(edges[::2], edges[1::2], strict=True):
        found = list(_cut(found, begins_at, ends_at, _off_shift))
    return list(joined(found))


def _saying(category: Category | None) -> Callable[[Interval], Interval]:
    def said(one: Interval) -> Interval:
        measured = categorise(one.state, one.stop_reason)
        return replace(one, category=measured if category is None or measured in WORKING else category)

    return said


def _off_shift(one: Interval) -> Interval:
    idle = one.category in (Category.STANDBY, Category.NO_DATA)
    return replace(one, category=Category.UNSCHEDULED) if idle else one


def _cut(
    intervals: Iterable[Interval], begins_at: datetime, ends_at: datetime, change: Callable[[Interval], Interval]
) -> Iterator[Interval]:
    """With what lies in the span changed, and cut at its ends."""
    for one in intervals:
        if begins_at >= ends_at or one.ends_at <= begins_at or ends_at <= one.begins_at:
            yield one
            continue
        edges = sorted({one.begins_at, max(one.begins_at, begins_at), min(one.ends_at, ends_at), one.ends_at})
        for first, second in pairwise(edges):
            part = replace(one, begins_at=first, ends_at=second)
            yield change(part) if begins_at <= first < ends_at else part


def _spans(samples: Iterable[Sample]) -> Iterator[Run]:
    """Of several samples at one moment the highest good one counts, in whatever order they came."""
    in_order = sorted(samples, key=lambda one: (one.at, one.value is not None, one.value or 0.0))
    by_moment = {one.at: one for one in in_order}
    moments = [*by_moment.values()]
    for n, one in enumerate(moments):
        ends_at = one.at + HOLD
        if n + 1 < len(moments):
            ends_at = min(ends_at, moments[n + 1].at)
        yield Run(one.at, ends_at, one.value)


def _crossed(states: Sequence[Run], stop_reasons: Sequence[Run]) -> Iterator[Interval]:
    """Both cover the same span."""
    i = j = 0
    while i < len(states) and j < len(stop_reasons):
        first, second = states[i], stop_reasons[j]
        ends_at = min(first.ends_at, second.ends_at)
        yield _interval(max(first.begins_at, second.begins_at), ends_at, first.value, second.value)
        i += first.ends_at == ends_at
        j += second.ends_at == ends_at


def _interval(begins_at: datetime, ends_at: datetime, state_code: float | None, reason_code: float | None) -> Interval:
    state = _known(MachineState, state_code)
    reason = _known(StopReason, reason_code) if state in STATES_WITH_REASON else None
    reason = reason or StopReason.NONE
    return Interval(begins_at, ends_at, state, reason, categorise(state, reason))


def _known(codes: type[Code], value: float | None) -> Code | None:
    """None for a number that is no code."""
    return codes(int(value)) if value is not None and value in codes.__members__.values() else None
