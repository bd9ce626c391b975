"""Clients that act at the same moment, each in a thread and with a connection of its own."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from django.db import connection, connections

from tenants.data import Refusal

CLIENTS = int(os.environ.get("RACE_CLIENTS", "16"))
# What they race for at a time: client n for the object n % OBJECTS. Each object is a round.
OBJECTS = int(os.environ.get("RACE_OBJECTS", "1"))
GATE_WITHIN_S = 900.0
WON = "won"

Attempt = Callable[[], Any]


class Crowd:
    """Threads that are kept, so that each keeps its connection; `at_once` lets them go together."""

    def __init__(self, pool: ThreadPoolExecutor, size: int) -> None:
        self.pool, self.size = pool, size

    def at_once(self, attempts: Sequence[Attempt]) -> list[Any]:
        """What each of the attempts gave, in their order; `size` of them at most."""
        gate = Barrier(len(attempts))

        def run(attempt: Attempt) -> Any:
            gate.wait(GATE_WITHIN_S)
            return attempt()

        return list(self.pool.map(run, attempts))


@contextmanager
def crowd(size: int = CLIENTS) -> Iterator[Crowd]:
    with ThreadPoolExecutor(size) as pool:
        gathered = Crowd(pool, size)
        gathered.at_once([lambda: connection.ensure_connection()] * size)
        yield gathered
        gathered.at_once([connections.close_all] * size)


def outcome(attempt: Attempt) -> str:
    """'won', or in words why it was refused; whatever else is raised is a fault."""
    try:
        attempt()
    except Refusal as refusal:
        return refusal.detail
    return WON
