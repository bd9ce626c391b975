"""One open socket on a feed: where it is in the log, what it may see, and the one task that writes to it.

It is `greeted` until the client subscribes, then `behind` (its task pages from the log), then `live` (the tailer hands
it entries as they come). A live socket whose queue is full lags: it is told so, falls behind again and loses nothing.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence
from dataclasses import replace
from typing import Any, Final, Protocol
from uuid import UUID

from tenants.data import Actor
from tenants.feed.filters import EVERYTHING
from tenants.feed.frames import Ack, BadFrame, Error, Lagging, Live, Reset, Sub, encode
from tenants.feed.line import Line
from tenants.feed.log import DATABASE_AWAY, Head, Page, Stale, door
from tenants.feed.pages import read_page_with_others
from tenants.feed.rights import Rights
from tenants.feed.snapshot import take_snapshot
from tenants.feed.view import View

QUEUE_FRAMES: Final = 256
QUEUE_CHARACTERS: Final = 1_000_000
SUBSCRIBE_WITHIN_S: Final = 30.0
SEND_WITHIN_S: Final = 60.0
CLOSE_WITHIN_S: Final = 5.0
# Longer runs of frames go through the queue, so that one page does not hold up the process.
AT_ONCE_FRAMES: Final = 8
GAP: Final = -1

BAD_FRAME, UNAUTHENTICATED, FORBIDDEN, TOO_SLOW, SERVER_ERROR, TRY_LATER = 4400, 4401, 4403, 4408, 1011, 1013
NO_RIGHTS: Final = (FORBIDDEN, "no rights any more")
# uvicorn raises RuntimeError, not OSError, if it closed the socket itself after an unanswered ping.
GONE: Final = (OSError, RuntimeError)

log = logging.getLogger(__name__)


class Gone(Exception):
    """The client went away while we were writing to it; its consumer hears so by itself."""


class Unfinished:
    """A `send` that was begun outside of a task and had to wait; a task finishes it by awaiting this."""

    def __init__(self, sending: Coroutine[Any, Any, None], waits_for: Any) -> None:
        self._sending, self._waits_for = sending, waits_for

    def __await__(self) -> Generator[Any, Any, None]:
        try:
            yield self._waits_for
        except BaseException:
            self._sending.close()
            raise
        return (yield from self._sending.__await__())


class FeedState(Protocol):
    """What a socket has to know of its feed: how far the tailer has handed it out, and how to wait for a database."""

    head: Head

    async def wait_for_database(self, error: Exception) -> None: ...


class Subscriber:
    """All frames go out by one task, in order. `send` gets a frame and where in the log it ends (GAP: at a reset)."""

    def __init__(
        self,
        actor: Actor,
        send: Callable[[Line, int | None], Coroutine[Any, Any, None]],
        close: Callable[[int, str], Awaitable[None]],
    ) -> None:
        self.actor, self._send, self._close = actor, send, close
        self._rights = Rights(frozenset())
        self.view = View(frozenset())
        self.feed: FeedState | None = None
        self.state = "greeted"
        self.position = 0
        self.epoch: UUID | None = None
        self.acknowledged = 0
        self.filter = EVERYTHING
        self._queue: deque[tuple[Line, int | None]] = deque()
        self._sent = 0
        self._queued_characters = 0
        self._wake = asyncio.Event()
        self._since = _now()
        self._sending_since: float | None = None
        self._unfinished: Unfinished | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    def start(self, feed: FeedState, rights: Rights, greeting: Line) -> None:
        self.feed, self.rights = feed, rights
        self._put(greeting)
        self._writer = asyncio.create_task(self._write())
        self._writer.add_done_callback(self._note_failure)

    def subscribe(self, frame: Sub) -> None:
        if self.state != "greeted":
            raise BadFrame("/t: this socket has a subscription; open another socket for another one.")
        self.position = self._sent = frame.cursor
        self.epoch, self.filter = frame.epoch, frame.filter or EVERYTHING
        self.view = self.rights.view(self.actor.purpose, self.filter)
        self._turn("behind")

    def acknowledge(self, frame: Ack) -> None:
        if frame.seq > self.position:
            raise BadFrame(f"/seq: nothing beyond {self.position} was sent to this socket.")
        self.acknowledged = max(self.acknowledged, frame.seq)

    def take_receipt(self) -> int | None:
        """What the client has newly told to have of the whole feed; under a filter it would say nothing of the rest."""
        told, self.acknowledged = self.acknowledged, 0
        return told if told and self.filter == EVERYTHING else None

    @property
    def rights(self) -> Rights:
        return self._rights

    @rights.setter
    def rights(self, rights: Rights) -> None:
        """With the permanent rule: what they asked for, held against their rights and the purpose that they stated."""
        if rights is not self._rights:
            self._rights, self.view = rights, rights.view(self.actor.purpose, self.filter)

    def offer(self, links: Sequence[tuple[Line, int]], head: int) -> None:
        """Give a live socket what follows its position; one that can't keep up is told so and falls behind."""
        at_once = len(links) <= AT_ONCE_FRAMES and not self._queue and self._sending_since is None
        for line, end in links:
            if len(self._queue) >= QUEUE_FRAMES or self._queued_characters >= QUEUE_CHARACTERS:
                self._put(encode(Lagging(self.position, head)))
                self.fall_behind()
                return
            self.position = end
            if at_once:
                at_once = self._send_at_once(line, end)
            elif self.state == "live":
                self._put(line, end)

    def fall_behind(self) -> None:
        """What is queued is still sent, unless rights change; the rest is read from the log, with those of then."""
        if self.state == "live":
            self._turn("behind")

    def recall(self) -> None:
        """Rights have changed: nothing that is queued goes out under the old ones, it is read from the log again."""
        if self.state in ("live", "behind") and self._queue:
            self._queue.clear()
            self._queued_characters = 0
            self.position = self._sent
            self._turn("behind")

    def beat(self, line: Line) -> None:
        """A heartbeat says nothing to a socket that has frames waiting."""
        if self.state != "ended" and not self._queue:
            self._put(line)

    def reset(self, head: Head, reason: str, snapshot: dict[str, Any]) -> None:
        """The cursor is void: the client takes the state as it is at `head` and subscribes again."""
        self._put(encode(Reset(head.epoch, head.seq, head.min_seq, reason, snapshot)), GAP)
        self._since = _now()
        self._turn("greeted")

    def overdue(self) -> str | None:
        """Why the socket has to be closed as too slow, if so."""
        if self.state == "greeted" and _now() - self._since > SUBSCRIBE_WITHIN_S:
            return f"no 'sub' within {SUBSCRIBE_WITHIN_S:.0f} s"
        if self._sending_since is not None and _now() - self._sending_since > SEND_WITHIN_S:
            return f"took no frame for {SEND_WITHIN_S:.0f} s"
        return None

    def refuse(self, title: str, detail: str) -> None:
        self.end(BAD_FRAME, title, last=encode(Error(title, detail)))

    def end(self, code: int, reason: str, last: Line | None = None) -> None:
        """Nothing more is sent, not even what is queued, but `last`; then the socket is closed."""
        if self.state != "ended":
            self.abandon()
            self._closing = asyncio.create_task(self._say_goodbye(code, reason, last))

    def abandon(self) -> None:
        """The client has gone."""
        self.state = "ended"
        self._queue.clear()
        if self._writer is not None:
            self._writer.cancel()

    def _turn(self, state: str) -> None:
        self.state = state
        self._wake.set()

    def _put(self, line: Line, end: int | None = None) -> None:
        """`end` is where in the log the client is once it has this."""
        self._queue.append((line, end))
        self._queued_characters += len(line)
        self._wake.set()

    async def _say_goodbye(self, code: int, reason: str, last: Line | None) -> None:
        try:
            async with asyncio.timeout(CLOSE_WITHIN_S):
                if last is not None:
                    await self._send(last, None)
                await self._close(code, reason)
        except (TimeoutError, *GONE) as error:
            log.info("socket of %s was gone before its close %d: %r", self.actor.via, code, error)

    def _note_failure(self, writer: asyncio.Task[None]) -> None:
        if not writer.cancelled() and (error := writer.exception()) is not None:
            log.error("writing to a socket of %s failed", self.actor.via, exc_info=error)
            self.end(SERVER_ERROR, "our mistake; connect again")

    async def _write(self) -> None:
        try:
            while self.state != "ended":
                self._wake.clear()
                if self._unfinished is not None:
                    unfinished, self._unfinished = self._unfinished, None
                    await self._send_timed(unfinished)
                while self._queue:
                    await self._send_next()
                if self.state == "behind":
                    await self._catch_up()
                elif not self._queue:
                    await self._wake.wait()
        except Gone as gone:
            log.info("socket of %s is gone: %r", self.actor.via, gone.__cause__)

    def _send_at_once(self, line: Line, end: int) -> bool:
        """Without the writer, whose waking costs as much as the sending. False if the client is not ready for more:
        the writer then finishes what was begun."""
        self._sent = end
        sending = self._send(line, end)
        try:
            waits_for = sending.send(None)
        except StopIteration:
            return True
        except GONE as error:
            log.info("socket of %s is gone: %r", self.actor.via, error)
            self.abandon()
            return False
        self._sending_since, self._unfinished = _now(), Unfinished(sending, waits_for)
        self._wake.set()
        return False

    async def _send_next(self) -> None:
        line, end = self._queue.popleft()
        self._queued_characters -= len(line)
        self._sent = self._sent if end is None else end
        await self._send_timed(self._send(line, end))

    async def _send_timed(self, sending: Awaitable[None]) -> None:
        self._sending_since = self._sending_since or _now()
        try:
            await sending
        except GONE as error:
            raise Gone from error
        self._sending_since = None

    async def _catch_up(self) -> None:
        """One page from the log; join the live ones if it reached what the tailer has handed out."""
        page = await self._read()
        if page is None:
            return
        for line, end in page.links(self.position, self.view):
            if self.feed is None or self.feed.head.rights_epoch > page.head.rights_epoch:
                return  # a slow client must not be sent for long what it might see when the page was read
            await self._send_timed(self._send(line, end))
            self.position = self._sent = end
        if self._may_join(page.head):
            self.state = "live"
            self._put(encode(Live(self.position)))

    def _may_join(self, read: Head) -> bool:
        """The rights must be as fresh as the feed's, else a revocation between the two reads would pass unseen."""
        assert self.feed is not None
        known = self.feed.head
        return self.position >= known.seq and read.rights_epoch >= known.rights_epoch and read.epoch == known.epoch

    async def _read(self) -> Page | None:
        assert self.feed is not None and self.epoch is not None
        reader = replace(self.actor, roles=self.rights.roles)
        try:
            page = await self._page(reader, self.epoch)
        except DATABASE_AWAY as error:
            await self.feed.wait_for_database(error)
            return None
        if page is None or not self._hold((page.rights or {}).get(self.actor)):
            return None
        return page

    async def _page(self, reader: Actor, epoch: UUID) -> Page | None:
        try:
            return await door(read_page_with_others, reader, self.position, epoch, self.actor)
        except Stale as stale:
            fresh = await door(take_snapshot, reader)
            if self._hold(fresh.rights):
                self.reset(fresh.head, stale.reason, fresh.state)
            return None

    def _hold(self, rights: Rights | None) -> bool:
        """Take the rights that a read found; False if what was read is not to be shown, since other roles read it."""
        if rights is None:
            self.end(*NO_RIGHTS)
            return False
        is_current = rights.roles == self.rights.roles
        self.rights = rights
        return is_current


def _now() -> float:
    return asyncio.get_running_loop().time()
