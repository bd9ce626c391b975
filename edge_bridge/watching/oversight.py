"""What a supervisor sees of the mines that are open to it: each sensor with its limits, silence and gaps, what came
late, and every standing alarm, also those that the mine has silenced.

Nothing is told here that the supervisor could not read one by one; readings are noted as read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from edge_bridge import queries
from edge_bridge.models import Alarm, Rollup, Series
from edge_bridge.models.rollup import MINUTE_S
from edge_bridge.readings.spans import TOO_LONG_PERIODS, MissingSpan
from edge_bridge.readings.trends import OVERRIDE, Asked, period_of, trend
from edge_bridge.watching.owners import owner_names
from tenants.api import granted, live_grants
from tenants.data import FieldError, Invalid

MOST_HOURS: Final = 24
MOST_SENSORS: Final = 60
MOST_ALARMS: Final = 200
MOST_GAPS: Final = 50

# Equipment, or None of a site, and tag.
Point = tuple[UUID | None, str | None]


@dataclass(frozen=True, slots=True)
class Sensor:
    """`limits`: by type, the limit at which an alarm was last raised here. `silent_s`: None while it speaks.

    `late_minutes`: minutes of the span whose readings were complete only long after; `gaps` began in the span and are
    not filled.
    """

    series: Series
    value: float | None
    measured_at: datetime | None
    limits: dict[str, float | None]
    silent_s: float | None
    late_minutes: int
    gaps: Sequence[MissingSpan]


@dataclass(frozen=True, slots=True)
class Mine:
    """A site, those of its sensors that are open, silent ones first, and its standing alarms, newest first."""

    site: Any
    owner: UUID
    owner_name: str | None
    sensors: Sequence[Sensor]
    alarms: Sequence[Alarm]


def oversight(*, hours: int = 6) -> list[Mine]:
    """Of the last hours, at most MOST_SENSORS sensors in all. Invalid for too long a span."""
    if not 1 <= hours <= MOST_HOURS:
        raise Invalid("That is no span of hours.", (FieldError("/hours", f"1 to {MOST_HOURS}"),))
    until = datetime.now(UTC)
    since, limits = until - timedelta(hours=hours), _limits()
    sensors = [_sensor(each, since, until, limits.get((each.equipment_id, each.tag), {})) for each in _open_series()]
    alarms = list(queries.alarms_where(shared=True, active=True).order_by("-pk")[:MOST_ALARMS])
    sites = {row.site_id: row.site for row in (*alarms, *(sensor.series for sensor in sensors))}
    return _mines(sites, sensors, alarms)


def _mines(sites: dict[UUID, Any], sensors: Sequence[Sensor], alarms: Sequence[Alarm]) -> list[Mine]:
    names = owner_names()
    made = [
        Mine(
            site=site,
            owner=site.tenant_id,
            owner_name=names.get(site.tenant_id),
            sensors=sorted((each for each in sensors if each.series.site_id == pk), key=_silent_first),
            alarms=[alarm for alarm in alarms if alarm.site_id == pk],
        )
        for pk, site in sites.items()
    ]
    return sorted(made, key=lambda mine: (mine.owner_name or "", mine.site.name or "", mine.site.pk))


def _silent_first(sensor: Sensor) -> tuple[Any, ...]:
    series = sensor.series
    return -(sensor.silent_s or 0.0), series.equipment.code or "", series.tag or "", series.pk


def _open_series() -> list[Series]:
    """The newest of those whose single readings are open; under a floor there is nothing to supervise."""
    opened = Q(site__in=granted("sites", "view_telemetry")) | Q(equipment__in=granted("equipment", "view_telemetry"))
    found = Series.objects.select_related("equipment", "site").prefetch_related("latest").filter(opened)
    places = live_grants()
    return [
        series
        for series in found.order_by("-pk")[:MOST_SENSORS]
        if places.opening("view_telemetry", (series.site_id, series.equipment_id), singly=True)
    ]


def _sensor(series: Series, since: datetime, until: datetime, limits: dict[str, float | None]) -> Sensor:
    newest = next(iter(series.latest.all()), None)
    told = trend(series, Asked(since, until, level="minute"))
    late = Rollup.objects.filter(tenant=series.tenant_id, series=series, size_s=MINUTE_S, n_late__gt=0)
    return Sensor(
        series=series,
        value=newest and newest.value,
        measured_at=newest and newest.measured_at,
        limits=limits,
        silent_s=_silent_s(series, newest and newest.measured_at, told.until),
        late_minutes=len(late.filter(begins_at__gte=since)),
        gaps=[gap for gap in told.missing if gap.from_at > since][-MOST_GAPS:],
    )


def _silent_s(series: Series, newest_at: datetime | None, until: datetime) -> float | None:
    """`until` is what the clause's delay lets be told."""
    if newest_at is None:
        return None
    silence = until - newest_at
    return silence.total_seconds() if silence > TOO_LONG_PERIODS * max(period_of(series), OVERRIDE) else None


def _limits() -> dict[Point, dict[str, float | None]]:
    newest = list(queries.alarms(shared=True).order_by("-pk")[: 5 * MOST_ALARMS])
    found: dict[Point, dict[str, float | None]] = {}
    for alarm in reversed(newest):
        found.setdefault((alarm.equipment_id, alarm.tag), {})[alarm.alarm_type] = alarm.limit
    return found
