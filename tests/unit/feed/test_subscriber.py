"""A socket's own limits: what it queues, how long it may be silent or stuck."""

import asyncio
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from tenants.data import Actor
from tenants.feed import subscriber as module
from tenants.feed.entry import Entry
from tenants.feed.frames import Ev, Lagging, decode_server
from tenants.feed.line import Line
from tenants.feed.log import Head, Page
from tenants.feed.rights import Rights
from tenants.feed.subscriber import QUEUE_FRAMES, Subscriber

FEED, EPOCH = uuid4(), uuid4()
NOW = datetime.now(UTC)


class Wire:
    """Takes frames, or blocks as the transport of a client that doesn't read."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, text: str, end: int | None = None) -> None:
        await self.open.wait()
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        await self.send(f"closed {code}")


class State:
    head = Head(FEED, EPOCH, 0, 1, 0)

    async def wait_for_database(self, error: Exception) -> None:
        raise error


def live_on(wire: Wire) -> Subscriber:
    socket = Subscriber(Actor(FEED, uuid4(), frozenset({"owner"}), "test"), wire.send, wire.close)
    socket.start(State(), Rights(frozenset({"view_alarms"})), Line("hello"))
    socket.state = "live"
    return socket


def page(count: int, text: str = "") -> Page:
    frames = [
        Ev(seq, seq - 1, "alarm.raised", {"text": text}, None, None, FEED, NOW, NOW) for seq in range(1, count + 1)
    ]
    return Page(Head(FEED, EPOCH, count, 1, 0), 0, count, tuple(Entry(frame, "view_alarms") for frame in frames))


def offer(socket: Subscriber, read: Page) -> None:
    socket.offer(read.links(socket.position, socket.view), read.head.seq)


@pytest.mark.parametrize(("count", "text"), [(QUEUE_FRAMES + 50, ""), (40, "x" * 50_000)], ids=["frames", "size"])
async def test_socket_falls_behind_when_its_queue_is_full_and_knows_where_it_is(count, text):
    wire = Wire()
    wire.open.clear()
    socket = live_on(wire)
    offer(socket, page(count, text))
    assert socket.state == "behind"
    assert 0 < socket.position < count
    assert len(socket._queue) == socket.position + 2  # and the greeting
    lagging = decode_server(socket._queue[-1][0])
    assert lagging == Lagging(socket.position, count)
    socket.abandon()


async def test_ended_socket_sends_nothing_that_was_queued_but_its_close():
    wire = Wire()
    socket = live_on(wire)
    offer(socket, page(10))
    socket.end(4403, "no rights any more")
    await asyncio.sleep(0.01)
    assert wire.sent == ["closed 4403"]


async def test_socket_that_never_subscribes_and_one_that_takes_nothing_are_overdue(monkeypatch):
    monkeypatch.setattr(module, "SUBSCRIBE_WITHIN_S", 0.05)
    monkeypatch.setattr(module, "SEND_WITHIN_S", 0.05)
    silent, stuck = live_on(Wire()), live_on(blocked := Wire())
    silent.state = "greeted"
    blocked.open.clear()
    assert silent.overdue() is None and stuck.overdue() is None
    await asyncio.sleep(0.1)
    assert "no 'sub'" in str(silent.overdue())
    assert "took no frame" in str(stuck.overdue())
    for socket in (silent, stuck):
        socket.abandon()


async def test_nothing_queued_goes_out_under_rights_that_have_changed():
    wire = Wire()
    socket = live_on(wire)
    await asyncio.sleep(0.01)
    wire.open.clear()
    offer(socket, page(10))
    await asyncio.sleep(0.01)  # the first one is being sent and can't be called back
    socket.recall()
    assert (socket.state, socket.position, len(socket._queue)) == ("behind", 1, 0)
    socket.abandon()


async def test_page_read_before_a_change_of_rights_is_not_sent_to_its_end(monkeypatch):
    wire, state = Wire(), State()
    socket = Subscriber(Actor(FEED, uuid4(), frozenset({"owner"}), "test"), wire.send, wire.close)
    socket.feed, socket.rights, socket.epoch = state, Rights(frozenset({"view_alarms"})), EPOCH

    async def read() -> Page:
        return page(10)

    monkeypatch.setattr(socket, "_read", read)
    state.head = Head(FEED, EPOCH, 10, 1, 1)
    await socket._catch_up()
    assert (wire.sent, socket.position) == ([], 0)


async def test_few_frames_go_out_at_once_and_in_order_though_the_client_stops_in_between():
    wire = Wire()
    socket = live_on(wire)
    await asyncio.sleep(0.01)
    offer(socket, page(2))
    assert [decode_server(text).seq for text in wire.sent[1:]] == [1, 2]  # without the writer's turn
    wire.open.clear()
    offer(socket, Page(page(8).head, 2, 8, page(8).entries[2:]))
    await asyncio.sleep(0.01)
    assert len(wire.sent) == 3 and socket.overdue() is None and socket._sending_since is not None
    wire.open.set()
    await asyncio.sleep(0.01)
    assert [decode_server(text).seq for text in wire.sent[1:]] == list(range(1, 9))
    assert socket._sending_since is None
    socket.abandon()


async def test_begun_frame_of_a_client_that_left_is_dropped():
    wire = Wire()
    socket = live_on(wire)
    await asyncio.sleep(0.01)
    wire.open.clear()
    offer(socket, page(3))
    await asyncio.sleep(0.01)
    socket.end(4403, "no rights any more")
    wire.open.set()
    await asyncio.sleep(0.01)
    assert wire.sent == ["hello", "closed 4403"]


async def test_client_that_is_gone_is_noticed_when_it_is_sent_to():
    socket = live_on(Wire())
    await asyncio.sleep(0.01)

    async def broken(text: str, end: int | None) -> None:
        raise RuntimeError("the transport is closed")

    socket._send = broken
    offer(socket, page(3))
    assert socket.state == "ended"
