"""Server-sent events and the page that waits: the same frames, the same rights, ended by the same revocations."""

import asyncio
import json
import time
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import httpx
import pytest
from websockets.asyncio.client import connect

from marketplace.api import cancel_task, get_own_task
from tenants.context import as_platform
from tenants.feed.filters import Filter
from tenants.feed.frames import Ev, Live, Reset, Skip, decode_server
from tenants.feed.pruning import prune
from tenants.feed.receipts import note_receipts, unreceived
from tenants.models import FeedEvent, FeedHead, FeedReceipt
from tests.functional.console.scenes import sign_in
from tests.integration.feed.client import Follower, as_documented, emit, following
from tests.integration.feed.test_rights import end, open_north, revoke, set_roles
from tests.integration.marketplace.scenes import claimed, published
from tests.integration.optimization.runs import asked
from tests.integration.optimization.scenes import solved

NOBODY = "01930000-0000-7000-8000-000000000000"  # the same in each worker, which compare what they collected

later = asyncio.to_thread


@dataclass
class Stream:
    """What an EventSource would see: frames in order, with the id to go on from."""

    lines: object
    last_id: str = ""
    frames: list = field(default_factory=list)

    @property
    def numbers(self) -> list[int]:
        return [frame.body["n"] for frame in self.frames if isinstance(frame, Ev) and "n" in frame.body]

    async def next(self, within_s: float = 15):
        """The next frame; None once the server has ended the stream."""
        async with asyncio.timeout(within_s):
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last_id = value
                if name == "data":
                    self.frames.append(as_documented(value))
                    return self.frames[-1]
        return None

    async def until(self, *kinds: type):
        while not isinstance(frame := await self.next(), kinds):
            assert frame is not None, "the stream has ended"
        return frame

    async def until_number(self, n: int) -> None:
        while n not in self.numbers:
            await self.until(Ev)


@asynccontextmanager
async def streaming(web, key, last_id: str = "", **query):
    headers = {"Authorization": f"Api-Key {key}", "Accept": "text/event-stream"}
    headers |= {"Last-Event-ID": last_id} if last_id else {}
    async with (
        httpx.AsyncClient(timeout=60) as client,
        client.stream("GET", f"{web.base_url}/api/v1/feed/events", headers=headers, params=query) as answer,
    ):
        assert answer.status_code == 200 and answer.headers["content-type"] == "text/event-stream"
        yield Stream(answer.aiter_lines())


async def page(web, key, **query):
    async with httpx.AsyncClient(timeout=60) as client:
        return await client.get(
            f"{web.base_url}/api/v1/feed", headers={"Authorization": f"Api-Key {key}"}, params=query
        )


async def test_stream_goes_on_where_it_broke_off(live_web, aurora):
    key = await later(aurora.key)
    await later(emit, aurora, range(3))
    async with streaming(live_web, key) as stream:
        assert (await stream.until(Live)).seq == 3
        await later(emit, aurora, range(3, 5))
        await stream.until_number(4)
    await later(emit, aurora, range(5, 7))
    async with streaming(live_web, key, stream.last_id) as again:
        await again.until_number(6)
        assert stream.numbers + again.numbers == [3, 4, 5, 6]
        chain = [frame for frame in stream.frames + again.frames if isinstance(frame, Ev | Skip)]
        assert [frame.prev for frame in chain] == [3, 4, 5, 6]


async def test_stream_is_filtered_and_says_what_it_passes_over(live_web, aurora):
    key, north = await later(aurora.key), aurora.sites["north"].pk
    async with streaming(live_web, key, kinds=["plan.", "task."], sites=[str(north)]) as stream:
        await stream.until(Live)
        await later(emit, aurora, range(2))
        await later(emit, aurora, range(2, 3), kind="task.claimed")
        await stream.until_number(2)
        assert stream.numbers == [2] and any(isinstance(frame, Skip) and frame.to == 2 for frame in stream.frames)


@pytest.mark.parametrize("how", ["partner", "key", "role"])
@pytest.mark.usefixtures("untroubled")
async def test_revocation_reaches_the_stream_within_a_second(live_web, aurora, borealis, how):
    agreement = await later(open_north, aurora, borealis)
    key = await later(borealis.key)
    async with streaming(live_web, key) as stream:
        await stream.until(Live)
        await later(emit, aurora, range(1))
        await stream.until_number(0)
        if how == "partner":
            await later(end, aurora, agreement)
        elif how == "key":
            await later(revoke, borealis, key)
        else:
            await later(set_roles, borealis, "finance")
            await later(emit, borealis, range(50, 51), permission="view_agreements", kind="rights.member_changed")
        started = time.monotonic()
        await later(emit, aurora, range(1, 2))
        while time.monotonic() - started < 1:
            try:
                if await stream.next(within_s=0.3) is None:
                    break
            except TimeoutError:
                continue
        assert 1 not in stream.numbers
        assert (await stream.next() is None) if how == "key" else True


