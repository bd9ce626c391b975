"""A terminal's side of the wire: send a frame, wait for `taken`, send it again after a broken link; obey commands."""

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
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
ANSWER_TIMEOUT_S = 20.0
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


class Gateway(Protocol):
    """Where frames go."""

    @property
    def is_shared(self) -> bool:
        """Whether one connection may speak for several terminals."""
        ...

    def connected(self, terminals: Sequence[str]) -> AbstractAsyncContextManager[Wire]:
        """An open connection for these terminals; LinkBroken if it cannot be had."""
        ...


@dataclass
class Tally:
    taken: int = 0
    refused: int = 0


class Line:
    """One connection, shared by several terminals: frames of each in order, with at most one of each under way.

    More of one terminal at a time would let a frame that is welcome later be overtaken by its successor.
    """

    def __init__(
        self,
        gateway: Gateway,
        terminals: Sequence[str],
        tally: Tally,
        obey: Obey,
        opening: AbstractAsyncContextManager[None],
    ) -> None:
        """`opening` is held while a connection is made, so that thousands do not come at once."""
        self._gateway = gateway
        self._opening = opening
        self._terminals = terminals
        self.tally = tally
        self._obey = obey
        self._waiting: dict[str, deque[Waiting]] = {terminal: deque() for terminal in terminals}
        self._asked_s: dict[str, float] = {}  # when each frame under way was sent
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
        waiting = self._waiting[frame.terminal]
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
                async with AsyncExitStack() as open_:
                    async with self._opening:
                        wire = await open_.enter_async_context(self._gateway.connected(self._terminals))
                    await self._converse(wire)
            except (LinkBroken, NotNow) as error:
                failures = 0 if self._has_succeeded else failures + 1
                pause_s = min(BACKOFF_FIRST_S * 2 ** min(failures, 10), BACKOFF_MAX_S) * random.uniform(0.5, 1)
                log.warning("sends again in %.1f s: %s", pause_s, error)
                await asyncio.sleep(pause_s)

    async def _converse(self, wire: Wire) -> None:
        self._ready = deque(terminal for terminal, waiting in self._waiting.items() if waiting)
        self._work.set()
        self._asked_s.clear()
        works = (self._send(wire), self._listen(wire), self._grow_impatient(), self._empty.wait())
        tasks = [asyncio.ensure_future(work) for work in works]
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
                self._asked_s[terminal] = time.monotonic()
                await wire.ask(terminal, topic, message)
            self._work.clear()

    async def _listen(self, wire: Wire) -> None:
        while True:
            terminal, message = await wire.receive()
            match message:
                case TerminalCommand():
                    await wire.tell(terminal, encode(self._obey(message)))
                case Taken(n) | Refused(n=int(n)) if n < self._under_way(terminal):
                    continue  # said twice, because the frame was sent twice
                case Taken(n) if n == self._under_way(terminal):
                    self.tally.taken += 1
                    self._next(terminal)
                case Refused(retry=False) if terminal in self._asked_s:
                    self.tally.refused += 1
                    log.error("%s: a frame is refused: %s %s", terminal, message.path, message.detail)
                    self._next(terminal)
                case _:
                    raise NotNow(f"answered {message}")

    async def _grow_impatient(self) -> None:
        while True:
            await asyncio.sleep(ANSWER_TIMEOUT_S / 4)
            late = [terminal for terminal, at_s in self._asked_s.items() if time.monotonic() - at_s > ANSWER_TIMEOUT_S]
            if late:
                raise NotNow(f"no answer to {late[0]} in {ANSWER_TIMEOUT_S:g} s")

    def _under_way(self, terminal: str) -> float:
        return self._waiting[terminal][0][0] if terminal in self._asked_s else math.inf

    def _next(self, terminal: str) -> None:
        self._has_succeeded = True
        del self._asked_s[terminal]
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
