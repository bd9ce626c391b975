"""Terminals behind a broker of the mine's own (mosquitto and its like), by URL.

The gateway is one client of the broker; who may publish in a terminal's name is for the broker to check. For what
a terminal may speak is checked here.
"""

import asyncio
import logging
import random
import ssl
from urllib.parse import unquote, urlsplit

import aiomqtt

from edge_bridge.gateway.admission import Admission
from edge_bridge.gateway.mqtt.packets import RECEIVE_MOST
from edge_bridge.gateway.mqtt.topics import COMMAND, DEATH, FROM_TERMINAL, TAKEN, Topics
from edge_bridge.gateway.reception import Line, Reception
from edge_bridge.protocol import Message, encode

log = logging.getLogger(__name__)

BACKOFF_FIRST_S, BACKOFF_MAX_S = 0.5, 30.0
PORTS = {"mqtt": 1883, "mqtts": 8883}


class BrokerClient:
    def __init__(self, reception: Reception, admission: Admission, edge: str, url: str) -> None:
        self._reception = reception
        self._admission = admission
        self._topics = Topics(edge)
        self._url = urlsplit(url)
        self._lines: dict[str, Line] = {}
        self._room = asyncio.Semaphore(RECEIVE_MOST)

    async def run(self) -> None:
        """Runs until cancelled; comes back to a broker that was away."""
        failures = 0
        while True:
            try:
                async with self._client() as client:
                    failures = 0
                    await self._converse(client)
            except* aiomqtt.MqttError as errors:
                pause_s = min(BACKOFF_FIRST_S * 2**failures, BACKOFF_MAX_S) * random.uniform(0.5, 1)
                failures = min(failures + 1, 10)
                log.warning("broker %s: tries again in %.1f s: %s", self._url.hostname, pause_s, errors.exceptions[0])
            await asyncio.sleep(pause_s)

    def _client(self) -> aiomqtt.Client:
        return aiomqtt.Client(
            hostname=self._url.hostname or "",
            port=self._url.port or PORTS[self._url.scheme],
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            identifier=f"cloudmining-{self._topics.edge}",
            protocol=aiomqtt.ProtocolVersion.V311,
            clean_session=False,  # the broker keeps for us what terminals say while we are away
            tls_context=ssl.create_default_context() if self._url.scheme == "mqtts" else None,
        )

    async def _converse(self, client: aiomqtt.Client) -> None:
        await client.subscribe([(self._topics.of("+", what), 1) for what in FROM_TERMINAL])
        async with asyncio.TaskGroup() as answering:
            async for message in client.messages:
                if place := self._topics.read(str(message.topic)):
                    await self._room.acquire()
                    payload = message.payload if isinstance(message.payload, bytes) else b""
                    answering.create_task(self._take(client, *place, payload))

    async def _take(self, client: aiomqtt.Client, terminal: str, what: str, payload: bytes) -> None:
        try:
            line = self._line(client, terminal)
            if what == DEATH:
                await self._reception.leave(line)
            elif answer := await self._reception.hear(line, payload):
                await client.publish(self._topics.of(terminal, TAKEN), encode(answer), qos=0)
        finally:
            self._room.release()

    def _line(self, client: aiomqtt.Client, terminal: str) -> Line:
        async def send(message: Message) -> None:
            try:
                await client.publish(self._topics.of(terminal, COMMAND), encode(message), qos=1)
            except aiomqtt.MqttError as error:
                raise OSError(f"the broker is away: {error}") from None

        line = self._lines.setdefault(terminal, Line(send, self._admission.behind_broker(terminal)))
        line.send = send
        return line
