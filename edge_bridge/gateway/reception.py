"""Where all ways of the terminals meet: what they say is journalled in turn and answered; commands find their way back.

A `Line` is one terminal's connection, whatever it speaks. Which line reaches a machine is learnt from what came over
it last.
"""

import asyncio
import logging
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from edge_bridge.gateway.admission import Reach, Speaker
from edge_bridge.gateway.clock import Clock
from edge_bridge.gateway.commands import CommandDesk
from edge_bridge.gateway.intake import Frame, Intake
from edge_bridge.gateway.trespass import Deed, Trespasses, added
from edge_bridge.gateway.uplink import JournalThread
from edge_bridge.protocol import (
    MAX_NAME_CHARS,
    Command,
    Message,
    ProtocolError,
    Refused,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReadings,
    decode,
)

log = logging.getLogger(__name__)

FRAMES_A_COMMIT = 1_000
GATHER_S = 0.005  # what arrives within this time shares a write to the disk
LOOK_EVERY_S = 1.0
MOST_RESULTS = 1_000  # of commands, that wait for room in the journal

Answer = asyncio.Future[Taken | Refused | None]  # None to a command's result


@dataclass(eq=False)
class Line:
    """`send` brings a message to the terminals at its other end; it may raise OSError or be lost.

    `takes_commands`: whether anybody listens for them there; until then they wait.
    """

    send: Callable[[Message], Awaitable[None]]
    speaker: Speaker
    reach: set[Reach] = field(default_factory=set)
    takes_commands: bool = True


