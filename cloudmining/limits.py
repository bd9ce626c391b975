"""What a request may cost before any view sees it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tenants.rest.problems import CONTENT_TYPE, problem

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

FILES = "/attachments"


class BodyTooLarge(Exception):
    """The bytes counted so far passed the limit, whatever the Content-Length said."""


class BodyLimit:
    """ASGI middleware: a body over `limit_bytes` is answered 413 at once, by its announced length or as it is counted.

    Bytes are counted as they come, so a chunked body without a length is cut off too, before it is all in memory.
    `files_limit_bytes` holds where files are laid beside something, at addresses that end in FILES.
    """

    def __init__(self, application: Application, limit_bytes: int, files_limit_bytes: int | None = None) -> None:
        self.application, self.limit_bytes = application, limit_bytes
        self.files_limit_bytes = files_limit_bytes or limit_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        limit_bytes = self.files_limit_bytes if scope["path"].endswith(FILES) else self.limit_bytes
        if _announced_bytes(scope) > limit_bytes:
            await _refuse(send, limit_bytes)
            return
        answered = False

        async def note_answer(message: dict[str, Any]) -> None:
            nonlocal answered
            answered = True
            await send(message)

        try:
            await self.application(scope, _counting(receive, limit_bytes), note_answer)
        except BodyTooLarge:
            if not answered:
                await _refuse(send, limit_bytes)


def _counting(receive: Receive, limit_bytes: int) -> Receive:
    received_bytes = 0

    async def count() -> dict[str, Any]:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > limit_bytes:
            raise BodyTooLarge
        return message

    return count


async def _refuse(send: Send, limit_bytes: int) -> None:
    detail = f"The body is larger than {limit_bytes} bytes; send it in parts."
    body = json.dumps(problem(413, "Content too large", detail)).encode()
    headers = [
        (b"content-type", CONTENT_TYPE.encode()),
        (b"content-length", str(len(body)).encode()),
        # The rest of the body is never read, so the connection can't be used again.
        (b"connection", b"close"),
    ]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _announced_bytes(scope: Scope) -> int:
    """The Content-Length; 0 where there is none (the server refuses one that is no number)."""
    lengths = [int(value) for name, value in scope["headers"] if name == b"content-length" and value.isdigit()]
    return max(lengths, default=0)
