"""The one reader of each feed in this process: it polls, or hears the doorbell, and hands what it read to every socket.

Started with the first socket, stopped with the last. Correct without the doorbell, which only saves the wait.
"""

import asyncio
import contextlib
import logging
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from channels.layers import get_channel_layer
from django.conf import settings
from redis.exceptions import RedisError

from tenants.data import Actor, reader_of
from tenants.feed.doorbell import GROUP
from tenants.feed.frames import Hb, Hello, encode
from tenants.feed.line import Line
from tenants.feed.log import DATABASE_AWAY, Head, Page, Stale, door, read_head, read_page
from tenants.feed.receipts import write_receipts
from tenants.feed.rights import Rights
from tenants.feed.subscriber import FORBIDDEN, NO_RIGHTS, SERVER_ERROR, TOO_SLOW, Subscriber
from tenants.feed.view import View

# Below a socket's queue, so that one that keeps up never falls behind in a burst.
BATCH: Final = 200
RETRY_S: Final = 1.0
SILENCE_S: Final = 30.0
RECEIPTS_S: Final = 1.0
# After so many sockets others get a turn.
BREATH: Final = 100

log = logging.getLogger(__name__)


class Database:
    """Whether PostgreSQL answers; says so once, however many feeds and sockets wait for it."""

    def __init__(self) -> None:
        self._answers = asyncio.Event()
        self._answers.set()

    def lost(self, error: Exception) -> None:
        if self._answers.is_set():
            log.warning("PostgreSQL is away, feeds wait: %s", str(error).partition("\n")[0])
            self._answers.clear()

    def found(self) -> None:
        if not self._answers.is_set():
            log.warning("PostgreSQL is back, feeds go on.")
            self._answers.set()

    async def wait(self) -> None:
        await self._answers.wait()


class Feed:
    """One organisation's feed: how far it was handed out, and the sockets that follow it here."""

    def __init__(self, head: Head, database: Database) -> None:
        self.head, self.database = head, database
        self.reader = reader_of(head.feed)
        self.subscribers: set[Subscriber] = set()
        self.holders: frozenset[Actor] = frozenset()
        self.bell = asyncio.Event()
        self._beat_at = _now() + settings.FEED_HEARTBEAT_S
        self._receipts_at = self._looked_at = 0.0

    def join(self, subscriber: Subscriber) -> None:
        self.subscribers.add(subscriber)
        self.holders = frozenset()

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers.discard(subscriber)
        self.holders = frozenset()

    async def wait_for_database(self, error: Exception) -> None:
        """For a socket; the feed itself keeps trying."""
        self.database.lost(error)
        await self.database.wait()

    async def follow(self) -> None:
        """Read and hand out for as long as a socket follows."""
        while self.subscribers:
            self.bell.clear()
            try:
                more = await self._advance()
            except DATABASE_AWAY as error:
                self.database.lost(error)
                await asyncio.sleep(RETRY_S)
                continue
            self.database.found()
            if not more:
                await self._rest()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.bell.wait(), settings.FEED_POLL_S)

    async def _advance(self) -> bool:
        """One read, handed out; True if there is more to read now."""
        beat = _now() >= self._beat_at
        holders = self.holders = self.holders or frozenset(subscriber.actor for subscriber in self.subscribers)
        # With each heartbeat the rights are read again, for what was changed by hand, without an event.
        known_rights = None if beat else self.head.rights_epoch
        try:
            page = await door(read_page, self.reader, self.head.seq, self.head.epoch, BATCH, holders, known_rights)
        except Stale as stale:
            self._reset(stale)
            return True
        self._refresh_rights(page, holders)
        await self._hand_out(page)
        if beat and page.to == page.head.seq:
            self._beat()
        await self._keep_receipts()
        return page.to < page.head.seq

    async def _keep_receipts(self) -> None:
        """At most once a second: who has the feed how far."""
        if _now() < self._receipts_at:
            return
        self._receipts_at = _now() + RECEIPTS_S
        told: dict[UUID, int] = {}
        for subscriber in self.subscribers:
            actor, seq = subscriber.actor, subscriber.take_receipt()
            if actor.is_at_a_screen and actor.user_id is not None and seq is not None:
                told[actor.user_id] = max(seq, told.get(actor.user_id, 0))
        if told:
            await door(write_receipts, self.reader, self.head.epoch, told)

    def _refresh_rights(self, page: Page, holders: frozenset[Actor]) -> None:
        """Those that were read; now and then also which have run out, and which sockets are stuck."""
        if page.rights is None and _now() - self._looked_at < settings.FEED_POLL_S:
            return
        self._looked_at = _now()
        now, have_changed = datetime.now(UTC), page.head.rights_epoch != self.head.rights_epoch
        for subscriber in list(self.subscribers):
            rights: Rights | None = subscriber.rights
            if page.rights is not None and subscriber.actor in holders:
                rights = page.rights.get(subscriber.actor)
            elif page.rights is not None:
                subscriber.fall_behind()  # it joined during the read; let it read its rights itself
            if rights is None or (rights.until is not None and rights.until <= now):
                subscriber.end(*NO_RIGHTS)
            else:
                subscriber.rights = rights
                if have_changed:
                    subscriber.recall()
            if (why := subscriber.overdue()) is not None:
                subscriber.end(TOO_SLOW, why)

    async def _hand_out(self, page: Page) -> None:
        """What equal views see of the page is worked out once. Whoever joins meanwhile has read it from the log."""
        head = page.head
        worked_out: dict[tuple[int, View], list[tuple[Line, int]]] = {}
        self.head = Head(head.feed, head.epoch, page.to, head.min_seq, head.rights_epoch)
        for number, subscriber in enumerate(tuple(self.subscribers), start=1):
            if subscriber.state == "live":
                place = subscriber.position, subscriber.view
                links = worked_out.get(place)
                if links is None:
                    links = worked_out[place] = page.links(*place)
                subscriber.offer(links, head.seq)
            if number % BREATH == 0:
                await asyncio.sleep(0)

    def _beat(self) -> None:
        self._beat_at = _now() + settings.FEED_HEARTBEAT_S
        line = encode(Hb(self.head.seq, datetime.now(UTC)))
        for subscriber in self.subscribers:
            subscriber.beat(line)

    def _reset(self, stale: Stale) -> None:
        """The log itself was replaced. Each socket finds out in a read of its own, with the state as it may see it."""
        self.head = stale.head
        for subscriber in self.subscribers:
            subscriber.fall_behind()


