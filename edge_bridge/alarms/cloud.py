"""Alarms that the cloud raises itself, of a gateway or of a site, in the open transaction of their owner."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from edge_bridge.alarm import TRANSITIONS, Event, State
from edge_bridge.alarms.data import RANK
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, Device
from edge_bridge.protocol import MAX_TEXT_CHARS, Severity


@dataclass(frozen=True, slots=True)
class Finding:
    """What the cloud found out: `value` against `limit`, in the unit that `tag` names. `rule` says by what.

    `detail` is why, in words, for the history. With `is_news` one that was acknowledged before must be seen again.
    """

    alarm_type: str
    severity: Severity
    tag: str
    value: float
    limit: float
    rule: str
    detail: str = ""
    is_news: bool = False


def raise_alarm(
    finding: Finding, *, tenant_id: UUID, site_id: UUID, now: datetime, device: Device | None = None
) -> Alarm:
    """Raise it, or bring the one that stands up to date; the row is locked. It is the gateway's if one is given."""
    fresh = _fresh(finding, tenant_id, site_id, now, device)
    Alarm.objects.bulk_create([fresh], ignore_conflicts=True)
    alarm, steps = locked(finding.alarm_type, tenant_id, site_id, device), Steps(now)
    assert alarm is not None
    if alarm.pk == fresh.pk:
        steps.begin(alarm, finding.detail)
        tell(alarm, AlarmKind.RAISED, now)
    else:
        _again(steps, alarm, finding)
    steps.write()
    return alarm


def clear_alarm(
    alarm_type: str, *, tenant_id: UUID, site_id: UUID, now: datetime, device: Device | None = None
) -> bool:
    """Clear the one that stands; False if none does."""
    alarm = locked(alarm_type, tenant_id, site_id, device)
    if alarm is None or not alarm.stands:
        return False
    steps = Steps(now)
    steps.end_shelf(alarm)
    alarm.occurred_at = alarm.received_at = now
    steps.take(alarm, Event.CLEARED, at=now)
    steps.write()
    tell(alarm, AlarmKind.CLEARED, now)
    return True


def locked(alarm_type: str, tenant_id: UUID, site_id: UUID, device: Device | None) -> Alarm | None:
    """The active alarm of this type of the gateway, or of the site itself."""
    rows = Alarm.objects.filter(tenant=tenant_id, site=site_id, device=device, equipment=None, alarm_type=alarm_type)
    return rows.exclude(state=State.NORM).select_related("site").select_for_update(of=("self",)).first()


def _again(steps: Steps, alarm: Alarm, finding: Finding) -> None:
    steps.end_shelf(alarm)
    event, kind = _repeated(alarm, finding)
    if RANK[finding.severity] > RANK[alarm.severity]:
        steps.begin_wait(alarm)
    if kind is AlarmKind.RAISED:
        alarm.raised_at, alarm.severity = steps.now, finding.severity
    alarm.severity = max(alarm.severity, finding.severity, key=RANK.__getitem__)
    alarm.value, alarm.limit, alarm.detail = finding.value, finding.limit, finding.detail[:MAX_TEXT_CHARS]
    alarm.occurred_at = alarm.received_at = steps.now
    if event is None:
        steps.note(alarm, "updated", at=steps.now, comment=finding.detail)
    else:
        steps.take(alarm, event, at=steps.now, comment=finding.detail)
    tell(alarm, kind, steps.now)


def _repeated(alarm: Alarm, finding: Finding) -> tuple[Event | None, AlarmKind]:
    """What it means for the one there is: it came back, grew worse, is news to who had seen it, or is as before."""
    state, is_worse = State(alarm.state), RANK[finding.severity] > RANK[alarm.severity]
    if not alarm.stands:
        return Event.RAISED if (state, Event.RAISED) in TRANSITIONS else None, AlarmKind.RAISED
    must_be_seen = is_worse or (finding.is_news and state == State.ACKED)
    if must_be_seen and (state, Event.RE_ALARMED) in TRANSITIONS:
        return Event.RE_ALARMED, AlarmKind.RE_ALARMED
    return None, AlarmKind.UPDATED


def _fresh(finding: Finding, tenant_id: UUID, site_id: UUID, now: datetime, device: Device | None) -> Alarm:
    return Alarm(
        tenant_id=tenant_id,
        site_id=site_id,
        device=device,
        alarm_type=finding.alarm_type,
        severity=finding.severity,
        state=State.UNACK,
        tag=finding.tag,
        value=finding.value,
        limit=finding.limit,
        rule=finding.rule,
        detail=finding.detail[:MAX_TEXT_CHARS],
        historical=False,
        raised_at=now,
        occurred_at=now,
        received_at=now,
        annunciated_at=now,
    )
