"""Brings the journal to the cloud: one loop a lane, resend until the durable acknowledgement.

Each lane is a stream of its own, so a lane that is stuck holds up no other. While a lane has something to send and
is not pausing after a failure, the less urgent lanes begin no new message: p0 never waits behind p2.
"""

import asyncio
import logging
import random
import sqlite3
import time
from collections.abc import Awaitable, Callable, Container, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from edge_bridge.gateway.journal import Journal, Waiting
from edge_bridge.gateway.transport import Answer, LinkDown, Transport
from edge_bridge.protocol import MAX_ENTRIES, Ack, Alarm, Entry, Lane, Problem, encode_batch, encode_entry

log = logging.getLogger(__name__)

Result = TypeVar("Result")

# Refusals about the gateway's rights, its address or the moment, not about what the entries say: to put entries aside
# for these would empty the journal into quarantine because of one wrong setting.
NOT_ABOUT_THE_ENTRIES = frozenset({401, 403, 404, 405, 407, 408, 421, 423, 425, 426, 429})
CONFLICT = 409

BACKOFF_FIRST_S = 0.25
LONGEST_PAUSE_ASKED_S = 300.0


class Pause(Exception):
    """Try again later, after `at_least_s` if the cloud asked for it."""

    def __init__(self, reason: str, at_least_s: float = 0.0) -> None:
        super().__init__(reason)
        self.at_least_s = min(at_least_s, LONGEST_PAUSE_ASKED_S)


