"""Somebody's program that follows the feed whatever happens: it keeps its cursor, and proves the chain itself.

By websocket, by server-sent events or by plain GET.
"""

import json
import threading
import time
from typing import Any

import httpx
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from tests.faults.truth import Said

SILENCE_S = 5.0  # longer than the heartbeats of the web process that it follows
AGAIN_S = 0.2
PAGE_EACH_S = 0.7


class Client:
    """A context manager: follows from the beginning of the log until it is left.

    `said` are the alarms received, `arrived_s` when each event came by the monotonic clock, `resets` what voided its
    cursor, `faults` what must not happen.
    """

    def __init__(self, url: str, key: str, *, tag: str = "ch4") -> None:
        self.url, self.tag = url, tag
        self._headers = {"Authorization": f"Api-Key {key}"}
        self.events: list[dict[str, Any]] = []
        self.arrived_s: list[float] = []
        self.resets: list[dict[str, Any]] = []
        self.faults: list[str] = []
        self.connections = 0
        self.epoch: str | None = None
        self.cursor = 0
        self._may_read = threading.Event()
        self._may_read.set()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    @property
    def said(self) -> list[Said]:
        told = [event for event in self.events if event["kind"] in ("alarm.raised", "alarm.cleared")]
        return [
            (event["kind"].rpartition(".")[2], event["body"]["value"])
            for event in told
            if event["body"]["tag"] == self.tag
        ]

    def stop_reading(self) -> None:
        """The socket stays open and nobody reads it."""
        self._may_read.clear()

    def read_on(self) -> None:
        self._may_read.set()

    def __enter__(self) -> "Client":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ended.set()
        self._may_read.set()
        self._thread.join(2 * SILENCE_S)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self._come()
            except (OSError, EOFError, TimeoutError, WebSocketException, httpx.HTTPError):
                self._ended.wait(AGAIN_S)

    def _come(self) -> None:
        """Follows until the connection breaks."""
        options: dict[str, Any] = {"compression": None, "proxy": None, "open_timeout": SILENCE_S}
        with connect(self.url, additional_headers=self._headers, max_queue=2, **options) as socket:
            self._follow(socket)

    def _follow(self, socket: ClientConnection) -> None:
        hello = json.loads(socket.recv(SILENCE_S))
        self.connections += 1
        self.epoch = self.epoch or hello["epoch"]
        self._subscribe(socket)
        while not self._ended.is_set():
            self._may_read.wait()
            self._take(socket, json.loads(socket.recv(SILENCE_S)))

    def _subscribe(self, socket: ClientConnection) -> None:
        socket.send(json.dumps({"t": "sub", "cursor": self.cursor, "epoch": self.epoch}))

    def _take(self, socket: ClientConnection, frame: dict[str, Any]) -> None:
        if frame["t"] == "reset":
            self.resets.append(frame)
            self.epoch, self.cursor = frame["epoch"], frame["head"]
            self._subscribe(socket)
        self._note(frame)

    def _note(self, frame: dict[str, Any]) -> None:
        if frame["t"] not in ("ev", "skip"):
            return
        if frame["prev"] != self.cursor:
            self.faults.append(f"after {self.cursor} came {frame}")
        self.cursor = frame["seq"] if frame["t"] == "ev" else frame["to"]
        if frame["t"] == "ev":
            self.arrived_s.append(time.monotonic())
            self.events.append(frame)


class Page(Client):
    """Asks for the next page again and again; `url` is that of `feed/events`."""

    def _come(self) -> None:
        while not self._ended.wait(PAGE_EACH_S):
            for frame in self._ask()["frames"]:
                self._note(frame)

    def _ask(self) -> dict[str, Any]:
        """Without a cursor the first time, to learn the epoch."""
        cursor = {} if self.epoch is None else {"after": self.cursor, "epoch": self.epoch}
        answer = httpx.get(self.url, headers=self._headers, params=cursor, timeout=SILENCE_S)
        answer.raise_for_status()
        page: dict[str, Any] = answer.json()
        self.connections += 1
        if self.epoch is None:
            self.epoch = page["epoch"]
            return self._ask()
        return page


class EventStream(Page):
    """Server-sent events."""

    def _come(self) -> None:
        if self.epoch is None:
            self._ask()
        headers = {**self._headers, "Accept": "text/event-stream", "Last-Event-ID": f"{self.epoch}.{self.cursor}"}
        with httpx.stream("GET", self.url, headers=headers, timeout=SILENCE_S) as answer:
            answer.raise_for_status()
            self.connections += 1
            for line in answer.iter_lines():
                if self._ended.is_set():
                    return
                if line.startswith("data: "):
                    self._note(json.loads(line.removeprefix("data: ")))
