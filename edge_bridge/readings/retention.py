"""How long readings and their roll-ups are kept, and the sweep of what is over, as the platform.

A day that is over for everybody goes as a whole partition; the rest by organisation in bounded portions. A row says how
many went, written with the removal. What was not yet summed up stays until it was.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db import OperationalError, connections
from django.db.models import F, Q

from edge_bridge.models import DirtyMinute, ReadingRemoval, ReadingRetention, Series
from edge_bridge.models.rollup import HOUR_S, MINUTE_S, RAW, SIZES
from edge_bridge.partitions import BEHIND_DAYS
from tenants.api import actor, announce, as_platform, enter, opened, require, supervisors
from tenants.data import Event, FieldError, Invalid

BATCH_ROWS: Final = 20_000
LONGEST_DAYS: Final = 7320  # twenty years
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Days:
    """For how many days readings, minutes and hours are kept."""

    raw: int
    minute: int
    hour: int


@dataclass(frozen=True, slots=True)
class KeptSince:
    """From when on readings, minutes and hours are whole; each a midnight (UTC)."""

    raw: datetime
    minutes: datetime
    hours: datetime


def days_of(tenant_id: UUID) -> Days:
    """What the organisation decided, or else the system's own."""
    row = ReadingRetention.objects.filter(tenant=tenant_id).first()
    if row is not None:
        return Days(row.raw_days, row.minute_days, row.hour_days)
    return Days(settings.READING_KEEP_DAYS, settings.MINUTE_KEEP_DAYS, settings.HOUR_KEEP_DAYS)


def kept_since(tenant_id: UUID, now: datetime) -> KeptSince:
    days = days_of(tenant_id)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    limits = {RAW[0]: days.raw, MINUTE_S: days.minute, HOUR_S: days.hour}
    return KeptSince(*(max(today - timedelta(days=n), _gone_before(tenant_id, size_s)) for size_s, n in limits.items()))


def _gone_before(tenant_id: UUID, size_s: int) -> datetime:
    """What was removed stays so, though by now it would be kept longer."""
    removed = ReadingRemoval.objects.filter(tenant=tenant_id, size_s=size_s).order_by("-before_at")
    return removed.values_list("before_at", flat=True).first() or EPOCH


def set_retention(*, raw_days: int, minute_days: int, hour_days: int) -> ReadingRetention:
    """The actor's organisation keeps its readings so long; Invalid where a coarser one would go before a finer one.

    On the feeds and ledgers of those with a mandate, too: what goes sooner takes gaps out of their log.
    """
    me = require("manage")
    if not 1 <= raw_days <= minute_days <= hour_days <= LONGEST_DAYS:
        rule = f"1 ≤ raw_days ≤ minute_days ≤ hour_days ≤ {LONGEST_DAYS}"
        raise Invalid("These days don't go together.", (FieldError("/raw_days", rule),))
    days = {"raw_days": raw_days, "minute_days": minute_days, "hour_days": hour_days}
    row, _ = ReadingRetention.objects.update_or_create(
        tenant_id=me.tenant_id, defaults=days | {"set_by_id": me.user_id}
    )
    told = supervisors(Q(tenant=me.tenant_id), "view_telemetry")
    enter(kind="readings.retention_set", subject=row.pk, payload=days, with_tenants=told)
    announce(Event("readings.retention_set", dict(days), "view_telemetry", to=told))
    return row


def removals() -> list[ReadingRemoval]:
    """The newest of the actor's organisation."""
    return list(ReadingRemoval.objects.filter(tenant=actor().tenant_id).order_by("-pk")[:100])


@dataclass(frozen=True, slots=True)
class Table:
    """Where readings (`size_s` 0) or roll-ups of a size are, and the columns that say whose and of when."""

    size_s: int
    name: str
    at: str
    of: str

    @property
    def due(self) -> str:
        return (
            f"SELECT id FROM edge_bridge_series AS series WHERE tenant_id = %(tenant)s AND EXISTS "
            f"(SELECT FROM {self.name} WHERE {self.of} AND series_id = series.id AND {self.at} < %(before)s)"
        )

    @property
    def removal(self) -> str:
        """The oldest of a series; a few more than `most` where some are of one time."""
        over = f"{self.of} AND series_id = %(series)s AND {self.at} < %(before)s"
        last = f"SELECT {self.at} FROM {self.name} WHERE {over} ORDER BY {self.at} OFFSET %(most)s LIMIT 1"
        return f"DELETE FROM {self.name} WHERE {over} AND {self.at} <= coalesce(({last}), %(before)s)"


TABLES: Final = (
    Table(RAW[0], "edge_bridge_reading", "measured_at", "tenant_id = %(tenant)s"),
    *(
        Table(size_s, "edge_bridge_rollup", "begins_at", f"tenant_id = %(tenant)s AND size_s = {size_s}")
        for size_s, _ in SIZES
    ),
)


