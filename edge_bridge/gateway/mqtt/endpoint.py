"""Terminals that speak MQTT 3.1.1 or 5.0 straight to the gateway. It is no broker: nobody hears anybody else.

A client is one terminal, by its user name or else its client id, and uses only that terminal's topics. PUBACK leaves
after the journal has the frame, and so does the message on `…/taken`.
"""

import asyncio
import logging
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from edge_bridge.gateway.admission import Admission, Speaker
from edge_bridge.gateway.mqtt import packets
from edge_bridge.gateway.mqtt.packets import Connect, Kind, Malformed, Publish, UnknownVersion
from edge_bridge.gateway.mqtt.topics import COMMAND, DEATH, TAKEN, TO_TERMINAL, Topics, is_level, matches
from edge_bridge.gateway.reception import Line, Reception
from edge_bridge.protocol import Message, Refused, encode

log = logging.getLogger(__name__)

CONNECT_WITHIN_S = 10.0
# (3.1.1, 5.0): the codes of CONNACK.
BAD_VERSION, BAD_NAME, BAD_PASSWORD = (1, 0x84), (2, 0x85), (4, 0x86)
NOT_ALLOWED = (0x80, 0x87)  # of SUBACK


class MqttEndpoint:
    def __init__(self, reception: Reception, admission: Admission, edge: str, tls: ssl.SSLContext | None) -> None:
        self._reception = reception
        self._admission = admission
        self._topics = Topics(edge)
        self._tls = tls
        self._clients: dict[str, _Client] = {}

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        """Serves while inside."""
        server = await asyncio.start_server(self._converse, sock=listener, ssl=self._tls, limit=2**18)
        try:
            yield
        finally:
            server.close()
            for client in list(self._clients.values()):
                client.writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            welcome = await asyncio.wait_for(self._welcome(reader, writer), CONNECT_WITHIN_S)
            if welcome:
                await self._serve(_Client(*welcome, reader, writer, self._topics, self._reception))
        except* (Malformed, EOFError, OSError, TimeoutError) as errors:
            log.info("an MQTT connection ends: %r", errors.exceptions)
        finally:
            writer.close()

    async def _welcome(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[Connect, Speaker] | None:
        """The client and who it is, once it is let in."""
        kind, _, body = await _read_packet(reader)
        if kind is not Kind.CONNECT:
            raise Malformed("the first packet must be CONNECT")
        try:
            connect = packets.read_connect(body)
        except UnknownVersion:
            writer.write(packets.connack(packets.V5, BAD_VERSION[1]))
            raise
        name = connect.username or connect.client
        speaker = self._admission.by_name(name, connect.password)
        codes = BAD_PASSWORD if not speaker else (0, 0) if is_level(name) else BAD_NAME
        writer.write(packets.connack(connect.version, codes[connect.version == packets.V5]))
        return (connect, speaker) if speaker and not any(codes) else None

    async def _serve(self, client: "_Client") -> None:
        if before := self._clients.get(client.terminal):
            before.writer.close()  # the newer connection wins (3.1.4)
        self._clients[client.terminal] = client
        try:
            await client.listen()
        finally:
            if self._clients.get(client.terminal) is client:
                del self._clients[client.terminal]
            await self._reception.leave(client.line)


class _Client:
    """One terminal's connection, after it was let in."""

    def __init__(
        self,
        connect: Connect,
        speaker: Speaker,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        topics: Topics,
        reception: Reception,
    ) -> None:
        self.terminal = speaker.name
        self.writer = writer
        self.line = Line(self._send_command, speaker, takes_commands=False)
        self._version = connect.version
        # A client is gone after one and a half of its keep-alive (3.1.2.10).
        self._patience_s = connect.keep_alive_s * 1.5 or None
        self._reader = reader
        self._topics = topics
        self._reception = reception
        self._patterns: set[str] = set()
        self._room = asyncio.Semaphore(packets.RECEIVE_MOST)

    async def listen(self) -> None:
        """Until it says DISCONNECT (returns) or the connection breaks (raises)."""
        async with asyncio.TaskGroup() as answering:
            while True:
                async with asyncio.timeout(self._patience_s):
                    kind, flags, body = await _read_packet(self._reader)
                match kind:
                    case Kind.PUBLISH:
                        await self._room.acquire()
                        answering.create_task(self._take(packets.read_publish(flags, body, self._version)))
                    case Kind.SUBSCRIBE:
                        self._subscribe(body)
                    case Kind.UNSUBSCRIBE:
                        self._unsubscribe(body)
                    case Kind.PINGREQ:
                        self.writer.write(packets.packet(Kind.PINGRESP))
                    case Kind.DISCONNECT:
                        return
                    case _:
                        raise Malformed(f"a client does not send {kind.name}")
                await self.writer.drain()

    async def _take(self, published: Publish) -> None:
        """Frames are handed in as they come, since tasks begin in the order they are made."""
        try:
            owner, what = self._topics.read(published.topic) or ("a topic of nobody", "")
            is_mine = owner == self.terminal
            if not is_mine:
                refused = Refused(None, "topic", f"{self.terminal!r} may publish to its own topics only", retry=False)
                self._publish(TAKEN, self._reception.refuse(self.line, refused, owner))
            elif what == DEATH:
                await self._reception.leave(self.line)
            elif answer := await self._reception.hear(self.line, published.payload):
                self._publish(TAKEN, answer)
            if published.packet_id is not None:
                reason = 0 if is_mine else NOT_ALLOWED[True]
                self.writer.write(packets.puback(published.packet_id, self._version, reason))
        finally:
            self._room.release()

    async def _send_command(self, message: Message) -> None:
        self._publish(COMMAND, message)
        await self.writer.drain()

    def _publish(self, what: str, message: Message) -> None:
        if self._listens_for(what):
            self.writer.write(packets.publish(self._topics.of(self.terminal, what), encode(message), self._version))

    def _listens_for(self, what: str) -> bool:
        topic = self._topics.of(self.terminal, what)
        return any(matches(pattern, topic) for pattern in self._patterns)

    def _subscribe(self, body: bytes) -> None:
        asked = packets.read_subscribe(body, self._version)
        mine = [self._topics.of(self.terminal, what) for what in TO_TERMINAL]
        allowed = [any(matches(pattern, topic) for topic in mine) for pattern in asked.patterns]
        self._patterns |= {pattern for pattern, is_mine in zip(asked.patterns, allowed, strict=True) if is_mine}
        self.line.takes_commands = self._listens_for(COMMAND)
        refused = NOT_ALLOWED[self._version == packets.V5]
        self.writer.write(packets.suback(asked.packet_id, [0 if ok else refused for ok in allowed], self._version))

    def _unsubscribe(self, body: bytes) -> None:
        asked = packets.read_subscribe(body, self._version, has_options=False)
        self._patterns -= set(asked.patterns)
        self.line.takes_commands = self._listens_for(COMMAND)
        reasons = [0] * len(asked.patterns) if self._version == packets.V5 else []
        self.writer.write(packets.suback(asked.packet_id, reasons, self._version, Kind.UNSUBACK))


async def _read_packet(reader: asyncio.StreamReader) -> tuple[Kind, int, bytes]:
    first = (await reader.readexactly(1))[0]
    length, shift, more = 0, 0, True
    while more:
        byte = (await reader.readexactly(1))[0]
        length, shift, more = length | (byte & 0x7F) << shift, shift + 7, byte > 0x7F
        if length > packets.MOST_BYTES or shift > 28:
            raise Malformed(f"a packet may have {packets.MOST_BYTES} bytes at most")
    body = await reader.readexactly(length)
    if first >> 4 not in set(Kind):
        raise Malformed(f"packets of kind {first >> 4} are not taken here")
    return Kind(first >> 4), first & 0x0F, body
