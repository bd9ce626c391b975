"""The websocket `/ws/v1/feed`: who connects, from where, and what they say; the tailer does the rest.

A browser presents a ticket as its second subprotocol (`ticket.<secret>`), since it can't send headers; a program sends
`Authorization: Api-Key …`, and with `X-Purpose` what it follows the feed for; a ticket carries the purpose with which
it was asked for. Refusals come after the accept, since a browser can't read the code of an earlier one.
"""

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any, Final
from urllib.parse import urlsplit

from channels.consumer import AsyncConsumer, get_handler_name
from channels.exceptions import StopConsumer
from django.conf import settings
from django.http.request import validate_host
from django.utils.http import is_same_domain

from tenants.authentication import actor_of_key, actor_of_ticket
from tenants.data import Actor, Invalid, Unauthenticated, stated_purpose
from tenants.feed.frames import BadFrame, Sub, decode_client
from tenants.feed.line import Line
from tenants.feed.log import DATABASE_AWAY, door
from tenants.feed.subscriber import BAD_FRAME, FORBIDDEN, TRY_LATER, UNAUTHENTICATED, Subscriber
from tenants.feed.tailer import tailer

PROTOCOL: Final = "cloudmining.v1"
TICKET: Final = "ticket."


class FeedConsumer(AsyncConsumer):
    """One socket. It uses no channel of the layer, so it opens and lives without Valkey."""

    channel_layer_alias = None
    subscriber: Subscriber | None = None

    async def dispatch(self, message: dict[str, Any]) -> None:
        """Without the base's thread hop to close connections: this consumer has none, and must not wait for others."""
        await getattr(self, get_handler_name(message))(message)

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        offered = self.scope.get("subprotocols", [])
        await self.send({"type": "websocket.accept", "subprotocol": PROTOCOL if PROTOCOL in offered else None})
        if not origin_allowed(_header(self.scope, b"origin"), _header(self.scope, b"host")):
            await self._close(FORBIDDEN, "this origin may not connect")
            return
        try:
            self.subscriber = Subscriber(await self._authenticate(offered), self._send_line, self._close)
            await tailer.join(self.subscriber)
        except Unauthenticated as refusal:
            await self._close(UNAUTHENTICATED, refusal.detail)
        except Invalid as refusal:
            await self._close(BAD_FRAME, refusal.detail)
        except DATABASE_AWAY:
            await self._close(TRY_LATER, "the database can't be reached now; try again shortly")

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if self.subscriber is None or self.subscriber.state == "ended":
            return
        try:
            text = message.get("text")
            if text is None:
                raise BadFrame("Frames are text; this one is binary.")
            frame = decode_client(text)
            if isinstance(frame, Sub):
                self.subscriber.subscribe(frame)
            else:
                self.subscriber.acknowledge(frame)
        except BadFrame as error:
            self.subscriber.refuse("Bad frame", str(error))

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        if self.subscriber is not None:
            tailer.leave(self.subscriber)
        raise StopConsumer

    async def _authenticate(self, offered: list[str]) -> Actor:
        scheme, _, secret = _header(self.scope, b"authorization").partition(" ")
        if scheme.lower() == "api-key":
            actor = await door(actor_of_key, secret.strip())
            return replace(actor, purpose=stated_purpose(_header(self.scope, b"x-purpose")))
        tickets = [protocol.removeprefix(TICKET) for protocol in offered if protocol.startswith(TICKET)]
        if not tickets:
            raise Unauthenticated("Offer a ticket as subprotocol, or send an API key.")
        return await door(actor_of_ticket, tickets[0])

    def _send_line(self, line: Line, end: int | None) -> Coroutine[Any, Any, None]:
        """Past the base's `send`, which would only wait for the server's."""
        sending: Coroutine[Any, Any, None] = self.base_send(line.message)
        return sending

    async def _close(self, code: int, reason: str) -> None:
        fitting = reason.encode()[:123].decode(errors="ignore")  # a close frame holds no more
        await self.send({"type": "websocket.close", "code": code, "reason": fitting})


def origin_allowed(origin: str, host: str) -> bool:
    """Browsers always send their page's origin: our own host or a trusted one. Programs send none."""
    if not origin:
        return True
    try:
        page = urlsplit(origin)
        same_host = page.netloc == host and validate_host(page.hostname or "", settings.ALLOWED_HOSTS)
    except ValueError:
        return False
    return same_host or any(_trusts(trusted, page.scheme, page.netloc) for trusted in settings.CSRF_TRUSTED_ORIGINS)


def _trusts(trusted: str, scheme: str, netloc: str) -> bool:
    """As Django reads the setting: `https://example.com`, or `https://*.example.com` for its subdomains."""
    page = urlsplit(trusted)
    return page.scheme == scheme and is_same_domain(netloc, page.netloc.lstrip("*"))


def _header(scope: dict[str, Any], name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
