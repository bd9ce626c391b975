"""Who watches falls silent: a gateway that brings nothing is an alarm, and its next batch clears it.

Heard is what was committed: a heartbeat, or anything else that is new. One that only asks for rules, or whose batches
are all refused, is silent.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from edge_bridge.adapters.tongues import EPOCHS
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import EDGE_SILENT
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import Severity


def silent(now: datetime) -> QuerySet[Device]:
    """Gateways that were heard once, at `heard_at`, and are not any more, as far as no alarm says so yet.

    Of devices that speak other tongues only nobody knows when they will again.
    """
    before = now - timedelta(seconds=settings.EDGE_SILENT_S)
    streams = Watermark.objects.filter(device=OuterRef("pk"))
    newest = streams.order_by("-updated_at").values("updated_at")[:1]
    known = Device.objects.filter(Exists(streams.exclude(boot__in=EPOCHS.values())), revoked_at=None, silent_at=None)
    return known.annotate(heard_at=Subquery(newest)).filter(heard_at__lt=before)


def miss(tenant_id: UUID, now: datetime) -> int:
    """Raise `edge_silent` for each silent gateway; returns for how many."""
    found = list(silent(now).filter(tenant=tenant_id).select_for_update(of=("self",), skip_locked=True))
    for device in found:
        silence_s, allowed_s = (now - device.heard_at).total_seconds(), float(settings.EDGE_SILENT_S)
        finding = Finding(EDGE_SILENT, Severity.HIGH, "seconds unheard", silence_s, allowed_s, "dead man")
        raise_alarm(finding, tenant_id=tenant_id, site_id=device.site_id, now=now, device=device)
        Device.objects.filter(pk=device.pk).update(silent_at=now)
    return len(found)


def hear(device: Device, now: datetime) -> None:
    """In the transaction of its batch, or of its revocation, after which nobody waits for it."""
    if device.silent_at is None:
        return
    clear_alarm(EDGE_SILENT, tenant_id=device.tenant_id, site_id=device.site_id, now=now, device=device)
    Device.objects.filter(pk=device.pk).update(silent_at=None)
    device.silent_at = None
