"""Escalation: an alarm that nobody acknowledges, or a critical one that reached no screen, goes to the next one."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from edge_bridge.alarm import UNACKNOWLEDGED_STATES
from edge_bridge.alarms.data import SHORTEST_WAIT_S, USUAL_STEPS
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
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
    """Take every step that is due; doing it again takes none twice. Returns how many alarms went on."""
    policies = _policies(tenant_id)
    rows = waiting(now).filter(tenant=tenant_id, severity__in={severity for _, severity in policies})
    found = list(_locked(rows)[:MOST_AT_ONCE])
    unseen = _unreceived(tenant_id, found, now)
    steps = Steps(now)
    for alarm in found:
        policy = _policy_for(alarm, policies)
        for step in policy[alarm.escalation_step : _n_due(alarm, policy, alarm.pk in unseen, now)]:
            _escalate(steps, alarm, step, NO_SCREEN if alarm.pk in unseen else _waited(alarm, now))
    n = len(steps.changed)
    steps.write()
    return n


def _locked(rows: QuerySet[Alarm]) -> QuerySet[Alarm]:
    rows = rows.select_related("equipment", "site").order_by("escalation_step", "annunciated_at")
    return rows.select_for_update(of=("self",), skip_locked=True)


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


def _n_due(alarm: Alarm, policy: Policy, is_unseen: bool, now: datetime) -> int:
    waited_s = _waited_s(alarm, now)
    n_due = sum(step.after_s <= waited_s for step in policy)
    return max(n_due, 1) if is_unseen else n_due


def _unreceived(tenant_id: UUID, found: Sequence[Alarm], now: datetime) -> set[UUID]:
    """Critical ones that should be on a screen by now and, as far as any client of the owner says, are not."""
    allowed_s = settings.ALARM_UNRECEIVED_S
    late = [str(alarm.pk) for alarm in found if _must_be_seen(alarm) and _waited_s(alarm, now) >= allowed_s]
    if not late:
        return set()
    events = unreceived(tenant_id, AlarmKind.RAISED, "view_alarms", now - timedelta(seconds=allowed_s))
    return {UUID(key) for key in events.filter(body__alarm__in=late).values_list("body__alarm", flat=True)}


def _must_be_seen(alarm: Alarm) -> bool:
    return alarm.severity == Severity.CRITICAL and not alarm.escalation_step


def _waited_s(alarm: Alarm, now: datetime) -> float:
    assert alarm.annunciated_at is not None
    return (now - alarm.annunciated_at).total_seconds()


def _waited(alarm: Alarm, now: datetime) -> str:
    return f"unacknowledged for {_waited_s(alarm, now):.0f} s"
