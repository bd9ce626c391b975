"""The protocol from the journal to the cloud, with a crash, a loss or a restored backup at any point.

The journal, a lane's own logic and the contract of the cloud are the real ones; only the wire between them is drawn.
"""

from collections.abc import Callable, Coroutine
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from enum import Enum, auto
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.transport import Answer, LinkDown
from edge_bridge.gateway.uplink import LaneUplink, Pace, Pause
from edge_bridge.protocol import (
    Ack,
    Alarm,
    AlarmEvent,
    Batch,
    Body,
    Gap,
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
ROUNDS = 60


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


async def heard(said: Ack | Problem) -> None: ...


def refuse_sevens(batch: Batch) -> Problem | None:
    bad = [entry.seq for entry in batch.entries if isinstance(entry.body, Reading) and entry.body.value % 10 == 7]
    return Problem(422, "Cannot be taken", "", seq=bad[0]) if bad else None


def body(lane: Lane, number: int) -> Body:
    if lane is Lane.P2:
        return Reading("GAS-1", "ch4", float(number), Quality.GOOD, NOW + timedelta(seconds=number))
    event = AlarmEvent.RAISED if number % 2 else AlarmEvent.CLEARED
    return Alarm("GAS-1", "methane.hi", event, Severity.CRITICAL, "ch4", float(number), 1.0, "methane", NOW, False)


class Protocol(RuleBasedStateMachine):
    """`said` is the truth: how many alarms and readings a commit of the journal was waited for."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = TemporaryDirectory(dir=IN_MEMORY)
        self.cloud = Cloud()
        self.cloud.refuse = refuse_sevens
        self.wire = Wire(self.cloud)
        self.said = {Lane.P0: 0, Lane.P2: 0}
        self.backup: Any = None
        self.start()

    def start(self) -> None:
        self.journal = Journal(Path(self.directory.name), "north", PLENTY, PLENTY)
        pace = Pace(readings_per_s=float("inf"))
        self.lanes = {
            lane: LaneUplink(lane, self.journal, SameThread(), self.wire, pace, (), heard)  # type: ignore[arg-type]
            for lane in Lane
        }

    # At the mine ---------------------------------------------------------------------------------------------------

    @rule(lane=st.sampled_from([Lane.P0, Lane.P2]), count=st.integers(1, 12))
    def say(self, lane: Lane, count: int) -> None:
        with self.journal.transaction():
            self._append(lane, count)
        self.said[lane] += count

    @rule(lane=st.sampled_from([Lane.P0, Lane.P2]), count=st.integers(1, 12))
    def crash_before_the_commit(self, lane: Lane, count: int) -> None:
        try:
            with self.journal.transaction():
                self._append(lane, count)
                raise Crash
        except Crash:
            self.crash()

    def _append(self, lane: Lane, count: int) -> None:
        self.journal.append(lane, [body(lane, self.said[lane] + n + 1) for n in range(count)])
        if lane is Lane.P2:
            self.journal.count_readings(count)

    @rule()
    def crash(self) -> None:
        self.journal.close()
        self.start()

    @rule()
    def beat(self) -> None:
        self.journal.beat(NOW)

    @rule()
    def give_way(self) -> None:
        with self.journal.transaction():
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
        except (LinkDown, Pause):
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
        alarms = [alarm.value for alarm in self.cloud.alarms()]
        assert alarms == [float(n + 1) for n in range(len(alarms))]
        readings = [reading.value for reading in self.cloud.readings()]
        assert readings == sorted(set(readings))

    def teardown(self) -> None:
        """Once the link holds: every alarm is there, and each reading is there or counted with its reason."""
        self.say(Lane.P2, 1)
        self._drain()
        self.beat()
        self._drain()
        self.nothing_is_doubled_or_out_of_order()
        assert len(self.cloud.alarms()) == self.said[Lane.P0]
        bodies = self.cloud.bodies(Lane.P2)
        assert sum(b.count if isinstance(b, Gap) else 1 for b in bodies) == self.said[Lane.P2]
        assert self.cloud.assert_counts_balance() > 0
        self.journal.close()
        self.directory.cleanup()

    def _drain(self) -> None:
        for _ in range(ROUNDS):
            had_something = [self._try(lane, Fate.ARRIVES) for lane in Lane]
            if not any(had_something):
                return
        raise AssertionError("the journal does not empty")


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
