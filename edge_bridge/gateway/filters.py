"""Which readings travel: value deadband, then swinging door, with an override period. Pure; rules see all before this.

The swinging door drops a reading that lies on the way between two that are sent: reading the sent ones as straight
lines, every dropped one is nearer to its line than `deviation`. A reading that passes the door is held until the next
one shows whether it is a corner. (After Bristol, "Swinging door trending", ISA 1990; there the line may miss by more,
because the door is compared with itself and not with the line that is drawn in the end.)
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta

from edge_bridge.protocol import GapReason, Reading

Point = tuple[str, str]  # equipment, tag


@dataclass(frozen=True, slots=True)
class Deadband:
    """A reading travels if it differs by more than `value` (unit of the tag), or after `override_s` anyway."""

    equipment: str
    tag: str
    value: float
    override_s: float = 60.0


@dataclass(frozen=True, slots=True)
class SwingingDoor:
    """Straight lines between readings that travel miss none by more than `deviation` (unit of the tag)."""

    equipment: str
    tag: str
    deviation: float
    override_s: float = 60.0


@dataclass(frozen=True, slots=True)
class Filter:
    """What one tag passes through; `override_s` is the shorter of the two."""

    deadband: Deadband | None = None
    door: SwingingDoor | None = None

    @property
    def override_s(self) -> float:
        return min(stage.override_s for stage in (self.deadband, self.door) if stage)


@dataclass(frozen=True, slots=True)
class Memory:
    """`last` passed the deadband, `sent` travelled, `held` waits to be a corner; the door's slopes a second."""

    last: Reading
    sent: Reading
    held: Reading | None = None
    lowest: float = -math.inf
    highest: float = math.inf


@dataclass(frozen=True, slots=True)
class Sifted:
    """Of what was there: `memory` after it, what travels (in order), and what does not, with the reason."""

    memory: Memory
    travels: tuple[Reading, ...] = ()
    dropped: tuple[tuple[GapReason, Reading], ...] = ()


def filters_by_point(deadbands: Iterable[Deadband], doors: Iterable[SwingingDoor]) -> dict[Point, Filter]:
    by_point = {(band.equipment, band.tag): Filter(band) for band in deadbands}
    for door in doors:
        point = (door.equipment, door.tag)
        by_point[point] = replace(by_point.get(point, Filter()), door=door)
    return by_point


def sift(filter_: Filter, memory: Memory | None, reading: Reading, is_evidence: bool = False) -> Sifted:
    """`is_evidence`: an alarm rests on this reading, so it travels."""
    if memory is None:
        return Sifted(Memory(reading, reading), (reading,))
    elapsed = reading.measured_at - memory.sent.measured_at
    if is_evidence or reading.quality is not memory.last.quality or _is_due(filter_, memory, reading, elapsed):
        return Sifted(Memory(reading, reading), (*_held(memory), reading))
    if filter_.deadband and abs(reading.value - memory.last.value) <= filter_.deadband.value:
        return Sifted(memory, (), ((GapReason.DEADBAND, reading),))
    if filter_.door is None:
        return Sifted(Memory(reading, reading), (reading,))
    return _swing(filter_.door.deviation, memory, reading)


def let_go(memory: Memory) -> Sifted:
    """What is held travels now."""
    return Sifted(Memory(memory.last, memory.held or memory.sent), _held(memory))


def _is_due(filter_: Filter, memory: Memory, reading: Reading, elapsed: timedelta) -> bool:
    """Long after the last one sent; or measured before the last one seen: clocks go wrong, lines need order."""
    latest = memory.held or memory.last
    return reading.measured_at < latest.measured_at or elapsed >= timedelta(seconds=filter_.override_s)


def _held(memory: Memory) -> tuple[Reading, ...]:
    return (memory.held,) if memory.held else ()


def _swing(deviation: float, memory: Memory, reading: Reading) -> Sifted:
    if memory.held is None:
        return _begin_line(deviation, memory.sent, reading, ())
    if memory.lowest <= _slope(memory.sent, reading) <= memory.highest:
        passed = _narrowed(deviation, replace(memory, last=reading, held=reading), reading)
        return Sifted(passed, (), ((GapReason.SWINGING_DOOR, memory.held),))
    return _begin_line(deviation, memory.held, reading, (memory.held,))


def _begin_line(deviation: float, corner: Reading, reading: Reading, travels: tuple[Reading, ...]) -> Sifted:
    """From `corner`, which has travelled by now; two readings of one moment have no line between them."""
    if reading.measured_at <= corner.measured_at:
        return Sifted(Memory(reading, reading), (*travels, reading))
    return Sifted(_narrowed(deviation, Memory(reading, corner, reading), reading), travels)


def _narrowed(deviation: float, memory: Memory, reading: Reading) -> Memory:
    lowest = max(memory.lowest, _slope(memory.sent, reading, -deviation))
    return replace(memory, lowest=lowest, highest=min(memory.highest, _slope(memory.sent, reading, deviation)))


def _slope(origin: Reading, reading: Reading, offset: float = 0.0) -> float:
    """A second."""
    return (reading.value + offset - origin.value) / (reading.measured_at - origin.measured_at).total_seconds()
