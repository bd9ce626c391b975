"""Which readings travel: the value deadband with an override period. Pure; rules see every reading before this."""

from dataclasses import dataclass
from datetime import timedelta

from edge_bridge.protocol import Reading


@dataclass(frozen=True, slots=True)
class Deadband:
    """A reading travels if it differs by more than `value` (unit of the tag), or after `override_s` anyway."""

    equipment: str
    tag: str
    value: float
    override_s: float = 60.0


def travels(deadband: Deadband | None, last: Reading | None, reading: Reading) -> bool:
    """Whether `reading` must travel, given the `last` one of this tag that did."""
    if deadband is None or last is None or reading.quality is not last.quality:
        return True
    elapsed = reading.measured_at - last.measured_at
    return (
        abs(reading.value - last.value) > deadband.value
        or elapsed >= timedelta(seconds=deadband.override_s)
        or elapsed < timedelta(0)
    )
