"""Escalation: an alarm that nobody acknowledges, or a critical one that reached no screen, goes to the next one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Case, IntegerField, Q, QuerySet, UUIDField, When
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from edge_bridge.alarm import UNACKNOWLEDGED_STATES
from edge_bridge.alarms.data import SHORTEST_WAIT_S, USUAL_STEPS
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import CALLING, AlarmKind
from edge_bridge.models import Alarm, EscalationStep
from edge_bridge.protocol import Severity
from tenants.api import unreceived

MOST_AT_ONCE = 500
NO_SCREEN = "no screen has received it"

Policy = Sequence[EscalationStep]
Policies = Mapping[tuple[UUID | None, str], Policy]


def steps_of(tenant_id: UUID) -> QuerySet[EscalationStep]:
    return EscalationStep.objects.filter(tenant=tenant_id).order_by("site", "severity", "after_s")


def waiting(now: datetime) -> QuerySet[Alarm]:
    """Alarms that wait for an acknowledgement; one that came late calls nobody."""
    soonest = now - timedelta(seconds=min(SHORTEST_WAIT_S, settings.ALARM_UNRECEIVED_S))
    states = [*UNACKNOWLEDGED_STATES]
    return Alarm.objects.filter(state__in=states, annunciated_at__lte=soonest, historical=False)


def escalate_due(tenant_id: UUID, now: datetime) -> int:
    """Take steps that are due, critical alarms first; doing it again takes none twice. Returns how many went on."""
    policies, steps = _policies(tenant_id), Steps(now)
    rows = waiting(now).filter(tenant=tenant_id)
    for alarm in _locked(rows.filter(_is_unseen(tenant_id, now))):
        for step in _policy_for(alarm, policies)[:1]:
            _escalate(steps, alarm, step, NO_SCREEN)
    n = len(steps.changed)
    steps.write()
    for alarm in _locked(rows.filter(_is_due(policies, now))):
        policy = _policy_for(alarm, policies)
        for step in policy[alarm.escalation_step : _n_due(alarm, policy, now)]:
            _escalate(steps, alarm, step, _waited(alarm, now))
    n += len(steps.changed)
    steps.write()
    return n


def _locked(rows: QuerySet[Alarm]) -> list[Alarm]:
    """What is left over is due at the next sweep."""
    is_critical = Case(When(severity=Severity.CRITICAL, then=0), default=1, output_field=IntegerField())
    rows = rows.select_related("equipment", "site").order_by(is_critical, "annunciated_at")
    return list(rows.select_for_update(of=("self",), skip_locked=True)[:MOST_AT_ONCE])


def _is_due(policies: Policies, now: datetime) -> Q:
    """The next step of its policy: that of its site, or the one for sites without their own."""
    due = Q(pk__in=())
    for (site, severity), policy in policies.items():
        with_own = [other for other, same in policies if other and same == severity]
        place = Q(site=site) if site else ~Q(site__in=with_own)
        for n, step in enumerate(policy):
            since = now - timedelta(seconds=step.after_s)
            due |= place & Q(severity=severity, escalation_step=n, annunciated_at__lte=since)
    return due


def _is_unseen(tenant_id: UUID, now: datetime) -> Q:
    """Critical ones that should be on a screen by now and, as far as the owner's people's screens say, are not."""
    allowed_at = now - timedelta(seconds=settings.ALARM_UNRECEIVED_S)
    events = unreceived(tenant_id, CALLING, "view_alarms", allowed_at).order_by()
    told = events.annotate(about=Cast(KeyTextTransform("alarm", "body"), UUIDField())).values("about")
    return Q(severity=Severity.CRITICAL, escalation_step=0, annunciated_at__lte=allowed_at, pk__in=told)


def _escalate(steps: Steps, alarm: Alarm, step: EscalationStep, why: str) -> None:
    alarm.escalation_step += 1
    alarm.escalated_to = step.target
    steps.note(alarm, "escalated", at=steps.now, comment=f"to {step.target}: {why}")
    tell(alarm, AlarmKind.ESCALATED, steps.now)


def _policies(tenant_id: UUID) -> Policies:
    found: defaultdict[tuple[UUID | None, str], list[EscalationStep]] = defaultdict(list)
    for step in steps_of(tenant_id):
        found[step.site_id, step.severity].append(step)
    for severity, usual in USUAL_STEPS.items():
        if (None, severity) not in found:
            found[None, severity] = [EscalationStep(after_s=after_s, role=role) for after_s, role in usual]
    return found


def _policy_for(alarm: Alarm, policies: Policies) -> Policy:
    return policies.get((alarm.site_id, alarm.severity)) or policies.get((None, alarm.severity)) or ()


def _n_due(alarm: Alarm, policy: Policy, now: datetime) -> int:
    waited_s = _waited_s(alarm, now)
    return sum(step.after_s <= waited_s for step in policy)


def _waited_s(alarm: Alarm, now: datetime) -> float:
    assert alarm.annunciated_at is not None
    return (now - alarm.annunciated_at).total_seconds()


def _waited(alarm: Alarm, now: datetime) -> str:
    return f"unacknowledged for {_waited_s(alarm, now):.0f} s"
