"""Labelled faults: what goes wrong, where and when, so that a detector can be judged against the truth."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from terminal_sim.process import Conditions


class FaultKind(StrEnum):
    FAN_STOP = "fan_stop"
    BEARING_WEAR = "bearing_wear"  # grows over the window to `size`, as a share of the way to failure
    GAS_BURST = "gas_burst"  # release times `size`
    STUCK_SENSOR = "stuck_sensor"  # repeats the value it had
    SPIKE = "spike"  # adds `size`, in the unit of the tag


IN_THE_SENSOR = frozenset({FaultKind.STUCK_SENSOR, FaultKind.SPIKE})


@dataclass(frozen=True, slots=True)
class Fault:
    """Seconds count from the scenario's start; `tag` only for faults in the sensor."""

    kind: FaultKind
    equipment: str
    label: str
    start_s: float
    duration_s: float
    size: float = 1.0
    tag: str = ""

    def holds(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.start_s + self.duration_s


def with_faults(conditions: Conditions, faults: Iterable[Fault], equipment: str, at_s: float) -> Conditions:
    """The conditions as the faults of this equipment change them."""
    for fault in faults:
        if fault.equipment == equipment and fault.holds(at_s):
            conditions = _changed(conditions, fault, at_s)
    return conditions


def _changed(conditions: Conditions, fault: Fault, at_s: float) -> Conditions:
    match fault.kind:
        case FaultKind.FAN_STOP:
            return replace(conditions, is_commanded_on=False)
        case FaultKind.BEARING_WEAR:
            grown_frac = fault.size * (at_s - fault.start_s) / fault.duration_s
            return replace(conditions, bearing_wear_frac=max(conditions.bearing_wear_frac, grown_frac))
        case FaultKind.GAS_BURST:
            return replace(conditions, gas_release_factor=conditions.gas_release_factor * fault.size)
        case _:
            return conditions


def as_measured(
    value: float, shown_before: float | None, faults: Iterable[Fault], equipment: str, tag: str, at_s: float
) -> float:
    """What the sensor shows for the true `value`, given what it showed the step before."""
    for fault in faults:
        if (fault.equipment, fault.tag) == (equipment, tag) and fault.holds(at_s):
            if fault.kind is FaultKind.STUCK_SENSOR and shown_before is not None:
                value = shown_before
            elif fault.kind is FaultKind.SPIKE:
                value += fault.size
    return value
