"""The websocket the terminals speak to: a frame is answered with `taken` once the journal has it."""

import asyncio
import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edge_bridge.gateway.reception import Answer, Line, Reception
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Message, encode

UNANSWERED_MOST = 200  # frames of one connection on their way to the journal


class TerminalServer:
    def __init__(self, reception: Reception, token: str) -> None:
        self._reception = reception
        self._token = token

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

    async def _converse(self, connection: ServerConnection) -> None:
        async def send(message: Message) -> None:
            with suppress(ConnectionClosed):
                await connection.send(encode(message), text=True)

        line, answers = Line(send), asyncio.Queue[Answer](UNANSWERED_MOST)
        try:
            async with asyncio.TaskGroup() as group:
                answering = group.create_task(_answer(connection, answers))
                async for data in connection:
                    await answers.put(self._reception.hear(line, data))
                answering.cancel()
        except* ConnectionClosed:
            pass  # terminals come and go; what was not answered is sent again
        await self._reception.leave(line)

    def _check_token(self, connection: ServerConnection, request: Request) -> Response | None:
        if is_token(self._token, request.headers.get("Authorization", "").removeprefix("Bearer ")):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "This gateway wants its terminal token.\n")


async def _answer(connection: ServerConnection, answers: asyncio.Queue[Answer]) -> None:
    """In the order of the frames, while more of them are read."""
    while True:
        if answer := await (await answers.get()):
            await connection.send(encode(answer), text=True)


def is_token(token: str, given: str) -> bool:
    """Whether the terminal may speak; everybody may where no token is set."""
    return not token or hmac.compare_digest(given.encode(), token.encode())
