"""Reads of the log in pages, each under an identity of its own: the policies decide inside the read.

`door` is the only way from the event loop to the database.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, ParamSpec, TypeVar
from uuid import UUID

from channels.db import DatabaseSyncToAsync
from django.db import Error, InterfaceError, OperationalError, connections

from tenants import queries
from tenants.context import acting_as
from tenants.data import Actor
from tenants.feed.entry import Entry
from tenants.feed.frames import Ev, Skip, encode
from tenants.feed.line import Line
from tenants.feed.rights import Rights, rights_of
from tenants.feed.view import View
from tenants.models import FeedEvent, FeedHead
from tenants.reads.notes import give_event, live_grants
from tenants.sharing.feed_grant import FeedGrant

P = ParamSpec("P")
T = TypeVar("T")

PAGE: Final = 500
THREADS: Final = 4
DATABASE_AWAY: Final = (OperationalError, InterfaceError)

_threads = ThreadPoolExecutor(THREADS, thread_name_prefix="feed")


class _Door(DatabaseSyncToAsync):
    """Keeps a thread's connection for its next call: a poll must not log in to PostgreSQL each time."""

    def thread_handler(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super(DatabaseSyncToAsync, self).thread_handler(*args, **kwargs)
        except Error:
            connections.close_all()
            raise


async def door(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run `function`, which opens its own transaction, on one of the feed's threads."""
    result: T = await _Door(function, thread_sensitive=False, executor=_threads)(*args, **kwargs)
    return result


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a feed, as it was in one read."""

    feed: UUID
    epoch: UUID
    seq: int
    min_seq: int
    rights_epoch: int

    def refuses(self, after: int, epoch: UUID) -> str | None:
        """Why reading can't go on after this cursor, in a word; None if it can."""
        if epoch != self.epoch:
            return "another_epoch"
        if after > self.seq:
            return "above_head"
        return "below_min_seq" if after < self.min_seq - 1 else None


class Stale(Exception):
    """The cursor can't be continued, see `reason`."""

    def __init__(self, head: Head, reason: str) -> None:
        super().__init__(reason)
        self.head, self.reason = head, reason


@dataclass(frozen=True, slots=True)
class Page:
    """What follows `after`, up to `to`: each sequence number in between is in `entries` or hidden by the wall.

    `rights` is None where they were not asked for, else those of the actors that still have any.
    """

    head: Head
    after: int
    to: int
    entries: tuple[Entry, ...] = ()
    rights: dict[Actor, Rights] | None = None

    def chain(self, after: int, shown: Callable[[Entry], Entry | None]) -> Iterator[Entry | Skip]:
        """The page after a position in it, as the gapless chain for one to whom its entries are `shown` or not."""
        for entry in self.entries:
            seq = entry.frame.seq
            if seq <= after or (seen := shown(entry)) is None:
                continue
            if seq > after + 1:
                yield Skip(after, seq - 1)
            yield seen
            after = seq
        if self.to > after:
            yield Skip(after, self.to)

    def links(self, after: int, view: View) -> list[tuple[Line, int]]:
        """The chain encoded, each frame with where in the log it ends."""
        return [_encoded(link) for link in self.chain(after, view.shown)]


def _encoded(link: Entry | Skip) -> tuple[Line, int]:
    return (link.line, link.frame.seq) if isinstance(link, Entry) else (encode(link), link.to)


def head_now() -> Head:
    """In the open transaction."""
    row: FeedHead = queries.feed_head()
    return Head(row.tenant_id, row.epoch, row.seq, row.min_seq, row.rights_epoch)


def page_now(after: int, epoch: UUID, limit: int = PAGE, head: Head | None = None) -> Page:
    """In the open transaction; raises Stale. Bounded by the head, which the events' transactions held locked."""
    head = head or head_now()
    reason = head.refuses(after, epoch)
    if reason:
        raise Stale(head, reason)
    if after == head.seq:
        return Page(head, after, after)
    rows = list(queries.feed_events(after=after).filter(seq__lte=head.seq)[:limit])
    if not rows or rows[0].seq > after + 1:
        _refuse_pruned(after, epoch)
    to = rows[-1].seq if len(rows) == limit else head.seq
    grants = _feed_grants(rows)
    return Page(head, after, to, tuple(_entry(row, grants) for row in rows))


def _refuse_pruned(after: int, epoch: UUID) -> None:
    """What is not among the rows may have gone between the head and them: that is not hidden, but no longer kept."""
    head = head_now()
    if reason := head.refuses(after, epoch):
        raise Stale(head, reason)


def read_page(
    reader: Actor, after: int, epoch: UUID, limit: int, holders: Collection[Actor], known_rights: int | None = None
) -> Page:
    """One page in a transaction of `reader`, with the holders' rights unless those at `known_rights` still hold."""
    with acting_as(reader):
        head = head_now()
        rights = None if head.rights_epoch == known_rights else rights_of(holders)
        page = page_now(after, epoch, limit, head)
        return Page(page.head, page.after, page.to, page.entries, rights)


def read_head(reader: Actor) -> tuple[Head, Rights | None]:
    """The end of the feed and the reader's own rights, None if they are gone."""
    with acting_as(reader):
        return head_now(), rights_of([reader]).get(reader)


def _feed_grants(rows: Iterable[FeedEvent]) -> dict[UUID, FeedGrant]:
    """By grant, what it opens; only those in force for the reader are there. Notes that the rows are given by them."""
    known: dict[UUID, FeedGrant] = {}
    for row in rows:
        if row.grant_ids:
            live = live_grants().by_id
            opening = [live[grant] for grant in row.grant_ids if grant in live]
            known |= {grant.id: FeedGrant(grant.agreement_id, grant.purpose, grant.hides) for grant in opening}
            give_event(row.pk, opening)
    return known


def _entry(row: FeedEvent, grants: dict[UUID, FeedGrant]) -> Entry:
    frame = Ev(
        seq=row.seq,
        prev=row.seq - 1,
        kind=row.kind,
        body=row.body,
        site=row.site_id,
        equipment=row.equipment_id,
        author=row.author_id,
        occurred_at=row.occurred_at,
        recorded_at=row.recorded_at,
    )
    if not row.grant_ids:
        return Entry(frame, row.permission)
    return Entry(frame, row.permission, tuple(grants[grant] for grant in row.grant_ids if grant in grants))
