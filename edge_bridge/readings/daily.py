"""How good each own sensor's readings were on a day: scored from the figures of its minutes and hours."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from edge_bridge.models import Gap, Rollup, Series
from edge_bridge.readings.quality import Figures, Quality, quality_of
from edge_bridge.readings.trends import FILTERED, OVERRIDE, definition_of, period_of
from edge_bridge.readings.units import conversion
from tenants.api import actor
from tenants.data import FieldError, Invalid, NotFound
from tenants.models import Site

MOST_DAYS: Final = 31
DAY: Final = timedelta(days=1)
# A sensor that was silent for longer is no longer judged.
GIVEN_UP: Final = timedelta(days=7)
# So much of today may not be summed up yet.
UNSETTLED: Final = timedelta(minutes=2)
NOTHING: Final = Figures(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class SensorDay:
    """One series on one day (UTC). Today counts up to now."""

    series: Series
    day: date
    quality: Quality


def quality_by_day(series: Series, *, first: date, last: date) -> list[SensorDay]:
    """Every day from first to last, of an own series; NotFound for another's, Invalid for too many days."""
    if series.tenant_id != actor().tenant_id:
        raise NotFound
    if not 1 <= (last - first).days + 1 <= MOST_DAYS:
        raise Invalid("That is no span of days.", (FieldError("/from", f"1 to {MOST_DAYS} days up to 'to'"),))
    return _scored([series], first, last)


def worst(day: date, *, site: Site | None = None, limit: int = 50) -> list[SensorDay]:
    """Own sensors, those with the lowest score first; those silent for a week before the day are left out, and those
    that came after it without readings of it."""
    begins_at, ends_at = _midnight(day), _midnight(day) + DAY
    hours = Rollup.objects.own().filter(series=OuterRef("pk"), size_s=3600)
    of_day = hours.filter(begins_at__gte=begins_at, begins_at__lt=ends_at)
    known = Series.objects.own().filter(latest__measured_at__gte=begins_at - GIVEN_UP)
    found = known.filter(Q(created_at__lt=ends_at) | Exists(of_day))
    if site is not None:
        found = found.filter(site=site)
    scored = _scored(list(found.select_related("equipment")), day, day)
    return sorted(scored, key=lambda each: (each.quality.score, each.series.pk))[:limit]


def _scored(series: Sequence[Series], first: date, last: date) -> list[SensorDay]:
    """Days that have begun long enough ago."""
    days = [first + n * DAY for n in range((last - first).days + 1)]
    spans_s = {day: min(DAY, datetime.now(UTC) - UNSETTLED - _midnight(day)).total_seconds() for day in days}
    figures = _figures(series, first, last)
    filtered = {day: _filtering_sites(day) for day in days}
    return [
        SensorDay(each, day, _quality(each, figures.get((each.pk, day), NOTHING), spans_s[day], filtered[day]))
        for day in days
        if spans_s[day] > 0
        for each in series
    ]


def _quality(series: Series, figures: Figures, span_s: float, filtered: set[UUID]) -> Quality:
    definition = definition_of(series)
    period = max(period_of(series), OVERRIDE) if series.site_id in filtered else period_of(series)
    steady = definition is not None and definition.steady
    return quality_of(figures, period.total_seconds(), span_s, steady=steady)


def _filtering_sites(day: date) -> set[UUID]:
    """Where gateways said that day that they kept back what hardly changed: of which sensor they don't say."""
    gaps = Gap.objects.filter(tenant=actor().tenant_id, reason__in=FILTERED)
    on_the_day = gaps.filter(from_at__lt=_midnight(day) + DAY, to_at__gte=_midnight(day))
    return set(on_the_day.values_list("watermark__site", flat=True).distinct())


# Minutes are looked at where an hour holds something implausible. A value that stays from hour to hour repeats too.
_FIGURES: Final = """
SELECT series_id, date_bin('1 day', begins_at, 'epoch') AS day, sum(n_good), sum(n_uncertain), sum(n_bad),
       sum(n_times), sum(n_repeated) + count(*) FILTER (WHERE n_good > 0 AND first = before), sum(n_minutes),
       sum(n_late), sum(n_outside)
  FROM (
  SELECT h.*, lag(h.last) OVER (PARTITION BY h.series_id, date_bin('1 day', h.begins_at, 'epoch'), h.n_good > 0
                                ORDER BY h.begins_at) AS before, m.n_outside
    FROM unnest(%(series)s::uuid[], %(lowest)s::float8[], %(highest)s::float8[]) AS asked (id, lowest, highest)
    JOIN edge_bridge_rollup AS h ON h.tenant_id = %(tenant)s AND h.series_id = asked.id AND h.size_s = 3600
         AND h.begins_at >= %(since)s AND h.begins_at < %(until)s
   CROSS JOIN LATERAL (
    SELECT count(*) AS n_outside FROM edge_bridge_rollup AS m
     WHERE (h.lowest < asked.lowest OR h.highest > asked.highest)
       AND m.tenant_id = %(tenant)s AND m.series_id = asked.id AND m.size_s = 60
       AND m.begins_at >= h.begins_at AND m.begins_at < h.begins_at + interval '1 hour'
       AND (m.lowest < asked.lowest OR m.highest > asked.highest)) AS m) AS hour
 GROUP BY series_id, day
"""


def _figures(series: Sequence[Series], first: date, last: date) -> dict[tuple[UUID, date], Figures]:
    """Of the days that have readings."""
    ranges = [_plausible(each) for each in series]
    values: dict[str, Any] = {"tenant": actor().tenant_id, "series": [each.pk for each in series]}
    values |= {"lowest": [low for low, _ in ranges], "highest": [high for _, high in ranges]}
    values |= {"since": _midnight(first), "until": _midnight(last) + DAY}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, values)
        return {(series_id, day.date()): Figures(*map(int, rest)) for series_id, day, *rest in cursor.fetchall()}


def _plausible(series: Series) -> tuple[float, float]:
    """The dictionary's range in the series' own unit; everything where it knows none."""
    definition = definition_of(series)
    if definition is None:
        return float("-inf"), float("inf")
    change = conversion(definition.unit, series.unit or definition.unit)
    return change(definition.lowest), change(definition.highest)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
