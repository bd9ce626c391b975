"""One connection for several terminals: in order, one frame of each under way, nothing lost when the gateway errs."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from edge_bridge.protocol import (
    Message,
    Quality,
    Refused,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
    decode,
)
from terminal_sim import line as line_module
from terminal_sim.line import Frame, Line, LinkBroken, Tally
from terminal_sim.run import Player, Playing
from terminal_sim.simulation import scenario_frames
from terminal_sim.toml import load_scenario
from tests.unit.terminal_sim.scenes import SCENARIOS

AT = datetime(2026, 3, 1, 6, tzinfo=UTC)
SESSION = UUID(int=1)
NAMES = ("a", "b", "c")


def frame(terminal: str, n: int) -> TerminalReadings:
    return TerminalReadings(terminal, SESSION, n, terminal, (TerminalReading("x", 1.0, Quality.GOOD, AT),))


class Mine:
    """A gateway in this process: `answers` are given in turn instead of `taken`; None breaks the link."""

    is_shared = True

    def __init__(self, *answers: Message | None) -> None:
        self.answers = list(answers)
        self.taken: defaultdict[str, list[int]] = defaultdict(list)
        self.results: list[TerminalCommandResult] = []
        self.connections = 0
        self.most_under_way = 0

    @asynccontextmanager
    async def connected(self, terminals: Sequence[str]) -> AsyncIterator["Wire"]:
        self.connections += 1
        yield Wire(self)


class Wire:
    def __init__(self, mine: Mine) -> None:
        self._mine = mine
        self._inbox: asyncio.Queue[Frame] = asyncio.Queue()
        self._under_way: defaultdict[str, int] = defaultdict(int)

    async def ask(self, terminal: str, topic: str, message: bytes) -> None:
        said = decode(message)
        assert isinstance(said, TerminalReadings if topic == "readings" else TerminalBirth)
        self._under_way[terminal] += 1
        self._mine.most_under_way = max(self._mine.most_under_way, self._under_way[terminal])
        self._inbox.put_nowait(said)

    async def tell(self, terminal: str, message: bytes) -> None:
        result = decode(message)
        assert isinstance(result, TerminalCommandResult)
        self._mine.results.append(result)

    async def receive(self) -> tuple[str, Message]:
        if self._mine.answers and isinstance(self._mine.answers[0], TerminalCommand):
            return "", self._mine.answers.pop(0)  # type: ignore[return-value]
        said = await self._inbox.get()
        answer = self._mine.answers.pop(0) if self._mine.answers else Taken(said.n)
        if answer is None:
            raise LinkBroken("cut")
        if answer == Taken(said.n):
            self._mine.taken[said.terminal].append(said.n)
        if not isinstance(answer, Taken) or answer.n >= said.n:
            self._under_way[said.terminal] -= 1
        else:
            self._inbox.put_nowait(said)
        return said.terminal, answer


async def delivered(mine: Mine, count: int = 20) -> Tally:
    def obey(command: TerminalCommand) -> TerminalCommandResult:
        return TerminalCommandResult(command.id, True, "", command.value)

    line = Line(mine, NAMES, Tally(), obey, asyncio.Semaphore())
    async with asyncio.TaskGroup() as group:
        running = group.create_task(line.run())
        for n in range(2, count + 2):
            for name in NAMES:
                await line.put(frame(name, n))
            await asyncio.sleep(0)
        line.finish()
        await asyncio.wait_for(running, 10)
    return line.tally


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "BACKOFF_FIRST_S", 0.001)
    monkeypatch.setattr(line_module, "BACKOFF_MAX_S", 0.002)


EVERY = {name: list(range(2, 22)) for name in NAMES}


async def test_frames_of_each_terminal_arrive_once_in_order_and_singly() -> None:
    mine = Mine()
    tally = await delivered(mine)
    assert mine.taken == EVERY and mine.most_under_way == 1
    assert (tally.taken, tally.refused, mine.connections) == (60, 0, 1)


@pytest.mark.parametrize(
    "answer", [None, Refused(None, "", "disk full", retry=True), Taken(999)], ids=["cut", "not now", "senseless"]
)
async def test_frame_is_sent_again_before_its_successors(answer: Message | None) -> None:
    mine = Mine(Taken(2), answer)
    tally = await delivered(mine)
    assert mine.taken == EVERY and mine.connections == 2
    assert tally.taken == 60


async def test_answer_that_comes_twice_is_passed_over() -> None:
    mine = Mine(Taken(2), Taken(2), Taken(2), Taken(2))
    tally = await delivered(mine)
    assert mine.taken == EVERY and (tally.taken, mine.connections) == (60, 1)


async def test_frame_refused_for_good_is_counted_and_the_next_goes_on() -> None:
    mine = Mine(Refused(2, "readings", "too late", retry=False))
    tally = await delivered(mine)
    assert (tally.taken, tally.refused) == (59, 1)
    assert mine.taken["a"] == EVERY["a"][1:]


async def test_command_between_answers_is_obeyed_and_told() -> None:
    command = TerminalCommand(uuid4(), "FAN", "setpoint", 40.0)
    mine = Mine(Taken(2), command)
    await delivered(mine)
    assert mine.results == [TerminalCommandResult(command.id, True, "", 40.0)]
    assert mine.taken == EVERY


async def test_gateway_that_does_not_answer_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "ANSWER_TIMEOUT_S", 0.05)
    mine = Mine()
    silent = Wire.receive
    calls = 0

    async def receive(wire: Wire) -> tuple[str, Message]:
        nonlocal calls
        calls += 1
        if calls == 3:
            await asyncio.sleep(60)
        return await silent(wire)

    monkeypatch.setattr(Wire, "receive", receive)
    await delivered(mine)
    assert mine.taken == EVERY and mine.connections == 2


async def test_full_line_waits_for_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line_module, "WAITING_FRAMES", 4)
    line = Line(Mine(), NAMES, Tally(), lambda command: pytest.fail(str(command)), asyncio.Semaphore())
    for n in range(2, 6):
        await line.put(frame("a", n))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.put(frame("a", 6)), 0.05)


async def test_player_shares_gateways_among_neighbours_and_sends_all_frames() -> None:
    """A whole mine at a thousand times its speed; a terminal is silent, one is held, and all is taken at the end."""
    scenario = replace(load_scenario(SCENARIOS / "zoo.toml"), duration_s=6_200, step_s=50)
    gateways = [Mine(), Mine()]
    player = Player(scenario, gateways, Playing(100_000.0, 1, scenario_times=True, terminals_a_line=4))
    tally = await asyncio.wait_for(player.run(), 60)
    names = [terminal.name for terminal in scenario.terminals]
    assert [set(gateway.taken) for gateway in gateways] == [set(names[:7]), set(names[7:])]
    assert [gateway.connections for gateway in gateways] == [2, 2]
    taken = gateways[0].taken | gateways[1].taken
    expected: defaultdict[str, int] = defaultdict(int)
    for sent in scenario_frames(scenario):
        expected[sent.terminal] += 1
    assert {name: len(numbers) for name, numbers in taken.items()} == expected
    assert all(numbers == list(range(1, len(numbers) + 1)) for numbers in taken.values())
    assert tally.taken == sum(expected.values())
