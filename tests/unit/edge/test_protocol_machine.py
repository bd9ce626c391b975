"""The protocol from the journal to the cloud, with a crash, a loss, a refusal, a full disk, a journal that is gone or a
restored backup at any point; and who goes first where much waits.

The journal, a lane's own logic and the contract of the cloud are the real ones; only the wire between them is drawn.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.transport import Answer, LinkDown
from edge_bridge.gateway.uplink import LaneUplink, Pace, Pause, Uplink
from edge_bridge.protocol import (
    Ack,
    Alarm,
    AlarmEvent,
    Batch,
    Body,
    Gap,
    GapReason,
    Lane,
    Problem,
    Quality,
    Reading,
    Severity,
    decode,
    encode,
)
from tests.unit.edge.cloud import Cloud

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
PLENTY = 10_000_000
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # what a disk does to a crash is SQLite's own business
ROUNDS = 200  # and two for each entry that was said: a lane halves a message until it finds which are refused
FEW = 50  # entries a message, where it matters what goes between two


class Crash(Exception):
    """The gateway's process ends here."""


class Fate(Enum):
    """Of one message and its answer."""

    ARRIVES = auto()
    ARRIVES_TWICE = auto()
    LOST = auto()
    LATE = auto()  # the gateway has stopped waiting when it arrives
    UNANSWERED = auto()
    CRASH_BEFORE = auto()
    CRASH_AFTER = auto()  # the cloud has committed


class Wire:
    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.fate = Fate.ARRIVES
        self.late: list[bytes] = []

    async def send(self, lane: Lane, message: bytes) -> Answer:
        if self.fate is Fate.CRASH_BEFORE:
            raise Crash
        if self.fate is Fate.LATE:
            self.late.append(message)
        if self.fate in (Fate.LOST, Fate.LATE):
            raise LinkDown
        if self.fate is Fate.ARRIVES_TWICE:
            self.cloud.answer(message)
        said = decode(encode(self.cloud.answer(message)))
        if self.fate is Fate.UNANSWERED:
            raise LinkDown
        if self.fate is Fate.CRASH_AFTER:
            raise Crash
        assert isinstance(said, Ack | Problem)
        return Answer(said)

    async def close(self) -> None: ...


class SameThread:
    """In the place of the journal's own."""

    async def run(self, work: Callable[..., Any], *args: object) -> Any:
        return work(*args)


def finished(work: Coroutine[Any, Any, Any]) -> Any:
    """What `work` returns, which waits for nothing."""
    try:
        while True:
            work.send(None)
    except StopIteration as end:
        return end.value


def numbers(first: int, count: int) -> list[float | None]:
    """Of alarms, as the cloud has them."""
    return [None if is_refused(number) else float(number) for number in range(first, first + count)]


async def heard(said: Ack | Problem) -> None: ...


def is_refused(value: float) -> bool:
    return value % 10 in (7, 9)


def refuse_some(batch: Batch) -> Problem | None:
    """Sevens are named; that there is a nine somewhere is all that is said of nines."""
    said = [(entry.seq, entry.body.value) for entry in batch.entries if isinstance(entry.body, Reading | Alarm)]
    sevens = [seq for seq, value in said if value % 10 == 7]
    if sevens:
        return Problem(422, "Cannot be taken", "", seq=sevens[0])
    return Problem(422, "Cannot be taken", "") if any(is_refused(value) for _, value in said) else None


def body(lane: Lane, number: int) -> Body:
    if lane is Lane.P2:
        return Reading("GAS-1", "ch4", float(number), Quality.GOOD, NOW + timedelta(seconds=number))
    event = AlarmEvent.RAISED if number % 2 else AlarmEvent.CLEARED
    return Alarm("GAS-1", "methane.hi", event, Severity.CRITICAL, "ch4", float(number), 1.0, "methane", NOW, False)


