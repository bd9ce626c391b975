"""What must follow from what the terminals measured, and what the database holds of it."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg

from tests.database import with_database

Said = tuple[str, float]  # raised or cleared, and the value, which no other alarm of the fault has

HISTORY = """
SELECT c.event, c.value FROM edge_bridge_alarmchange c JOIN edge_bridge_alarm a ON a.id = c.alarm_id
 WHERE c.tenant_id = %s AND a.tag = %s AND c.event IN ('raised', 'cleared')
"""
FEED = """
SELECT split_part(kind, '.', 2), (body->>'value')::float FROM tenants_feedevent
 WHERE tenant_id = %s AND body->>'tag' = %s AND kind IN ('alarm.raised', 'alarm.cleared') ORDER BY seq
"""
HOLES = """
SELECT count(*) FROM (SELECT max(seq) AS last, min(seq) AS first, count(*) AS n FROM tenants_feedevent
 WHERE tenant_id = %s) feed WHERE n > 0 AND (first <> 1 OR last <> n)
"""
RULES = """
[[rules]]
name = "methane"
equipment = "GAS-T0-01"
tag = "ch4"
alarm_type = "ch4"
deadband = 0.1
hi = { value = 1.0, severity = "critical" }
"""


def wave(
    path: Path, first: int, cycles: int, lows: int = 1, every_s: float = 60.0, until: datetime | None = None
) -> list[Said]:
    """A recording in which methane passes its limit `cycles` times and comes back; returns the alarms it must give.

    Its readings are `every_s` apart and end at `until`; after each high one come `lows`.
    """
    values, truth = [], []
    for number in range(first, first + cycles):
        high, low = 2.0 + number, number / 100_000
        values += [high, *[low] * lows]
        truth += [("raised", high), ("cleared", low)]
    end = until or datetime.now(UTC)
    times = [end - timedelta(seconds=every_s * left) for left in range(len(values) - 1, -1, -1)]
    rows = [f"{at.isoformat()},{value}" for at, value in zip(times, values, strict=True)]
    path.write_text("\n".join(["timestamp,value", *rows, ""]))
    return truth


def admin_url() -> str:
    """The superuser's, to this fault's database."""
    return with_database(os.environ["DATABASE_ADMIN_URL"], urlsplit(os.environ["DATABASE_URL"]).path.strip("/"))


def rows(sql: str, *values: object) -> list[tuple[Any, ...]]:
    """Past the wall; none while the database is away."""
    try:
        with psycopg.connect(admin_url(), connect_timeout=3, autocommit=True) as connection:
            return connection.execute(sql, values).fetchall()  # type: ignore[call-overload]
    except psycopg.OperationalError:
        return []


def history(tenant: UUID, tag: str = "ch4") -> list[Said]:
    return [(event, value) for event, value in rows(HISTORY, tenant, tag)]


def feed(tenant: UUID, tag: str = "ch4") -> list[Said]:
    return [(kind, value) for kind, value in rows(FEED, tenant, tag)]
