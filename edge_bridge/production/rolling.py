"""Machines' intervals and loads, made anew from their readings a UTC day at a time, whenever a day has more of them.

What is made depends only on the readings, not on when they came or how often a day is rolled. A day that comes to hold
more readings changes the beginning of the next one too: a state is held over midnight, a load is hauled over it.
"""

import logging
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from django.db import IntegrityError, OperationalError, connection
from django.db.models import F

from edge_bridge.models import HauledLoad, Quality, RolledDay, Series, StateInterval
from edge_bridge.production.cycles import LONGEST, Load, loads_of
from edge_bridge.production.intervals import HOLD, Interval, Sample, clipped, intervals_of
from tenants.api import acting_as, as_platform
from tenants.data import Actor

STATE, REASON, PAYLOAD, KIND = "state", "stop_reason", "payload", "load_kind"
TAGS: Final = (STATE, REASON, PAYLOAD, KIND)
DAY: Final = timedelta(days=1)
# A gateway that was cut off sends what it kept; what comes later still is not rolled.
REACH: Final = timedelta(days=8)
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Machine:
    """At one site, with its series by tag."""

    tenant_id: UUID
    site_id: UUID
    equipment_id: UUID
    series: dict[str, UUID]

    @property
    def key(self) -> dict[str, UUID]:
        return {"tenant_id": self.tenant_id, "site_id": self.site_id, "equipment_id": self.equipment_id}


def sweep_production(now: datetime, reach: timedelta = REACH) -> int:
    """Roll what is due, for everyone; returns how many days of machines were rolled. Safe to run twice, or at once."""
    with as_platform("sweep", "organisations with mobile machines") as platform:
        platform.leaves_trace = False
        owners = sorted(set(Series.objects.filter(tag=STATE).values_list("tenant", flat=True)))
    return sum(_roll_safely(tenant_id, now, reach) for tenant_id in owners)


def roll_of(tenant_id: UUID, now: datetime, reach: timedelta = REACH) -> int:
    """One organisation's share, in the open repeatable transaction of its own."""
    n = 0
    for machine in machines_of(tenant_id):
        counts = counts_by_day(machine, now - reach, now)
        for day in sorted(_due(machine, counts, now)):
            roll(machine, day, now, counts.get(day, 0))
            n += 1
    return n


def machines_of(tenant_id: UUID) -> list[Machine]:
    found: dict[tuple[UUID, UUID], dict[str, UUID]] = {}
    for row in Series.objects.filter(tenant=tenant_id, tag__in=TAGS).order_by("site", "equipment"):
        found.setdefault((row.site_id, row.equipment_id), {})[row.tag] = row.pk
    return [Machine(tenant_id, *place, series) for place, series in found.items() if STATE in series]


def roll(machine: Machine, day: date, now: datetime, n_readings: int) -> None:
    """Put what the readings say in the place of what was rolled before."""
    begins_at = datetime.combine(day, time(), UTC)
    ends_at = min(begins_at + DAY, now)
    intervals, loads = derived(machine, begins_at, ends_at)
    StateInterval.objects.filter(**machine.key, begins_at__gte=begins_at, begins_at__lt=begins_at + DAY).delete()
    HauledLoad.objects.filter(**machine.key, dumped_at__gte=begins_at, dumped_at__lt=begins_at + DAY).delete()
    StateInterval.objects.bulk_create(
        StateInterval(
            **machine.key, begins_at=one.begins_at, ends_at=one.ends_at, state=one.state, stop_reason=one.stop_reason
        )
        for one in intervals
        if one.state is not None
    )
    HauledLoad.objects.bulk_create(
        HauledLoad(
            **machine.key, begins_at=one.begins_at, dumped_at=one.dumped_at, payload_t=one.payload_t, kind=one.kind
        )
        for one in loads
    )
    RolledDay.objects.update_or_create(**machine.key, day=day, defaults={"n_readings": n_readings, "rolled_at": now})


def derived(machine: Machine, since: datetime, until: datetime) -> tuple[list[Interval], list[Load]]:
    """Straight from the readings; `intervals` cover the span."""
    tagged = {tag: samples(machine, tag, since - LONGEST - HOLD, until) for tag in TAGS}
    wide = intervals_of(tagged[STATE], tagged[REASON], since=since - LONGEST, until=until)
    return list(clipped(wide, since, until)), loads_of(wide, tagged[PAYLOAD], tagged[KIND], since=since)


def samples(machine: Machine, tag: str, since: datetime, until: datetime) -> list[Sample]:
    """In order of time; a bad reading has no value."""
    series = machine.series.get(tag)
    if series is None:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_SAMPLES, [Quality.BAD, machine.tenant_id, series, since, until])
        return [Sample(*row) for row in cursor.fetchall()]


def counts_by_day(machine: Machine, since: datetime, until: datetime) -> dict[date, int]:
    """How many readings each whole UTC day holds by now, of all the machine's tags that matter here."""
    begins_at = datetime.combine(since.astimezone(UTC).date(), time(), UTC)
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, [machine.tenant_id, list(machine.series.values()), begins_at, until])
        return dict(cursor.fetchall())


_SAMPLES: Final = """
SELECT measured_at, CASE WHEN quality <> %s THEN value END FROM edge_bridge_reading
 WHERE tenant_id = %s AND series_id = %s AND measured_at >= %s AND measured_at < %s ORDER BY measured_at, value"""
_COUNTS: Final = """
SELECT (measured_at AT TIME ZONE 'UTC')::date, count(*)::integer FROM edge_bridge_reading
 WHERE tenant_id = %s AND series_id = ANY (%s) AND measured_at >= %s AND measured_at < %s GROUP BY 1"""


def _due(machine: Machine, counts: dict[date, int], now: datetime) -> set[date]:
    """More readings make a day due, and fewer don't: they were dropped for their age. Today goes on without any."""
    today = now.astimezone(UTC).date()
    rolled = RolledDay.objects.filter(**machine.key)
    known = dict(rolled.filter(day__in=list(counts)).values_list("day", "n_readings"))
    due = {day for day, n in counts.items() if n > known.get(day, 0)}
    due.update(rolled.filter(day__lt=today, rolled_at__date=F("day")).values_list("day", flat=True))  # not over then
    return due | {day + DAY for day in due if day < today and day in counts} | ({today} & counts.keys())


def _roll_safely(tenant_id: UUID, now: datetime, reach: timedelta) -> int:
    try:
        with acting_as(Actor(tenant_id, None, frozenset(), "cloud:production"), repeatable=True):
            return roll_of(tenant_id, now, reach)
    except (OperationalError, IntegrityError) as error:  # another sweep was first: the next finds what is still due
        log.warning("production of %s waits for the next sweep: %s", tenant_id, error)
        return 0
