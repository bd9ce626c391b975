"""Where an alarm came from, and its end when that is gone: otherwise it would stand, and hold interlocks, for ever.

A gateway states what stands whenever it starts. So what an earlier epoch raised on a machine that the present one
hears, and this one has not raised again after a while, is over. Of a machine that it doesn't hear nothing is known:
there a person decides. What a credential that was revoked has raised is over unless a gateway with another one took its
place.
"""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from edge_bridge.alarm import Event, State
from edge_bridge.alarms.cloud import clear_alarm
from edge_bridge.alarms.data import SOURCE_SETTLES, moment_of
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, CommandRoute, Device, Watermark
from edge_bridge.protocol import Lane
from tenants.models import Equipment

BEGAN_ANEW = "its gateway began anew and has not raised it again"
REVOKED = "its gateway's credential was revoked"
MOVED = "its machine was moved to another site"
RETIRED = "its machine is retired"


def clear_unconfirmed(stream: Watermark, beat_at: datetime, now: datetime) -> int:
    """In the transaction of a heartbeat, whose time is the gateway's as that of births is."""
    heard = CommandRoute.objects.filter(site=stream.site_id, edge=stream.edge, boot=stream.boot)
    heard = heard.filter(born_at__lte=beat_at - SOURCE_SETTLES)
    raised_before = Q(device=stream.device_id) | Q(device__revoked_at__isnull=False)
    rows = standing().filter(raised_before, site=stream.site_id, equipment__in=heard.values("equipment"))
    return _clear(rows.filter(received_at__lt=_began_at(stream)), BEGAN_ANEW, now)


def clear_orphaned(tenant_id: UUID, now: datetime) -> int:
    return _clear(orphaned(now).filter(tenant=tenant_id), REVOKED, now)


def orphaned(now: datetime) -> QuerySet[Alarm]:
    """On machines that no gateway with a credential in force speaks for, since one was revoked a while ago."""
    same_epoch = {"site": OuterRef("site"), "edge": OuterRef("edge"), "boot": OuterRef("boot")}
    in_force = Watermark.objects.filter(**same_epoch, device__revoked_at=None)
    spoken_for = CommandRoute.objects.filter(Exists(in_force), equipment=OuterRef("equipment"), site=OuterRef("site"))
    revoked = standing().filter(device__revoked_at__lte=now - SOURCE_SETTLES, equipment__isnull=False)
    return revoked.filter(~Exists(spoken_for))


def end_own_alarms(device: Device, now: datetime) -> None:
    """Those of the gateway itself."""
    rows = standing().filter(device=device.pk, equipment=None)
    for alarm_type in rows.own().values_list("alarm_type", flat=True):
        clear_alarm(alarm_type, tenant_id=device.tenant_id, site_id=device.site_id, now=now, device=device)


def why_gone(alarm: Alarm) -> str:
    """Why nobody would say that the alarm is over, in words; empty while somebody may. Asked as its owner."""
    device, machine = alarm.device, alarm.equipment
    if device is None:
        return ""
    if device.revoked_at:
        return REVOKED
    if machine and machine.site_id != alarm.site_id:
        return MOVED
    if machine and machine.status == Equipment.Status.RETIRED:
        return RETIRED
    newest = Watermark.objects.filter(device=device.pk, lane=Lane.P1).order_by("-pk").first()
    return BEGAN_ANEW if newest and machine and alarm.received_at < _began_at(newest) else ""


def standing() -> QuerySet[Alarm]:
    return Alarm.objects.filter(cleared_at=None).exclude(state=State.NORM)


def end(steps: Steps, alarm: Alarm, why: str) -> None:
    """The condition of a row that is locked; its shelf is looked at before."""
    alarm.occurred_at = alarm.received_at = steps.now
    steps.take(alarm, Event.CLEARED, at=steps.now, comment=why)
    tell(alarm, AlarmKind.CLEARED, steps.now)


def _clear(rows: QuerySet[Alarm], why: str, now: datetime) -> int:
    steps, found = Steps(now), _locked(rows)
    for alarm in found:
        steps.end_shelf(alarm)
        end(steps, alarm, f"{why}.")
    steps.write()
    return len(found)


def _locked(rows: QuerySet[Alarm]) -> list[Alarm]:
    return list(rows.select_related("equipment", "site").select_for_update(of=("self",)).order_by("pk"))


def _began_at(stream: Watermark) -> datetime:
    """When the first lane of this epoch was heard, by our clock."""
    epoch = Watermark.objects.filter(site=stream.site_id, edge=stream.edge, boot=stream.boot)
    return moment_of(min(epoch.values_list("pk", flat=True), default=stream.pk))
