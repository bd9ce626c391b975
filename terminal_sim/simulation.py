"""Runs a scenario through its machines: the same scenario gives the same readings, byte for byte."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple
from uuid import UUID

from edge_bridge.protocol import (
    Quality,
    Tag,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
)
from terminal_sim.faults import Fault, FaultKind, as_shown, hurt_by, is_weak, skew_s
from terminal_sim.process import KINDS, CommandRefused, Machine
from terminal_sim.scenario import Scenario, Terminal

SHOWN_DECIMALS = 4
RESULTS_KEPT = 1_000
NOWHERE: Mapping[str, float] = {}


class Measured(NamedTuple):
    """What one terminal shows `at_s` seconds after the scenario's start, in `values`; empty while it is silent.

    `truth` is what would be shown if nothing were wrong with sensor and terminal. Stamps are `skew_s` late.
    """

    at_s: float
    terminal: Terminal
    values: Mapping[str, float]
    truth: Mapping[str, float]
    quality: Quality
    skew_s: float


class Mine:
    """The scenario's machines, linked, at one moment of their time."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self.machines = _linked(scenario)
        kinds = list(KINDS)
        self._terminals = sorted(scenario.terminals, key=lambda terminal: kinds.index(terminal.kind))
        self._faults: defaultdict[str, list[Fault]] = defaultdict(list)
        for fault in scenario.faults:
            self._faults[fault.equipment].append(fault)
        self._orders = sorted(scenario.orders, key=lambda order: order.at_s)
        self._shown: dict[str, Mapping[str, float]] = {}
        self._truth: dict[str, Mapping[str, float]] = defaultdict(dict)
        self._results: dict[UUID, TerminalCommandResult] = {}

    def step(self, at_s: float) -> list[Measured]:
        """Every terminal, causes before effects, at this second; call it for every step in order."""
        while self._orders and self._orders[0].at_s <= at_s:
            order = self._orders.pop(0)
            self.obey(order.equipment, order.tag, order.value)
        return [self._measured(terminal, at_s) for terminal in self._terminals]

    def apply(self, command: TerminalCommand) -> TerminalCommandResult:
        """Does what it is told; told again under the same id, only says again what became of it."""
        if command.id not in self._results:
            refusal = self.obey(command.equipment, command.tag, command.value)
            shown = self.machines[command.equipment].values() if not refusal else NOWHERE
            value = round(shown[command.tag], SHOWN_DECIMALS) if command.tag in shown else None
            self._results[command.id] = TerminalCommandResult(command.id, not refusal, refusal, value)
            if len(self._results) > RESULTS_KEPT:
                del self._results[next(iter(self._results))]
        return self._results[command.id]

    def obey(self, equipment: str, tag: str, value: float) -> str:
        """Empty, or why not."""
        machine = self.machines.get(equipment)
        if machine is None:
            return f"there is no {equipment} here"
        if tag not in machine.commands:
            return f"{equipment} is told {', '.join(machine.commands) or 'nothing'}, not {tag}"
        lowest, highest = machine.commands[tag]
        if not lowest <= value <= highest:
            return f"{tag} of {equipment} must be from {lowest:g} to {highest:g}"
        try:
            machine.obey(tag, value)
        except CommandRefused as refusal:
            return f"{equipment} {refusal}"
        return ""

    def _measured(self, terminal: Terminal, at_s: float) -> Measured:
        equipment = terminal.equipment
        machine = self.machines[equipment]
        faults: Sequence[Fault] = ()
        if equipment in self._faults:
            faults = [fault for fault in self._faults[equipment] if fault.holds(at_s)]
            machine.hurt = hurt_by(faults, at_s)
        machine.step(self._scenario.step_s)
        truth = {tag: round(value, SHOWN_DECIMALS) for tag, value in machine.values().items()}
        self._truth[equipment] = truth
        if not faults:
            self._shown[equipment] = truth
            return Measured(at_s, terminal, truth, truth, Quality.GOOD, 0.0)
        shown = as_shown(truth, self._shown.get(equipment, NOWHERE), self._truth, faults, at_s)
        shown = {tag: round(value, SHOWN_DECIMALS) for tag, value in shown.items()}
        self._shown[equipment] = shown or self._shown.get(equipment, NOWHERE)
        quality = Quality.UNCERTAIN if is_weak(faults, at_s) else Quality.GOOD
        return Measured(at_s, terminal, shown, truth, quality, skew_s(faults))


