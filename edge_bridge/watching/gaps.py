"""The log of gaps of the sensors that are open: when readings were missing, came long after, or were bad, and how long.

It is told from the figures of minutes, hence to the minute. They say that something came late, not when.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Lead

from edge_bridge.models import Rollup, Series
from edge_bridge.models.rollup import MINUTE_S
from edge_bridge.readings.retention import kept_since
from edge_bridge.readings.spans import TOO_LONG_PERIODS
from edge_bridge.readings.trends import OVERRIDE, period_of, told_until
from edge_bridge.watching.oversight import open_series
from edge_bridge.watching.owners import owner_names
from tenants.api import on_behalf_of
from tenants.data import FieldError, Invalid

MOST_DAYS: Final = 31
# A page ends after so many sensors, or with the sensor whose minutes make it so many.
PAGE_SENSORS: Final = 20
PAGE_MINUTES: Final = 50_000
MINUTE: Final = timedelta(seconds=MINUTE_S)
# What came first may have waited at the mine for so long; a stamp from longer before is of a clock that was wrong.
WAITED: Final = timedelta(days=8)

# From when on nothing was heard, until when, or None if it goes on.
Away = tuple[datetime, datetime | None]


class Missed(StrEnum):
    """Of a stretch: nobody filled it, it was filled in long after, or it has bad readings only."""

    OPEN = "open"
    LATE = "late"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Stretch:
    """Of whole minutes; an open one ends where readings go on, or now."""

    from_at: datetime
    to_at: datetime
    state: Missed

    @property
    def length_s(self) -> float:
        return (self.to_at - self.from_at).total_seconds()


@dataclass(frozen=True, slots=True)
class SensorLog:
    """Stretches in order, none of a sensor that always spoke; one may have begun before the days asked for.

    Nothing is known from before `known_since`: the sensor was not there yet, or its minutes are no longer kept.
    """

    series: Series
    owner_name: str | None
    known_since: datetime
    stretches: Sequence[Stretch]


@dataclass(frozen=True, slots=True)
class GapLog:
    """Sensors by their ids; `next_after` is the last of them if there are more."""

    since: datetime
    sensors: Sequence[SensorLog]
    next_after: UUID | None


def gap_log(*, days: int = 7, site_id: UUID | None = None, after: UUID | None = None) -> GapLog:
    """Of the last days, of all mines that are open or one of them, behind sensor `after`. Invalid for too many days."""
    if not 1 <= days <= MOST_DAYS:
        raise Invalid("That is no span of days.", (FieldError("/days", f"1 to {MOST_DAYS}"),))
    since = (datetime.now(UTC) - timedelta(days=days)).replace(second=0, microsecond=0)
    found = open_series().filter(**({"site": site_id} if site_id else {}), **({"pk__gt": after} if after else {}))
    waiting = list(found.select_related("equipment", "site").order_by("pk")[: PAGE_SENSORS + 1])
    kept = {owner_id: _minutes_kept_since(owner_id) for owner_id in {series.tenant_id for series in waiting}}
    names, sensors, n_minutes = owner_names(), list[SensorLog](), 0
    for series in waiting[:PAGE_SENSORS]:
        log, n = _log_of(series, names.get(series.tenant_id), kept[series.tenant_id], since)
        sensors.append(log)
        n_minutes += n
        if n_minutes >= PAGE_MINUTES:
            break
    return GapLog(since, sensors, sensors[-1].series.pk if len(sensors) < len(waiting) else None)


def _minutes_kept_since(owner_id: UUID) -> datetime:
    with on_behalf_of(owner_id):  # it opened the minutes, and with them since when it keeps them
        return kept_since(owner_id, datetime.now(UTC)).minutes


def _log_of(series: Series, owner_name: str | None, kept_at: datetime, since: datetime) -> tuple[SensorLog, int]:
    """And of how many minutes it is told."""
    rows = Rollup.objects.filter(tenant=series.tenant_id, series=series, size_s=MINUTE_S)
    known = rows.filter(begins_at__gte=max(kept_at, series.created_at - WAITED))
    first, created_at = known.order_by("begins_at").first(), series.created_at.replace(second=0, microsecond=0)
    known_since = max(kept_at, min(created_at, first.begins_at) if first else created_at)
    minutes = _minutes(known, since, _too_long(series))
    away = [(known_since, first and first.begins_at), *((row.begins_at + MINUTE, row.next_at) for row in minutes)]
    return SensorLog(series, owner_name, known_since, _stretches(series, away, minutes, since)), len(minutes)


def _minutes(known: QuerySet[Rollup], since: datetime, too_long: timedelta) -> list[Any]:
    """The figures of minutes that begin or end a stretch or are of one, with the begin of the next (`next_at`); the
    last minute before the span, too, after which a gap may have begun."""
    before = known.filter(begins_at__lt=since).order_by("-begins_at").first()
    span = known.filter(begins_at__gte=before.begins_at if before else since)
    far = Q(next_at=None) | Q(next_at__gt=F("begins_at") + MINUTE + too_long)
    told = Q(n_late__gt=0) | Q(n_good=0, n_uncertain=0) | far
    return list(_followed(span).filter(told).order_by("begins_at"))


def _followed(rows: QuerySet[Rollup]) -> QuerySet[Rollup]:
    return rows.annotate(next_at=Window(Lead("begins_at"), order_by="begins_at"))


def _too_long(series: Series) -> timedelta:
    return TOO_LONG_PERIODS * max(period_of(series), OVERRIDE)


def _stretches(series: Series, away: Iterable[Away], minutes: Sequence[Any], since: datetime) -> list[Stretch]:
    """Bad minutes are told where there are so many that as many missing ones would be a gap."""
    too_long = _too_long(series)
    found = [*_missing(away, told_until(series) - MINUTE, too_long), *_runs(minutes, too_long)]
    long_s = too_long.total_seconds()
    told = (each for each in found if each.to_at > since and (each.state != Missed.BAD or each.length_s > long_s))
    return sorted(told, key=lambda each: each.from_at)


def _missing(away: Iterable[Away], until: datetime, too_long: timedelta) -> Iterator[Stretch]:
    for from_at, back_at in away:
        to_at = back_at or until
        if to_at - from_at > too_long:
            yield Stretch(from_at, to_at, Missed.OPEN)


def _runs(minutes: Iterable[Any], too_long: timedelta) -> Iterator[Stretch]:
    """Minutes that came late, or are bad, as stretches: each goes on as long as the next minute is such a one, too."""
    run: list[Any] = []
    for row in filter(_state, minutes):
        if run and not _goes_on(run[-1], row, too_long):
            yield _joined(run)
            run = []
        run.append(row)
    if run:
        yield _joined(run)


def _goes_on(last: Any, row: Any, too_long: timedelta) -> bool:
    is_next = last.next_at == row.begins_at <= last.begins_at + MINUTE + too_long
    return is_next and _state(last) == _state(row)


def _joined(run: Sequence[Any]) -> Stretch:
    state = _state(run[0])
    assert state is not None
    return Stretch(run[0].begins_at, run[-1].begins_at + MINUTE, state)


def _state(minute: Any) -> Missed | None:
    if not minute.n_good + minute.n_uncertain:
        return Missed.BAD
    return Missed.LATE if minute.n_late else None
