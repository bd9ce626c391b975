"""Carries one message to the cloud and brings its answer, by HTTPS or by websocket; knows nothing of the journal."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from edge_bridge.protocol import (
    MAX_MESSAGE_BYTES,
    Ack,
    Command,
    Lane,
    Problem,
    ProtocolError,
    decode,
    problem_from_http,
)

BATCH_PATH = "/api/v1/edge/batches"
SOCKET_PATH = "/ws/v1/edge"


class LinkDown(Exception):
    """No answer came: the message may have arrived or not, so it must be sent again unchanged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cloud said of a message; `retry_after_s` if it asked for a pause."""

    said: Ack | Problem
    retry_after_s: float = 0.0


class Transport(Protocol):
    async def send(self, lane: Lane, message: bytes) -> Answer:
        """LinkDown if no answer came."""

    async def close(self) -> None: ...


class HttpTransport:
    def __init__(self, cloud_url: str, headers: dict[str, str], timeout_s: float) -> None:
        self._client = httpx.AsyncClient(base_url=cloud_url, headers=headers, timeout=timeout_s)

    async def send(self, lane: Lane, message: bytes) -> Answer:
        try:
            response = await self._client.post(
                BATCH_PATH, content=message, headers={"content-type": "application/json"}
            )
        except httpx.HTTPError as error:
            raise LinkDown(f"{type(error).__name__}: {error}") from None
        if response.is_success:
            return Answer(_answered(response.content))
        if response.status_code < 400:
            raise LinkDown(f"answered {response.status_code} towards {response.headers.get('location', 'nowhere')}")
        pause_s = _seconds(response.headers.get("retry-after"))
        return Answer(problem_from_http(response.status_code, response.content), pause_s)

    async def close(self) -> None:
        await self._client.aclose()


class SocketTransport:
    """One connection a lane, so that an alarm never queues behind readings; opened when first needed."""

    def __init__(
        self, cloud_url: str, headers: dict[str, str], timeout_s: float, on_command: Callable[[Command], object]
    ) -> None:
        parts = urlsplit(cloud_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{SOCKET_PATH}"
        self._headers = headers
        self._timeout_s = timeout_s
        self._on_command = on_command
        self._lines: dict[Lane, _Line] = {}

    async def send(self, lane: Lane, message: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                if lane not in self._lines:
                    self._lines[lane] = _Line(await self._connect(), self._on_command)
                return Answer(await self._lines[lane].exchange(message))
        except InvalidStatus as error:
            return Answer(problem_from_http(error.response.status_code, bytes(error.response.body or b"")))
        except (OSError, TimeoutError, WebSocketException, LinkDown) as error:
            # A late answer on this connection would be taken for the answer to the next message.
            await self._drop(lane)
            raise LinkDown(f"{type(error).__name__}: {error}") from None

    async def close(self) -> None:
        for lane in list(self._lines):
            await self._drop(lane)

    async def _connect(self) -> ClientConnection:
        return await connect(self._url, additional_headers=self._headers, max_size=MAX_MESSAGE_BYTES, close_timeout=1)

    async def _drop(self, lane: Lane) -> None:
        line = self._lines.pop(lane, None)
        if line:
            await line.close()


class _Line:
    """A connection that is read all the time, because a command comes when it likes."""

    def __init__(self, connection: ClientConnection, on_command: Callable[[Command], object]) -> None:
        self._connection = connection
        self._on_command = on_command
        self._answers: asyncio.Queue[Ack | Problem | Exception] = asyncio.Queue()
        self._reading = asyncio.create_task(self._read())

    async def exchange(self, message: bytes) -> Ack | Problem:
        await self._connection.send(message, text=True)
        said = await self._answers.get()
        if isinstance(said, Exception):
            raise said
        return said

    async def close(self) -> None:
        self._reading.cancel()
        await self._connection.close()

    async def _read(self) -> None:
        try:
            while True:
                said = _decoded(await self._connection.recv(decode=False))
                if isinstance(said, Command):
                    self._on_command(said)
                else:
                    self._answers.put_nowait(said)
        except (WebSocketException, LinkDown) as error:
            self._answers.put_nowait(error)


def _answered(data: bytes) -> Ack | Problem:
    said = _decoded(data)
    if isinstance(said, Command):
        raise LinkDown("a command came in the place of the answer")
    return said


def _decoded(data: bytes) -> Ack | Problem | Command:
    try:
        said = decode(data)
    except ProtocolError as error:
        raise LinkDown(f"the answer cannot be read: {error}") from None
    if not isinstance(said, Ack | Problem | Command):
        raise LinkDown(f"the answer is a {type(said).__name__}, which is not an answer")
    return said


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
