"""The doorbell: "feed F has reached n", over the channel layer. It may be lost; the tailer polls the log anyway.

One thread of the process rings for all its transactions: none of them waits for the broker, and those that commit
while a bell is on its way are told together in the next.
"""

import asyncio
import logging
import os
from collections.abc import Mapping
from threading import Event, Lock, Thread
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

GROUP = "doorbell"
log = logging.getLogger(__name__)


class Ringer:
    """`owe` is called by any thread; the ringer's own begins with the first call."""

    def __init__(self) -> None:
        self._owed: dict[str, int] = {}
        self._lock, self._wake = Lock(), Event()
        self._thread: Thread | None = None

    def owe(self, reached: Mapping[UUID, int]) -> None:
        with self._lock:
            for tenant, seq in reached.items():
                self._owed[str(tenant)] = max(seq, self._owed.get(str(tenant), 0))
            if self._thread is None:
                self._thread = Thread(target=self._ring_on, name="doorbell", daemon=True)
                self._thread.start()
        self._wake.set()

    def _ring_on(self) -> None:
        with asyncio.Runner() as runner:  # one loop, so that the layer keeps its connection
            while True:
                self._wake.wait()
                self._wake.clear()
                with self._lock:
                    reached, self._owed = self._owed, {}
                if reached:
                    runner.run(_send(reached))


async def _send(reached: dict[str, int]) -> None:
    """Never raises: the feed in PostgreSQL is what counts, and later bells are rung by the same thread."""
    try:
        await get_channel_layer().group_send(GROUP, {"type": "doorbell", "reached": reached})
    except (RedisError, OSError) as error:
        log.warning("doorbell lost: %s", error)
    except Exception:
        log.exception("doorbell lost")


_ringer = Ringer()


def ring(reached: Mapping[UUID, int]) -> None:
    """Tell every web process which feeds grew, soon."""
    _ringer.owe(reached)


def _begin_afresh() -> None:
    """A forked process has the locks of its parent, but not the thread."""
    global _ringer
    _ringer = Ringer()


os.register_at_fork(after_in_child=_begin_afresh)
