"""The wire over MQTT, topics `cloudmining/<edge>/<terminal>/…`: straight to a gateway, or through a broker.

Straight, a client is one terminal, so each has a connection of its own, with the terminal's name as the user name. A
broker's URL has a user of its own, and its connections are shared.
"""

import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import SplitResult, unquote, urlsplit
from uuid import uuid4

import aiomqtt

from edge_bridge.protocol import Message, ProtocolError, decode
from terminal_sim.line import LinkBroken, NotNow

PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class MqttGateway:
    """`url` such as mqtt://127.0.0.1:1883/aurora-north, whose path is the gateway's name, or mqtts://user:secret@…

    `tokens` by the names of the terminals, for those that do not have the `token` of all.
    """

    url: str
    token: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_shared(self) -> bool:
        return bool(urlsplit(self.url).username)

    @asynccontextmanager
    async def connected(self, terminals: Sequence[str]) -> AsyncIterator["MqttWire"]:
        address = urlsplit(self.url)
        root = f"cloudmining/{unquote(address.path).strip('/')}"
        try:
            async with self._client(address, terminals) as client:
                await client.subscribe([(f"{root}/{name}/{what}", 1) for name in terminals for what in TO_TERMINAL])
                yield MqttWire(client, root)
        except aiomqtt.MqttError as error:
            raise LinkBroken(f"{address.hostname}: {error}") from None

    def _client(self, address: SplitResult, terminals: Sequence[str]) -> aiomqtt.Client:
        username, password = terminals[0], self.tokens.get(terminals[0], self.token) or None
        if self.is_shared:
            username, password = unquote(address.username or ""), unquote(address.password or "")
        return aiomqtt.Client(
            hostname=address.hostname or "",
            port=address.port or PORTS[address.scheme],
            username=username,
            password=password,
            identifier=f"terminals-{uuid4()}",
            protocol=aiomqtt.ProtocolVersion.V311,
            tls_context=ssl.create_default_context() if address.scheme == "mqtts" else None,
        )


TO_TERMINAL = ("taken", "command")


class MqttWire:
    def __init__(self, client: aiomqtt.Client, root: str) -> None:
        self._client = client
        self._root = root

    async def ask(self, terminal: str, topic: str, message: bytes) -> None:
        await self._publish(terminal, topic, message)

    async def tell(self, terminal: str, message: bytes) -> None:
        await self._publish(terminal, "command/result", message)

    async def receive(self) -> tuple[str, Message]:
        try:
            came = await anext(self._client.messages)
        except (aiomqtt.MqttError, StopAsyncIteration) as error:
            raise LinkBroken(f"the link is broken: {error}") from None
        if not isinstance(came.payload, bytes):
            raise NotNow(f"the answer on {came.topic} has no bytes")
        try:
            message = decode(came.payload)
        except ProtocolError as error:
            raise NotNow(f"the answer cannot be read: {error}") from None
        terminal, _, _ = str(came.topic).removeprefix(f"{self._root}/").partition("/")
        return terminal, message

    async def _publish(self, terminal: str, topic: str, message: bytes) -> None:
        try:
            await self._client.publish(f"{self._root}/{terminal}/{topic}", message, qos=1)
        except aiomqtt.MqttError as error:
            raise LinkBroken(f"the link is broken: {error}") from None
