"""Carries one message to the cloud and brings its answer, by HTTPS or by websocket; knows nothing of the journal."""

import asyncio
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from edge_bridge.protocol import MAX_MESSAGE_BYTES, Ack, Lane, Problem, ProtocolError, decode, problem_from_http

BATCH_PATH = "/api/v1/edge/batches"
SOCKET_PATH = "/ws/v1/edge"


class LinkDown(Exception):
    """No answer came: the message may have arrived or not, so it must be sent again unchanged."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the cloud said; `retry_after_s` if it asked for a pause."""

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
            return Answer(_decode_answer(response.content))
        if response.status_code < 400:
            raise LinkDown(f"answered {response.status_code} towards {response.headers.get('location', 'nowhere')}")
        pause_s = _seconds(response.headers.get("retry-after"))
        return Answer(problem_from_http(response.status_code, response.content), pause_s)

    async def close(self) -> None:
        await self._client.aclose()


class SocketTransport:
    """One connection a lane, so that an alarm never queues behind readings; opened when first needed."""

    def __init__(self, cloud_url: str, headers: dict[str, str], timeout_s: float) -> None:
        parts = urlsplit(cloud_url)
        scheme = "wss" if parts.scheme == "https" else "ws"
        self._url = f"{scheme}://{parts.netloc}{parts.path.rstrip('/')}{SOCKET_PATH}"
        self._headers = headers
        self._timeout_s = timeout_s
        self._connections: dict[Lane, ClientConnection] = {}

    async def send(self, lane: Lane, message: bytes) -> Answer:
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._exchange(lane, message)
        except InvalidStatus as error:
            return Answer(problem_from_http(error.response.status_code, bytes(error.response.body or b"")))
        except (OSError, TimeoutError, WebSocketException, LinkDown) as error:
            # A late answer on this connection would be taken for the answer to the next message.
            await self._drop(lane)
            raise LinkDown(f"{type(error).__name__}: {error}") from None

    async def close(self) -> None:
        for lane in list(self._connections):
            await self._drop(lane)

    async def _exchange(self, lane: Lane, message: bytes) -> Answer:
        if lane not in self._connections:
            self._connections[lane] = await connect(
                self._url, additional_headers=self._headers, max_size=MAX_MESSAGE_BYTES, close_timeout=1
            )
        await self._connections[lane].send(message.decode())
        return Answer(_decode_answer(await self._connections[lane].recv(decode=False)))

    async def _drop(self, lane: Lane) -> None:
        connection = self._connections.pop(lane, None)
        if connection:
            await connection.close()


def _decode_answer(data: bytes) -> Ack | Problem:
    try:
        said = decode(data)
    except ProtocolError as error:
        raise LinkDown(f"the answer cannot be read: {error}") from None
    if not isinstance(said, Ack | Problem):
        raise LinkDown(f"the answer is a {type(said).__name__}, which is not an answer")
    return said


def _seconds(text: str | None) -> float:
    return float(text) if text and text.isdecimal() else 0.0