class Protocol(RuleBasedStateMachine):
    """`said` is the truth: how many alarms and readings a commit of the journal was waited for.

    `begun` is what had been said when each epoch began; of those that are over, only the first part may have arrived.
    """

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory(dir=IN_MEMORY)
        self.cloud = Cloud()
        self.cloud.refuse = refuse_some
        self.wire = Wire(self.cloud)
        self.said = {Lane.P0: 0, Lane.P2: 0}
        self.begun: dict[str, dict[Lane, int]] = {}
        self.backup: Any = None
        self.start()

    def start(self) -> None:
        self.journal = Journal(Path(self.directory.name), "north", PLENTY, PLENTY)
        pace = Pace(readings_per_s=float("inf"))
        self.lanes = {
            lane: LaneUplink(lane, self.journal, SameThread(), self.wire, pace, (), heard)  # type: ignore[arg-type]
            for lane in Lane
        }
        self.begun.setdefault(str(self.journal.boot), dict(self.said))

    # At the mine ---------------------------------------------------------------------------------------------------

    @rule(lane=st.sampled_from([Lane.P0, Lane.P2]), count=st.integers(1, 12))
    def say(self, lane: Lane, count: int) -> None:
        """Not said if the disk is full."""
        with suppress(sqlite3.OperationalError):
            with self.journal.transaction():
                self._append(lane, count)
            self.said[lane] += count

    @rule(lane=st.sampled_from([Lane.P0, Lane.P2]), count=st.integers(1, 12))
    def crash_before_the_commit(self, lane: Lane, count: int) -> None:
        try:
            with self.journal.transaction():
                self._append(lane, count)
                raise Crash
        except (Crash, sqlite3.OperationalError):
            self.crash()

    def _append(self, lane: Lane, count: int) -> None:
        self.journal.append(lane, [body(lane, self.said[lane] + n + 1) for n in range(count)])
        if lane is Lane.P2:
            self.journal.count_readings(count)

    @rule()
    def crash(self) -> None:
        """There is room on the disk when it starts again."""
        self.journal.close()
        self.start()

    @rule()
    def journal_is_gone(self) -> None:
        """With the disk that it was on: what was not sent is lost, and another epoch begins."""
        self.journal.close()
        self.directory.cleanup()
        self.directory = TemporaryDirectory(dir=IN_MEMORY)
        self.start()

    @rule()
    def disk_is_full(self) -> None:
        self._limit_pages(0)

    @rule()
    def disk_has_room(self) -> None:
        self._limit_pages(PLENTY)

    def _limit_pages(self, most: int) -> None:
        """No fewer than there are."""
        self.journal._db.execute(f"PRAGMA max_page_count = {max(most, 1)}").fetchone()

    @rule()
    def beat(self) -> None:
        with suppress(sqlite3.OperationalError):
            self.journal.beat(NOW)

    @rule()
    def give_way(self) -> None:
        with suppress(sqlite3.OperationalError), self.journal.transaction():
            self.journal.thin_readings(0)

    # On the wire and in the cloud ----------------------------------------------------------------------------------

    @rule(lane=st.sampled_from(Lane), fate=st.sampled_from(Fate))
    def send(self, lane: Lane, fate: Fate) -> None:
        self._try(lane, fate)

    def _try(self, lane: Lane, fate: Fate) -> bool:
        """Whether there was something to send."""
        self.wire.fate = fate
        try:
            return bool(finished(self.lanes[lane]._send_next()))
        except Crash:
            self.crash()
        except (LinkDown, Pause, sqlite3.OperationalError):
            pass
        return True

    @precondition(lambda self: self.wire.late)
    @rule(data=st.data(), keep=st.booleans())
    def late_message_arrives(self, data: st.DataObject, keep: bool) -> None:
        """In any order, and perhaps again."""
        index = data.draw(st.integers(0, len(self.wire.late) - 1))
        self.cloud.answer(self.wire.late[index] if keep else self.wire.late.pop(index))

    @rule()
    def back_up_the_cloud(self) -> None:
        self.backup = deepcopy((self.cloud.watermarks, self.cloud.stored))

    @precondition(lambda self: self.backup)
    @rule()
    def restore_the_cloud(self) -> None:
        """It is away for more than a heartbeat, and what was on its way to it is gone."""
        self.wire.late.clear()
        self.beat()
        self.send(Lane.P1, Fate.LOST)
        self.cloud.watermarks, self.cloud.stored = deepcopy(self.backup)

    # What must hold ------------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_doubled_or_out_of_order(self) -> None:
        self.cloud.assert_gapless()
        for boot, begun in self.begun.items():
            bodies = self._taken(boot, Lane.P0)
            assert [self._number(said) for said in bodies] == numbers(begun[Lane.P0] + 1, len(bodies))
            readings = [said.value for said in self._taken(boot, Lane.P2) if isinstance(said, Reading)]
            assert readings == sorted(set(readings)) and min(readings, default=PLENTY) > begun[Lane.P2]

    def _taken(self, boot: str, lane: Lane) -> list[Body]:
        return [entry.body for entry in self.cloud.stored.get(("north", boot, lane), [])]

    def _number(self, said: Body) -> float | None:
        """None: it was refused, and a count stands for it."""
        assert isinstance(said, Alarm | Gap)
        if isinstance(said, Gap):
            assert (said.reason, said.count) == (GapReason.QUARANTINED, 1)
            return None
        return said.value

    def teardown(self) -> None:
        """Once the link holds: every alarm is there, and each reading is there or counted with its reason."""
        self.disk_has_room()
        self.say(Lane.P2, 1)
        self._drain()
        self.beat()
        self._drain()
        self.nothing_is_doubled_or_out_of_order()
        boot = str(self.journal.boot)
        assert len(self._taken(boot, Lane.P0)) == self.said[Lane.P0] - self.begun[boot][Lane.P0]
        counted = sum(b.count if isinstance(b, Gap) else 1 for b in self._taken(boot, Lane.P2))
        assert counted == self.said[Lane.P2] - self.begun[boot][Lane.P2]
        assert self.cloud.assert_counts_balance() > 0
        self.journal.close()
        self.directory.cleanup()

    def _drain(self) -> None:
        for _ in range(ROUNDS + 2 * sum(self.said.values())):
            had_something = [self._try(lane, Fate.ARRIVES) for lane in Lane]
            if not any(had_something):
                return
        raise AssertionError("the journal does not empty")


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


