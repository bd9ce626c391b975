"""Readings over time as a chart needs them: not more points than asked for, peaks kept, gaps named.

Short spans are told from the readings themselves, longer ones from the figures of minutes or hours; the answer says
which. Under a floor nothing is told here: `summaries` does that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.db.models import QuerySet

from edge_bridge import queries
from edge_bridge.models import Gap, Quality, Reading, Rollup, Series, Watermark
from edge_bridge.models.rollup import HOUR_S, MINUTE_S
from edge_bridge.protocol import GapReason, Lane
from edge_bridge.readings.downsampling import METHODS, Band, binned
from edge_bridge.readings.spans import (
    SILENT,
    TOO_LONG_PERIODS,
    HeldSpan,
    MissingSpan,
    explained,
    held,
    missing,
    usual_period,
)
from edge_bridge.readings.tags import TagDefinition, meaning
from tenants.api import actor, live_grants
from tenants.data import FieldError, Invalid

MOST_ROWS: Final = 10_000
MOST_SERIES: Final = 8
MOST_GAPS: Final = 500
LONGEST: Final = timedelta(days=3660)
LEVELS: Final = {"raw": 0, "minute": MINUTE_S, "hour": HOUR_S}
UNKNOWN_PERIOD: Final = timedelta(seconds=60)
# How long a gateway's filters hold back a value that hardly changes, unless it is told otherwise.
OVERRIDE: Final = timedelta(seconds=60)
FILTERED: Final = (GapReason.DEADBAND, GapReason.SWINGING_DOOR)
LOSSES: Final = tuple(reason for reason in GapReason if reason not in FILTERED)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Asked:
    """`since` ≤ time < `until`; at most `points`. `level` is `auto`, `raw`, `minute` or `hour`."""

    since: datetime
    until: datetime
    points: int = 1000
    method: str = "extremes"
    level: str = "auto"


@dataclass(frozen=True, slots=True)
class Trend:
    """Values in the unit of the series; `n` good readings lie behind them. `masked`: fields that the clause hides.

    `missing_is_whole`: there are no more than MOST_GAPS gaps; else these are the first.
    """

    series: Series
    since: datetime
    until: datetime
    level: str
    points: Sequence[Band] = ()
    missing: Sequence[MissingSpan] = ()
    missing_is_whole: bool = True
    masked: Sequence[str] = ()

    @property
    def n(self) -> int:
        return sum(point.n for point in self.points)


@dataclass
class _Found:
    """Rows of one level as bands. `heard`: when a reading came that is not bad; `bad`: where there were only such."""

    level: str
    bands: list[Band]
    heard: list[datetime]
    bad: list[MissingSpan]
    masked: tuple[str, ...] = field(default=())


def trend(series: Series, asked: Asked) -> Trend:
    """One series. Raises Invalid for a span that is too long for the level, or holds too many readings for it."""
    return _trend(series, _checked(asked))


def trends(several: Sequence[Series], asked: Asked) -> tuple[list[datetime], list[Trend]]:
    """Several series on one axis: its times, and of each series bands at some of them. Raises Invalid as `trend`."""
    asked = _checked(asked)
    axis, step = _axis(asked)
    whole = replace(asked, since=axis[0], points=MOST_ROWS + 1)
    found = [_trend(series, whole) for series in several]
    return axis, [replace(each, points=binned(each.points, axis[0], step)) for each in found]


def _trend(series: Series, asked: Asked) -> Trend:
    asked = replace(asked, until=min(asked.until, told_until(series)))
    if asked.until <= asked.since:
        return Trend(series, asked.since, asked.since, asked.level)
    found = _found(series, asked)
    stretches = _stretches(series, asked, found)
    return Trend(
        series=series,
        since=asked.since,
        until=asked.until,
        level=found.level,
        points=_fewer(found, asked),
        missing=_explained(series, stretches[:MOST_GAPS], found),
        missing_is_whole=len(stretches) <= MOST_GAPS,
        masked=found.masked,
    )


def held_spans(series: Series, *, since: datetime, until: datetime) -> list[HeldSpan]:
    """Between what values an own series lay, in a span that is over; what is not summed up yet is told from readings.

    Raises Invalid for a span that is too long.
    """
    asked = _checked(Asked(since, until))
    found = _found(series, asked)
    size, expected = timedelta(seconds=LEVELS[found.level]), _expected(series, found)
    if found.level == "raw":
        return held(found.bands, until, expected)
    newest = replace(asked, since=found.bands[-1].at + size if found.bands else since)
    rest = _raw(_rows(series, newest), expected).bands
    return [*held(found.bands, rest[0].at if rest else until, expected, size), *held(rest, until, expected)]


def gaps_of_minutes(series: Series, minutes: Iterable[Rollup], since: datetime) -> Sequence[MissingSpan]:
    """Where a series said nothing since then, by the figures of its `minutes`, which ascend."""
    found = _rolled(minutes, "minute")
    return _explained(series, _stretches(series, Asked(since, told_until(series)), found)[:MOST_GAPS], found)


def period_of(series: Series) -> timedelta:
    """How often a reading is expected."""
    definition = definition_of(series)
    return timedelta(seconds=definition.period_s) if definition else UNKNOWN_PERIOD


def definition_of(series: Series) -> TagDefinition | None:
    return meaning(series.tag, series.unit) if series.tag is not None else None


def told_until(series: Series) -> datetime:
    """Now, or for a partner by its delay earlier: what is not told yet is not missing."""
    delay = delay_of(series)
    return EPOCH if delay is None else datetime.now(UTC) - delay


def delay_of(series: Series) -> timedelta | None:
    """By how much later its readings are told to a partner; None where single ones are not open."""
    if series.tenant_id == actor().tenant_id:
        return timedelta()
    opening = live_grants().opening("view_telemetry", (series.site_id, series.equipment_id), singly=True)
    return timedelta(seconds=opening.grant.delay_s) if opening else None


def _axis(asked: Asked) -> tuple[list[datetime], timedelta]:
    """Times at multiples of a step from 1970 on, at most `points`; whole minutes or hours once it is as long."""
    for points in (asked.points, asked.points - 1):  # one more begins before the span, where that begins in between
        step = _step(asked, points)
        since = asked.since - (asked.since - EPOCH) % step
        n = -(-(asked.until - since) // step)
        if n <= asked.points:
            break
    return [since + k * step for k in range(n)], step


def _step(asked: Asked, points: int) -> timedelta:
    step_s = -(-(asked.until - asked.since) // timedelta(seconds=points))
    size_s = next(size_s for size_s in (HOUR_S, MINUTE_S, 1) if step_s >= size_s)
    return timedelta(seconds=-(-step_s // size_s) * size_s)


def _found(series: Series, asked: Asked) -> _Found:
    if asked.level != "auto":
        return _at_level(series, asked, asked.level)
    if _rows(series, asked).count() <= MOST_ROWS and not _is_thinned(series, asked):
        return _at_level(series, asked, "raw")
    fits = (asked.until - asked.since) / timedelta(seconds=MINUTE_S) <= MOST_ROWS
    return _at_level(series, asked, "minute" if fits else "hour")


def _is_thinned(series: Series, asked: Asked) -> bool:
    """Whether only figures are left of the span's beginning."""
    first = _rows(series, asked).first()
    until = first.measured_at.replace(second=0, microsecond=0) if first else asked.until
    return _rollups(series, asked, MINUTE_S).filter(begins_at__gte=asked.since, begins_at__lt=until).exists()


