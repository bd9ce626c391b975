"""A follower of the feed, as a program would be written: it keeps a cursor and proves the chain itself."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import jsonschema_rs
from websockets.asyncio.client import ClientConnection, connect

from tenants.bus import announce
from tenants.data import Event
from tenants.feed.asyncapi import document
from tenants.feed.filters import Filter
from tenants.feed.frames import Ack, Ev, Hb, Hello, Live, Reset, ServerFrame, Skip, Sub, decode_server, encode
from tests.live import LiveWeb
from tests.personas import Organisation

WITHIN_S = 20.0
_SAID = document("127.0.0.1", is_secure=False)["components"]
# Without what each kind of event has in its body, since these tests announce numbers; tests/events.py looks at that.
DOCUMENTED = {
    name: jsonschema_rs.Draft202012Validator(
        message["payload"] | {"components": _SAID, "allOf": [True]}, validate_formats=True
    )
    for name, message in _SAID["messages"].items()
}


class Follower:
    """`events` are those received, `position` the end of the proven chain, `frames` everything in order."""

    def __init__(self, socket: ClientConnection, hello: Hello) -> None:
        self.socket, self.hello = socket, hello
        self.position = 0
        self.frames: list[ServerFrame] = []

    @property
    def events(self) -> list[Ev]:
        return [frame for frame in self.frames if isinstance(frame, Ev)]

    @property
    def numbers(self) -> list[int]:
        """The `n` of the bodies, in the order received."""
        return [event.body["n"] for event in self.events if "n" in event.body]

    async def subscribe(self, cursor: int = 0, epoch: UUID | None = None, filter: Filter | None = None) -> None:
        self.position = cursor
        await self.socket.send(encode(Sub(cursor, epoch or self.hello.epoch, filter)))

    async def next(self, within_s: float = WITHIN_S) -> ServerFrame:
        """The next frame that isn't a heartbeat; fails if the chain has a gap or goes back."""
        while True:
            async with asyncio.timeout(within_s):
                frame = as_documented(str(await self.socket.recv()))
            self.frames.append(frame)
            if isinstance(frame, Ev | Skip):
                assert frame.prev == self.position, f"gap: {frame} after {self.position}"
                self.position = frame.seq if isinstance(frame, Ev) else frame.to
            if not isinstance(frame, Hb):
                return frame

    async def until(self, seq: int, within_s: float = WITHIN_S) -> None:
        async with asyncio.timeout(within_s):
            while self.position < seq:
                await self.next(within_s)

    async def until_live(self) -> None:
        while not isinstance(await self.next(), Live):
            pass

    async def quiet_for(self, seconds: float) -> list[ServerFrame]:
        """What comes in that time."""
        before = len(self.frames)
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.next(seconds)
        except TimeoutError:
            return self.frames[before:]

    async def acknowledge(self) -> None:
        await self.socket.send(encode(Ack(self.position)))

    async def reset(self) -> Reset:
        frame = await self.next()
        assert isinstance(frame, Reset), frame
        return frame


def as_documented(text: str) -> ServerFrame:
    """The frame; fails if it is not one that the AsyncAPI document describes."""
    said = json.loads(text)
    errors = [error.message for error in DOCUMENTED[said["t"]].iter_errors(said)]
    assert errors == [], f"{text[:300]}: {errors}"
    return decode_server(text)


@asynccontextmanager
async def greeted(
    web: LiveWeb, key: str, headers: dict[str, str] | None = None, **options: Any
) -> AsyncIterator[Follower]:
    """A socket opened with an API key, not subscribed yet."""
    address, said = f"{web.ws_url}/ws/v1/feed", {"Authorization": f"Api-Key {key}", **(headers or {})}
    async with connect(address, additional_headers=said, compression=None, **options) as socket:
        hello = as_documented(str(await asyncio.wait_for(socket.recv(), WITHIN_S)))
        assert isinstance(hello, Hello), hello
        yield Follower(socket, hello)


@asynccontextmanager
async def following(
    web: LiveWeb, key: str, cursor: int = 0, filter: Filter | None = None, **options: Any
) -> AsyncIterator[Follower]:
    """A socket that has caught up from `cursor` and is live."""
    async with greeted(web, key, **options) as follower:
        await follower.subscribe(cursor, filter=filter)
        await follower.until_live()
        yield follower


def emit(
    organisation: Organisation, numbers: range, *, permission: str = "view_alarms", padding: str = "", kind: str = ""
) -> None:
    """Announce an alarm for each number, in one transaction, on the organisation's mine where it has one."""
    site = organisation.sites.get("north")
    with organisation.acting():
        for number in numbers:
            body = {"n": number, "padding": padding}
            event = Event(kind or "alarm.raised", body, permission, site_id=site.pk if site else None)
            announce(event)
