"""Somebody's server that takes webhooks: verifies each by the secret, answers as it is told."""

import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from standardwebhooks import Webhook


@dataclass(frozen=True)
class Received:
    headers: dict[str, str]
    text: str

    @property
    def envelope(self) -> dict[str, Any]:
        return json.loads(self.text)

    def verified_by(self, secret: str) -> dict[str, Any]:
        """Raises if the signature, or its moment, is wrong."""
        return Webhook(secret).verify(self.text, self.headers)


class Receiver:
    """`received` in order; `answers` are used up one by one, then it answers 204. A redirect leads back to it."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.answers: list[int] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                text = self.rfile.read(int(self.headers["content-length"])).decode()
                receiver.received.append(Received({k.lower(): v for k, v in self.headers.items()}, text))
                status = receiver.answers.pop(0) if receiver.answers else 204
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", receiver.url)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Quietly."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/hooks?from=mine"

    @property
    def numbers(self) -> list[int]:
        """The `n` of the events, in the order received."""
        bodies = [each.envelope["data"].get("body", {}) for each in self.received]
        return [body["n"] for body in bodies if "n" in body]

    def __enter__(self) -> "Receiver":
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()
