"""Plays a scenario in real time: one connection a terminal, stamped with the moment or with the scenario's times."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import uuid4

from terminal_sim.publish import Frame, Gateway, Tally, publish
from terminal_sim.scenario import Scenario
from terminal_sim.simulation import birth, frame, simulate

WAITING_FRAMES = 1_000  # a terminal buffers this much while the gateway is away; then the simulated mine waits

Outbox = asyncio.Queue[Frame | None]


@dataclass(frozen=True, slots=True)
class Clock:
    """When a simulated second happens and how it is stamped; `speed` is simulated seconds a second."""

    speed: float
    zero_at: datetime
    zero_s: float
    keeps_scenario_times: bool

    async def reach(self, at_s: float) -> datetime:
        """Waits until the simulated second has come; returns its stamp."""
        await asyncio.sleep(max(self.zero_s + at_s / self.speed - time.monotonic(), 0))
        return self.zero_at + timedelta(seconds=at_s if self.keeps_scenario_times else at_s / self.speed)


async def run(scenario: Scenario, gateway: Gateway, *, speed: float, once: bool, scenario_times: bool) -> Tally:
    """Runs once or again and again; returns the tally when the gateway has taken everything."""
    tally = Tally()
    zero_at = scenario.start_at if scenario_times else datetime.now(UTC)
    clock = Clock(speed, zero_at, time.monotonic(), scenario_times)
    outboxes: dict[str, Outbox] = {terminal.name: asyncio.Queue(WAITING_FRAMES) for terminal in scenario.terminals}
    async with asyncio.TaskGroup() as group:
        for outbox in outboxes.values():
            group.create_task(publish(gateway, _until_none(outbox), tally))
        group.create_task(_play(scenario, outboxes, clock, rounds=1 if once else None))
    return tally


async def _play(scenario: Scenario, outboxes: dict[str, Outbox], clock: Clock, rounds: int | None) -> None:
    numbers = {terminal.name: count(2) for terminal in scenario.terminals}
    sessions = {terminal.name: uuid4() for terminal in scenario.terminals}
    for terminal in scenario.terminals:
        await outboxes[terminal.name].put(birth(terminal, sessions[terminal.name]))
    for index in range(rounds) if rounds else count():
        for measured in simulate(scenario):
            measured_at = await clock.reach(index * scenario.duration_s + measured.at_s)
            name = measured.terminal.name
            await outboxes[name].put(frame(measured, sessions[name], next(numbers[name]), measured_at))
    for outbox in outboxes.values():
        await outbox.put(None)


async def _until_none(outbox: Outbox) -> AsyncIterator[Frame]:
    while (waiting := await outbox.get()) is not None:
        yield waiting
