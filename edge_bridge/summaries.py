"""Readings summed up in buckets of fixed size; under a floor no figure is told from which fewer readings follow.

Buckets begin at multiples of their size from 1970 on, and each size divides the next. So all that can be worked out
from those that are told are remainders: a bucket less the smaller ones in it that are told. Under a floor a bucket is
told only if it, and its remainder unless that is empty, hold at least that many readings.
"""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final

from django.db import connection

from edge_bridge.models import Quality, Series
from edge_bridge.readings.rolling import SMALL, TINY
from tenants.api import RIGHTS_CHANGED, LiveGrant, Place, actor, give, live_grants, on_behalf_of
from tenants.data import Conflict, FieldError, Invalid

SIZES_S: Final = (60, 300, 900, 3600, 86400)
MOST_BUCKETS: Final = 500
LONGEST: Final = timedelta(days=92)
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Good readings with `begins_at` ≤ measured_at < `begins_at` + size, in the unit of the series.

    `count` is None where a floor suppresses the bucket; `mean` also where the clause hides values, `min` and `max`,
    which are single readings, under any floor.
    """

    begins_at: datetime
    count: int | None
    mean: float | None
    min: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Summary:
    """Whole buckets with `since` ≤ begin and end ≤ `until`; those without a good reading are left out."""

    since: datetime
    until: datetime
    bucket_s: int
    floor_n: int = 0
    buckets: list[Bucket] = field(default_factory=list)


def summary(series: Series, *, since: datetime, until: datetime, bucket_s: int) -> Summary:
    """Own readings, those that a partner opened, or under a floor figures over enough of them. Raises Invalid."""
    asked = Summary(*_whole(since, until, bucket_s), bucket_s)
    if series.tenant_id == actor().tenant_id:
        return replace(asked, buckets=_summed(series, asked))
    place = (series.site_id, series.equipment_id)
    opening = live_grants().opening("view_telemetry", place, singly=True)
    if opening is not None:
        grant, hidden = opening.grant, opening.hidden
        found = replace(asked, buckets=_summed(series, asked))
    else:
        grant = _floored_grant(place)
        hidden = grant.field_mask
        found = _under_floor(series, asked, grant)
    give(grant, "summary", [f"{series.pk} {bucket.begins_at.isoformat()} {bucket_s}" for bucket in found.buckets])
    return replace(found, buckets=[_countable(each) for each in found.buckets]) if "value" in hidden else found


def _floored_grant(place: Place) -> LiveGrant:
    grant = live_grants().lowest_floor("view_telemetry", place)
    if grant is None:
        raise Conflict(RIGHTS_CHANGED)
    return grant


def _under_floor(series: Series, asked: Summary, grant: LiveGrant) -> Summary:
    """A bucket that isn't over is not told: one could tell its next reading from how the figures change."""
    over_at = datetime.now(UTC) - timedelta(seconds=grant.delay_s)
    asked = replace(asked, until=min(asked.until, _begin(over_at, asked.bucket_s)), floor_n=grant.floor_n)
    with on_behalf_of(series.tenant_id):  # the grant shows no single reading; the figures are held to its floor
        found = _summed(series, asked)
    return replace(asked, buckets=[_without_extremes(bucket) for bucket in found])


def _summed(series: Series, asked: Summary) -> list[Bucket]:
    values = {"tenant": series.tenant_id, "series": series.pk, "good": Quality.GOOD}
    values |= {"since": asked.since, "until": asked.until, "floor": asked.floor_n, "small": SMALL, "tiny": TINY}
    with connection.cursor() as cursor:
        cursor.execute(_statement(asked.bucket_s), values)
        return [Bucket(*row) for row in cursor.fetchall()]


def _statement(bucket_s: int) -> str:
    """Level on level up to the size asked for; `told_n` counts the readings in buckets that are told."""
    levels = [_LEAVES.format(size=SIZES_S[0])]
    levels += [_LEVEL.format(size=size, below=below) for below, size in pairwise(SIZES_S) if size <= bucket_s]
    return f"WITH {', '.join(levels)} {_TOLD.format(size=bucket_s)}"


_LEAVES: Final = """
sums_{size} AS (
  SELECT date_bin('{size} s', measured_at, 'epoch') AS begins_at, count(*) AS n,
         sum(CASE WHEN abs(value) < %(tiny)s THEN 0 ELSE value * %(small)s END) AS total,
         min(value) AS lowest, max(value) AS highest, 0::numeric AS below_n
    FROM edge_bridge_reading
   WHERE tenant_id = %(tenant)s AND series_id = %(series)s AND quality = %(good)s
     AND measured_at >= %(since)s AND measured_at < %(until)s
   GROUP BY 1)"""
_JUDGED: Final = """
  SELECT *, n >= %(floor)s AND (n = below_n OR n - below_n >= %(floor)s) AS is_told FROM sums_{size}"""
_LEVEL: Final = (
    """
sums_{size} AS (
  SELECT date_bin('{size} s', begins_at, 'epoch') AS begins_at, sum(n) AS n, sum(total) AS total,
         min(lowest) AS lowest, max(highest) AS highest, sum(CASE WHEN is_told THEN n ELSE below_n END) AS below_n
    FROM ("""
    + _JUDGED.replace("{size}", "{below}")
    + """) AS judged
   GROUP BY 1)"""
)
_TOLD: Final = (
    """
SELECT begins_at, CASE WHEN is_told THEN n END::bigint, CASE WHEN is_told THEN total / (n * %(small)s) END,
       CASE WHEN is_told THEN lowest END, CASE WHEN is_told THEN highest END
  FROM ("""
    + _JUDGED
    + ") AS judged ORDER BY begins_at"
)


def _without_extremes(bucket: Bucket) -> Bucket:
    return replace(bucket, min=None, max=None)


def _countable(bucket: Bucket) -> Bucket:
    return replace(bucket, mean=None, min=None, max=None)


def _whole(since: datetime, until: datetime, bucket_s: int) -> tuple[datetime, datetime]:
    """The whole buckets in a span."""
    if bucket_s not in SIZES_S:
        raise Invalid("There are no buckets of this size.", (FieldError("/bucket_s", f"one of {SIZES_S}"),))
    if until - since > min(LONGEST, MOST_BUCKETS * timedelta(seconds=bucket_s)):
        most = f"at most {MOST_BUCKETS} buckets and {LONGEST.days} days"
        raise Invalid("The span is too long.", (FieldError("/since", most),))
    begin = _begin(since, bucket_s)
    return begin if begin == since else begin + timedelta(seconds=bucket_s), _begin(until, bucket_s)


def _begin(moment: datetime, bucket_s: int) -> datetime:
    """Where the bucket begins that holds the moment."""
    return moment - (moment - EPOCH) % timedelta(seconds=bucket_s)
