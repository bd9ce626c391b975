"""What a supervisor sees of the mines that are open to it: each sensor with its limits, silence and gaps, what came
late, and every standing alarm, also those that the mine has silenced.

Nothing is told here that the supervisor could not read one by one; readings are noted as read.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Least

from edge_bridge import queries
from edge_bridge.data import CLOCKS_DIFFER
from edge_bridge.models import Alarm, Guard, Latest, Rollup, Series
from edge_bridge.models.rollup import MINUTE_S
from edge_bridge.readings.spans import TOO_LONG_PERIODS, MissingSpan
from edge_bridge.readings.trends import OVERRIDE, delay_of, gaps_of_minutes, period_of
from edge_bridge.watching.owners import owner_names
from tenants.api import live_grants
from tenants.data import FieldError, Invalid
from tenants.models import Site

MOST_HOURS: Final = 24
MOST_SENSORS: Final = 60
MOST_ALARMS: Final = 200
MOST_GAPS: Final = 50
MOST_GUARDS: Final = 2_000

# Site, equipment or None, and tag.
Point = tuple[UUID, UUID | None, str | None]


class Speech(StrEnum):
    """Of a sensor: heard in its time, no more, or never; or what was heard is told later only."""

    SPEAKS = "speaks"
    SILENT = "silent"
    UNHEARD = "unheard"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Sensor:
    """`limits`: by type of alarm, those in force, and those that alarms told of which no kept rule knows.

    `guards` are the limits of rules in force, `switched_off` the last of each type that none in force took the place
    of. `silent_s`: since the newest reading, of one that is silent; None while one that came just now `is_ahead`.

    `late_minutes`: minutes of the span whose readings were complete only long after; `gaps` began in the span and are
    not filled.
    """

    series: Series
    value: float | None
    measured_at: datetime | None
    limits: dict[str, float | None]
    guards: Sequence[Guard]
    switched_off: Sequence[Guard]
    speech: Speech
    silent_s: float | None
    is_ahead: bool
    late_minutes: int
    gaps: Sequence[MissingSpan]


@dataclass(frozen=True, slots=True)
class Mine:
    """A site with the sensors that are shown of the `n_sensors` that are open, longest silent first, and its standing
    alarms, newest first."""

    site: Site
    owner: UUID
    owner_name: str | None
    sensors: Sequence[Sensor]
    n_sensors: int
    alarms: Sequence[Alarm]

    @property
    def is_whole(self) -> bool:
        """Whether all open sensors are shown."""
        return len(self.sensors) == self.n_sensors


@dataclass(frozen=True, slots=True)
class _Judged:
    """By what a sensor is judged; fields as of `Sensor`."""

    limits: dict[str, float | None]
    guards: Sequence[Guard]
    switched_off: Sequence[Guard]

    @classmethod
    def by(cls, guards: Sequence[Guard], told: dict[str, float | None]) -> "_Judged":
        standing = [each for each in guards if each.ended_at is None]
        types = {each.alarm_type for each in standing}
        newest = {each.alarm_type: each for each in reversed(guards) if each.alarm_type not in types}
        limits = {name: limit for name, limit in told.items() if name not in newest}
        return cls(limits | {each.alarm_type: each.limit for each in standing}, standing, list(newest.values()))


def oversight(*, hours: int = 6, site_id: UUID | None = None) -> list[Mine]:
    """Of the last hours, of all mines that are open or one of them; at most MOST_SENSORS sensors in all, those that
    nobody has heard and those silent longest. Invalid for too long a span."""
    if not 1 <= hours <= MOST_HOURS:
        raise Invalid("That is no span of hours.", (FieldError("/hours", f"1 to {MOST_HOURS}"),))
    since = datetime.now(UTC) - timedelta(hours=hours)
    at_site: dict[str, Any] = {"site": site_id} if site_id else {}
    alarms = list(queries.alarms_where(shared=True, active=True, **at_site).order_by("-pk")[:MOST_ALARMS])
    opened = open_series().filter(**at_site)
    sensors = _sensors(list(_silent_first(opened)[:MOST_SENSORS]), since)
    # Not joined to the owner, who need not be listed.
    found = Site.objects.filter(Q(pk__in=opened.order_by().values("site")) | Q(pk__in={row.site_id for row in alarms}))
    names = owner_names()
    made = [_mine(site, names, opened, sensors, alarms) for site in found]
    return sorted(made, key=lambda mine: (mine.owner_name or "", mine.site.name or "", mine.site.pk))


def _mine(
    site: Site, names: dict[UUID, str], opened: QuerySet[Series], sensors: Sequence[Sensor], alarms: Sequence[Alarm]
) -> Mine:
    return Mine(
        site=site,
        owner=site.tenant_id,
        owner_name=names.get(site.tenant_id),
        sensors=[each for each in sensors if each.series.site_id == site.pk],
        n_sensors=opened.filter(site=site).count(),
        alarms=[alarm for alarm in alarms if alarm.site_id == site.pk],
    )


def open_series() -> QuerySet[Series]:
    """Those whose single readings are open; under a floor there is nothing to supervise."""
    singly = [
        grant for grant in live_grants().by_id.values() if grant.permission == "view_telemetry" and not grant.floor_n
    ]
    machines = {grant.equipment_id for grant in singly if grant.equipment_id}
    found = Series.objects.filter(
        Q(site__in={grant.site_id for grant in singly if grant.equipment_id is None}) | Q(equipment__in=machines)
    )
    return found.filter(equipment__code__gt="")  # a machine that was moved away may be out of sight


def _silent_first(found: QuerySet[Series]) -> QuerySet[Series]:
    """Sorted by the database, before any is left out; those that were never heard, or not of now, come first."""
    of_now = Latest.objects.filter(series=OuterRef("pk"), measured_at__lte=datetime.now(UTC) + CLOCKS_DIFFER)
    heard_at = of_now.values(heard=Least("measured_at", "received_at"))[:1]  # of null and a time the time
    ordered = found.annotate(heard_at=Subquery(heard_at)).order_by(F("heard_at").asc(nulls_first=True), "pk")
    return ordered.select_related("equipment", "site").prefetch_related("latest")


def _sensors(series: Sequence[Series], since: datetime) -> list[Sensor]:
    minutes, told, guards = _minutes(series, since), _told_limits(), _guards(series)
    points: list[Point] = [(each.site_id, each.equipment_id, each.tag) for each in series]
    return [
        _sensor(each, since, minutes[each.pk], _Judged.by(guards[point], told[point]))
        for each, point in zip(series, points, strict=True)
    ]


def _minutes(series: Sequence[Series], since: datetime) -> defaultdict[UUID, list[Rollup]]:
    """The figures of the span's minutes, of all of them at once."""
    owners = {each.tenant_id for each in series}
    rows = Rollup.objects.filter(tenant__in=owners, series__in=[each.pk for each in series], size_s=MINUTE_S)
    found: defaultdict[UUID, list[Rollup]] = defaultdict(list)
    for row in rows.filter(begins_at__gte=since.replace(second=0, microsecond=0)).order_by("begins_at"):
        found[row.series_id].append(row)
    return found


