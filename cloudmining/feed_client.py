"""A small client of the feed: subscribes from a cursor, and proves by the chain of `prev` that nothing is missing."""

import json
import time
from typing import Any, Self
from urllib.parse import urlsplit

from websockets.sync.client import connect


class FeedBroken(Exception):
    """The feed ended, or a frame does not follow the one before."""


class FeedClient:
    """One organisation's feed from now on. `next_event` gives the events in order."""

    def __init__(self, base_url: str, headers: dict[str, str]) -> None:
        url = urlsplit(base_url)
        scheme = "wss" if url.scheme == "https" else "ws"
        self.url, self.headers = f"{scheme}://{url.netloc}/ws/v1/feed", headers

    def __enter__(self) -> Self:
        self.socket = connect(
            self.url, additional_headers=self.headers, subprotocols=["cloudmining.v1"], open_timeout=10
        )  # type: ignore[list-item]
        hello = self._frame(10)
        if hello.get("t") != "hello":
            raise FeedBroken(f"The feed greeted with {hello}.")
        self.cursor = hello["head"]
        self.socket.send(json.dumps({"t": "sub", "cursor": self.cursor, "epoch": hello["epoch"]}))
        return self

    def __exit__(self, *exception: object) -> None:
        self.socket.close()

    def next_event(self, within_s: float) -> dict[str, Any]:
        """The next event; TimeoutError if none comes in time."""
        until = time.monotonic() + within_s
        while True:
            frame = self._frame(until - time.monotonic())
            if frame["t"] in ("ev", "skip"):
                self._follow(frame)
            if frame["t"] == "ev":
                return frame

    def _follow(self, frame: dict[str, Any]) -> None:
        if frame["prev"] != self.cursor:
            raise FeedBroken(f"The feed jumped from {self.cursor} to {frame}.")
        self.cursor = frame["seq"] if frame["t"] == "ev" else frame["to"]

    def _frame(self, within_s: float) -> dict[str, Any]:
        return json.loads(self.socket.recv(timeout=max(within_s, 0)))
