"""A link that can be spoilt: answers or requests held back, connections broken off in the middle."""

import asyncio
import random
from contextlib import suppress
from typing import Literal

from tests.relay import Relay

Way = Literal["request", "answer"]
SEED = 20261122


class Proxy(Relay):
    """`loss_frac`: of the pieces that pass, in either direction, this share breaks their connection and is gone.

    TCP loses no single piece, so that is what loss looks like to those who speak over it.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.loss_frac = 0.0
        self.lost = 0
        self._dice = random.Random(SEED)
        self._open: dict[Way, asyncio.Event] = {"request": asyncio.Event(), "answer": asyncio.Event()}
        for way in self._open.values():
            way.set()

    def hold(self, *ways: Way) -> None:
        """What is said on these ways waits; the connections stay open, as on a line that is dead but not cut."""
        for way in ways:
            self._loop.call_soon_threadsafe(self._open[way].clear)

    def release(self) -> None:
        for way in self._open.values():
            self._loop.call_soon_threadsafe(way.set)

    def __exit__(self, *exception: object) -> None:
        self.release()
        super().__exit__(*exception)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there_writer = await asyncio.open_connection(self._target.hostname, self._target.port)
        except OSError:
            writer.transport.abort()
            return
        both = {writer, there_writer}
        self._writers |= both
        pumps = [
            asyncio.ensure_future(self._pump("request", reader, there_writer)),
            asyncio.ensure_future(self._pump("answer", there_reader, writer)),
        ]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        for end in both:
            with suppress(OSError):
                end.close()
        self._writers -= both

    async def _pump(self, way: Way, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                await self._open[way].wait()
                if self._dice.random() < self.loss_frac:
                    self.lost += 1
                    writer.transport.abort()
                    return
                writer.write(data)
                await writer.drain()
