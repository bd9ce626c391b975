"""The ASGI application: HTTP to Django behind the body limit, websockets to their consumers."""

import os
from typing import Any

from channels.routing import ProtocolTypeRouter, URLRouter
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "cloudmining.settings")
django_application = get_asgi_application()

# Only now are the apps loaded that these modules need.
from django.conf import settings  # noqa: E402
from django.urls import path, re_path  # noqa: E402

from cloudmining.limits import BodyLimit  # noqa: E402
from edge_bridge.ingest.websocket import EdgeConsumer  # noqa: E402
from tenants.feed.consumer import FeedConsumer  # noqa: E402


async def refuse_unknown(scope: dict[str, Any], receive: Any, send: Any) -> None:
    """A websocket address that is not ours: answered 403 before the handshake, as ASGI has it."""
    await receive()
    await send({"type": "websocket.close", "code": 4404})


application = ProtocolTypeRouter(
    {
        "http": BodyLimit(django_application, settings.BODY_LIMIT_BYTES, settings.FILES_LIMIT_BYTES),
        "websocket": URLRouter(
            [
                path("ws/v1/feed", FeedConsumer.as_asgi()),
                path("ws/v1/edge", EdgeConsumer.as_asgi()),
                re_path("", refuse_unknown),
            ]
        ),
    }
)
