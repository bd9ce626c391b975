"""Who watches falls silent: a gateway of which nothing is heard is an alarm, and its next batch clears it."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet

from edge_bridge.adapters.tongues import EPOCHS
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import EDGE_SILENT
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import Severity


def silent(now: datetime) -> QuerySet[Device]:
    """Gateways that were heard once and are not any more, as far as no alarm says so yet.

    Of devices that speak other tongues only nobody knows when they will again.
    """
    before = now - timedelta(seconds=settings.EDGE_SILENT_S)
    spoke = Exists(Watermark.objects.filter(device=OuterRef("pk")).exclude(boot__in=EPOCHS.values()))
    return Device.objects.filter(spoke, revoked_at=None, silent_at=None, last_seen_at__lt=before)


def miss(tenant_id: UUID, now: datetime) -> int:
    """Raise `edge_silent` for each silent gateway; returns for how many."""
    found = list(silent(now).filter(tenant=tenant_id).select_for_update(skip_locked=True))
    for device in found:
        assert device.last_seen_at is not None
        silence_s, allowed_s = (now - device.last_seen_at).total_seconds(), float(settings.EDGE_SILENT_S)
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
