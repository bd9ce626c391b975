"""What each stream brings by the hour, counted in the transaction of its batch: nothing is counted that isn't kept."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from django.db import connection

from edge_bridge.models import Watermark
from edge_bridge.protocol import Gap, GapReason
from tenants.api import new_id

KEPT: Final = timedelta(days=92)
COUNTED: Final = ("sent", "stored", "quarantined", "filtered", "thinned", "refused", "lost", "produced")
OF_REASON: Final = {
    GapReason.DEADBAND: "filtered",
    GapReason.SWINGING_DOOR: "filtered",
    GapReason.THINNED: "thinned",
    GapReason.QUARANTINED: "refused",
    GapReason.LOST: "lost",
}
_ADD: Final = f"""
INSERT INTO edge_bridge_streamhour AS kept (id, tenant_id, watermark_id, begins_at, {", ".join(COUNTED)}, off_by)
VALUES (%s, %s, %s, %s, {", ".join(["%s"] * len(COUNTED))}, %s)
ON CONFLICT (tenant_id, watermark_id, begins_at) DO UPDATE
  SET {", ".join(f"{name} = kept.{name} + excluded.{name}" for name in COUNTED)},
      off_by = coalesce(excluded.off_by, kept.off_by)
RETURNING xmax = 0
"""
# Whoever else removes the same rows just now does it for both.
_REMOVE: Final = """
DELETE FROM edge_bridge_streamhour WHERE id IN (
  SELECT id FROM edge_bridge_streamhour WHERE tenant_id = %s AND begins_at < %s LIMIT 1000 FOR UPDATE SKIP LOCKED)
"""


def by_reason(gaps: Iterable[Gap]) -> Counter[str]:
    """Readings that are not there, by what is counted of them."""
    found: Counter[str] = Counter()
    for gap in gaps:
        found[OF_REASON[gap.reason]] += gap.count
    return found


def count(stream: Watermark, now: datetime, *, off_by: int | None = None, **counted: int) -> None:
    """Add to the hour of `now`; with the first batch of an hour, those that are older than `KEPT` go."""
    begins_at = now.replace(minute=0, second=0, microsecond=0)
    counts = [counted.get(name, 0) for name in COUNTED]
    with connection.cursor() as cursor:
        cursor.execute(_ADD, [new_id(), stream.tenant_id, stream.pk, begins_at, *counts, off_by])
        (is_new,) = cursor.fetchone()
        if is_new:
            cursor.execute(_REMOVE, [stream.tenant_id, begins_at - KEPT])


def note_balance(session: Watermark, off_by: int, now: datetime) -> None:
    """How many readings are missing by the heartbeats of `session`, which is a stream of lane p1."""
    count(session, now, off_by=off_by)