class JournalThread:
    """The one thread in which the journal is used, so that the event loop never waits for the disk."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, "journal")

    async def run(self, work: Callable[..., Result], *args: object) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *args)

    def close(self) -> None:
        self._pool.shutdown()


@dataclass(frozen=True, slots=True)
class Pace:
    """`linger_s` lets a batch of readings fill; an alarm sent later than `historical_after_s` may be historical.

    `readings_per_s` keeps the backlog of a long cut from flooding the cloud.
    """

    linger_s: float = 0.5
    backoff_max_s: float = 30.0
    alarm_backoff_max_s: float = 5.0
    historical_after_s: float = 300.0
    readings_per_s: float = 10_000.0


class Uplink:
    """`on_ack` is told of each acknowledgement, before what it acknowledges is let go."""

    def __init__(
        self,
        journal: Journal,
        thread: JournalThread,
        transport: Transport,
        pace: Pace,
        on_ack: Callable[[Ack], Awaitable[None]],
    ) -> None:
        self._on_ack = on_ack
        self._lanes: list[LaneUplink] = []
        for lane in Lane:
            self._lanes.append(LaneUplink(lane, journal, thread, transport, pace, tuple(self._lanes), self._hear))

    async def run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for lane in self._lanes:
                group.create_task(lane.run())

    def wake(self) -> None:
        """There may be something new in the journal."""
        for lane in self._lanes:
            lane.wake()

    async def _hear(self, said: Ack | Problem) -> None:
        for lane in self._lanes:
            lane.link_up.set()
        if isinstance(said, Ack):
            await self._on_ack(said)

    async def drained(self) -> None:
        """Returns when the cloud has everything."""
        for lane in self._lanes:
            await lane.empty.wait()


class LaneUplink:
    def __init__(
        self,
        lane: Lane,
        journal: Journal,
        thread: JournalThread,
        transport: Transport,
        pace: Pace,
        higher: Sequence["LaneUplink"],
        on_answer: Callable[[Ack | Problem], Awaitable[None]],
    ) -> None:
        self.lane = lane
        self.quiet = asyncio.Event()  # nothing to send, or pausing after a failure
        self.empty = asyncio.Event()
        self.link_up = asyncio.Event()  # some lane had an answer
        self._journal = journal
        self._thread = thread
        self._transport = transport
        self._pace = pace
        self._higher = higher
        self._on_answer = on_answer
        self._woken = asyncio.Event()
        self._most = MAX_ENTRIES
        self._failures = 0

    def wake(self) -> None:
        self.empty.clear()
        self._woken.set()

    async def run(self) -> None:
        while True:
            try:
                self._woken.clear()
                if not await self._send_next():
                    await self._rest()
                self._failures = 0
            except (Pause, LinkDown, sqlite3.OperationalError) as trouble:
                await self._back_off(trouble)

    async def _send_next(self) -> bool:
        boot, entries = await self._thread.run(self._read_next)
        if not entries:
            return False
        self.quiet.clear()
        for lane in self._higher:
            await lane.quiet.wait()
        if boot != self._journal.boot:  # else the cloud would take them twice, the second time by their new numbers
            return True
        began_s = time.monotonic()
        bodies = [entry.body for entry in entries]
        message = encode_batch(self._journal.edge, boot, self.lane, datetime.now(UTC), bodies)
        try:
            answer = await self._transport.send(self.lane, message)
        except LinkDown:
            await self._thread.run(self._journal.offer_again)
            raise
        await self._on_answer(answer.said)
        await self._thread.run(self._settle, boot, entries, answer)
        if self.lane is Lane.P2:
            await asyncio.sleep(began_s + len(entries) / self._pace.readings_per_s - time.monotonic())
        return True

    async def _rest(self) -> None:
        self.quiet.set()
        if not self._woken.is_set():
            self.empty.set()
        await self._woken.wait()
        if self.lane is Lane.P2:
            await asyncio.sleep(self._pace.linger_s)

    async def _back_off(self, trouble: Exception) -> None:
        self.quiet.set()
        longest_s = self._pace.alarm_backoff_max_s if self.lane is Lane.P0 else self._pace.backoff_max_s
        backoff_s = min(BACKOFF_FIRST_S * 2 ** min(self._failures, 20), longest_s) * random.uniform(0.5, 1)
        pause_s = max(backoff_s, trouble.at_least_s if isinstance(trouble, Pause) else 0.0)
        self._failures += 1
        log.warning("lane %s waits %.1f s after failure %d: %s", self.lane, pause_s, self._failures, trouble)
        if not isinstance(trouble, LinkDown):
            await asyncio.sleep(pause_s)
            return
        self.link_up.clear()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.link_up.wait(), pause_s)

    # In the journal's thread ---------------------------------------------------------------------------------------

    def _read_next(self) -> tuple[UUID, tuple[Waiting, ...]]:
        entries = self._journal.next_waiting(self.lane, self._most)
        if self.lane is Lane.P0 and entries:
            entries = self._mark_historical(entries)
        return self._journal.boot, entries

    def _mark_historical(self, entries: tuple[Waiting, ...]) -> tuple[Waiting, ...]:
        """Late news is history, except that an alarm still standing is as urgent as ever."""
        oldest = datetime.now(UTC) - timedelta(seconds=self._pace.historical_after_s)
        standing = set(self._journal.standing_alarms())
        return tuple(_aged(waiting, oldest, standing) for waiting in entries)

    def _settle(self, boot: UUID, entries: tuple[Waiting, ...], answer: Answer) -> None:
        if boot != self._journal.boot:  # another lane began a new epoch meanwhile: these numbers mean nothing now
            return
        if isinstance(answer.said, Ack):
            self._take_ack(boot, entries, answer.said)
        else:
            self._take_problem(entries, answer.said, answer.retry_after_s)

    def _take_ack(self, boot: UUID, entries: tuple[Waiting, ...], ack: Ack) -> None:
        if (ack.edge, ack.boot, ack.lane) != (self._journal.edge, boot, self.lane):
            raise Pause("the acknowledgement is for another stream")
        if ack.through < entries[0].seq:
            raise Pause("the cloud acknowledges nothing new")
        if not self._renews_epoch_if_older_than(ack.through):
            self._journal.acknowledge(self.lane, ack.through)
            self._most = min(self._most * 2, MAX_ENTRIES)

    def _renews_epoch_if_older_than(self, through: int) -> bool:
        """Whether the cloud knows numbers this journal never gave: it was restored from a copy."""
        if through <= self._journal.head(self.lane):
            return False
        log.critical("the cloud has seen number %d of lane %s, which this journal never gave", through, self.lane)
        self._journal.begin_new_epoch(datetime.now(UTC))
        log.critical("the journal is older than what was sent from it; it goes on as epoch %s", self._journal.boot)
        return True

    def _take_problem(self, entries: tuple[Waiting, ...], problem: Problem, retry_after_s: float) -> None:
        reason = f"{problem.status} {problem.title} {problem.detail}".strip()
        if problem.status == CONFLICT and problem.expected_seq:
            self._resume(entries, problem.expected_seq)
        elif problem.status in NOT_ABOUT_THE_ENTRIES or problem.status >= 500:
            self._journal.offer_again()
            raise Pause(reason, retry_after_s)
        elif culprit := _culprit(entries, problem):
            self._put_aside(culprit.entry(), reason)
        else:
            self._most = max(len(entries) // 2, 1)

    def _resume(self, entries: tuple[Waiting, ...], expected_seq: int) -> None:
        first_seq = entries[0].entry().first_seq
        if expected_seq == first_seq:
            raise Pause(f"the cloud expects {expected_seq} and refuses it")
        if not self._renews_epoch_if_older_than(expected_seq - 1):
            log.error("lane %s: the cloud expects %d, %d was sent", self.lane, expected_seq, first_seq)
            self._journal.resume_at(self.lane, expected_seq, datetime.now(UTC))

    def _put_aside(self, entry: Entry, reason: str) -> None:
        if not self._journal.quarantine(self.lane, entry, reason, datetime.now(UTC)):
            raise Pause(f"the cloud refuses the gap at {entry.seq}: {reason}")
        log.error("lane %s: entry %d is quarantined, the cloud refuses it: %s", self.lane, entry.seq, reason)


def _aged(waiting: Waiting, oldest: datetime, standing: Container[Alarm]) -> Waiting:
    entry = waiting.entry()
    alarm = entry.body
    if not isinstance(alarm, Alarm) or alarm.occurred_at >= oldest or alarm in standing:
        return waiting
    return Waiting(entry.seq, encode_entry(replace(entry, body=replace(alarm, historical=True))))


def _culprit(entries: tuple[Waiting, ...], problem: Problem) -> Waiting | None:
    """The entry a refusal is about: the one it names, or the only one there is."""
    named = [entry for entry in entries if entry.seq == problem.seq]
    return named[0] if named else entries[0] if len(entries) == 1 else None
