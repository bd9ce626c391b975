"""Whole, in order and once: at many sockets, over crashes, for slow clients, without Valkey or PostgreSQL."""

import asyncio
import os
import time
from contextlib import AsyncExitStack
from threading import Event

import pytest
from channels.layers import get_channel_layer
from websockets.exceptions import ConnectionClosed

from tenants.feed.doorbell import GROUP, Ringer
from tenants.feed.frames import Hb, Lagging, Live
from tests.integration.feed.client import emit, following, greeted
from tests.live import LiveWeb
from tests.relay import Relay

later = asyncio.to_thread


async def test_burst_of_500_events_arrives_whole_and_in_order_at_50_sockets(live_web, aurora):
    key = await later(aurora.key)
    async with AsyncExitStack() as stack:
        followers = [await stack.enter_async_context(following(live_web, key)) for _ in range(50)]
        everyone = asyncio.gather(*(follower.until(500) for follower in followers))
        for start in range(0, 500, 20):
            await later(emit, aurora, range(start, start + 20))
        await everyone
        assert all(follower.numbers == list(range(500)) for follower in followers)


async def test_burst_of_500_events_in_one_transaction_arrives_whole(live_web, aurora):
    key = await later(aurora.key)
    async with following(live_web, key) as follower:
        await later(emit, aurora, range(500))
        await follower.until(500)
        assert follower.numbers == list(range(500))


async def test_client_joins_live_without_loss_or_duplicates_while_events_are_written(live_web, aurora):
    key, enough = await later(aurora.key), Event()

    def write() -> None:
        for start in range(0, 600, 15):
            if start == 300:  # on a busy machine all would be written before they come
                enough.wait(60)
            emit(aurora, range(start, start + 15))

    writing = asyncio.create_task(later(write))
    async with AsyncExitStack() as stack:
        followers = []
        while not writing.done() and len(followers) < 12:
            followers.append(await stack.enter_async_context(greeted(live_web, key)))
            await followers[-1].subscribe(0)
            if len(followers) > 2:
                enough.set()
        await writing
        assert len(followers) > 2
        await asyncio.gather(*(follower.until(600) for follower in followers))
        assert all(follower.numbers == list(range(600)) for follower in followers)


@pytest.mark.usefixtures("untroubled")
async def test_first_sockets_of_a_new_organisation_that_come_at_once_are_all_greeted(live_web, cassia):
    key = await later(cassia.key)

    async def greet() -> int:
        async with greeted(live_web, key) as follower:
            return follower.hello.head

    assert await asyncio.gather(*(greet() for _ in range(30))) == [0] * 30


async def test_commit_reaches_the_client_within_a_second_with_and_without_the_doorbell(any_web, aurora):
    key = await later(aurora.key)
    async with following(any_web, key) as follower:
        await later(emit, aurora, range(1))
        started = time.monotonic()
        await follower.until(1)
        assert time.monotonic() - started < 1.0


async def test_doorbell_alone_wakes_the_feed_and_is_heard_again_after_valkey_was_away(aurora):
    """The poll is too slow to be what delivers here."""
    key = await later(aurora.key)
    with Relay(os.environ["REDIS_URL"]) as valkey, LiveWeb({"REDIS_URL": valkey.url, "FEED_POLL_S": "60"}) as web:
        async with following(web, key) as follower:
            await asyncio.sleep(0.5)
            await later(emit, aurora, range(1))
            await follower.until(1, within_s=5)
            await later(valkey.cut)
            await later(emit, aurora, range(1, 2))
            assert await follower.quiet_for(1) == []
            await later(valkey.restore)
            async with asyncio.timeout(15):
                while follower.position < 2:
                    await later(emit, aurora, range(2, 3))
                    await follower.quiet_for(0.5)
            assert follower.numbers[:3] == [0, 1, 2]