def _linked(scenario: Scenario) -> dict[str, Machine]:
    machines = {
        terminal.equipment: KINDS[terminal.kind](Random(f"{scenario.seed}/{terminal.equipment}"))
        for terminal in scenario.terminals
    }
    for terminal in scenario.terminals:
        for link, equipment in terminal.links.items():
            setattr(machines[terminal.equipment], link, machines[equipment])
    for machine in machines.values():
        machine.begin()
    return machines


class Links:
    """Which frames get through: those of a terminal without communications wait, and go in order when it is back."""

    def __init__(self, scenario: Scenario) -> None:
        self._losses = [fault for fault in scenario.faults if fault.kind is FaultKind.COMMUNICATIONS_LOSS]
        self._held: dict[str, list[Measured]] = {}

    def through(self, measured: Sequence[Measured], at_s: float) -> list[Measured]:
        if not self._losses:
            return list(measured)
        lost = {fault.equipment for fault in self._losses if fault.holds(at_s)}
        sent = [held for equipment, waiting in self._held.items() if equipment not in lost for held in waiting]
        self._held = {equipment: held for equipment, held in self._held.items() if equipment in lost}
        for one in measured:
            if one.terminal.equipment in lost:
                self._held.setdefault(one.terminal.equipment, []).append(one)
            else:
                sent.append(one)
        return sent

    def rest(self) -> list[Measured]:
        return [held for waiting in self._held.values() for held in waiting]


def seconds(scenario: Scenario) -> list[float]:
    """The steps of the scenario, in seconds from its start."""
    return [index * scenario.step_s for index in range(round(scenario.duration_s / scenario.step_s))]


def simulate(scenario: Scenario) -> Iterator[Measured]:
    """Every terminal at every step, in the order of measuring."""
    mine = Mine(scenario)
    for at_s in seconds(scenario):
        yield from mine.step(at_s)


def birth(terminal: Terminal, session: UUID) -> TerminalBirth:
    """The first frame of a terminal's session."""
    tags = tuple(Tag(terminal.equipment, tag, unit) for tag, unit in KINDS[terminal.kind].units.items())
    return TerminalBirth(terminal.name, session, 1, tags)


def frame(measured: Measured, session: UUID, n: int, measured_at: datetime) -> TerminalReadings:
    """`measured_at`: by a right clock. Not for a silent terminal."""
    stamp = measured_at + timedelta(seconds=measured.skew_s) if measured.skew_s else measured_at
    readings = tuple(TerminalReading(tag, value, measured.quality, stamp) for tag, value in measured.values.items())
    return TerminalReadings(measured.terminal.name, session, n, measured.terminal.equipment, readings)


def scenario_frames(scenario: Scenario) -> Iterator[TerminalBirth | TerminalReadings]:
    """Every frame of the scenario with the scenario's own times; the sessions too come from the seed."""
    sessions = {
        terminal.name: UUID(int=Random(f"{scenario.seed}/{terminal.name}/session").getrandbits(128), version=4)
        for terminal in scenario.terminals
    }
    for terminal in scenario.terminals:
        yield birth(terminal, sessions[terminal.name])
    numbers = dict.fromkeys(sessions, 1)
    for measured in _sent(scenario):
        if measured.values:
            name = measured.terminal.name
            numbers[name] += 1
            yield frame(measured, sessions[name], numbers[name], scenario.start_at + timedelta(seconds=measured.at_s))


def _sent(scenario: Scenario) -> Iterator[Measured]:
    mine, links = Mine(scenario), Links(scenario)
    for at_s in seconds(scenario):
        yield from links.through(mine.step(at_s), at_s)
    yield from links.rest()