class Tailer:
    """The feeds that are followed in this process."""

    def __init__(self) -> None:
        self.feeds: dict[UUID, Feed] = {}
        self.database = Database()
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None

    async def join(self, subscriber: Subscriber) -> Head:
        """Greet a socket and look after it; one without rights is closed. Raises what the database raises."""
        head, rights = await door(read_head, subscriber.actor)
        if rights is None:
            subscriber.end(FORBIDDEN, "your role or key does not include what a feed needs")
            return head
        feed = self.feeds.get(head.feed) or self._open(head)
        feed.join(subscriber)
        subscriber.start(feed, rights, encode(Hello(head.feed, head.epoch, head.seq, head.min_seq)))
        return head

    def leave(self, subscriber: Subscriber) -> None:
        subscriber.abandon()
        feed = subscriber.feed
        if isinstance(feed, Feed):
            feed.leave(subscriber)
            if not feed.subscribers:
                self._forget(feed)

    def _open(self, head: Head) -> Feed:
        feed = self.feeds[head.feed] = Feed(head, self.database)
        # The task's first step comes after the caller has added its socket.
        task = asyncio.create_task(feed.follow())
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._finish(feed, done))
        if self._listener is None:
            self._listener = asyncio.create_task(self._listen())
        return feed

    def _forget(self, feed: Feed) -> None:
        if self.feeds.get(feed.head.feed) is feed:
            del self.feeds[feed.head.feed]
        feed.bell.set()
        if not self.feeds and self._listener is not None:
            self._listener.cancel()
            self._listener = None

    def _finish(self, feed: Feed, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("following the feed %s failed", feed.head.feed, exc_info=error)
            self._forget(feed)
            for subscriber in feed.subscribers:
                subscriber.end(SERVER_ERROR, "our mistake; connect again")

    async def _listen(self) -> None:
        """Hear the doorbell for as long as sockets are open. A layer that fails, at whatever, or falls silent is begun
        afresh."""
        layer, quiet = get_channel_layer(), False
        while True:
            try:
                await self._listen_to(layer)
                quiet = False
            except Exception as error:
                if not quiet:
                    is_away = isinstance(error, RedisError | OSError)
                    log.warning("no doorbell, feeds are polled: %s", error, exc_info=not is_away)
                quiet = True
                await asyncio.sleep(RETRY_S)
            with contextlib.suppress(Exception):
                await layer.flush()

    async def _listen_to(self, layer: Any) -> None:
        """Until nothing was heard for a while: under load the layer's receiver has been seen to end without a word."""
        channel = await layer.new_channel()
        await layer.group_add(GROUP, channel)
        try:
            while True:
                message = await asyncio.wait_for(layer.receive(channel), SILENCE_S)
                self._ring(message["reached"])
        except TimeoutError:
            return
        finally:
            with contextlib.suppress(RedisError, OSError):
                await layer.group_discard(GROUP, channel)

    def _ring(self, reached: dict[str, int]) -> None:
        for tenant, seq in reached.items():
            feed = self.feeds.get(UUID(tenant))
            if feed is not None and seq > feed.head.seq:
                feed.bell.set()


def _now() -> float:
    return asyncio.get_running_loop().time()


tailer = Tailer()
