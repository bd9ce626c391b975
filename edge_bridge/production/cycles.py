"""Loads that were hauled, from a truck's intervals and its payload. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median_low
from typing import Final

from edge_bridge.production.intervals import HOLD, Interval, Sample, joined
from edge_bridge.protocol.machine import LoadKind, MachineState
from edge_bridge.readings.tags import meaning

# A truck that hasn't dumped for so long began anew: the time before is no part of the next cycle.
LONGEST: Final = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Load:
    """Counts when it is dumped. `begins_at` is when the load before was, None if none was within LONGEST.

    `payload_t` is None where the scale said nothing plausible while the truck hauled.
    """

    begins_at: datetime | None
    dumped_at: datetime
    payload_t: float | None
    kind: LoadKind

    @property
    def cycle(self) -> timedelta | None:
        return None if self.begins_at is None else self.dumped_at - self.begins_at


def loads_of(
    intervals: Sequence[Interval], payloads: Sequence[Sample], kinds: Sequence[Sample], *, since: datetime
) -> list[Load]:
    """Those dumped from `since` to before the end of the last interval, where it isn't known yet how a dump ends.

    Needs intervals and samples from `since` less LONGEST on, in order.
    """
    runs = list(joined(intervals))
    dumps = [n for n, one in enumerate(runs) if one.state is MachineState.DUMPING]
    payload, kind = Scale([_weighed(one) for one in payloads]), Scale(kinds)
    found: list[Load] = []
    last_dumped_at: datetime | None = None
    for n in dumps:
        dumped_at = runs[n].ends_at
        begins_at = last_dumped_at if last_dumped_at and dumped_at - last_dumped_at <= LONGEST else None
        if since <= dumped_at < runs[-1].ends_at:
            hauls_at = _haul_before(runs, n, begins_at)
            load_kind = kind.typical(hauls_at, runs[n].begins_at)
            found.append(Load(begins_at, dumped_at, payload.typical(hauls_at, runs[n].begins_at), _kind(load_kind)))
        last_dumped_at = dumped_at
    return found


def is_plausible(payload_t: float) -> bool:
    """Within the tag dictionary's range; what a broken scale sends instead, such as -9999, is no weight."""
    known = meaning("payload")
    return known is not None and known.lowest <= payload_t <= known.highest


@dataclass(frozen=True)
class Scale:
    """Good samples of one tag, in order of time."""

    samples: Sequence[Sample]

    def typical(self, since: datetime, until: datetime) -> float | None:
        """Median of the values in the span, with the one that it began with; a spike doesn't move it."""
        first = bisect_right(self.samples, since, key=lambda one: one.at)
        last = bisect_left(self.samples, until, key=lambda one: one.at)
        before = self.samples[first - 1] if first else None
        held = [before] if before and before.at > since - HOLD else []
        values = [one.value for one in (*held, *self.samples[first:last]) if one.value is not None]
        return median_low(values) if values else None


def _weighed(one: Sample) -> Sample:
    return one if one.value is None or is_plausible(one.value) else Sample(one.at, None)


def _haul_before(runs: Sequence[Interval], dump: int, begins_at: datetime | None) -> datetime:
    """When the haul to this dump began; the dump itself where none was seen."""
    for n in range(dump - 1, -1, -1):
        one = runs[n]
        if begins_at is not None and one.begins_at < begins_at:
            break
        if runs[dump].ends_at - one.begins_at > LONGEST or one.state is MachineState.DUMPING:
            break
        if one.state is MachineState.HAULING:
            return one.begins_at
    return runs[dump].begins_at


def _kind(code: float | None) -> LoadKind:
    return LoadKind(int(code)) if code is not None and code in LoadKind.__members__.values() else LoadKind.NONE
