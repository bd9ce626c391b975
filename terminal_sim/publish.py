"""A terminal's side of the wire: send a frame, wait for `taken`, send it again after a broken link."""

import asyncio
import logging
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

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

Frame = TerminalBirth | TerminalReadings

BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 5.0
ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Gateway:
    """Where frames go: `url` such as ws://127.0.0.1:4000, and the gateway's terminal token if it wants one."""

    url: str
    token: str = ""


@dataclass
class Tally:
    taken: int = 0
    refused: int = 0


async def publish(gateway: Gateway, frames: AsyncIterator[Frame], tally: Tally) -> None:
    """Delivers the frames in order, each until it is taken or refused for good; waits for a gateway that is away."""
    failures, frame = 0, await anext(frames, None)
    while frame is not None:
        try:
            async with _connected(gateway) as connection:
                while frame is not None:
                    await _deliver(connection, frame, tally)
                    failures, frame = 0, await anext(frames, None)
        except (OSError, TimeoutError, WebSocketException, NotNow) as error:
            pause_s = min(BACKOFF_FIRST_S * 2 ** min(failures, 10), BACKOFF_MAX_S) * random.uniform(0.5, 1)
            failures += 1
            log.warning("%s: sends again in %.1f s: %s", gateway.url, pause_s, error)
            await asyncio.sleep(pause_s)


class NotNow(Exception):
    """The gateway asks for the same frame again later, or its answer makes no sense."""


def _connected(gateway: Gateway) -> connect:
    headers = {"Authorization": f"Bearer {gateway.token}"} if gateway.token else {}
    # Terminals and gateway share the mine's network; a web proxy has no place between them.
    return connect(
        gateway.url,
        additional_headers=headers,
        max_size=MAX_MESSAGE_BYTES,
        compression=None,
        close_timeout=1,
        proxy=None,
    )


async def _deliver(connection: ClientConnection, frame: Frame, tally: Tally) -> None:
    await connection.send(encode(frame).decode())
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        answer = await connection.recv()
    try:
        said = decode(answer)
    except ProtocolError as error:
        raise NotNow(f"the answer cannot be read: {error}") from None
    match said:
        case Taken(n) if n == frame.n:
            tally.taken += 1
        case Refused(retry=False):
            tally.refused += 1
            log.error("%s frame %d is refused: %s %s", frame.terminal, frame.n, said.path, said.detail)
        case _:
            raise NotNow(f"answered {said}")
