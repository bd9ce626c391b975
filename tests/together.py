"""Calls at once, each in a thread with connections of its own."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

from tenants.data import Conflict
from tests.personas import Organisation


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What each returned, in their order; the first error, if there was one."""

    def run(call: Callable[[], Any]) -> Any:
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(run, calls))


def tried(party: Organisation, gate: Barrier, read: Callable[[], Any], step: Callable[[Any], Any]) -> str:
    """Reads, waits until all have read, then takes the step on what was read: "done", or the reason why not."""
    try:
        with party.acting():
            found = read()
            gate.wait(60)
            step(found)
            return "done"
    except Conflict as refusal:
        return refusal.detail