async def test_stream_with_a_void_cursor_begins_with_the_state_and_goes_on(live_web, aurora):
    key = await later(aurora.key)
    await later(emit, aurora, range(5))

    def prune() -> None:
        with as_platform("tests", "prune a log"):
            FeedEvent.objects.filter(tenant=aurora.id, seq__lt=4).delete()
            FeedHead.objects.filter(tenant=aurora.id).update(min_seq=4)

    await later(prune)
    async with streaming(live_web, key, after=1) as stream:
        reset = await stream.until(Reset)
        assert (reset.reason, reset.head) == ("below_min_seq", 5)
        assert set(reset.snapshot) >= {"alarms"} and stream.last_id.endswith(".5")
        await stream.until(Live)
        await later(emit, aurora, range(5, 6))
        await stream.until_number(5)


@pytest.mark.usefixtures("untroubled")
async def test_client_that_goes_away_leaves_the_feed(live_web, aurora):
    key = await later(aurora.key)
    async with streaming(live_web, key) as stream:
        await stream.until(Live)
    await later(emit, aurora, range(1))
    async with streaming(live_web, key, after=0) as again:
        await again.until_number(0)


async def test_page_waits_for_news_and_no_longer(live_web, aurora):
    key = await later(aurora.key)
    begun = time.monotonic()
    empty = (await page(live_web, key, wait_s=0.5)).json()
    assert empty["frames"] == [] and 0.4 < time.monotonic() - begun < 5
    waiting = asyncio.create_task(page(live_web, key, after=empty["cursor"], epoch=empty["epoch"], wait_s=15))
    await asyncio.sleep(0.7)
    await later(emit, aurora, range(3))
    answer = (await asyncio.wait_for(waiting, 10)).json()
    assert [frame["body"]["n"] for frame in answer["frames"]] == [0, 1, 2]
    assert (answer["cursor"], answer["head"], answer["feed"]) == (3, 3, str(aurora.id))


async def test_page_that_waits_is_chained_over_what_is_not_asked_for(live_web, aurora):
    key = await later(aurora.key)
    first = (await page(live_web, key)).json()
    asked = {"after": first["cursor"], "epoch": first["epoch"], "kinds": "plan.", "wait_s": 10}
    await later(emit, aurora, range(2))
    waiting = asyncio.create_task(page(live_web, key, **asked))
    await asyncio.sleep(0.7)
    await later(emit, aurora, range(2, 3), kind="plan.solved")
    frames = (await asyncio.wait_for(waiting, 10)).json()["frames"]
    assert [frame["prev"] for frame in frames] == [0, 2] and frames[-1]["seq"] == 3


async def test_page_that_waits_shows_nothing_that_came_after_a_revocation(live_web, aurora, borealis):
    agreement = await later(open_north, aurora, borealis)
    key = await later(borealis.key)
    first = (await page(live_web, key)).json()
    asked = {"after": first["head"], "epoch": first["epoch"], "kinds": "alarm."}
    waiting = asyncio.create_task(page(live_web, key, **asked, wait_s=4))
    await asyncio.sleep(0.7)
    await later(end, aurora, agreement)
    await later(emit, aurora, range(1))
    frames = (await asyncio.wait_for(waiting, 15)).json()["frames"]
    assert [frame["t"] for frame in frames] == ["skip"] * len(frames)


async def test_void_cursor_is_refused_before_any_wait(live_web, aurora):
    answer = await page(live_web, await later(aurora.key), after=0, epoch=str(uuid4()), wait_s=10)
    assert answer.status_code == 410 and answer.json()["reason"] == "another_epoch"


def test_snapshot_over_get_is_the_state_at_a_place_in_the_log(aurora):
    emit(aurora, range(2))
    answer = aurora.client().get("/api/v1/feed/snapshot").json()
    assert answer["head"] == 2 and answer["snapshot"]["alarms"] == {"items": [], "is_whole": True}
    assert aurora.client(["view_registry"]).get("/api/v1/feed/snapshot").json()["snapshot"] == {}


def last_bodies(organisation, noun):
    """By object, what was told of it last."""
    with organisation.acting():
        events = FeedEvent.objects.filter(kind__startswith=f"{noun}.").order_by("seq")
        return {event.body[noun]: event.body for event in events}