def _at_level(series: Series, asked: Asked, level: str) -> _Found:
    if level != "raw":
        return _rolled(_rollups(series, asked, LEVELS[level]), level)
    found = _raw(_rows(series, asked), period_of(series))
    if len(found.bands) + len(found.bad) > MOST_ROWS:
        message = f"more than {MOST_ROWS} readings: take 'minute' or 'auto', or a shorter span"
        raise Invalid("There are too many readings.", (FieldError("/level", message),))
    return found


def _rows(series: Series, asked: Asked) -> QuerySet[Reading]:
    return queries.readings(series, since=asked.since, until=asked.until, limit=MOST_ROWS + 1)


def _rollups(series: Series, asked: Asked, size_s: int) -> QuerySet[Rollup]:
    since = asked.since - (asked.since - EPOCH) % timedelta(seconds=size_s)
    found = Rollup.objects.filter(tenant=series.tenant_id, series=series, size_s=size_s)
    return found.filter(begins_at__gte=since, begins_at__lt=asked.until).order_by("begins_at")


def _raw(rows: Iterable[Reading], period: timedelta) -> _Found:
    found, reach = _Found("raw", [], [], []), max(period, OVERRIDE) / 2
    for row in rows:
        found.masked = row.masked
        if row.quality == Quality.BAD:
            found.bad.append(MissingSpan(row.measured_at - reach, row.measured_at + reach, "bad"))
            continue
        found.heard.append(row.measured_at)
        found.bands.append(Band(row.measured_at, row.value, row.value, row.value, int(row.quality == Quality.GOOD)))
    return found


def _rolled(rows: Iterable[Rollup], level: str) -> _Found:
    size, found = timedelta(seconds=LEVELS[level]), _Found(level, [], [], [])
    for row in rows:
        found.masked = row.masked
        if row.n_good + row.n_uncertain:
            found.heard.append(row.begins_at)
        else:
            found.bad.append(MissingSpan(row.begins_at, row.begins_at + size, "bad"))
        found.bands.append(Band(row.begins_at, row.value, row.lowest, row.highest, row.n_good))
    return found


