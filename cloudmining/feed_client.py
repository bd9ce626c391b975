"""A small client of the feed: subscribes from its end, and proves by the chain of `prev` that nothing is missing."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Subprotocol

Event = dict[str, Any]


class FeedBroken(Exception):
    """The feed ended, or a frame does not follow the one before."""


class FeedClient:
    """One organisation's feed from now on. A thread of its own reads, so that `arrived_at` is when an event arrived."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        url = urlsplit(base_url)
        scheme = "wss" if url.scheme == "https" else "ws"
        self.url, self.headers = f"{scheme}://{url.netloc}/ws/v1/feed", headers
        self.events: list[Event] = []
        self.broken = ""
        self.changed = threading.Condition()

    def __enter__(self) -> Self:
        protocols = [Subprotocol("cloudmining.v1")]
        self.socket = connect(self.url, additional_headers=self.headers, subprotocols=protocols, open_timeout=10)
        hello = json.loads(self.socket.recv(timeout=10))
        if hello.get("t") != "hello":
            raise FeedBroken(f"The feed greeted with {hello}.")
        self.cursor = hello["head"]
        self.socket.send(json.dumps({"t": "sub", "cursor": self.cursor, "epoch": hello["epoch"]}))
        threading.Thread(target=self._read, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def wait_for(self, wanted: Callable[[Event], bool], within_s: float) -> Event | None:
        """The first event since the subscription that is wanted; None if none comes in time."""
        until, looked_at = time.monotonic() + within_s, 0
        with self.changed:
            while True:
                for event in self.events[looked_at:]:
                    if wanted(event):
                        return event
                looked_at = len(self.events)
                if self.broken:
                    raise FeedBroken(self.broken)
                if not self.changed.wait(until - time.monotonic()):
                    return None

    def _read(self) -> None:
        try:
            for frame in self.socket:
                self._take(json.loads(frame))
        except (ConnectionClosed, FeedBroken) as error:
            self._end(str(error))
        else:
            self._end("The feed ended.")

    def _take(self, frame: dict[str, Any]) -> None:
        if frame["t"] not in ("ev", "skip"):
            return
        if frame["prev"] != self.cursor:
            raise FeedBroken(f"The feed jumped from {self.cursor} to {frame}.")
        self.cursor = frame["seq"] if frame["t"] == "ev" else frame["to"]
        if frame["t"] == "ev":
            with self.changed:
                self.events.append(frame | {"arrived_at": datetime.now(UTC)})
                self.changed.notify_all()

    def _end(self, why: str) -> None:
        with self.changed:
            self.broken = why
            self.changed.notify_all()
