"""A terminal's side of the wire: send a frame, wait for `taken`, send it again after a broken link; obey commands."""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from edge_bridge.protocol import (
    Message,
    Refused,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReadings,
    encode,
)

log = logging.getLogger(__name__)

Frame = TerminalBirth | TerminalReadings
Obey = Callable[[TerminalCommand], TerminalCommandResult]

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
WAITING_FRAMES = 1_000  # a line keeps this much while the gateway is away; then the simulated mine waits


class NotNow(Exception):
    """The gateway asks for the same frame again later, or its answer makes no sense."""


class LinkBroken(Exception):
    """The connection cannot be made or has ended."""


class Wire(Protocol):
    """An open connection to a gateway; LinkBroken when it no longer is, NotNow for an answer without sense."""

    async def ask(self, terminal: str, topic: str, message: bytes) -> None:
        """Sends a frame, `birth` or `readings`, which the gateway answers."""
        ...

    async def tell(self, terminal: str, message: bytes) -> None:
        """Sends what became of a command."""
        ...

    async def receive(self) -> tuple[str, Message]:
        """The gateway's next message and the terminal it is for."""
        ...


Waiting = tuple[int, str, bytes]  # number, topic, message
Connect = Callable[[], AbstractAsyncContextManager[Wire]]


@dataclass
class Tally:
    taken: int = 0
    refused: int = 0
    commands: int = 0


class Line:
    """One connection, shared by several terminals: frames of each in order, with at most one of each under way.

    More of one terminal at a time would let a frame that is welcome later be overtaken by its successor.
    """

    def __init__(self, connect: Connect, tally: Tally, obey: Obey) -> None:
        self._connect = connect
        self.tally = tally
        self._obey = obey
        self._waiting: dict[str, deque[Waiting]] = {}
        self._count = 0
        self._ready: deque[str] = deque()
        self._work, self._room, self._empty = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._is_last = False
        self._has_succeeded = False

    async def put(self, frame: Frame) -> None:
        """Takes charge of the frame; waits while there is no room. ProtocolError if it breaks the contract."""
        while self._count >= WAITING_FRAMES:
            self._room.clear()
            await self._room.wait()
        waiting = self._waiting.setdefault(frame.terminal, deque())
        topic = "birth" if isinstance(frame, TerminalBirth) else "readings"
        waiting.append((frame.n, topic, encode(frame)))
        self._count += 1
        if len(waiting) == 1:
            self._is_ready(frame.terminal)

    def finish(self) -> None:
        """No more frames will come; `run` ends when all are taken."""
        self._is_last = True
        self._end_if_empty()

    async def run(self) -> None:
        """Delivers every frame until it is taken or refused for good; waits for a gateway that is away."""
        failures = 0
        while not self._empty.is_set():
            self._has_succeeded = False
            try:
                async with self._connect() as wire:
                    await self._converse(wire)
            except (LinkBroken, NotNow) as error:
                failures = 0 if self._has_succeeded else failures + 1
                pause_s = min(BACKOFF_FIRST_S * 2 ** min(failures, 10), BACKOFF_MAX_S) * random.uniform(0.5, 1)
                log.warning("sends again in %.1f s: %s", pause_s, error)
                await asyncio.sleep(pause_s)

    async def _converse(self, wire: Wire) -> None:
        self._ready = deque(terminal for terminal, waiting in self._waiting.items() if waiting)
        self._work.set()
        tasks = [asyncio.ensure_future(work) for work in (self._send(wire), self._listen(wire), self._empty.wait())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, wire: Wire) -> None:
        while True:
            await self._work.wait()
            while self._ready:
                terminal = self._ready.popleft()
                _, topic, message = self._waiting[terminal][0]
                await wire.ask(terminal, topic, message)
            self._work.clear()

    async def _listen(self, wire: Wire) -> None:
        while True:
            terminal, message = await wire.receive()
            match message:
                case TerminalCommand():
                    self.tally.commands += 1
                    await wire.tell(terminal, encode(self._obey(message)))
                case Taken(n) if n == self._under_way(terminal):
                    self.tally.taken += 1
                    self._next(terminal)
                case Refused(retry=False):
                    self.tally.refused += 1
                    n = self._under_way(terminal)
                    log.error("%s frame %d is refused: %s %s", terminal, n, message.path, message.detail)
                    self._next(terminal)
                case _:
                    raise NotNow(f"answered {message}")

    def _under_way(self, terminal: str) -> int:
        waiting = self._waiting.get(terminal)
        if not waiting:
            raise NotNow(f"an answer for {terminal!r}, which has asked nothing")
        return waiting[0][0]

    def _next(self, terminal: str) -> None:
        self._has_succeeded = True
        waiting = self._waiting[terminal]
        waiting.popleft()
        self._count -= 1
        self._room.set()
        if waiting:
            self._is_ready(terminal)
        self._end_if_empty()

    def _is_ready(self, terminal: str) -> None:
        self._ready.append(terminal)
        self._work.set()

    def _end_if_empty(self) -> None:
        if self._is_last and not self._count:
            self._empty.set()
