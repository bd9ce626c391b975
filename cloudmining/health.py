"""Is the process alive (`/healthz/live`), and can it do its work (`/healthz/ready`)?"""

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError


def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 if the database is away. Without the broker the service works on, later and by polling: still ready."""
    database, doorbell = _database(), _doorbell()
    state = {"status": "ok" if database else "unavailable", "database": database, "doorbell": doorbell}
    return JsonResponse(state, status=200 if database else 503)


def _database() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _doorbell() -> bool:
    try:
        async_to_sync(get_channel_layer().group_send)("health", {"type": "noop"})
    except (RedisError, OSError):
        return False
    return True
