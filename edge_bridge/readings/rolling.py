"""Readings summed up by the minute, and minutes by the hour, whenever something came late too.

`record` leaves a row for each minute that it wrote to. A sweep takes such rows away once the minute is over and then,
in the same transaction, makes those minutes and their hours anew from what is stored: it sees at least the readings
whose rows it took, and those that commit later leave rows of their own. One organisation is swept by one sweep at a
time, or an older sum could be written over a newer one.
"""

import logging
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import DatabaseError, connection

from edge_bridge.models import DirtyMinute, Quality
from edge_bridge.models.rollup import HOUR_S, MINUTE_S
from edge_bridge.readings.retention import kept_since
from tenants.api import acting_as, as_platform
from tenants.data import Actor

ROWS_AT_ONCE: Final = 500
# A minute is late if anything in it came so long after its end.
LATE: Final = timedelta(minutes=5)
SMALL: Final = 2.0**-32  # sums are of values so much smaller, hence never beyond what a number can be
# What is closer to zero counts as zero in a mean: a product that is rounded to zero is an error to PostgreSQL.
TINY: Final = 2.0**-960
log = logging.getLogger(__name__)

_MY_TURN: Final = "SELECT pg_try_advisory_xact_lock(hashtext('edge_bridge.rolling'), hashtext(%s))"
_STAGE: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS dirty_stage (series_id uuid, begins_at timestamptz, n_late smallint)
  ON COMMIT DELETE ROWS
"""
_TAKE: Final = """
WITH taken AS (
  DELETE FROM edge_bridge_dirtyminute WHERE tenant_id = %(tenant)s AND id IN (
    SELECT id FROM edge_bridge_dirtyminute WHERE tenant_id = %(tenant)s AND begins_at <= %(over)s
     ORDER BY begins_at LIMIT %(most)s)
  RETURNING begins_at, series_ids, received_at)
INSERT INTO pg_temp.dirty_stage
SELECT series_id, begins_at, (max(received_at) > begins_at + interval '1 min' + %(late)s)::int
  FROM taken, unnest(series_ids) AS series_id GROUP BY series_id, begins_at
"""
# Repeats are told in the order of time; of readings of one time the lower is the earlier.
_MINUTES: Final = """
SELECT d.series_id, d.begins_at, 1, d.n_late, f.* FROM pg_temp.dirty_stage AS d CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE quality = %(good)s) AS n_good, count(*) FILTER (WHERE quality = %(uncertain)s),
         count(*) FILTER (WHERE quality = %(bad)s), count(DISTINCT measured_at) AS n_times,
         count(*) FILTER (WHERE quality = %(good)s AND value = before),
         sum(CASE WHEN abs(value) < %(tiny)s THEN 0 ELSE value * %(small)s END) FILTER (WHERE quality = %(good)s)
           / (nullif(count(*) FILTER (WHERE quality = %(good)s), 0) * %(small)s),
         min(value) FILTER (WHERE quality = %(good)s), max(value) FILTER (WHERE quality = %(good)s),
         (array_agg(value ORDER BY measured_at, value) FILTER (WHERE quality = %(good)s))[1],
         (array_agg(value ORDER BY measured_at DESC, value DESC) FILTER (WHERE quality = %(good)s))[1]
    FROM (SELECT measured_at, value, quality,
                 lag(value) OVER (PARTITION BY quality ORDER BY measured_at, value) AS before
            FROM edge_bridge_reading
           WHERE tenant_id = %(tenant)s AND series_id = d.series_id
             AND measured_at >= d.begins_at AND measured_at < d.begins_at + interval '1 min') AS reading) AS f
 WHERE f.n_times > 0
