"""The wire over a websocket. Answers come in the order of the frames, so the oldest question tells whose they are."""

from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from edge_bridge.protocol import MAX_MESSAGE_BYTES, Message, ProtocolError, Refused, Taken, decode
from terminal_sim.line import LinkBroken, NotNow


@dataclass(frozen=True, slots=True)
class WebSocketGateway:
    """Where frames go: `url` such as ws://127.0.0.1:4000, and the token of all terminals if it wants one.

    With `tokens` each terminal has one of its own by its name, and so a connection of its own.
    """

    url: str
    token: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        return not self.tokens

    @asynccontextmanager
    async def connected(self, terminals: Sequence[str]) -> AsyncIterator["WebSocketWire"]:
        token = self.tokens.get(terminals[0], self.token)
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Terminals and gateway share the mine's network; a web proxy has no place between them.
        opening = connect(
            self.url,
            additional_headers=headers,
            max_size=MAX_MESSAGE_BYTES,
            compression=None,
            close_timeout=1,
            proxy=None,
        )
        try:
            connection = await opening
        except (OSError, TimeoutError, WebSocketException) as error:
            raise LinkBroken(f"{self.url}: {error}") from None
        try:
            yield WebSocketWire(connection)
        finally:
            await connection.close()


class WebSocketWire:
    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._asked: deque[str] = deque()

    async def ask(self, terminal: str, topic: str, message: bytes) -> None:
        self._asked.append(terminal)
        await self.tell(terminal, message)

    async def tell(self, terminal: str, message: bytes) -> None:
        try:
            await self._connection.send(message, text=True)
        except (OSError, WebSocketException) as error:
            raise LinkBroken(f"the link is broken: {error}") from None

    async def receive(self) -> tuple[str, Message]:
        try:
            message = decode(await self._connection.recv())
        except (OSError, WebSocketException) as error:
            raise LinkBroken(f"the link is broken: {error}") from None
        except ProtocolError as error:
            raise NotNow(f"the answer cannot be read: {error}") from None
        is_answer = isinstance(message, Taken | Refused) and self._asked
        return self._asked.popleft() if is_answer else "", message
