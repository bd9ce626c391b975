"""When sweeps were last done, so that one that nobody runs is noticed: escalation and the dead men are sweeps."""

from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connections

from tenants.context import as_platform

# A sweep is late once so many of its turns were missed, and a little more for a slow one.
MISSED_TURNS: Final = 3
GRACE: Final = timedelta(seconds=30)
_NOTE: Final = """
INSERT INTO tenants_sweepmark AS mark (name, done_at) VALUES (%s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET done_at = greatest(mark.done_at, excluded.done_at)
"""
_NOTED: Final = "SELECT name, clock_timestamp() - done_at FROM tenants_sweepmark"


def note_sweep(name: str) -> None:
    """It was done to its end just now."""
    _asked(_NOTE, [name])


def ages(watched_for: timedelta) -> dict[str, timedelta]:
    """How long ago each scheduled sweep was last done, by the name of its task; `watched_for` if it never was."""
    known = dict(_asked(_NOTED, []))
    return {name: known.get(name, watched_for) for name in sorted(_turns())}


def late(known: dict[str, timedelta]) -> list[str]:
    """Those that should have been done by now."""
    return [name for name, every in sorted(_turns().items()) if known[name] > MISSED_TURNS * every + GRACE]


def _turns() -> dict[str, timedelta]:
    """How often each sweep has its turn."""
    turns: dict[str, timedelta] = {}
    for entry in settings.CELERY_BEAT_SCHEDULE.values():
        every = timedelta(seconds=entry["schedule"])
        turns[entry["task"]] = min(every, turns.get(entry["task"], every))
    return turns


def _asked(statement: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with as_platform("sweep", "when it was last done") as platform, connections[platform.alias].cursor() as cursor:
        platform.leaves_trace = False  # nothing of any organisation was seen
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else []