def _fewer(found: _Found, asked: Asked) -> list[Band]:
    """By the method for readings; for figures by longer buckets, which keep their extremes."""
    good = [band for band in found.bands if band.n]
    if len(good) <= asked.points:
        return good
    if found.level != "raw" or found.masked:
        size = timedelta(seconds=max(LEVELS[found.level], 1))
        since = asked.since - (asked.since - EPOCH) % size
        step = -(-(asked.until - since) // (asked.points * size)) * size
        return binned(good, since, step)
    kept = METHODS[asked.method]([(band.at.timestamp(), band.value or 0.0) for band in good], asked.points)
    by_point = {(band.at.timestamp(), band.value): band for band in good}
    return [by_point[point] for point in kept]


def _stretches(series: Series, asked: Asked, found: _Found) -> list[MissingSpan]:
    size = timedelta(seconds=LEVELS[found.level])
    until = min(asked.until, told_until(series) - size)  # a minute that isn't over has no figures yet
    return missing(found.heard, asked.since, until, _expected(series, found), lasting=size)


def _explained(series: Series, stretches: Sequence[MissingSpan], found: _Found) -> list[MissingSpan]:
    """What the gateway said is known for own series only: its words are of the whole site."""
    if not stretches or series.tenant_id != actor().tenant_id:
        return explained(stretches, found.bad)
    losses = _losses(series, stretches[0].from_at, stretches[-1].to_at)
    return _with_filters(series, explained(stretches, [*found.bad, *losses]), found)


def _expected(series: Series, found: _Found) -> timedelta:
    """How often something was to be heard."""
    period = period_of(series)
    return max(period, OVERRIDE if found.level != "raw" else usual_period(found.heard) or period)


def _losses(series: Series, since: datetime, until: datetime) -> list[MissingSpan]:
    """Each reading that was lost would have spoken for its time until the next."""
    reach = max(period_of(series), OVERRIDE) / 2
    gaps = Gap.objects.filter(tenant=series.tenant_id, watermark__site=series.site_id, watermark__lane=Lane.P2)
    within = gaps.filter(reason__in=LOSSES, to_at__gt=since - reach, from_at__lt=until + reach)
    return [
        MissingSpan(gap.from_at - reach, gap.to_at + reach, gap.reason) for gap in within.order_by("to_at")[:MOST_ROWS]
    ]


def _with_filters(series: Series, stretches: Sequence[MissingSpan], found: _Found) -> list[MissingSpan]:
    """Filters say what they held back all the time; a series is silent if it was not heard when they let go."""
    override = max(OVERRIDE, usual_period(found.heard) or OVERRIDE)
    longest = override + TOO_LONG_PERIODS * period_of(series)
    short = [each for each in stretches if each.reason == SILENT and each.to_at - each.from_at <= longest]
    filters = _filters_in(series, short)
    return [replace(each, reason=filters.get(each.from_at, each.reason)) for each in stretches]


# Of each stream and filter the first words that reach into a stretch: what they speak of ascends with their numbers.
_FILTERS = """
SELECT asked.from_at, gap.reason
  FROM unnest(%(from_at)s::timestamptz[], %(to_at)s::timestamptz[]) AS asked (from_at, to_at)
 CROSS JOIN unnest(%(streams)s::uuid[]) AS stream
 CROSS JOIN unnest(%(reasons)s::text[]) AS filter
 CROSS JOIN LATERAL (
  SELECT reason, from_at FROM edge_bridge_gap
   WHERE tenant_id = %(tenant)s AND watermark_id = stream AND reason = filter AND to_at > asked.from_at
   ORDER BY to_at LIMIT 1) AS gap
 WHERE gap.from_at < asked.to_at
"""


def _filters_in(series: Series, stretches: Sequence[MissingSpan]) -> dict[datetime, str]:
    """By the beginning of the stretch the filter that held something back in it."""
    if not stretches:
        return {}
    streams = Watermark.objects.filter(tenant=series.tenant_id, site=series.site_id, lane=Lane.P2)
    asked: dict[str, Any] = {
        "from_at": [each.from_at for each in stretches],
        "to_at": [each.to_at for each in stretches],
    }
    asked |= {"streams": list(streams.values_list("pk", flat=True)), "reasons": [*FILTERED]}
    with connection.cursor() as cursor:
        cursor.execute(_FILTERS, {**asked, "tenant": series.tenant_id})
        return dict(cursor.fetchall())


def _checked(asked: Asked) -> Asked:
    size = timedelta(seconds=LEVELS.get(asked.level, 0))
    longest = MOST_ROWS * size if size else LONGEST
    if not timedelta() < asked.until - asked.since <= longest:
        message = f"before 'to', by at most {longest}"
        raise Invalid("That is no span of time for this level.", (FieldError("/from", message),))
    return asked


def as_csv_rows(found: Trend) -> list[tuple[Any, ...]]:
    """`at, value, lowest, highest, n, gap`: points, and in between where gaps begin, with their reason.

    The gap `more` says that from there on gaps are not told.
    """
    points = [(p.at.isoformat(), p.value, p.lowest, p.highest, p.n, "") for p in found.points]
    gaps = [(gap.from_at.isoformat(), None, None, None, 0, gap.reason) for gap in found.missing]
    if not found.missing_is_whole:
        gaps.append((found.missing[-1].to_at.isoformat(), None, None, None, 0, "more"))
    return sorted([*points, *gaps], key=lambda row: datetime.fromisoformat(str(row[0])))
