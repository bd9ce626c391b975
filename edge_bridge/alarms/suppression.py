"""Suppression by design: while its cause stands at a site, or its machine is in a state that a rule names, an alarm
calls nobody."""

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from edge_bridge.alarm import Event, State, returned
from edge_bridge.alarms.data import Around, Suppression
from edge_bridge.alarms.machine_states import know_machines
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, SuppressionRule

SUPPRESSIBLE = (State.UNACK, State.ACKED, State.RTNUN)


def rules_of(site_id: UUID) -> QuerySet[SuppressionRule]:
    """Those in force at a site."""
    return (
        SuppressionRule.objects.filter(site=site_id, ended_at=None).select_related("rule", "equipment").order_by("pk")
    )


def in_states() -> QuerySet[SuppressionRule]:
    """Those in force that speak of a machine's state, at sites where an alarm could be suppressed."""
    open_there = Alarm.objects.filter(site=OuterRef("site"), state__in=SUPPRESSIBLE)
    return SuppressionRule.objects.exclude(states=[]).filter(Exists(open_there), ended_at=None)


def find_causes(found: Around, tenant_id: UUID, site_id: UUID) -> None:
    """Note which causes stand, silenced or not: a condition is a fact about the plant."""
    rows = Alarm.objects.filter(tenant=tenant_id, site=site_id, alarm_type__in=found.causes, cleared_at=None)
    for alarm in rows.exclude(state=State.NORM):
        found.note(alarm.alarm_type, alarm.pk, stands=True)


def settle_states(tenant_id: UUID, site_id: UUID, now: datetime) -> int:
    """A machine of the site has told its state: suppress and return what a rule says of that."""
    return settle(tenant_id, site_id, now) if rules_of(site_id).exclude(states=[]).exists() else 0


def settle(tenant_id: UUID, site_id: UUID, now: datetime) -> int:
    """Suppress what has a reason and return what has none any more; doing it again changes nothing.

    The rules are locked, here and wherever alarms of the site are taken, so that cause and effect see each other.
    """
    rules = rules_of(site_id).select_for_update(no_key=True, of=("self",))
    found = Around([_in_force(rule) for rule in rules], None, 0)
    find_causes(found, tenant_id, site_id)
    alarms = list(_concerned(tenant_id, site_id, found))
    know_machines(found, tenant_id, site_id, (alarm.equipment_id for alarm in alarms), now)
    steps = Steps(now)
    for alarm in alarms:
        reason, is_suppressed = found.reason_for(alarm), alarm.state == State.DSUPR
        if reason and not is_suppressed:
            alarm.silenced_reason = reason
            steps.take(alarm, Event.SUPPRESSED, at=now, comment=reason)
            tell(alarm, AlarmKind.SUPPRESSED, now)
        elif is_suppressed and not reason:
            steps.take(alarm, returned(standing=alarm.stands), at=now)
            tell(alarm, AlarmKind.RETURNED, now)
    n = len(steps.changed)
    steps.write()
    return n


def _in_force(rule: SuppressionRule) -> Suppression:
    return Suppression(
        reason=rule.reason,
        cause=rule.cause,
        effect=rule.effect,
        states=rule.states,
        rule=rule.rule.name if rule.rule else "",
        tag=rule.tag,
        equipment=rule.equipment_id,
    )


def _concerned(tenant_id: UUID, site_id: UUID, found: Around) -> QuerySet[Alarm]:
    """What is suppressed, and what a rule might suppress."""
    names = [each.rule for each in found.in_states if each.rule]
    tags = [each.tag for each in found.in_states if each.tag]
    named = Q(alarm_type__in=found.effects) | Q(tag__in=tags) | Q(rule__in=names)
    concerned = Q(state=State.DSUPR) | (named & Q(state__in=SUPPRESSIBLE))
    rows = Alarm.objects.filter(concerned, tenant=tenant_id, site=site_id)
    return rows.select_related("equipment", "site").select_for_update(of=("self",)).order_by("pk")
