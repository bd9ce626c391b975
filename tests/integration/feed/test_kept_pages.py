"""Clients that catch up together share what is the same for all of them, and nothing else."""

import asyncio

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tenants.context import as_platform
from tenants.data import Actor
from tenants.feed import pages as module
from tenants.feed.log import PAGE, Stale, head_now, page_now, read_head
from tenants.feed.pages import KeptPages, is_same_for_all, read_page_with_others
from tenants.ids import new_id
from tenants.models import FeedEvent, FeedHead, SharedRead
from tests.integration.feed.client import emit, following
from tests.integration.feed.test_rights import open_north, revoke

later = asyncio.to_thread


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    monkeypatch.setattr(module, "_pages", KeptPages())


def page_of(organisation, after: int, actor: Actor | None = None, epoch=None):
    who = actor or organisation.actor()
    known = epoch or read_head(who)[0].epoch
    return read_page_with_others(who, after, known, who)


def reads_of_the_log(read) -> int:
    with CaptureQueriesContext(connection) as said:
        read()
    return sum('FROM "tenants_feedevent"' in query["sql"] for query in said)


def test_full_page_of_own_events_is_read_once_and_handed_on(aurora):
    emit(aurora, range(2 * PAGE + 10))
    first = page_of(aurora, 0)
    assert reads_of_the_log(lambda: page_of(aurora, 0)) == 0
    again = page_of(aurora, 0)
    assert again.entries is first.entries and (again.to, again.head.seq) == (PAGE, 2 * PAGE + 10)
    assert reads_of_the_log(lambda: page_of(aurora, PAGE)) == 1
    assert reads_of_the_log(lambda: page_of(aurora, PAGE + 1)) == 1, "another range is another page"
    for _ in range(2):
        assert reads_of_the_log(lambda: page_of(aurora, 2 * PAGE)) == 1, "the last page grows, so none is kept"


def test_kept_page_is_given_with_the_rights_of_the_moment(aurora):
    emit(aurora, range(PAGE))
    secret = aurora.key()
    holder = aurora.actor(via=f"key:{secret[:10]}")
    assert set(page_of(aurora, 0, holder).rights or ()) == {holder}
    revoke(aurora, secret)
    assert page_of(aurora, 0, holder).rights == {}


def test_kept_page_is_refused_where_the_log_refuses_its_cursor(aurora):
    emit(aurora, range(PAGE))
    page_of(aurora, 0)
    with pytest.raises(Stale, match="another_epoch"):
        page_of(aurora, 0, epoch=new_id())
    with as_platform("tests", "prune a log"):
        FeedHead.objects.filter(tenant=aurora.id).update(min_seq=6)
    with pytest.raises(Stale, match="below_min_seq"):
        page_of(aurora, 0)


def test_page_whose_beginning_was_pruned_meanwhile_is_no_page_of_hidden_events(aurora):
    emit(aurora, range(6))
    with aurora.acting():
        head = head_now()
    pruned(aurora, 4)
    with aurora.acting(), pytest.raises(Stale, match="below_min_seq") as refused:
        page_now(0, head.epoch, PAGE, head)
    assert refused.value.head.min_seq == 4
    with aurora.acting():
        assert [entry.frame.seq for entry in page_now(3, head.epoch, PAGE, head).entries] == [4, 5, 6]
    pruned(aurora, 7)
    with aurora.acting(), pytest.raises(Stale, match="below_min_seq"):
        page_now(3, head.epoch, PAGE, head)


def pruned(organisation, min_seq: int) -> None:
    with as_platform("tests", "prune a log"):
        FeedEvent.objects.filter(tenant=organisation.id, seq__lt=min_seq).delete()
        FeedHead.objects.filter(tenant=organisation.id).update(min_seq=min_seq)


def test_page_with_a_partners_event_is_read_and_recorded_for_each(aurora, borealis):
    open_north(aurora, borealis)
    emit(borealis, range(PAGE - 2))
    emit(aurora, range(1))
    emit(borealis, range(1))
    assert not is_same_for_all(page_of(borealis, 0))
    assert reads_of_the_log(lambda: page_of(borealis, 0)) == 1
    with aurora.acting():
        assert SharedRead.objects.filter(kind="feed").count() == 2


async def test_clients_that_catch_up_together_have_all_of_it(live_web, aurora):
    await later(emit, aurora, range(3 * PAGE + 7))
    keys = [await later(aurora.key) for _ in range(4)]

    async def caught_up(key: str) -> list[int]:
        async with following(live_web, key) as follower:
            return follower.numbers

    for numbers in await asyncio.gather(*map(caught_up, keys * 2)):
        assert numbers == list(range(3 * PAGE + 7))
