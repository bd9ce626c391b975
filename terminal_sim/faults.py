"""Labelled faults: what goes wrong, where and when, so that a detector can be judged against the truth."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    # In the world; the comment says what `size` is.
    FAN_STOP = "fan_stop"
    TRIP = "trip"  # any fixed plant stops
    POWER_FAILURE = "power_failure"
    BEARING_WEAR = "bearing_wear"  # grows over the window to `size`, as a share of the way to failure
    GAS_BURST = "gas_burst"  # release times `size`
    INRUSH = "inrush"  # water times `size`
    ROOF_MOVEMENT = "roof_movement"  # mm/s
    CROWD = "crowd"  # people added
    MAN_DOWN = "man_down"
    BREAKDOWN = "breakdown"
    PLANNED_SERVICE = "planned_service"
    BATTERY = "battery"  # drains over the window to `size`, as a share; see FLAT_FRAC
    # In the sensor, at one `tag`.
    STUCK_SENSOR = "stuck_sensor"  # repeats the value it had
    FROZEN_TWIN = "frozen_twin"  # the same, while its twin goes on
    SPIKE = "spike"  # adds `size`, in the unit of the tag
    STEP = "step"  # the same, for long
    DRIFT = "drift"  # grows over the window to `size`, in the unit of the tag
    MOVED_SENSOR = "moved_sensor"  # hangs at the equipment `place` and shows what there is
    # In the terminal.
    SILENT = "silent"  # says nothing, or nothing of `tag`
    CLOCK_SKEW = "clock_skew"  # stamps are `size` seconds late, early if negative
    COMMUNICATIONS_LOSS = "communications_loss"  # frames are held, and sent in order at the end of the window


IN_THE_SENSOR = frozenset(
    {
        FaultKind.STUCK_SENSOR,
        FaultKind.FROZEN_TWIN,
        FaultKind.SPIKE,
        FaultKind.STEP,
        FaultKind.DRIFT,
        FaultKind.MOVED_SENSOR,
    }
)
IN_THE_TERMINAL = frozenset({FaultKind.SILENT, FaultKind.CLOCK_SKEW, FaultKind.COMMUNICATIONS_LOSS})
GROWING = frozenset({FaultKind.BEARING_WEAR, FaultKind.BATTERY, FaultKind.DRIFT})
WEAK_FRAC = 0.5  # of a battery: readings are uncertain from here
FLAT_FRAC = 0.75  # and there are none from here


@dataclass(frozen=True, slots=True)
class Fault:
    """Seconds count from the scenario's start; `tag` for faults in the sensor, `place` for one that was moved."""

    kind: FaultKind
    equipment: str
    label: str
    start_s: float
    duration_s: float
    size: float = 1.0
    tag: str = ""
    place: str = ""

    @property
    def end_s(self) -> float:
        return self.start_s + self.duration_s

    @property
    def is_in_the_world(self) -> bool:
        return self.kind not in IN_THE_SENSOR and self.kind not in IN_THE_TERMINAL

    def holds(self, at_s: float) -> bool:
        return self.start_s <= at_s < self.end_s

    def present_size(self, at_s: float) -> float:
        return self.size * (at_s - self.start_s) / self.duration_s if self.kind in GROWING else self.size


def hurt_by(faults: Iterable[Fault], at_s: float) -> dict[FaultKind, float]:
    """Present sizes of the faults of the world among the `faults`, which hold; the greatest of each kind."""
    hurt: dict[FaultKind, float] = {}
    for fault in faults:
        if fault.is_in_the_world:
            hurt[fault.kind] = max(hurt.get(fault.kind, fault.present_size(at_s)), fault.present_size(at_s))
    return hurt


def as_shown(
    true: Mapping[str, float],
    before: Mapping[str, float],
    elsewhere: Mapping[str, Mapping[str, float]],
    faults: Iterable[Fault],
    at_s: float,
) -> dict[str, float]:
    """What the sensors show for `true`, given what they showed `before` and what is true `elsewhere`, by equipment."""
    shown = dict(true)
    for fault in faults:
        if fault.kind is FaultKind.SILENT and not fault.tag:
            return {}
        if fault.kind is FaultKind.SILENT:
            shown.pop(fault.tag, None)
        elif fault.kind is FaultKind.BATTERY and fault.present_size(at_s) >= FLAT_FRAC:
            return {}
        elif fault.kind in IN_THE_SENSOR and fault.tag in shown:
            shown[fault.tag] = _as_measured(shown[fault.tag], before.get(fault.tag), elsewhere, fault, at_s)
    return shown


def _as_measured(
    value: float, before: float | None, elsewhere: Mapping[str, Mapping[str, float]], fault: Fault, at_s: float
) -> float:
    match fault.kind:
        case FaultKind.STUCK_SENSOR | FaultKind.FROZEN_TWIN:
            return value if before is None else before
        case FaultKind.MOVED_SENSOR:
            return elsewhere[fault.place].get(fault.tag, value)
        case _:
            return value + fault.present_size(at_s)


def is_weak(faults: Iterable[Fault], at_s: float) -> bool:
    return any(fault.kind is FaultKind.BATTERY and fault.present_size(at_s) >= WEAK_FRAC for fault in faults)


def skew_s(faults: Iterable[Fault]) -> float:
    return sum(fault.size for fault in faults if fault.kind is FaultKind.CLOCK_SKEW)
