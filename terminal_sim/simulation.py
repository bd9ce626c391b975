"""Runs a scenario through its equipment models: the same scenario gives the same readings, byte for byte."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from edge_bridge.protocol import Quality, Tag, TerminalBirth, TerminalReading, TerminalReadings
from terminal_sim.faults import as_measured, with_faults
from terminal_sim.process import (
    Conditions,
    Fan,
    Gas,
    Truck,
    fan_values,
    gas_values,
    step_fan,
    step_gas,
    step_truck,
    truck_values,
)
from terminal_sim.scenario import UNITS, Scenario, Terminal, TerminalKind

SHOWN_DECIMALS = 4


@dataclass(frozen=True, slots=True)
class Model:
    begin: Any
    step: Callable[[Any, Conditions, Random, float], Any]
    values: Callable[[Any, Random], Mapping[str, float]]


MODELS = {
    TerminalKind.FAN: Model(Fan(), step_fan, fan_values),
    TerminalKind.GAS_SENSOR: Model(Gas(), step_gas, gas_values),
    TerminalKind.HAUL_TRUCK: Model(Truck(), step_truck, truck_values),
}


@dataclass(frozen=True, slots=True)
class Measured:
    """What one terminal shows `at_s` seconds after the scenario's start."""

    at_s: float
    terminal: Terminal
    values: Mapping[str, float]


def simulate(scenario: Scenario) -> Iterator[Measured]:
    """Every terminal at every step; fans first, because their air reaches the gas sensors in the same step."""
    terminals = sorted(scenario.terminals, key=lambda terminal: terminal.kind is not TerminalKind.FAN)
    rngs = {terminal.equipment: Random(f"{scenario.seed}/{terminal.equipment}") for terminal in terminals}
    states = {terminal.equipment: MODELS[terminal.kind].begin for terminal in terminals}
    shown: dict[str, Mapping[str, float]] = {terminal.equipment: {} for terminal in terminals}
    for index in range(round(scenario.duration_s / scenario.step_s)):
        at_s = index * scenario.step_s
        for terminal in terminals:
            equipment, model, rng = terminal.equipment, MODELS[terminal.kind], rngs[terminal.equipment]
            conditions = _conditions(scenario, terminal, states, at_s)
            states[equipment] = model.step(states[equipment], conditions, rng, scenario.step_s)
            values = model.values(states[equipment], rng)
            shown[equipment] = _shown(scenario, equipment, values, shown[equipment], at_s)
            yield Measured(at_s, terminal, shown[equipment])


def birth(terminal: Terminal, session: UUID) -> TerminalBirth:
    """The first frame of a terminal's session."""
    tags = tuple(Tag(terminal.equipment, tag, unit) for tag, unit in UNITS[terminal.kind].items())
    return TerminalBirth(terminal.name, session, 1, tags)


def frame(measured: Measured, session: UUID, n: int, measured_at: datetime) -> TerminalReadings:
    readings = tuple(TerminalReading(tag, value, Quality.GOOD, measured_at) for tag, value in measured.values.items())
    return TerminalReadings(measured.terminal.name, session, n, measured.terminal.equipment, readings)


def scenario_frames(scenario: Scenario) -> Iterator[TerminalBirth | TerminalReadings]:
    """Every frame of the scenario with the scenario's own times; the sessions too come from the seed."""
    sessions = {
        terminal.name: UUID(int=Random(f"{scenario.seed}/{terminal.name}/session").getrandbits(128), version=4)
        for terminal in scenario.terminals
    }
    for terminal in scenario.terminals:
        yield birth(terminal, sessions[terminal.name])
    counters = dict.fromkeys(sessions, 1)
    for measured in simulate(scenario):
        name = measured.terminal.name
        counters[name] += 1
        measured_at = scenario.start_at + timedelta(seconds=measured.at_s)
        yield frame(measured, sessions[name], counters[name], measured_at)


def _conditions(scenario: Scenario, terminal: Terminal, states: Mapping[str, Any], at_s: float) -> Conditions:
    conditions = with_faults(Conditions(), scenario.faults, terminal.equipment, at_s)
    fan = states.get(terminal.ventilated_by)
    return replace(conditions, airflow_frac=fan.speed_frac) if fan else conditions


def _shown(
    scenario: Scenario, equipment: str, values: Mapping[str, float], before: Mapping[str, float], at_s: float
) -> Mapping[str, float]:
    return {
        tag: round(as_measured(value, before.get(tag), scenario.faults, equipment, tag, at_s), SHOWN_DECIMALS)
        for tag, value in values.items()
    }
