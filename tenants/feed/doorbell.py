"""The doorbell: "feed F has reached n", over the channel layer. It may be lost; the tailer polls the log anyway."""

import logging
from uuid import UUID

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer
from redis.exceptions import RedisError

GROUP = "doorbell"
log = logging.getLogger(__name__)


def ring(reached: dict[UUID, int]) -> None:
    """Tell every web process which feeds grew. Never raises: the feed in PostgreSQL is what counts."""
    message = {"type": "doorbell", "reached": {str(tenant): seq for tenant, seq in reached.items()}}
    try:
        async_to_sync(get_channel_layer().group_send)(GROUP, message)
    except (RedisError, OSError) as error:
        log.warning("doorbell lost: %s", error)
