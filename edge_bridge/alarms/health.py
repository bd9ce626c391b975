"""How the alarms of a site treat the operator there, from the log: the figures of ISA-18.2 and EEMUA 191.

A *call* is a moment at which an alarm asked for an operator: it was raised, grew worse, or came back unshelved. What
was silenced, or came late, called nobody. One site is one operator's position.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Q

from edge_bridge.alarms.data import FLOOD_OVER, FLOOD_WINDOW
from edge_bridge.models import Alarm
from tenants.data import FieldError, Invalid, NotFound
from tenants.models import Site

ACCEPTABLE_PER_H: Final = 6
MANAGEABLE_PER_H: Final = 12
STALE_AFTER: Final = timedelta(hours=24)
CHATTER_WITHIN: Final = timedelta(minutes=1)
CHATTER_CALLS: Final = 3
LONGEST: Final = timedelta(days=92)
HOUR: Final = timedelta(hours=1)
MOST_SHOWN: Final = 10
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Hour:
    begins_at: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Flood:
    """A stretch of ten-minute windows, each with more than ten calls."""

    begins_at: datetime
    ends_at: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Source:
    equipment_code: str
    alarm_type: str
    calls: int


@dataclass(frozen=True, slots=True)
class Stale:
    alarm: UUID
    equipment_code: str
    alarm_type: str
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """`hours` are whole hours (UTC) from the one of `since` on, with none left out."""

    site: UUID
    since: datetime
    until: datetime
    hours: Sequence[Hour]
    floods: Sequence[Flood]
    chattering: Sequence[Source]
    top_ten: Sequence[Source]
    stale: Sequence[Stale]

    @property
    def calls(self) -> int:
        return sum(hour.calls for hour in self.hours)

    @property
    def calls_per_hour(self) -> float:
        return self.calls / len(self.hours)

    @property
    def busiest_hour_calls(self) -> int:
        return max(hour.calls for hour in self.hours)

    @property
    def hours_above_acceptable_frac(self) -> float:
        return self._hours_above(ACCEPTABLE_PER_H)

    @property
    def hours_above_manageable_frac(self) -> float:
        return self._hours_above(MANAGEABLE_PER_H)

    @property
    def flood_time_frac(self) -> float:
        flooded = sum((flood.ends_at - flood.begins_at for flood in self.floods), timedelta())
        return min(1.0, flooded / (self.until - self.since))

    @property
    def top_ten_frac(self) -> float:
        """Share of all calls that the ten most frequent alarms make: 0.05 is the target, much more a few bad actors."""
        return sum(source.calls for source in self.top_ten) / self.calls if self.calls else 0.0

    @property
    def verdict(self) -> str:
        if self.calls_per_hour > MANAGEABLE_PER_H or self.flood_time_frac > 0.01:
            return "overloaded"
        return "manageable" if self.calls_per_hour > ACCEPTABLE_PER_H else "acceptable"

    def _hours_above(self, most: int) -> float:
        return sum(hour.calls > most for hour in self.hours) / len(self.hours)


def alarm_health(site: Site, *, since: datetime, until: datetime, tenant_id: UUID) -> Health:
    """Figures of an own site; NotFound for another's, Invalid for a span that isn't one."""
    if site.tenant_id != tenant_id:
        raise NotFound
    if not timedelta() < until - since <= LONGEST:
        message = f"before 'until', by at most {LONGEST.days} days"
        raise Invalid("That is no span of time.", (FieldError("/since", message),))
    said = {"tenant": tenant_id, "site": site.pk, "since": since, "until": until}
    windows = [(begins_at, n) for begins_at, n in _asked(_WINDOWS, said | {"over": FLOOD_OVER})]
    chatter = said | {"within": CHATTER_WITHIN, "before": CHATTER_CALLS - 1, "most": MOST_SHOWN}
    return Health(
        site=site.pk,
        since=since,
        until=until,
        hours=_every_hour(dict(_asked(_HOURS, said)), since, until),
        floods=_joined(windows),
        chattering=[Source(*row) for row in _asked(_CHATTERING, chatter)],
        top_ten=[Source(*row) for row in _asked(_TOP, said | {"most": MOST_SHOWN})],
        stale=_stale(site, until),
    )


def as_csv(health: Health) -> bytes:
    """Hour by hour."""
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["hour_utc", "calls", "acceptable", "manageable"])
    rows.writerows(
        [hour.begins_at.isoformat(), hour.calls, ACCEPTABLE_PER_H, MANAGEABLE_PER_H] for hour in health.hours
    )
    return file.getvalue().encode()


_CALLS: Final = """
  SELECT c.recorded_at, a.equipment_id, a.device_id, a.alarm_type
    FROM edge_bridge_alarmchange c JOIN edge_bridge_alarm a ON a.tenant_id = c.tenant_id AND a.id = c.alarm_id
   WHERE c.tenant_id = %(tenant)s AND a.site_id = %(site)s AND c.recorded_at >= %(since)s AND c.recorded_at < %(until)s
     AND c.to_state = 'UNACK' AND c.event IN ('raised', 're_alarmed', 'returned_standing') AND NOT a.historical
     AND NOT EXISTS (SELECT FROM edge_bridge_alarmchange s WHERE s.tenant_id = c.tenant_id AND s.alarm_id = c.alarm_id
                        AND s.event = 'suppressed' AND s.recorded_at = c.recorded_at)