"""
_HOURS: Final = """
SELECT d.series_id, d.begins_at, f.* FROM (
  SELECT DISTINCT series_id, date_bin('1 hour', begins_at, 'epoch') AS begins_at FROM pg_temp.dirty_stage
) AS d CROSS JOIN LATERAL (
  SELECT count(*) AS n_minutes, sum(n_late), sum(n_good), sum(n_uncertain), sum(n_bad), sum(n_times),
         sum(n_repeated) + count(*) FILTER (WHERE n_good > 0 AND first = before),
         sum(CASE WHEN abs(value) < %(tiny)s THEN 0 ELSE value * (n_good * %(small)s) END)
           / (nullif(sum(n_good), 0) * %(small)s), min(lowest), max(highest),
         (array_agg(first ORDER BY begins_at) FILTER (WHERE n_good > 0))[1],
         (array_agg(last ORDER BY begins_at DESC) FILTER (WHERE n_good > 0))[1]
    FROM (SELECT *, lag(last) OVER (PARTITION BY n_good > 0 ORDER BY begins_at) AS before
            FROM edge_bridge_rollup
           WHERE tenant_id = %(tenant)s AND series_id = d.series_id AND size_s = %(minute_s)s
             AND begins_at >= d.begins_at AND begins_at < d.begins_at + interval '1 hour') AS minute) AS f
 WHERE f.n_minutes > 0
"""
# What is summed up of buckets whose parts were removed is not made anew from the few that came since.
_KEEP: Final = """
INSERT INTO edge_bridge_rollup AS kept (tenant_id, size_s, series_id, begins_at, n_minutes, n_late, n_good, n_uncertain,
                                        n_bad, n_times, n_repeated, value, lowest, highest, first, last)
SELECT %(tenant)s, %(size_s)s, found.* FROM ({found}) AS found
ON CONFLICT (tenant_id, series_id, size_s, begins_at) DO UPDATE
   SET n_minutes = excluded.n_minutes, n_late = greatest(kept.n_late, excluded.n_late), n_good = excluded.n_good,
       n_uncertain = excluded.n_uncertain, n_bad = excluded.n_bad, n_times = excluded.n_times,
       n_repeated = excluded.n_repeated, value = excluded.value, lowest = excluded.lowest, highest = excluded.highest,
       first = excluded.first, last = excluded.last
 WHERE kept.begins_at >= %(whole_since)s
"""


def sweep_rollups(now: datetime) -> int:
    """Sum up what is new, for everyone; returns how many minutes were. Safe to run twice or at the same time."""
    with as_platform("sweep", "readings to sum up") as platform:
        over = DirtyMinute.objects.filter(begins_at__lte=now - timedelta(seconds=MINUTE_S))
        due = sorted(over.values_list("tenant", flat=True).distinct())
        platform.leaves_trace = bool(due)
    return sum(_sweep_safely(tenant_id, now) for tenant_id in due)


def roll_up(tenant_id: UUID, now: datetime) -> int:
    """Some of the organisation's minutes that are over, the oldest first, in the open transaction of its own; 0 if none
    is left, or if another sweep is at them."""
    values = {"tenant": tenant_id, "most": ROWS_AT_ONCE, "minute_s": MINUTE_S}
    values |= {"over": now - timedelta(seconds=MINUTE_S), "late": LATE, "small": SMALL, "tiny": TINY}
    values |= {"good": Quality.GOOD, "uncertain": Quality.UNCERTAIN, "bad": Quality.BAD}
    kept = kept_since(tenant_id, now)
    with connection.cursor() as cursor:
        cursor.execute(_MY_TURN, [str(tenant_id)])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute(_STAGE)
        cursor.execute(_TAKE, values)
        n = cursor.rowcount
        if n:
            _keep(cursor, _MINUTES, values | {"size_s": MINUTE_S, "whole_since": kept.raw})
            _keep(cursor, _HOURS, values | {"size_s": HOUR_S, "whole_since": kept.minutes})
        return n


def _keep(cursor: Any, found: str, values: dict[str, Any]) -> None:
    cursor.execute(_KEEP.format(found=found), values)


def _sweep_safely(tenant_id: UUID, now: datetime) -> int:
    """A transaction for each portion, so that none is long; the trouble of one organisation is not the others'."""
    total = 0
    try:
        while n := _portion(tenant_id, now):
            total += n
    except DatabaseError:  # such as a deadlock: the rows are still there
        log.warning("readings of %s wait for the next sweep", tenant_id, exc_info=True)
    return total


def _portion(tenant_id: UUID, now: datetime) -> int:
    with acting_as(Actor(tenant_id, None, frozenset(), "cloud:readings")):
        return roll_up(tenant_id, now)