class Reception:
    """`on_written` is called after each commit."""

    def __init__(
        self,
        intake: Intake,
        desk: CommandDesk,
        trespasses: Trespasses,
        thread: JournalThread,
        on_written: Callable[[], None],
    ) -> None:
        self._intake = intake
        self._trespasses = trespasses
        self._fresh_trespasses: Counter[Deed] = Counter()
        self._clock = Clock()
        self._desk = desk
        self._thread = thread
        self._on_written = on_written
        self._frames: asyncio.Queue[tuple[Frame, Answer]] = asyncio.Queue()
        self._lines: dict[Reach, Line] = {}
        # Nobody says them again, so they wait here where the disk is full.
        self._results: dict[UUID, tuple[TerminalCommandResult, datetime]] = {}
        self._has_command = asyncio.Event()

    # For the ways of the terminals ---------------------------------------------------------------------------------

    def hear(self, line: Line, data: str | bytes) -> Answer:
        """Hands in what came over the line, in turn: the caller may read on."""
        try:
            message = decode(data)
        except ProtocolError as error:
            log.warning("a frame is refused: %s", error)
            return _at_once(Refused(None, error.path, error.message, retry=False))
        match message:
            case TerminalBirth() | TerminalReadings() if objection := line.speaker.objection(message):
                return _at_once(self.refuse(line, objection, *_codes(message)))
            case TerminalBirth() | TerminalReadings():
                return self._hand_in(line, message)
            case TerminalCommandResult():
                return asyncio.ensure_future(self._note_result(line, message))
            case _:
                words = "a terminal sends terminal_birth, readings or terminal_command_result"
                return _at_once(Refused(None, "type", words, retry=False))

    def refuse(self, line: Line, refused: Refused, *spoken_for: str) -> Refused:
        """Counts that the terminal spoke for what is not its own, which the cloud is told."""
        deed = (line.speaker.name, ", ".join(sorted(spoken_for))[:MAX_NAME_CHARS])
        self._fresh_trespasses = added(self._fresh_trespasses, {deed: 1})
        return refused

    async def leave(self, line: Line) -> None:
        """The line is closed: its machines have a little time to come back."""
        gone = [reach for reach in line.reach if self._lines.get(reach) is line]
        for reach in gone:
            del self._lines[reach]
        codes = [reach if isinstance(reach, str) else reach[0] for reach in gone]
        await self._thread.run(self._leave, codes, datetime.now(UTC))

    def _hand_in(self, line: Line, frame: Frame) -> Answer:
        reach = line.speaker.reach(_codes(frame))
        if not reach <= line.reach:
            line.reach |= reach
            self._has_command.set()  # one may have waited for this terminal
        for each in reach:
            known = self._lines.get(each)
            if line.takes_commands or known is None or not known.takes_commands:
                self._lines[each] = line
        answered: Answer = asyncio.get_running_loop().create_future()
        self._frames.put_nowait((frame, answered))
        return answered

    async def _note_result(self, line: Line, result: TerminalCommandResult) -> Refused | None:
        point, now = None, datetime.now(UTC)
        try:
            point = await self._thread.run(self._desk.point_of, result.id)
            if point and not line.speaker.may_speak_for(point):
                words = f"command {result.id} is for {point[0]!r}, for which this terminal may not speak"
                return self.refuse(line, Refused(None, "id", words, retry=False), point[0])
            await self._thread.run(self._desk.settle, result, now)
        except sqlite3.OperationalError as error:
            log.error("the result of command %s waits, the journal cannot be written: %s", result.id, error)
            if point and len(self._results) < MOST_RESULTS:
                self._results.setdefault(result.id, (result, now))
        self._on_written()
        return None

    # For the uplink ------------------------------------------------------------------------------------------------

    async def take_commands(self, commands: Sequence[Command]) -> None:
        """Where they cannot be journalled the cloud sends them again."""
        if not commands:
            return
        try:
            is_news = await self._thread.run(self._desk.receive, commands, datetime.now(UTC))
        except sqlite3.OperationalError as error:
            log.error("%d commands are not taken, the journal cannot be written: %s", len(commands), error)
            return
        if is_news:
            self._on_written()
            self._has_command.set()

    # Tasks of the process, which run until cancelled ---------------------------------------------------------------

    async def commit_frames(self) -> None:
        """Journals what the lines hand in, as much as is there at a time."""
        while True:
            waiting = [await self._frames.get()]
            await asyncio.sleep(GATHER_S)
            while len(waiting) < FRAMES_A_COMMIT and not self._frames.empty():
                waiting.append(self._frames.get_nowait())
            answers = await self._take([frame for frame, _ in waiting])
            for (_, answered), answer in zip(waiting, answers, strict=True):
                if not answered.done():
                    answered.set_result(answer)
            self._on_written()

    async def act(self) -> None:
        """Sends commands to their terminals, and looks after those that wait."""
        while True:
            try:
                await self._send_due()
                fresh = self._fresh_trespasses.copy()
                if await self._thread.run(self._look_around, fresh, datetime.now(UTC)):
                    self._on_written()
                self._fresh_trespasses -= fresh
            except sqlite3.OperationalError as error:
                log.error("the journal cannot be written: %s", error)
            self._has_command.clear()
            try:
                await asyncio.wait_for(self._has_command.wait(), LOOK_EVERY_S)
            except TimeoutError:
                continue

    async def _send_due(self) -> None:
        has_ended, due = await self._thread.run(self._next_commands, set(self._listening()), datetime.now(UTC))
        lines = self._listening() if due else {}
        for command in due:
            try:
                # That of the tag before that of its machine.
                await (lines.get((command.equipment, command.tag)) or lines[command.equipment]).send(command)
            except (OSError, KeyError) as error:
                log.warning("command %s did not reach its terminal: %r", command.id, error)
        if has_ended:
            self._on_written()

    def _listening(self) -> dict[Reach, Line]:
        return {reach: line for reach, line in self._lines.items() if line.takes_commands}

    def _next_commands(self, reachable: set[Reach], now: datetime) -> tuple[bool, list[TerminalCommand]]:
        self._look_at_clock()
        has_ended = self._settle_results() | self._desk.review(now)
        return has_ended, self._desk.due(reachable, now)

    def _settle_results(self) -> bool:
        """Journals the results that wait, as soon as there is room; whether there were any."""
        waiting = list(self._results.items())
        for id_, (result, at) in waiting:
            self._desk.settle(result, at)
            del self._results[id_]
        return bool(waiting)

    def _look_around(self, trespasses: Counter[Deed], now: datetime) -> bool:
        self._look_at_clock()
        return self._desk.give_up(now) | self._intake.watch(now) | self._trespasses.note(trespasses, now)

    def _leave(self, equipment: list[str], now: datetime) -> None:
        self._look_at_clock()
        self._intake.leave(equipment, now)

    def _journal(self, frames: list[Frame], now: datetime) -> list[Taken | Refused]:
        self._look_at_clock()
        return self._intake.take(frames, now)

    def _look_at_clock(self) -> None:
        """Before anything is judged by it."""
        if put_by := self._clock.put_by():
            log.warning("the clock was put by %.0f s", put_by.total_seconds())
            self._intake.clock_was_put(put_by)
            self._desk.clock_was_put(put_by)

    async def _take(self, frames: list[Frame]) -> list[Taken | Refused]:
        try:
            return await self._thread.run(self._journal, frames, datetime.now(UTC))
        except sqlite3.OperationalError as error:
            log.error("%d frames are not taken, the journal cannot be written: %s", len(frames), error)
            return [Refused(frame.n, "", f"the journal cannot be written: {error}", retry=True) for frame in frames]


def _codes(frame: Frame) -> set[str]:
    return {tag.equipment for tag in frame.tags} if isinstance(frame, TerminalBirth) else {frame.equipment}


def _at_once(refused: Refused) -> Answer:
    answer: Answer = asyncio.get_running_loop().create_future()
    answer.set_result(refused)
    return answer
