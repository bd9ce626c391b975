"""Clients that cost next to nothing, so that the server is what a benchmark measures: a websocket, an event stream.

They only understand what the benchmark's server sends: whole, uncompressed text frames; an event in a chunk.
"""

import asyncio
import base64
import os
import re
import time
from collections.abc import Iterator

TEXT, PING, PONG = 1, 9, 10


class LeanSocket(asyncio.Protocol):
    """`received` holds (`time.perf_counter()`, payload) of each frame."""

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Connection: Upgrade", "Upgrade: websocket"]
        lines += ["Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._request = "\r\n".join([*lines, "", ""]).encode()
        self._buffer = bytearray()
        self._open = False
        self.received: list[tuple[float, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._open:
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                raise ConnectionError(head.decode("latin-1"))
            self._open, self._buffer = True, bytearray(rest)
        now = time.perf_counter()
        for opcode, payload in self._frames():
            if opcode == TEXT:
                self.received.append((now, payload))
            elif opcode == PING:  # unanswered, the server would close the socket
                self._send(PONG, payload)

    def send(self, text: str) -> None:
        self._send(TEXT, text.encode())

    def _send(self, opcode: int, payload: bytes) -> None:
        """A masked frame, with a mask of zeros."""
        length = bytes([0x80 | len(payload)]) if len(payload) < 126 else b"\xfe" + len(payload).to_bytes(2, "big")
        self.transport.write(bytes([0x80 | opcode]) + length + bytes(4) + payload)

    def _frames(self) -> Iterator[tuple[int, bytes]]:
        start, buffer = 0, self._buffer
        while len(buffer) >= start + 2:
            size, at = buffer[start + 1], start + 2
            if size > 125:
                width = 2 if size == 126 else 8
                size, at = int.from_bytes(buffer[at : at + width], "big"), at + width
            if len(buffer) < max(at + size, at):
                break
            yield buffer[start] & 0x0F, bytes(buffer[at : at + size])
            start = at + size
        del buffer[:start]


class LeanStream(asyncio.Protocol):
    """Server-sent events; `received` as that of a socket."""

    DATA = re.compile(rb"data: ([^\n]*)\n\n")

    def __init__(self, path: str, headers: dict[str, str]) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", "Accept: text/event-stream"]
        self._request = "\r\n".join([*lines, *(f"{name}: {value}" for name, value in headers.items()), "", ""]).encode()
        self._buffer = b""
        self.received: list[tuple[float, bytes]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        now, end = time.perf_counter(), 0
        for found in self.DATA.finditer(self._buffer):
            self.received.append((now, found[1]))
            end = found.end()
        self._buffer = self._buffer[end:]