"""
_HOURS: Final = f"SELECT date_trunc('hour', recorded_at, 'UTC') AS hour, count(*) FROM ({_CALLS}) AS calls GROUP BY 1"
_WINDOWS: Final = f"""
SELECT date_bin('10 min', recorded_at, 'epoch') AS begins_at, count(*) FROM ({_CALLS}) AS calls
 GROUP BY 1 HAVING count(*) > %(over)s ORDER BY 1"""
_TOP: Final = f"""
SELECT coalesce(max(e.code), ''), calls.alarm_type, count(*) FROM ({_CALLS}) AS calls
  LEFT JOIN tenants_equipment e ON e.id = calls.equipment_id
 GROUP BY calls.equipment_id, calls.device_id, calls.alarm_type ORDER BY 3 DESC, 1, 2 LIMIT %(most)s"""
_CHATTERING: Final = f"""
SELECT coalesce(max(e.code), ''), spaced.alarm_type, count(*) FROM (
  SELECT *, recorded_at - lag(recorded_at, %(before)s)
    OVER (PARTITION BY equipment_id, device_id, alarm_type ORDER BY recorded_at) AS span
    FROM ({_CALLS}) AS calls) AS spaced
  LEFT JOIN tenants_equipment e ON e.id = spaced.equipment_id
 WHERE span <= %(within)s
 GROUP BY spaced.equipment_id, spaced.device_id, spaced.alarm_type ORDER BY 3 DESC, 1, 2 LIMIT %(most)s"""


def _asked(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall()


def _every_hour(found: dict[datetime, int], since: datetime, until: datetime) -> list[Hour]:
    first = since - (since - EPOCH) % HOUR
    n_hours = -((first - until) // HOUR)
    return [Hour(first + n * HOUR, found.get(first + n * HOUR, 0)) for n in range(n_hours)]


def _joined(windows: Sequence[tuple[datetime, int]]) -> list[Flood]:
    """Windows that follow one another without a gap are one flood."""
    numbered = [(window[0] - n * FLOOD_WINDOW, window) for n, window in enumerate(windows)]
    floods = []
    for _, run in groupby(numbered, key=lambda pair: pair[0]):
        parts = [window for _, window in run]
        floods.append(Flood(parts[0][0], parts[-1][0] + FLOOD_WINDOW, sum(n for _, n in parts)))
    return floods


def _stale(site: Site, until: datetime) -> list[Stale]:
    """What stood at the end for more than a day: nobody can do, or does, anything about it."""
    stood = Q(cleared_at=None) | Q(cleared_at__gte=until)
    rows = Alarm.objects.filter(stood, site=site, raised_at__lt=until - STALE_AFTER)
    found = rows.select_related("equipment").order_by("raised_at")[:MOST_SHOWN]
    return [Stale(row.pk, row.equipment.code if row.equipment else "", row.alarm_type, row.raised_at) for row in found]
