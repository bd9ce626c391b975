"""Whether any worker listens for parts: it says so in a key that expires, so that nothing is sent where nobody is."""

import logging
import time
from functools import cache
from threading import Thread
from typing import Any

import redis
from django.conf import settings

from optimization.dispatch import PARTS

TELL_S = 3.0
BELIEVED_S = 10
TIMEOUT_S = 2.0
log = logging.getLogger(__name__)


@cache
def broker() -> Any:
    """The broker as a plain store (redis.Redis, whose types don't tell it from its asynchronous twin), one a process.

    A command that it does not answer within TIMEOUT_S fails with a RedisError.
    """
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=TIMEOUT_S, socket_connect_timeout=TIMEOUT_S)


def key(name: str) -> str:
    return f"{settings.CELERY_BROKER_TRANSPORT_OPTIONS['global_keyprefix']}parts:{name}"


def somebody_listens() -> bool:
    return bool(broker().exists(key("listening")))


def announce(sender: Any, **_: Any) -> None:
    """Called when a worker, whose consumer is `sender`, begins to take tasks.

    A thread of its own, since the consumer's timer ends with its first connection to the broker.
    """
    if PARTS in sender.app.amqp.queues.consume_from:
        _tell()
        Thread(target=_go_on_telling, name="presence", daemon=True).start()


def _go_on_telling() -> None:
    while True:
        time.sleep(TELL_S)
        _tell()


def _tell() -> None:
    try:
        broker().set(key("listening"), 1, ex=BELIEVED_S)
    except redis.RedisError as error:
        log.warning("the broker did not hear that this worker listens for parts: %s", error)