def sweep_retention(now: datetime) -> int:
    """Remove what is over, for everyone; returns how many rows went. Safe to run twice or at the same time."""
    n = drop_days(now)
    with as_platform("sweep", "organisations with readings"):
        tenants = sorted(set(Series.objects.values_list("tenant", flat=True).distinct()))
    return n + sum(remove_over(tenant_id, now) for tenant_id in tenants)


def remove_over(tenant_id: UUID, now: datetime) -> int:
    """One organisation's readings, minutes and hours that are over; readings only once they are summed up."""
    with as_platform("sweep", "for how long readings are kept") as platform:
        platform.leaves_trace = False
        kept = kept_since(tenant_id, now)
        waits = DirtyMinute.objects.filter(tenant=tenant_id, begins_at__lt=kept.raw).exists()
    limits = zip(TABLES, (kept.raw, kept.minutes, kept.hours), strict=True)
    return sum(_remove(tenant_id, table, limit) for table, limit in limits if table.size_s != RAW[0] or not waits)


def _remove(tenant_id: UUID, table: Table, before_at: datetime) -> int:
    """In portions, each a transaction that counts what it removed; what went in all is told at the end."""
    values = {"tenant": tenant_id, "before": before_at, "most": BATCH_ROWS}
    with as_platform("sweep", "series with readings that are no longer kept") as platform:
        platform.leaves_trace = False
        with connections[opened().alias].cursor() as cursor:
            cursor.execute(table.due, values)
            due = [series_id for (series_id,) in cursor.fetchall()]
    total = 0
    for series_id in due:
        while n := _remove_some(table, values | {"series": series_id}):
            total += n
    if total:
        with as_platform("sweep", "tell of readings that were removed"):
            _tell(tenant_id, table.size_s, before_at, total)
    return total


def _remove_some(table: Table, values: dict[str, Any]) -> int:
    with as_platform("sweep", "remove readings that are no longer kept") as platform:
        with connections[opened().alias].cursor() as cursor:
            cursor.execute(table.removal, values)
            n = cursor.rowcount
        platform.leaves_trace = n > 0
        if n:
            _count(values["tenant"], table.size_s, values["before"], n)
        return n


def _count(tenant_id: UUID, size_s: int, before_at: datetime, n: int) -> None:
    removal, is_new = ReadingRemoval.objects.get_or_create(
        tenant_id=tenant_id, size_s=size_s, before_at=before_at, defaults={"n_removed": n}
    )
    if not is_new:
        ReadingRemoval.objects.filter(pk=removal.pk).update(n_removed=F("n_removed") + n)


def _tell(tenant_id: UUID, size_s: int, before_at: datetime, n: int) -> None:
    body = {"size_s": size_s, "before": before_at.isoformat(), "n_removed": n}
    announce(Event(kind="readings.removed", body=body, permission="view_telemetry", to=frozenset({tenant_id})))


_PARTITIONS: Final = """
SELECT substring(inhrelid::regclass::text FROM '_(\\d{8})$')::date AS day FROM pg_inherits
 WHERE inhparent = 'edge_bridge_reading'::regclass AND inhrelid::regclass::text ~ '_\\d{8}$' ORDER BY day
"""
_HELD: Final = """
SELECT tenant_id, count(*) FROM edge_bridge_reading
 WHERE measured_at >= %(since)s AND measured_at < %(until)s GROUP BY tenant_id
"""


def drop_days(now: datetime) -> int:
    """Whole partitions of days that are over for everybody; returns how many readings were in them."""
    with as_platform("sweep", "days of readings that nobody keeps") as platform:
        platform.leaves_trace = False
        longest = max([settings.READING_KEEP_DAYS, *ReadingRetention.objects.values_list("raw_days", flat=True)])
        before = (now - timedelta(days=max(longest, BEHIND_DAYS))).date()
        with connections[opened().alias].cursor() as cursor:
            cursor.execute(_PARTITIONS)
            over = [day for (day,) in cursor.fetchall() if day < before]
    return sum(map(_drop_safely, over))


def _drop_safely(day: date) -> int:
    try:
        return _drop(day)
    except OperationalError as error:  # somebody reads or writes there for long
        log.warning("the readings of %s are dropped later: %s", day, error)
        return 0


def _drop(day: date) -> int:
    """Nobody writes to the partition while it is counted, and nothing of it waits to be summed up."""
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    with as_platform("sweep", "drop a day of readings"), connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT wall.lock_reading_partition(%s)", [day])
        if DirtyMinute.objects.filter(begins_at__gte=since, begins_at__lt=until).exists():
            return 0
        cursor.execute(_HELD, {"since": since, "until": until})
        held = cursor.fetchall()
        for tenant_id, n in held:
            _count(tenant_id, RAW[0], until, n)
            _tell(tenant_id, RAW[0], until, n)
        cursor.execute("SELECT wall.drop_reading_partition(%s)", [day])
        return sum(n for _, n in held)
