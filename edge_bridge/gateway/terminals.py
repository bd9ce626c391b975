"""The websocket the terminals speak to: a frame is answered with `taken` once the journal has it."""

import hmac
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from edge_bridge.gateway.reception import Line, Reception
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Message, encode


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

        line = Line(send)
        with suppress(ConnectionClosed):  # terminals come and go; what was not answered is sent again
            async for data in connection:
                if answer := await self._reception.hear(line, data):
                    await connection.send(encode(answer), text=True)
        await self._reception.leave(line)

    def _check_token(self, connection: ServerConnection, request: Request) -> Response | None:
        if is_token(self._token, request.headers.get("Authorization", "").removeprefix("Bearer ")):
            return None
        return connection.respond(HTTPStatus.UNAUTHORIZED, "This gateway wants its terminal token.\n")


def is_token(token: str, given: str) -> bool:
    """Whether the terminal may speak; everybody may where no token is set."""
    return not token or hmac.compare_digest(given.encode(), token.encode())
