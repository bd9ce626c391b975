"""The websocket the terminals speak to: a frame is answered with `taken` once the journal has it."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edge_bridge.gateway.admission import Admission, Speaker
from edge_bridge.gateway.reception import Answer, Line, Reception
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Message, encode

UNANSWERED_MOST = 200  # frames of one connection on their way to the journal


class TerminalServer:
    def __init__(self, reception: Reception, admission: Admission, tls: ssl.SSLContext | None) -> None:
        self._reception = reception
        self._admission = admission
        self._tls = tls

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serves while inside."""
        async with serve(
            self._converse,
            sock=listener,
            ssl=self._tls,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            process_request=self._turn_away,
        ):
            yield

    async def _converse(self, connection: ServerConnection) -> None:
        async def send(message: Message) -> None:
            with suppress(ConnectionClosed):
                await connection.send(encode(message), text=True)

        speaker = self._speaker(connection.request)
        assert speaker is not None  # else it was turned away
        line, answers = Line(send, speaker), asyncio.Queue[Answer](UNANSWERED_MOST)
        try:
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(_answer(connection, answers))
                async for data in connection:
                    await answers.put(self._reception.hear(line, data))
                answering.cancel()
        except* ConnectionClosed:
            pass  # terminals come and go; what was not answered is sent again
        await self._reception.leave(line)

    def _turn_away(self, connection: ServerConnection, request: Request) -> Response | None:
        if self._speaker(request):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "This gateway wants the terminal's token.\n")

    def _speaker(self, request: Request | None) -> Speaker | None:
        headers = request.headers if request else {}
        return self._admission.by_token(headers.get("Authorization", "").removeprefix("Bearer "))


async def _answer(connection: ServerConnection, answers: asyncio.Queue[Answer]) -> None:
    """In the order of the frames, while more of them are read."""
    while True:
        if answer := await (await answers.get()):
            await connection.send(encode(answer), text=True)