def test_snapshot_tells_of_plans_and_tasks_what_their_last_events_told(aurora, borealis):
    waiting = asked(aurora.client()).rpartition("/")[2]
    done = str(solved(aurora))
    over = published(aurora)
    with aurora.acting():
        cancel_task(task=get_own_task(over.pk))
    open_to_all, taken = published(aurora), claimed(published(aurora), borealis)

    state = aurora.client().get("/api/v1/feed/snapshot").json()["snapshot"]
    plans = {item["plan"]: item for item in state["plans"]["items"]}
    assert list(plans) == sorted({waiting, done}, reverse=True)
    assert plans == last_bodies(aurora, "plan") and plans[done]["objective"] > 0
    tasks = {item["task"]: item for item in state["tasks"]["items"] if item["owner"] == str(aurora.id)}
    assert set(tasks) == {str(open_to_all.pk), str(taken.task_id)}
    assert tasks.items() <= last_bodies(aurora, "task").items()

    theirs = borealis.client().get("/api/v1/feed/snapshot").json()["snapshot"]
    assert theirs["plans"]["items"] == []
    status = {item["task"]: item["status"] for item in theirs["tasks"]["items"]}
    assert (status[str(taken.task_id)], status[str(open_to_all.pk)]) == ("claimed", "open")


@pytest.mark.parametrize("header", ["x", "1.2", f"{NOBODY}.", f"{NOBODY}.-1"])
def test_bad_last_event_id_is_refused(aurora, header):
    client = aurora.client()
    answer = client.get("/api/v1/feed/events", headers={"accept": "text/event-stream", "last-event-id": header})
    assert answer.status_code == 422 and json.loads(answer.content)["title"] == "Invalid input"


@asynccontextmanager
async def at_a_screen(web, organisation, wanted: Filter | None = None):
    """As the console's pages follow the feed: with a ticket of a person who signed in."""

    def ticket() -> str:
        return sign_in(organisation).post("/api/v1/feed/tickets").json()["ticket"]

    protocols = ["cloudmining.v1", f"ticket.{await later(ticket)}"]
    async with connect(f"{web.ws_url}/ws/v1/feed", subprotocols=protocols) as socket:
        follower = Follower(socket, decode_server(str(await socket.recv())))
        await follower.subscribe(filter=wanted)
        await follower.until_live()
        yield follower


async def test_receipts_of_whole_feeds_on_a_screen_are_kept_and_those_of_filters_and_programs_are_not(live_web, aurora):
    key = await later(aurora.key)

    def received() -> int:
        with aurora.acting():
            return FeedReceipt.objects.filter(tenant=aurora.id).values_list("seq", flat=True).first() or 0

    async with (
        at_a_screen(live_web, aurora, Filter(kinds=("plan.",))) as narrow,
        following(live_web, key) as program,
        at_a_screen(live_web, aurora) as whole,
    ):
        await later(emit, aurora, range(4))
        await asyncio.gather(whole.until(4), narrow.until(4), program.until(4))
        await narrow.acknowledge()
        await program.acknowledge()
        await asyncio.sleep(1.8)
        assert await later(received) == 0
        await whole.acknowledge()
        async with asyncio.timeout(10):
            while await later(received) != 4:
                await asyncio.sleep(0.2)


def test_old_events_leave_the_log_from_its_beginning_and_never_leave_a_hole(aurora):
    emit(aurora, range(8))
    old = datetime.now(UTC) - timedelta(days=91)
    with as_platform("tests", "events of long ago"):
        FeedEvent.objects.filter(tenant=aurora.id, seq__in=[1, 2, 3, 6]).update(recorded_at=old)
    prune()
    with aurora.acting():
        assert FeedHead.objects.get(tenant=aurora.id).min_seq == 4
        assert list(FeedEvent.objects.order_by("seq").values_list("seq", flat=True)) == [4, 5, 6, 7, 8]
    with as_platform("tests", "events of long ago"):
        FeedEvent.objects.filter(tenant=aurora.id).update(recorded_at=old)
    prune()
    client = aurora.client()
    answer = client.get("/api/v1/feed").json()
    assert (answer["min_seq"], answer["head"]) == (9, 8)
    assert client.get("/api/v1/feed", {"after": 7, "epoch": answer["epoch"]}).json()["reason"] == "below_min_seq"
    emit(aurora, range(1))
    frames = client.get("/api/v1/feed", {"after": 8, "epoch": answer["epoch"]}).json()["frames"]
    assert [frame["seq"] for frame in frames] == [9]


def test_event_that_nobody_allowed_to_see_it_has_received_is_found(aurora):
    emit(aurora, range(3))
    with aurora.acting():
        epoch, soon = FeedHead.objects.get(tenant=aurora.id).epoch, datetime.now(UTC) + timedelta(seconds=1)
        assert [row.seq for row in unreceived(aurora.id, ["alarm.raised"], "view_alarms", soon)] == [1, 2, 3]
        note_receipts(aurora.id, epoch, {aurora.user.pk: 2})
        note_receipts(aurora.id, epoch, {aurora.user.pk: 1})
        assert [row.seq for row in unreceived(aurora.id, ["alarm.raised"], "view_alarms", soon)] == [3]
    set_roles(aurora, "finance")
    with aurora.acting():
        assert unreceived(aurora.id, ["alarm.raised"], "view_alarms", soon).count() == 3