class Slow:
    """A wire to the cloud that takes a while; `begun` are the lanes of the messages, in order."""

    def __init__(self, cloud: Cloud, turns: int, after: int, then: Callable[[], None]) -> None:
        self.cloud, self.turns, self.after, self.then = cloud, turns, after, then
        self.begun: list[Lane] = []

    async def send(self, lane: Lane, message: bytes) -> Answer:
        self.begun.append(lane)
        if len(self.begun) == self.after:
            self.then()
        for _ in range(self.turns):
            await asyncio.sleep(0)
        said = self.cloud.answer(message)
        assert isinstance(said, Ack)
        return Answer(said)

    async def close(self) -> None: ...


@given(backlog=st.integers(300, 600), after=st.integers(1, 3), turns=st.integers(0, 6), alarms=st.integers(200, 300))
@settings(max_examples=8, deadline=None)
def test_alarm_waits_for_no_more_than_what_is_under_way_however_much_is_behind(
    backlog: int, after: int, turns: int, alarms: int
) -> None:
    with TemporaryDirectory(dir=IN_MEMORY) as directory:
        journal = Journal(Path(directory), "north", PLENTY, PLENTY)
        with journal.transaction():
            journal.append(Lane.P2, [body(Lane.P2, n + 1) for n in range(backlog)])
        with patch("edge_bridge.gateway.uplink.MAX_ENTRIES", FEW):
            begun = asyncio.run(drained(journal, after, turns, alarms))
        journal.close()
    since = begun[after:]
    last_alarm = max(at for at, lane in enumerate(since) if lane is Lane.P0)
    assert since[: last_alarm + 1].count(Lane.P2) <= 1
    assert since.count(Lane.P0) == -(-alarms // FEW) and Lane.P2 in begun[:after]


async def drained(journal: Journal, after: int, turns: int, alarms: int) -> list[Lane]:
    """Which lanes began a message, in order, where alarms come with the message number `after`."""

    def alarm() -> None:
        with journal.transaction():
            journal.append(Lane.P0, [body(Lane.P0, n + 1) for n in range(alarms)])
        uplink.wake()

    wire = Slow(Cloud(), turns, after, alarm)
    pace = Pace(linger_s=0.0, readings_per_s=float("inf"))
    uplink = Uplink(journal, SameThread(), wire, pace, heard)  # type: ignore[arg-type]
    uplink.wake()
    running = asyncio.ensure_future(uplink.run())
    await uplink.drained()
    running.cancel()
    return wire.begun
