"""An alarm that was acknowledged and stands on is announced again after the time that its rule names.

The moment is fixed with the acknowledgement, so a rule that changes later holds from the next one on. Whoever announces
it again takes it back to UNACK: it is due no more until somebody acknowledges it anew, however many sweeps there are.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import QuerySet

from edge_bridge.alarm import Event, State
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.catalogue.data import kept_name
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, KeptRule

MOST_AT_ONCE = 500


def due_after(alarm: Alarm, acknowledged_at: datetime) -> datetime | None:
    """When it is announced again; None if its rule says nothing of that, it no longer stands or came late."""
    if alarm.state != State.ACKED or alarm.historical:
        return None
    rule = KeptRule.objects.filter(site=alarm.site_id, name=kept_name(alarm.rule), retired_at=None).first()
    return acknowledged_at + timedelta(seconds=rule.re_alarm_s) if rule and rule.re_alarm_s else None


def standing_on(now: datetime) -> QuerySet[Alarm]:
    """Those that are due."""
    return Alarm.objects.filter(re_alarm_at__lte=now)


def re_alarm_due(tenant_id: UUID, now: datetime) -> int:
    rows = standing_on(now).filter(tenant=tenant_id).select_related("equipment", "site").order_by("pk")
    steps = Steps(now)
    for alarm in rows.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE]:
        _announce_again(steps, alarm)
    n = len(steps.changed)
    steps.write()
    return n


def _announce_again(steps: Steps, alarm: Alarm) -> None:
    assert alarm.acknowledged_at is not None
    alarm.n_re_alarms += 1
    minutes = (steps.now - alarm.acknowledged_at).total_seconds() / 60
    words = f"stands {minutes:.0f} min after it was acknowledged: re-alarm {alarm.n_re_alarms}"
    steps.take(alarm, Event.RE_ALARMED, at=steps.now, comment=words)
    tell(alarm, AlarmKind.RE_ALARMED, steps.now)
