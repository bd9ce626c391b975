"""Is the process alive (`/healthz/live`), and can it do its work (`/healthz/ready`)?"""

from datetime import UTC, datetime
from typing import Any, Final

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from django.db import DatabaseError, connection
from django.http import HttpRequest, JsonResponse
from redis.exceptions import RedisError

from tenants import sweeps

BEGAN_AT: Final = datetime.now(UTC)


def live(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 if the database is away. Without the broker the service works on, later and by polling: still ready.

    `sweeps` are the ages of scheduled work in seconds, `late` those that no worker or scheduler does any more. The
    service takes and shows alarms without them, but nobody is called who doesn't look.
    """
    database, doorbell = _database(), _doorbell()
    state = {"status": "ok" if database else "unavailable", "database": database, "doorbell": doorbell}
    return JsonResponse(state | (_sweeps() if database else {}), status=200 if database else 503)


def _sweeps() -> dict[str, Any]:
    try:
        known = sweeps.ages(datetime.now(UTC) - BEGAN_AT)
    except DatabaseError:
        return {}
    ages_s = {name: round(age.total_seconds(), 1) for name, age in known.items()}
    return {"sweeps": ages_s, "late": sweeps.late(known)}


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
