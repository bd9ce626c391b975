"""A scenario: which terminals, for how long, with which faults and commands; checked before anything runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from terminal_sim.faults import IN_THE_SENSOR, Fault, FaultKind
from terminal_sim.process import KINDS, TerminalKind

LINKS = (
    "powered_by",
    "ventilated_by",
    "drained_by",
    "drawn_by",
    "fed_by",
    "charges_after",
    "digs_from",
    "loaded_by",
    "dumps_at",
    "blasted_by",
    "mounted_on",
    "rides",
    "twin_of",
)


class ScenarioError(ValueError):
    """A scenario that cannot run: the path of the setting, and what to change."""


@dataclass(frozen=True, slots=True)
class Terminal:
    """One terminal at one equipment; the other names are those of equipment that acts upon it."""

    name: str
    kind: TerminalKind
    equipment: str
    powered_by: str = ""
    ventilated_by: str = ""
    drained_by: str = ""
    drawn_by: str = ""
    fed_by: str = ""
    charges_after: str = ""
    digs_from: str = ""
    loaded_by: str = ""
    dumps_at: str = ""
    blasted_by: str = ""
    mounted_on: str = ""
    rides: str = ""
    twin_of: str = ""

    @property
    def links(self) -> Mapping[str, str]:
        return {link: getattr(self, link) for link in LINKS if getattr(self, link)}


@dataclass(frozen=True, slots=True)
class Order:
    """A command that the scenario itself gives, `at_s` seconds after its start."""

    equipment: str
    tag: str
    value: float
    at_s: float


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
    orders: tuple[Order, ...] = ()
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.start_at.utcoffset() is None:
            raise ScenarioError("start_at: needs a time zone, such as 2026-03-01T06:00:00Z")
        for name in ("duration_s", "step_s", "speed"):
            _positive(name, getattr(self, name))
        if not self.terminals:
            raise ScenarioError("terminals: at least one is needed")
        by_equipment = {terminal.equipment: terminal for terminal in self.terminals}
        count = len(self.terminals)
        if len(by_equipment) < count or len({terminal.name for terminal in self.terminals}) < count:
            raise ScenarioError("terminals: each needs a name and an equipment of its own")
        for index, terminal in enumerate(self.terminals):
            _check_links(f"terminals[{index}]", terminal, by_equipment)
        for index, fault in enumerate(self.faults):
            _check_fault(f"faults[{index}]", fault, by_equipment)
        for index, order in enumerate(self.orders):
            _check_order(f"orders[{index}]", order, by_equipment)


def scaled(scenario: Scenario, count: int) -> Scenario:
    """The scenario with `count` terminals: its first ones, or copies of the mine beside it, named `….2`, `….3`.

    Links that lead outside are dropped, and so are faults and orders at equipment that is no more; copies have none.
    """
    whole = len(scenario.terminals)
    copies = [_copied(scenario.terminals[index % whole], index // whole) for index in range(count)]
    here = {terminal.equipment for terminal in copies}
    return replace(
        scenario,
        terminals=tuple(_without_links_outside(terminal, here) for terminal in copies),
        faults=tuple(fault for fault in scenario.faults if {fault.equipment, fault.place or fault.equipment} <= here),
        orders=tuple(order for order in scenario.orders if order.equipment in here),
    )


def _copied(terminal: Terminal, copy: int) -> Terminal:
    if copy == 0:
        return terminal
    links: dict[str, Any] = {link: f"{equipment}.{copy + 1}" for link, equipment in terminal.links.items()}
    name, equipment = f"{terminal.name}.{copy + 1}", f"{terminal.equipment}.{copy + 1}"
    return replace(terminal, name=name, equipment=equipment, **links)


def _without_links_outside(terminal: Terminal, here: set[str]) -> Terminal:
    outside: dict[str, Any] = {link: "" for link, equipment in terminal.links.items() if equipment not in here}
    return replace(terminal, **outside) if outside else terminal


def _check_links(path: str, terminal: Terminal, others: Mapping[str, Terminal]) -> None:
    allowed = KINDS[terminal.kind].links
    for link, equipment in terminal.links.items():
        if link not in allowed:
            known = ", ".join(allowed) or "no equipment"
            raise ScenarioError(f"{path}.{link}: a {terminal.kind} knows {known}")
        other = others.get(equipment)
        if other is None or other.kind not in allowed[link] or other is terminal:
            raise ScenarioError(f"{path}.{link}: no {_either(allowed[link])} {equipment!r} here")
    if terminal.twin_of and others[terminal.twin_of].twin_of:
        raise ScenarioError(f"{path}.twin_of: {terminal.twin_of!r} is a twin itself; name the one that both follow")


def _check_fault(path: str, fault: Fault, terminals: Mapping[str, Terminal]) -> None:
    kind = _kind_at(path, fault.equipment, terminals)
    hurts = [name for name, machine in KINDS.items() if fault.kind in machine.suffers]
    if fault.is_in_the_world and kind not in hurts:
        raise ScenarioError(f"{path}.kind: {fault.kind} happens to a {_either(hurts)}, not to a {kind}")
    units = KINDS[kind].units
    if fault.tag not in units and (fault.tag or fault.kind in IN_THE_SENSOR):
        raise ScenarioError(f"{path}.tag: must be one of {', '.join(units)}")
    if fault.kind is FaultKind.MOVED_SENSOR:
        there = terminals.get(fault.place)
        if there is None or fault.tag not in KINDS[there.kind].units:
            raise ScenarioError(f"{path}.place: must be equipment of this scenario that measures {fault.tag}")
    if fault.kind is FaultKind.FROZEN_TWIN and not terminals[fault.equipment].twin_of:
        raise ScenarioError(f"{path}.equipment: {fault.equipment!r} is no twin; give it twin_of, or use stuck_sensor")
    _positive(f"{path}.duration_s", fault.duration_s)
    if not (math.isfinite(fault.start_s) and fault.start_s >= 0 and math.isfinite(fault.size)):
        raise ScenarioError(f"{path}: start_s must not be negative, and size must be a number")


def _check_order(path: str, order: Order, terminals: Mapping[str, Terminal]) -> None:
    kind = _kind_at(path, order.equipment, terminals)
    if order.tag not in KINDS[kind].commands:
        raise ScenarioError(f"{path}.tag: a {kind} is told {', '.join(KINDS[kind].commands) or 'nothing'}")
    if not (math.isfinite(order.at_s) and order.at_s >= 0 and math.isfinite(order.value)):
        raise ScenarioError(f"{path}: at_s must not be negative, and value must be a number")


def _kind_at(path: str, equipment: str, terminals: Mapping[str, Terminal]) -> TerminalKind:
    if equipment not in terminals:
        raise ScenarioError(f"{path}.equipment: no terminal measures {equipment!r}")
    return terminals[equipment].kind


def _either(names: Sequence[str]) -> str:
    return " or ".join(names)


def _positive(path: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ScenarioError(f"{path}: must be a positive number")
