"""Packets of MQTT 3.1.1 and 5.0 as far as a server needs them that takes QoS 0 and 1 and sends QoS 0. Pure.

After the OASIS standards "MQTT Version 3.1.1" and "MQTT Version 5.0"; section numbers are those of 5.0.
"""

from dataclasses import dataclass
from enum import IntEnum

from edge_bridge.protocol import MAX_MESSAGE_BYTES

MOST_BYTES = MAX_MESSAGE_BYTES + 1_000  # of a packet: a message with its topic
V5 = 5
VERSIONS = (4, V5)


class Kind(IntEnum):
    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14


class Malformed(ValueError):
    """What came is no packet that this server takes; the connection must be closed."""


class UnknownVersion(Malformed):
    pass


@dataclass(frozen=True, slots=True)
class Connect:
    version: int
    client: str
    username: str
    password: str
    keep_alive_s: int


@dataclass(frozen=True, slots=True)
class Publish:
    """`packet_id` is None with QoS 0."""

    topic: str
    packet_id: int | None
    payload: bytes


@dataclass(frozen=True, slots=True)
class Subscribe:
    packet_id: int
    patterns: tuple[str, ...]


# Reading --------------------------------------------------------------------------------------------------------------


class _Reader:
    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> bytes:
        part = self._body[self._at : self._at + size]
        if len(part) < size:
            raise Malformed("the packet ends too soon")
        self._at += size
        return part

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def binary(self) -> bytes:
        return self.take(self.number(2))

    def text(self) -> str:
        try:
            return self.binary().decode()
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None

    def length(self) -> int:
        """A variable byte integer (1.5.5)."""
        length = 0
        for shift in range(0, 28, 7):
            byte = self.number(1)
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                return length
        raise Malformed("a length has more than four bytes")

    def skip_properties(self, version: int) -> None:
        if version == V5:
            self.take(self.length())

    def rest(self) -> bytes:
        return self._body[self._at :]


def read_connect(body: bytes) -> Connect:
    reader = _Reader(body)
    if reader.text() != "MQTT":
        raise UnknownVersion("the protocol is not MQTT")
    version, flags, keep_alive_s = reader.number(1), reader.number(1), reader.number(2)
    if version not in VERSIONS:
        raise UnknownVersion(f"version {version} is not spoken here")
    reader.skip_properties(version)
    client = reader.text()
    if flags & 0x04:  # the will, which says no more than that the connection ended
        reader.skip_properties(version)
        reader.text()
        reader.binary()
    username = reader.text() if flags & 0x80 else ""
    password = reader.text() if flags & 0x40 else ""
    return Connect(version, client, username, password, keep_alive_s)


def read_publish(flags: int, body: bytes, version: int) -> Publish:
    reader = _Reader(body)
    qos = flags >> 1 & 3
    if qos > 1:
        raise Malformed("quality of service 2 is not taken here")
    topic = reader.text()
    packet_id = reader.number(2) if qos else None
    reader.skip_properties(version)
    return Publish(topic, packet_id, reader.rest())


def read_subscribe(body: bytes, version: int, has_options: bool = True) -> Subscribe:
    """Of SUBSCRIBE, or without options of UNSUBSCRIBE."""
    reader = _Reader(body)
    packet_id = reader.number(2)
    reader.skip_properties(version)
    patterns = []
    while reader.rest():
        patterns.append(reader.text())
        if has_options:
            reader.take(1)
    return Subscribe(packet_id, tuple(patterns))


# Writing --------------------------------------------------------------------------------------------------------------

# Session Expiry 0, Receive Maximum, Maximum QoS 1, Retain not available, Maximum Packet Size (3.2.2.3).
RECEIVE_MOST = 100
_ABILITIES = (
    b"\x11" + (0).to_bytes(4, "big") + b"\x21" + RECEIVE_MOST.to_bytes(2, "big") + b"\x24\x01\x25\x00"
    b"\x27" + MOST_BYTES.to_bytes(4, "big")
)  # fmt: skip


def packet(kind: Kind, body: bytes = b"") -> bytes:
    return bytes([kind << 4]) + _length(len(body)) + body


def _length(size: int) -> bytes:
    digits = bytearray()
    while size > 0x7F:
        digits.append(size & 0x7F | 0x80)
        size >>= 7
    return bytes([*digits, size])


def connack(version: int, reason: int) -> bytes:
    """`reason`: 0 for welcome, else the version's own code."""
    properties = b""
    if version == V5:
        properties = bytes([len(_ABILITIES)]) + _ABILITIES if reason == 0 else b"\x00"
    return packet(Kind.CONNACK, bytes([0, reason]) + properties)


def publish(topic: str, payload: bytes, version: int) -> bytes:
    name = topic.encode()
    return packet(Kind.PUBLISH, len(name).to_bytes(2, "big") + name + b"\x00" * (version == V5) + payload)


def puback(packet_id: int, version: int, reason: int = 0) -> bytes:
    """`reason` is 5.0's; 3.1.1 has no word for it."""
    return packet(Kind.PUBACK, packet_id.to_bytes(2, "big") + bytes([reason]) * (version == V5 and reason > 0))


def suback(packet_id: int, reasons: list[int], version: int, kind: Kind = Kind.SUBACK) -> bytes:
    return packet(kind, packet_id.to_bytes(2, "big") + b"\x00" * (version == V5) + bytes(reasons))
