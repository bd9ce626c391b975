"""Pages of the log that are the same for everybody of an organisation, kept for those who catch up together.

A page is kept if it is full, none of its numbers is missing and all its events are the organisation's own. Such a page
never changes while the log has its epoch, so it may be handed on, as long as each reader's own rights are asked for
anew. Any other page is read by each for itself: what a partner opened depends on the moment and is recorded.
"""

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final
from uuid import UUID

from tenants.context import acting_as
from tenants.data import Actor
from tenants.feed.log import PAGE, Head, Page, head_now, page_now
from tenants.feed.rights import rights_of

MOST_PAGES: Final = 16
MOST_CHARACTERS: Final = 1_000_000  # of one page
TURNS: Final = 16

Key = tuple[UUID, UUID, int]


class KeptPages:
    """Those that were last asked for; from any thread."""

    def __init__(self, most: int = MOST_PAGES) -> None:
        self._most = most
        self._kept: OrderedDict[Key, Page] = OrderedDict()
        self._lock = Lock()
        # Who asks for what is being read waits for it instead of reading the same.
        self._turns = tuple(Lock() for _ in range(TURNS))

    def page(self, head: Head, after: int, epoch: UUID, read: Callable[[], Page]) -> Page:
        """What follows `after` in the log `epoch`; `read` raises where that can't be told."""
        key = head.feed, epoch, after
        with self._turns[hash(key) % TURNS]:
            page = None if head.refuses(after, epoch) else self._find(key)
            if page is None:
                page = read()
                if is_same_for_all(page):
                    self._keep(key, page)
            return page

    def _find(self, key: Key) -> Page | None:
        with self._lock:
            page = self._kept.get(key)
            if page is not None:
                self._kept.move_to_end(key)
            return page

    def _keep(self, key: Key, page: Page) -> None:
        with self._lock:
            self._kept[key] = page
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)


def is_same_for_all(page: Page) -> bool:
    """Whether every reader of the organisation would read just this, now and later."""
    return (
        len(page.entries) == PAGE == page.to - page.after
        and all(entry.grants is None for entry in page.entries)
        and sum(len(entry.line) for entry in page.entries) <= MOST_CHARACTERS
    )


_pages = KeptPages()


def read_page_with_others(reader: Actor, after: int, epoch: UUID, holder: Actor) -> Page:
    """A page for one who is behind, with the holder's rights of this moment; raises Stale. Opens the transaction."""
    with acting_as(reader):
        head, rights = head_now(), rights_of([holder])
        page = _pages.page(head, after, epoch, lambda: page_now(after, epoch, PAGE, head))
        return Page(head, after, page.to, page.entries, rights)
