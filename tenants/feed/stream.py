"""The feed over HTTP while it is open: the websocket's frames as server-sent events, or one page that waits for news.

Each is a subscriber of this process's tailer like any socket, so rights and revocations hold alike.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final
from uuid import UUID

from tenants.data import Actor
from tenants.feed.filters import Filter
from tenants.feed.frames import Reset, Sub, decode_server
from tenants.feed.log import DATABASE_AWAY, Head
from tenants.feed.subscriber import GAP, Subscriber
from tenants.feed.tailer import tailer

RETRY_MS: Final = 2000
# What comes this shortly after the first news goes into the same page.
TOGETHER_S: Final = 0.02
# A frame, and where in the log it ends, if it is of the log.
Link = tuple[str, int | None]


class Pipe:
    """Between a subscriber and the response that takes its frames one by one: a slow client holds the subscriber up."""

    def __init__(self) -> None:
        self._links: asyncio.Queue[Link | None] = asyncio.Queue(1)

    async def send(self, text: str, end: int | None = None) -> None:
        await self._links.put((text, end))

    async def close(self, code: int, reason: str) -> None:
        await self._links.put(None)

    async def next(self) -> Link | None:
        """None once it is closed."""
        return await self._links.get()


@asynccontextmanager
async def joined(actor: Actor) -> AsyncIterator[tuple[Subscriber, Pipe, Head]]:
    """A follower of the actor's feed; it leaves at the end, however that comes."""
    pipe = Pipe()
    subscriber = Subscriber(actor, pipe.send, pipe.close)
    try:
        yield subscriber, pipe, await tailer.join(subscriber)
    finally:
        tailer.leave(subscriber)


async def event_stream(actor: Actor, after: int | None, epoch: UUID | None, wanted: Filter) -> AsyncIterator[str]:
    """Server-sent events: `data` is a frame, `id` the cursor to go on from. After a reset it goes on by itself."""
    yield f"retry: {RETRY_MS}\n\n"
    try:
        async with joined(actor) as (subscriber, pipe, head):
            epoch, after = epoch or head.epoch, head.seq if after is None else after
            _begin(subscriber, Sub(after, epoch, wanted))
            while (link := await pipe.next()) is not None:
                text, end = link
                if end == GAP:
                    reset = decode_server(text)
                    assert isinstance(reset, Reset)
                    epoch, end = reset.epoch, reset.head
                    _begin(subscriber, Sub(reset.head, reset.epoch, wanted))
                yield f"id: {epoch}.{end}\ndata: {text}\n\n" if end is not None else f"data: {text}\n\n"
    except DATABASE_AWAY:
        return  # before the feed was joined: the client comes again after `retry`


async def awaited_page(
    actor: Actor, head: Head, cursor: int, wanted: Filter, frames: list[dict[str, Any]], *, wait_s: float, limit: int
) -> AsyncIterator[str]:
    """One JSON document, as soon as something is shown or the time is over: `frames`, and what follows `cursor`."""
    texts = [json.dumps(frame) for frame in frames]
    try:
        async with asyncio.timeout(wait_s), joined(actor) as (subscriber, pipe, _):
            _begin(subscriber, Sub(cursor, head.epoch, wanted))
            async for text, end in _news(pipe):
                if end is not None:
                    texts, cursor = [*texts, text], end
                if len(texts) >= limit:
                    break
    except (TimeoutError, *DATABASE_AWAY):
        pass  # the page so far is as good as any
    said = {"feed": head.feed, "epoch": head.epoch, "head": max(head.seq, cursor), "min_seq": head.min_seq}
    fields = ",".join(f'"{name}":{json.dumps(value, default=str)}' for name, value in said.items())
    yield f'{{{fields},"cursor":{cursor},"frames":[{",".join(texts)}]}}'


async def _news(pipe: Pipe) -> AsyncIterator[Link]:
    """Until shortly after the first event; to the end of the feed's own reset or close at the latest."""
    has_event = False
    while True:
        try:
            async with asyncio.timeout(TOGETHER_S if has_event else None):
                link = await pipe.next()
        except TimeoutError:
            return
        if link is None or link[1] == GAP:
            return
        has_event = has_event or link[0].startswith('{"t":"ev"')
        yield link


def _begin(subscriber: Subscriber, sub: Sub) -> None:
    """Unless it was ended meanwhile, of which the pipe tells."""
    if subscriber.state == "greeted":
        subscriber.subscribe(sub)