async def test_doorbell_that_nobody_can_read_deafens_no_web_process(aurora):
    key, layer = await later(aurora.key), get_channel_layer()
    with LiveWeb({"FEED_POLL_S": "60"}) as web:
        async with following(web, key) as follower:
            await asyncio.sleep(0.5)
            await layer.group_send(GROUP, {"type": "doorbell"})
            await asyncio.sleep(2)  # it listens anew after a second
            await later(emit, aurora, range(1))
            await follower.until(1, within_s=5)
        assert "no doorbell, feeds are polled" in web.output


async def test_bell_that_cannot_be_rung_silences_no_later_one(aurora):
    layer, ringer = get_channel_layer(), Ringer()
    channel = await layer.new_channel()
    await layer.group_add(GROUP, channel)
    ringer.owe({aurora.id: 2**70})  # more than a message holds
    await asyncio.sleep(0.5)
    ringer.owe({aurora.id: 7})
    async with asyncio.timeout(5):
        assert (await layer.receive(channel))["reached"] == {str(aurora.id): 7}


async def test_idle_socket_stays_open_past_ten_seconds_and_hears_heartbeats(live_web, aurora):
    key = await later(aurora.key)
    async with following(live_web, key) as follower:
        await follower.quiet_for(11)
        beats = [frame for frame in follower.frames if isinstance(frame, Hb)]
        assert beats and beats[-1].head == 0
        await later(emit, aurora, range(1))
        await follower.until(1)


async def test_heartbeats_come_at_the_interval_that_is_set(quick_web, aurora):
    async with following(quick_web, await later(aurora.key)) as follower:
        await follower.quiet_for(3)
        assert 2 <= sum(isinstance(frame, Hb) for frame in follower.frames) <= 6


async def test_no_event_is_lost_or_doubled_when_the_web_process_is_killed(live_web, aurora):
    key = await later(aurora.key)

    def write(numbers: range) -> None:
        for number in numbers:
            emit(aurora, range(number, number + 1))

    received: list[int] = []
    async with following(live_web, key) as follower:
        writing = asyncio.create_task(later(write, range(150)))
        await follower.until(50)
        await later(live_web.kill)
        try:
            while True:
                await follower.next()
        except ConnectionClosed:
            received += follower.numbers
    await later(live_web.start)
    async with following(live_web, key, cursor=follower.position) as again:
        await writing
        await again.until(150)
        received += again.numbers
    assert received == list(range(150))


async def test_client_that_stops_reading_falls_behind_and_recovers_everything(live_web, aurora):
    """It takes some 15 MB to fill the buffers between the two; it is told that it lags, and when it has caught up."""
    key = await later(aurora.key)
    async with following(live_web, key, max_queue=1) as slow, following(live_web, key) as quick:
        for start in range(0, 200, 20):
            await later(emit, aurora, range(start, start + 20), padding="x" * 80_000)
        await quick.until(200)
        await slow.until(200)
        await slow.quiet_for(0.5)
        assert slow.numbers == quick.numbers == list(range(200))
        states = [frame.t for frame in slow.frames if isinstance(frame, Live | Lagging)]
        assert len(states) >= 3 and states == [*["live", "lagging"] * (len(states) // 2), "live"]


async def test_sockets_stay_open_and_resume_without_loss_while_postgresql_is_away(aurora):
    key = await later(aurora.key)
    with Relay(os.environ["DATABASE_URL"]) as relay, LiveWeb({"DATABASE_URL": relay.url}) as web:
        async with following(web, key) as follower, following(web, key) as other:
            await later(emit, aurora, range(3))
            await follower.until(3)
            await later(relay.cut)
            await later(emit, aurora, range(3, 103))
            assert await follower.quiet_for(2) == []
            assert await code_of_a_new_socket(web, key) == 1013
            await later(relay.restore)
            restored = time.monotonic()
            await asyncio.gather(follower.until(103), other.until(103))
            assert time.monotonic() - restored < 3.0
            assert follower.numbers == other.numbers == list(range(103))
        assert web.output.count("PostgreSQL is away") == 1
        assert "Traceback" not in web.output


async def code_of_a_new_socket(web: LiveWeb, key: str) -> int | None:
    try:
        async with greeted(web, key):
            return None
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd else None
