"""The benchmark's web process: our feed, and beside it the classic Channels way, content through the channel layer."""

import asyncio
import os
from typing import Any

from channels.routing import URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
get_asgi_application()

from channels.generic.websocket import AsyncJsonWebsocketConsumer  # noqa: E402
from django.conf import settings  # noqa: E402
from django.urls import path  # noqa: E402

from tenants.feed.consumer import FeedConsumer  # noqa: E402

GROUP = "bench"


def add_core_layer() -> None:
    """Channels' default layer beside ours, with its default capacity, on the same server."""
    config = {"hosts": [settings.REDIS_URL], "prefix": "bench-core"}
    settings.CHANNEL_LAYERS["core"] = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": config}


class PeerConsumer(AsyncJsonWebsocketConsumer):
    groups = [GROUP]

    async def connect(self) -> None:
        await self.accept()
        await self.send_json({"t": "ready"})

    async def news(self, message: dict[str, Any]) -> None:
        await self.send_json(message["content"])


class CorePeerConsumer(PeerConsumer):
    channel_layer_alias = "core"


class Bare:
    """The least that a Python server can do: each frame awaits each socket's `send`, and nothing else happens.

    A socket that says `go N text` makes it send `text` to all, N times.
    """

    def __init__(self) -> None:
        self.sockets: set[Any] = set()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": '{"t":"ready"}'})
        self.sockets.add(send)
        while (message := await receive())["type"] == "websocket.receive":
            _, count, text = message["text"].split(" ", 2)
            for _ in range(int(count)):
                for each in list(self.sockets):
                    await each({"type": "websocket.send", "text": text})
                await asyncio.sleep(0)
        self.sockets.discard(send)


add_core_layer()
application = URLRouter(
    [
        path("ws/v1/feed", FeedConsumer.as_asgi()),
        path("peer/default", PeerConsumer.as_asgi()),
        path("peer/core", CorePeerConsumer.as_asgi()),
        path("peer/bare", Bare()),
    ]
)
