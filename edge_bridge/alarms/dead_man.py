"""Who watches falls silent: a gateway that brings nothing is an alarm, and its next batch clears it.

Heard is what was committed: a heartbeat, or anything else that is new. One that only asks for rules, or whose batches
are all refused, is silent, and so is one that was enrolled and never spoke. Where several use one credential, its
alarm stands while any of them is silent.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from edge_bridge.adapters.tongues import EPOCHS
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import EDGE_SILENT
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import Severity


def silent(now: datetime) -> QuerySet[Device]:
    """Gateways that are not heard, as far as no alarm says so yet: since `heard_at`, or since they were enrolled.

    Of several that use one credential `silent_edge` is the one that was heard longest ago. Of devices that speak other
    tongues only nobody knows when they will again, nor does anybody wait for a credential whose streams another one
    took over.
    """
    edges = _edges(device=OuterRef("pk"))
    known = Device.objects.filter(Exists(edges) | Q(first_heard_at=None), revoked_at=None, silent_at=None)
    known = known.annotate(silent_edge=Subquery(edges.values("edge")[:1]))
    heard_at = Coalesce(Subquery(edges.values("newest_at")[:1]), "created_at")
    return known.annotate(heard_at=heard_at).filter(heard_at__lt=_before(now))


def _edges(**exact: Any) -> QuerySet[Watermark, dict[str, Any]]:
    """By name when something of it was committed last, the longest ago first."""
    streams = Watermark.objects.filter(**exact).exclude(boot__in=EPOCHS.values())
    return streams.values("edge").annotate(newest_at=Max("updated_at")).order_by("newest_at")


def _before(now: datetime) -> datetime:
    return now - timedelta(seconds=settings.EDGE_SILENT_S)


def miss(tenant_id: UUID, now: datetime) -> int:
    """Raise `edge_silent` for each silent gateway; returns for how many."""
    found = list(silent(now).filter(tenant=tenant_id).select_for_update(of=("self",), skip_locked=True))
    for device in found:
        silence_s, allowed_s = (now - device.heard_at).total_seconds(), float(settings.EDGE_SILENT_S)
        detail = f"{device.silent_edge} is not heard" if device.silent_edge else ""
        finding = Finding(EDGE_SILENT, Severity.HIGH, "seconds unheard", silence_s, allowed_s, "dead man", detail)
        raise_alarm(finding, tenant_id=tenant_id, site_id=device.site_id, now=now, device=device)
        Device.objects.filter(pk=device.pk).update(silent_at=now)
    return len(found)


def hear(device: Device, edge: str, now: datetime) -> None:
    """In the transaction of its batch."""
    if device.first_heard_at is None:
        Device.objects.filter(pk=device.pk).update(first_heard_at=now)
        device.first_heard_at = now
    if device.silent_at is None:
        return
    others = _edges(device=device.pk).exclude(edge=edge)
    if not others.filter(newest_at__lt=_before(now)).exists():
        end_silence(device, now)


def end_silence(device: Device, now: datetime) -> None:
    """All that use it were heard, or it was revoked, after which nobody waits for it."""
    if device.silent_at is None:
        return
    clear_alarm(EDGE_SILENT, tenant_id=device.tenant_id, site_id=device.site_id, now=now, device=device)
    Device.objects.filter(pk=device.pk).update(silent_at=None)
    device.silent_at = None
