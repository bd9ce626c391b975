"""A scenario: which terminals, for how long, with which faults; from TOML, checked before anything runs."""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from terminal_sim.faults import IN_THE_SENSOR, Fault, FaultKind
from terminal_sim.process import FAN_UNITS, GAS_UNITS, TRUCK_UNITS


class ScenarioError(ValueError):
    """A scenario that cannot run: the path of the setting, and what to change."""


class TerminalKind(StrEnum):
    FAN = "fan"
    GAS_SENSOR = "gas_sensor"
    HAUL_TRUCK = "haul_truck"


UNITS: Mapping[TerminalKind, Mapping[str, str]] = {
    TerminalKind.FAN: FAN_UNITS,
    TerminalKind.GAS_SENSOR: GAS_UNITS,
    TerminalKind.HAUL_TRUCK: TRUCK_UNITS,
}


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal at one equipment; `ventilated_by` names the fan whose air a gas sensor breathes."""

    name: str
    kind: TerminalKind
    equipment: str
    ventilated_by: str = ""


@dataclass(frozen=True, slots=True)
class Scenario:
    """`speed`: simulated seconds a second of real time when it is run."""

    name: str
    seed: int
    start_at: datetime
    duration_s: float
    step_s: float
    terminals: tuple[Terminal, ...]
    faults: tuple[Fault, ...] = ()
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.start_at.utcoffset() is None:
            raise ScenarioError("start_at: needs a time zone, such as 2026-03-01T06:00:00Z")
        for name in ("duration_s", "step_s", "speed"):
            _positive(name, getattr(self, name))
        if not self.terminals:
            raise ScenarioError("terminals: at least one is needed")
        kinds = {terminal.equipment: terminal.kind for terminal in self.terminals}
        if len(kinds) < len(self.terminals) or len({terminal.name for terminal in self.terminals}) < len(kinds):
            raise ScenarioError("terminals: each needs a name and an equipment of its own")
        for index, terminal in enumerate(self.terminals):
            if terminal.ventilated_by and kinds.get(terminal.ventilated_by) is not TerminalKind.FAN:
                raise ScenarioError(f"terminals[{index}].ventilated_by: no fan {terminal.ventilated_by!r} here")
        for index, fault in enumerate(self.faults):
            _check_fault(f"faults[{index}]", fault, kinds)


_PLACE = {
    FaultKind.FAN_STOP: TerminalKind.FAN,
    FaultKind.BEARING_WEAR: TerminalKind.FAN,
    FaultKind.GAS_BURST: TerminalKind.GAS_SENSOR,
}


def _check_fault(path: str, fault: Fault, kinds: Mapping[str, TerminalKind]) -> None:
    kind = kinds.get(fault.equipment)
    if kind is None:
        raise ScenarioError(f"{path}.equipment: no terminal measures {fault.equipment!r}")
    if kind is not _PLACE.get(fault.kind, kind):
        raise ScenarioError(f"{path}.kind: {fault.kind} happens to a {_PLACE[fault.kind]}, not to a {kind}")
    if fault.kind in IN_THE_SENSOR and fault.tag not in UNITS[kind]:
        raise ScenarioError(f"{path}.tag: must be one of {', '.join(UNITS[kind])}")
    _positive(f"{path}.duration_s", fault.duration_s)
    if not (math.isfinite(fault.start_s) and fault.start_s >= 0 and math.isfinite(fault.size)):
        raise ScenarioError(f"{path}: start_s must not be negative, and size must be a number")


def _positive(path: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ScenarioError(f"{path}: must be a positive number")


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file; ScenarioError in words."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not TOML: {error}") from None
    for name, cls in (("terminals", Terminal), ("faults", Fault)):
        document[name] = tuple(
            _made(cls, f"{name}[{index}].", table) for index, table in enumerate(_tables(name, document.get(name, [])))
        )
    scenario: Scenario = _made(Scenario, "", document)
    return scenario


def _tables(name: str, value: Any) -> list[Any]:
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ScenarioError(f"{name}: must be tables, [[{name}]]")
    return value


def _made(cls: type[Any], path: str, table: Mapping[str, Any]) -> Any:
    known = {field.name: field for field in fields(cls)}
    unknown = next((name for name in table if name not in known), None)
    if unknown is not None:
        raise ScenarioError(f"{path}{unknown}: is not known; known are {', '.join(known)}")
    missing = next((name for name, field in known.items() if name not in table and field.default is MISSING), None)
    if missing is not None:
        raise ScenarioError(f"{path}{missing}: is missing")
    return cls(**{name: _converted(f"{path}{name}", known[name].type, value) for name, value in table.items()})


def _converted(path: str, kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in set(kind):
            raise ScenarioError(f"{path}: must be one of {', '.join(kind)}")
        return kind(value)
    if isinstance(kind, type) and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ScenarioError(f"{path}: must be {kind.__name__}")
    return value
