"""A small real cloud: HTTP and websocket on loopback, keeping the acknowledgement contract in memory.

It outlives the gateways it serves, so that what they say before and after a kill can be compared.
"""

import asyncio
import json
import socket
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import uvicorn

from edge_bridge.protocol import (
    Ack,
    Alarm,
    AlarmEvent,
    Batch,
    Body,
    Command,
    Entry,
    Gap,
    Heartbeat,
    Lane,
    Problem,
    ProtocolError,
    Reading,
    RuleSet,
    SequenceHole,
    after_watermark,
    decode,
    encode,
    problem_details,
)

Stream = tuple[str, str, Lane]  # edge, boot, lane
Judge = Callable[[Batch], Problem | None]


class Cloud:
    """`refuse` may answer a batch with a problem; while `holds_back` a batch is committed but not answered.

    `commands` go out with every answer, `pushed` before each answer over a websocket, `rules` to whoever asks for them.
    """

    def __init__(self) -> None:
        self.watermarks: dict[Stream, int] = defaultdict(int)
        self.stored: dict[Stream, list[Entry]] = defaultdict(list)
        self.received: list[Batch] = []
        self.authorizations: set[str] = set()
        self.refuse: Judge = lambda batch: None
        self.holds_back = False
        self.commands: tuple[Command, ...] = ()
        self.pushed: tuple[Command, ...] = ()
        self.rules: RuleSet | None = None

    # What tests ask ------------------------------------------------------------------------------------------------

    def bodies(self, lane: Lane) -> list[Body]:
        return [entry.body for stream, entries in self.stored.items() if stream[2] is lane for entry in entries]

    def alarms(self) -> list[Alarm]:
        return [body for body in self.bodies(Lane.P0) if isinstance(body, Alarm)]

    def changes(self) -> list[Alarm]:
        """Its alarms without those that stood and that a gateway only stated again, as it does at each start."""
        said: list[Alarm] = []
        for alarm in self.alarms():
            if alarm.event is not AlarmEvent.RAISED or not any(_is_same(alarm, before) for before in said):
                said.append(alarm)
        return said

    def readings(self) -> list[Reading]:
        return [body for body in self.bodies(Lane.P2) if isinstance(body, Reading)]

    def watermarks_sum(self, lane: Lane) -> int:
        return sum(mark for stream, mark in self.watermarks.items() if stream[2] is lane)

    def assert_gapless(self) -> None:
        for stream, entries in self.stored.items():
            expected = 1
            for entry in entries:
                assert entry.first_seq <= expected <= entry.seq, (stream, entry, expected)
                expected = entry.seq + 1

    def assert_counts_balance(self) -> int:
        """Every heartbeat's equation, unless a later gap covers its number; returns how many could be checked."""
        checked = 0
        for (edge, boot, lane), entries in list(self.stored.items()):
            for body in (entry.body for entry in entries if lane is Lane.P1):
                stream = (edge, boot, Lane.P2)
                ends = {entry.seq for entry in self.stored[stream]} | {0}
                if isinstance(body, Heartbeat) and body.readings_through in ends:
                    through = [entry.body for entry in self.stored[stream] if entry.seq <= body.readings_through]
                    assert sum(b.count if isinstance(b, Gap) else 1 for b in through) == body.readings_produced
                    checked += 1
        return checked

    # The contract --------------------------------------------------------------------------------------------------

    def answer(self, data: bytes) -> Ack | Problem:
        try:
            batch = decode(data)
        except ProtocolError as error:
            return Problem(400, "Bad message", str(error)[:500])
        assert isinstance(batch, Batch)
        self.received.append(batch)
        problem = self.refuse(batch)
        return problem or self._commit(batch)

    def _commit(self, batch: Batch) -> Ack | Problem:
        stream = (batch.edge, str(batch.boot), batch.lane)
        try:
            fresh = after_watermark(batch, self.watermarks[stream])
        except SequenceHole as hole:
            return Problem(409, "Entries are missing", str(hole), expected_seq=hole.expected_seq)
        self.stored[stream] += fresh
        self.watermarks[stream] = max(self.watermarks[stream], batch.entries[-1].seq)
        return Ack(batch.edge, batch.boot, batch.lane, self.watermarks[stream], self.commands)

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.authorizations.add(dict(scope["headers"]).get(b"authorization", b"").decode())
        await (self._http if scope["type"] == "http" else self._websocket)(scope, receive, send)

    async def _http(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if scope["method"] == "GET":
            rules, etag = self.rules, dict(scope["headers"]).get(b"if-none-match", b"").decode()
            is_known = rules is None or etag == f'"{rules.digest}"'
            await _respond(send, 304 if is_known else 200, b"" if is_known else encode(rules))
            return
        said = self.answer(body)
        while self.holds_back:
            await asyncio.sleep(0.01)
        status, content = (200, encode(said)) if isinstance(said, Ack) else (said.status, _details(said))
        await _respond(send, status, content)

    async def _websocket(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        while (message := await receive())["type"] == "websocket.receive":
            said = self.answer((message.get("text") or "").encode())
            while self.holds_back:
                await asyncio.sleep(0.01)
            for each in (*self.pushed, said):
                await send({"type": "websocket.send", "text": encode(each).decode()})


def _is_same(one: Alarm, other: Alarm) -> bool:
    return replace(one, historical=False) == replace(other, historical=False)


async def _respond(send: Any, status: int, content: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-type", b"application/json")]})
    await send({"type": "http.response.body", "body": content})


def _details(problem: Problem) -> bytes:
    return json.dumps(problem_details(problem)).encode()


@contextmanager
def serving(application: Any, port: int = 0, ws: str = "websockets-sansio") -> Iterator[int]:
    """Serves an ASGI application, such as a `Cloud`, inside; yields its port."""
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(application, log_level="warning", lifespan="off", ws=ws, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    wait_until(lambda: server.started)
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(10)
        listener.close()


def wait_until(condition: Callable[[], bool], longest_s: float = 30.0) -> None:
    deadline_s = time.monotonic() + longest_s
    while not condition():
        assert time.monotonic() < deadline_s, "did not happen in time"
        time.sleep(0.02)
