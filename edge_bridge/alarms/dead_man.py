"""Who watches falls silent: a gateway that brings nothing is an alarm, and its next batch clears it.

Heard is what was committed: a heartbeat, or anything else that is new. One that only asks for rules, or whose batches
are all refused, is silent, and so is one that was enrolled and never spoke. Where several use one credential, its
alarm stands while any of them is silent, and `silent_at` is when the last of them was told.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from edge_bridge.adapters.tongues import EPOCHS
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import EDGE_SILENT, MAX_COMMENT_CHARS
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import Severity

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


def silent(now: datetime) -> QuerySet[Device]:
    """Gateways that are not heard, as far as no alarm says so yet: since `heard_at`, or since they were enrolled.

    Of several that use one credential it counts which was heard longest ago. Of devices that speak other tongues only
    nobody knows when they will again, nor does anybody wait for a credential whose streams another one took over.
    """
    told_before = Coalesce(F("silent_at") - _allowed(), LONG_AGO)
    untold = _edges(device=OuterRef("pk")).filter(newest_at__gte=OuterRef("told_before"))
    known = Device.objects.filter(revoked_at=None).alias(told_before=told_before)
    known = known.filter(Exists(untold) | Q(first_heard_at=None, silent_at=None))
    heard_at = Coalesce(Subquery(untold.values("newest_at")[:1]), "created_at")
    return known.annotate(heard_at=heard_at).filter(heard_at__lt=now - _allowed())


def _edges(**exact: Any) -> QuerySet[Watermark, dict[str, Any]]:
    """By name when something of it was committed last, the longest ago first."""
    of_epoch = Watermark.objects.filter(**{name: OuterRef(name) for name in ("tenant", "site", "edge", "boot")})
    is_anothers = Exists(of_epoch.filter(~Q(device=OuterRef("device")), updated_at__gt=OuterRef("updated_at")))
    streams = Watermark.objects.filter(~is_anothers, **exact).exclude(boot__in=EPOCHS.values())
    return streams.values("edge").annotate(newest_at=Max("updated_at")).order_by("newest_at")


def _allowed() -> timedelta:
    return timedelta(seconds=settings.EDGE_SILENT_S)


def miss(tenant_id: UUID, now: datetime) -> int:
    """Raise `edge_silent` for each silent gateway, anew for each more with its credential; returns for how many."""
    found = list(silent(now).filter(tenant=tenant_id).select_for_update(of=("self",), skip_locked=True))
    for device in found:
        missed = dict(_silent_edges(device, now).values_list("edge", "newest_at"))
        silence_s = (now - min(missed.values(), default=device.heard_at)).total_seconds()
        finding = Finding(
            alarm_type=EDGE_SILENT,
            severity=Severity.HIGH,
            tag="seconds unheard",
            value=silence_s,
            limit=_allowed().total_seconds(),
            rule="dead man",
            detail=f"not heard: {', '.join(missed)}"[:MAX_COMMENT_CHARS] if missed else "",
            is_news=True,
        )
        raise_alarm(finding, tenant_id=tenant_id, site_id=device.site_id, now=now, device=device)
        Device.objects.filter(pk=device.pk).update(silent_at=now)
    return len(found)


def _silent_edges(device: Device, now: datetime) -> QuerySet[Watermark, dict[str, Any]]:
    return _edges(device=device.pk).filter(newest_at__lt=now - _allowed())


def hear(device: Device, edge: str, now: datetime) -> None:
    """In the transaction of its batch."""
    if device.first_heard_at is None:
        Device.objects.filter(pk=device.pk).update(first_heard_at=now)
        device.first_heard_at = now
    if device.silent_at is None:
        return
    if not _silent_edges(device, now).exclude(edge=edge).exists():
        end_silence(device, now)


def end_silence(device: Device, now: datetime) -> None:
    """All that use it were heard, or it was revoked, after which nobody waits for it."""
    if device.silent_at is None:
        return
    clear_alarm(EDGE_SILENT, tenant_id=device.tenant_id, site_id=device.site_id, now=now, device=device)
    Device.objects.filter(pk=device.pk).update(silent_at=None)
    device.silent_at = None
