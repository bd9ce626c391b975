"""The websocket the terminals speak to: a frame is answered with `taken` once the journal has it."""

import asyncio
import hmac
import logging
import socket
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edge_bridge.gateway.intake import Frame, Intake
from edge_bridge.gateway.uplink import JournalThread
from edge_bridge.protocol import (
    MAX_MESSAGE_BYTES,
    ProtocolError,
    Refused,
    Taken,
    TerminalBirth,
    TerminalReadings,
    decode,
    encode,
)

log = logging.getLogger(__name__)

FRAMES_A_COMMIT = 200  # frames that arrive during one write to the disk share the next one


class TerminalServer:
    """`on_taken` is called after each commit."""

    def __init__(self, intake: Intake, thread: JournalThread, on_taken: Callable[[], None], token: str) -> None:
        self._intake = intake
        self._thread = thread
        self._on_taken = on_taken
        self._token = token
        self._frames: asyncio.Queue[tuple[Frame, asyncio.Future[Taken | Refused]]] = asyncio.Queue()

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serves while inside."""
        async with serve(
            self._converse,
            sock=listener,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            process_request=self._check_token,
        ):
            yield

    async def commit_frames(self) -> None:
        """Journals what the connections hand in, as much as is there at a time; runs until cancelled."""
        while True:
            waiting = [await self._frames.get()]
            while len(waiting) < FRAMES_A_COMMIT and not self._frames.empty():
                waiting.append(self._frames.get_nowait())
            answers = await self._take([frame for frame, _ in waiting])
            for (_, answered), answer in zip(waiting, answers, strict=True):
                if not answered.done():
                    answered.set_result(answer)
            self._on_taken()

    async def _take(self, frames: list[Frame]) -> list[Taken | Refused]:
        try:
            return await self._thread.run(self._intake.take, frames, datetime.now(UTC))
        except sqlite3.OperationalError as error:
            log.error("%d frames are not taken, the journal cannot be written: %s", len(frames), error)
            return [Refused(frame.n, "", f"the journal cannot be written: {error}", retry=True) for frame in frames]

    async def _converse(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):  # terminals come and go; what was not answered is sent again
            async for data in connection:
                await connection.send(encode(await self._answer(data)).decode())

    async def _answer(self, data: str | bytes) -> Taken | Refused:
        try:
            message = decode(data)
        except ProtocolError as error:
            log.warning("a frame is refused: %s", error)
            return Refused(None, error.path, error.message, retry=False)
        if not isinstance(message, TerminalBirth | TerminalReadings):
            return Refused(None, "type", "a terminal sends terminal_birth or readings", retry=False)
        answered: asyncio.Future[Taken | Refused] = asyncio.get_running_loop().create_future()
        await self._frames.put((message, answered))
        return await answered

    def _check_token(self, connection: ServerConnection, request: Request) -> Response | None:
        given = request.headers.get("Authorization", "")
        if not self._token or hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "This gateway wants its terminal token.\n")