def _sensor(series: Series, since: datetime, minutes: Sequence[Rollup], judged: _Judged) -> Sensor:
    newest = next(iter(series.latest.all()), None)
    silence_s = _silence_s(series, newest and newest.heard_at)
    return Sensor(
        series=series,
        value=newest and newest.value,
        measured_at=newest and newest.measured_at,
        limits=judged.limits,
        guards=judged.guards,
        switched_off=judged.switched_off,
        speech=_speech(series, newest, silence_s),
        silent_s=silence_s,
        is_ahead=newest is not None and newest.is_ahead,
        late_minutes=sum(row.n_late > 0 for row in minutes if row.begins_at >= since),
        gaps=[gap for gap in gaps_of_minutes(series, minutes, since) if gap.from_at > since][-MOST_GAPS:],
    )


def _speech(series: Series, newest: Latest | None, silence_s: float | None) -> Speech:
    if newest is not None:
        return Speech.SPEAKS if silence_s is None and not newest.is_ahead else Speech.SILENT
    return Speech.UNTOLD if delay_of(series) else Speech.UNHEARD


def _silence_s(series: Series, newest_at: datetime | None) -> float | None:
    """Of one that has been silent too long; what the clause delays is not silence."""
    if newest_at is None:
        return None
    silence = datetime.now(UTC) - (delay_of(series) or timedelta()) - newest_at
    return silence.total_seconds() if silence > TOO_LONG_PERIODS * max(period_of(series), OVERRIDE) else None


def _guards(series: Sequence[Series]) -> defaultdict[Point, list[Guard]]:
    """Those in force, then those that ended last."""
    rows = Guard.objects.filter(equipment__in={each.equipment_id for each in series})
    found: defaultdict[Point, list[Guard]] = defaultdict(list)
    for row in rows.order_by(F("ended_at").desc(nulls_first=True), "-pk")[:MOST_GUARDS]:
        found[row.site_id, row.equipment_id, row.tag].append(row)
    return found


def _told_limits() -> defaultdict[Point, dict[str, float | None]]:
    """By the newest alarm of each type: gateways may have rules of their own, of which the cloud knows nothing else."""
    newest = list(queries.alarms(shared=True).order_by("-pk")[: 5 * MOST_ALARMS])
    found: defaultdict[Point, dict[str, float | None]] = defaultdict(dict)
    for alarm in reversed(newest):
        found[alarm.site_id, alarm.equipment_id, alarm.tag][alarm.alarm_type] = alarm.limit
    return found
