"""Counts that do not balance are an alarm of their gateway: readings were lost, or came twice.

Checked in the transaction that brings the later of a heartbeat and the readings it speaks of, so it needs no sweep. An
imbalance that was told is told again only if it changes; after an hour without change it is history, and cleared.
"""

from datetime import datetime, timedelta

from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.counts.counting import note_balance
from edge_bridge.models import Alarm, Device, Watermark
from edge_bridge.protocol import Lane, Severity
from edge_bridge.queries import imbalance

COUNTS_IMBALANCE = "counts_imbalance"
TOLD_FOR = timedelta(hours=1)


def check(device: Device, stream: Watermark, was_through: int, now: datetime) -> None:
    """`stream` has just moved on from `was_through`."""
    session = _session_to_check(stream, was_through)
    off_by = imbalance(session) if session else None
    if off_by is None or session is None:
        return
    note_balance(session, off_by, now)
    rule = f"counts of epoch {session.boot}"
    told = _last_told(device, rule) if off_by else None
    place = {"tenant_id": device.tenant_id, "site_id": device.site_id, "now": now, "device": device}
    if off_by == 0 or (told and told.value == off_by and now - told.occurred_at > TOLD_FOR):
        clear_alarm(COUNTS_IMBALANCE, **place)
    elif told is None or told.value != off_by:
        raise_alarm(Finding(COUNTS_IMBALANCE, Severity.HIGH, "readings", off_by, 0.0, rule), **place)


def _session_to_check(stream: Watermark, was_through: int) -> Watermark | None:
    """Of lane p1, if what came completes what its last heartbeat spoke of."""
    if stream.lane == Lane.P1:
        return stream
    if stream.lane == Lane.P0:
        return None
    key = {"tenant": stream.tenant_id, "site": stream.site_id, "edge": stream.edge, "boot": stream.boot}
    session = Watermark.objects.filter(**key, lane=Lane.P1).first()
    is_complete = session and was_through < (session.readings_through or 0) <= stream.through
    return session if is_complete else None


def _last_told(device: Device, rule: str) -> Alarm | None:
    rows = Alarm.objects.filter(tenant=device.tenant_id, site=device.site_id, device=device, rule=rule)
    return rows.order_by("-pk").first()
