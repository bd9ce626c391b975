"""Which pages are the same for everybody, which are kept, and that no two readers read the same one at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tenants.feed.entry import Entry
from tenants.feed.frames import Ev
from tenants.feed.log import PAGE, Head, Page
from tenants.feed.pages import MOST_CHARACTERS, KeptPages, is_same_for_all
from tenants.sharing.feed_grant import FeedGrant

FEED, EPOCH = uuid4(), uuid4()
HEAD = Head(FEED, EPOCH, 10 * PAGE, 1, 0)


def entry(seq: int, text: str = "", grants: tuple[FeedGrant, ...] | None = None) -> Entry:
    now = datetime.now(UTC)
    frame = Ev(seq, seq - 1, "alarm.raised", {"text": text}, None, None, FEED, now, now)
    return Entry(frame, "view_alarms", grants)


def page(after: int = 0) -> Page:
    entries = tuple(entry(seq) for seq in range(after + 1, after + PAGE + 1))
    return Page(HEAD, after, after + PAGE, entries)


@pytest.mark.parametrize("grants", [(), (FeedGrant(uuid4(), "", frozenset()),)])
def test_page_with_one_event_of_a_partner_is_not_the_same_for_all(grants):
    whole = page()
    assert is_same_for_all(whole)
    assert not is_same_for_all(replace(whole, entries=(*whole.entries[:-1], entry(PAGE, grants=grants))))


def test_page_with_a_hole_or_an_end_or_too_long_is_not_kept():
    whole = page()
    holed = replace(whole, to=PAGE + 1)  # a number behind the wall may come to light when a grant is resumed
    last = replace(whole, entries=whole.entries[:-1], to=PAGE - 1)
    long = replace(whole, entries=(entry(1, "x" * MOST_CHARACTERS), *whole.entries[1:]))
    assert not any(map(is_same_for_all, (holed, last, long)))


def test_pages_that_were_not_asked_for_lately_make_room():
    kept, read = KeptPages(most=2), []

    def ask(after: int) -> None:
        kept.page(HEAD, after, EPOCH, lambda: read.append(after) or page(after))

    for after in (0, PAGE, 0, 2 * PAGE, 0, PAGE):
        ask(after)
    assert read == [0, PAGE, 2 * PAGE, PAGE]


def test_of_many_who_ask_at_once_one_reads():
    kept, read = KeptPages(), []

    def slowly() -> Page:
        read.append(1)
        time.sleep(0.02)
        return page()

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: kept.page(HEAD, 0, EPOCH, slowly), range(24)))
    assert len(read) == 1 and all(each is found[0] for each in found)


def test_reader_that_fails_leaves_the_turn_to_the_next():
    kept = KeptPages()

    def fails() -> Page:
        raise OSError("the database is away")

    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            kept.page(HEAD, 0, EPOCH, fails)
    assert kept.page(HEAD, 0, EPOCH, page).to == PAGE
