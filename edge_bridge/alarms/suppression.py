"""Suppression by design: while its cause stands at a site, an alarm that follows from it calls nobody."""

from datetime import datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge.alarm import Event, State, returned
from edge_bridge.alarms.data import Around
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, SuppressionRule

SUPPRESSIBLE = (State.UNACK, State.ACKED, State.RTNUN)


def rules_of(site_id: UUID) -> QuerySet[SuppressionRule]:
    """Those in force at a site."""
    return SuppressionRule.objects.filter(site=site_id, ended_at=None).order_by("pk")


def find_causes(found: Around, tenant_id: UUID, site_id: UUID) -> None:
    """Note which causes stand, silenced or not: a condition is a fact about the plant."""
    rows = Alarm.objects.filter(tenant=tenant_id, site=site_id, alarm_type__in=found.causes, cleared_at=None)
    for alarm in rows.exclude(state=State.NORM):
        found.note(alarm.alarm_type, alarm.pk, stands=True)


def settle(tenant_id: UUID, site_id: UUID, now: datetime) -> int:
    """Suppress what has a cause and return what has none any more; doing it again changes nothing.

    The rules are locked, here and wherever alarms of the site are taken, so that cause and effect see each other.
    """
    rules = rules_of(site_id).select_for_update(no_key=True)
    found = Around([(rule.cause, rule.effect, rule.reason) for rule in rules], None, 0)
    find_causes(found, tenant_id, site_id)
    reasons, steps = found.reasons(), Steps(now)
    for alarm in _concerned(tenant_id, site_id, reasons):
        if alarm.alarm_type in reasons:
            alarm.silenced_reason = reasons[alarm.alarm_type]
            steps.take(alarm, Event.SUPPRESSED, at=now, comment=alarm.silenced_reason)
            tell(alarm, AlarmKind.SUPPRESSED, now)
        else:
            steps.take(alarm, returned(standing=alarm.stands), at=now)
            tell(alarm, AlarmKind.RETURNED, now)
    n = len(steps.changed)
    steps.write()
    return n


def _concerned(tenant_id: UUID, site_id: UUID, reasons: dict[str, str]) -> QuerySet[Alarm]:
    to_suppress = Q(alarm_type__in=reasons, state__in=SUPPRESSIBLE)
    to_return = Q(state=State.DSUPR) & ~Q(alarm_type__in=reasons)
    rows = Alarm.objects.filter(to_suppress | to_return, tenant=tenant_id, site=site_id)
    return rows.select_related("equipment", "site").select_for_update(of=("self",)).order_by("pk")
