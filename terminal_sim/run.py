"""Plays a scenario in real time to one or several gateways, stamped with the moment or with the scenario's times."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count, pairwise
from uuid import uuid4

from edge_bridge.protocol import TerminalCommand, TerminalCommandResult
from terminal_sim.line import Gateway, Line, Tally
from terminal_sim.scenario import Scenario
from terminal_sim.simulation import Links, Measured, Mine, birth, frame, seconds

TERMINALS_A_LINE = 25
OPENING_AT_ONCE = 20
SPREAD = 50  # frames sent at a time; the frames of one step are spread over it


@dataclass(frozen=True, slots=True)
class Clock:
    """When a simulated second happens and how it is stamped; `speed` is simulated seconds a second."""

    speed: float
    zero_at: datetime
    zero_s: float
    keeps_scenario_times: bool

    async def reach(self, at_s: float) -> None:
        """Waits until the simulated second has come."""
        await asyncio.sleep(max(self.zero_s + at_s / self.speed - time.monotonic(), 0))

    def stamp(self, at_s: float) -> datetime:
        return self.zero_at + timedelta(seconds=at_s if self.keeps_scenario_times else at_s / self.speed)


@dataclass(frozen=True, slots=True)
class Playing:
    """`speed` in simulated seconds a second; `rounds` None is for ever; each line carries `terminals_a_line`."""

    speed: float
    rounds: int | None
    scenario_times: bool
    terminals_a_line: int = TERMINALS_A_LINE


class Player:
    """One scenario on its way to its gateways; neighbours in the scenario share a line, and lines a gateway."""

    def __init__(self, scenario: Scenario, gateways: Sequence[Gateway], playing: Playing) -> None:
        self.tally = Tally()
        self._scenario = scenario
        self._playing = playing
        self._mine = Mine(scenario)
        self._opening = asyncio.Semaphore(OPENING_AT_ONCE)
        names = [terminal.name for terminal in scenario.terminals]
        self._line = {
            name: line
            for gateway, mine in zip(gateways, _parts(names, len(gateways)), strict=True)
            for line, name in self._lines_to(gateway, mine)
        }
        self._sessions = {terminal.name: uuid4() for terminal in scenario.terminals}
        self._numbers = {terminal.name: count(2) for terminal in scenario.terminals}

    async def run(self) -> Tally:
        """Returns when the gateways have taken everything; ProtocolError for a frame that breaks the contract."""
        try:
            async with asyncio.TaskGroup() as group:
                for line in dict.fromkeys(self._line.values()):
                    group.create_task(line.run())
                group.create_task(self._play())
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None
        return self.tally

    async def _play(self) -> None:
        starts_at = self._scenario.start_at if self._playing.scenario_times else datetime.now(UTC)
        clock = Clock(self._playing.speed, starts_at, time.monotonic(), self._playing.scenario_times)
        for terminal in self._scenario.terminals:
            await self._line[terminal.name].put(birth(terminal, self._sessions[terminal.name]))
        for index in range(self._playing.rounds) if self._playing.rounds else count():
            await self._play_round(clock, index * self._scenario.duration_s)
        for line in dict.fromkeys(self._line.values()):
            line.finish()

    def _lines_to(self, gateway: Gateway, names: Sequence[str]) -> Iterator[tuple[Line, str]]:
        share = self._playing.terminals_a_line if gateway.is_shared else 1
        for first in range(0, len(names), share):
            together = names[first : first + share]
            line = Line(gateway, together, self.tally, self._obey, self._opening)
            yield from ((line, name) for name in together)

    async def _play_round(self, clock: Clock, since_s: float) -> None:
        self._mine, links = Mine(self._scenario), Links(self._scenario)
        for at_s in seconds(self._scenario):
            await clock.reach(since_s + at_s)
            sent = links.through(self._mine.step(at_s), at_s)
            for first in range(0, len(sent), SPREAD):
                await clock.reach(since_s + at_s + self._scenario.step_s * first / len(sent))
                await self._send(sent[first : first + SPREAD], clock, since_s)
        await self._send(links.rest(), clock, since_s)

    async def _send(self, sent: Sequence[Measured], clock: Clock, since_s: float) -> None:
        for measured in sent:
            if measured.values:
                name = measured.terminal.name
                stamp = clock.stamp(since_s + measured.at_s)
                await self._line[name].put(frame(measured, self._sessions[name], next(self._numbers[name]), stamp))

    def _obey(self, command: TerminalCommand) -> TerminalCommandResult:
        return self._mine.apply(command)


def _parts(names: Sequence[str], count: int) -> list[Sequence[str]]:
    """`count` runs of neighbours, as equal as can be."""
    ends = [len(names) * n // count for n in range(count + 1)]
    return [names[first:end] for first, end in pairwise(ends)]
