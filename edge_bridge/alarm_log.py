"""Alarms as rows: each step follows the table of `edge_bridge.alarm`, is kept in the history and announced.

Whoever raises takes the lock of the one active row by inserting against the partial unique index; so two gateways that
report the same alarm at once make one row, and the second of them finds it.
"""

from dataclasses import dataclass
from datetime import datetime

from edge_bridge import alarm as table
from edge_bridge import protocol
from edge_bridge.alarm import Event, State
from edge_bridge.data import AlarmKind, Unplaceable
from edge_bridge.models import Alarm, AlarmChange, Device
from edge_bridge.queries import alarm_facts
from tenants.api import actor, announce
from tenants.models import Equipment

RANK = {str(severity): rank for rank, severity in enumerate(protocol.Severity)}
UPDATED = "updated"


@dataclass(frozen=True, slots=True)
class Step:
    """What happened to an alarm: the event's name, the state before and after, and when, by the edge's clock."""

    event: str
    before: str
    after: str
    occurred_at: datetime
    recorded_at: datetime
    comment: str = ""


def raise_alarm(device: Device, equipment: Equipment, said: protocol.Alarm, received_at: datetime) -> Alarm:
    """Make the alarm, or bring the active one of this type up to date; a worse one must be seen again."""
    alarm, is_new = _make_or_lock(device, equipment, said, received_at)
    if is_new:
        _keep(alarm, Step(Event.RAISED, State.NORM, alarm.state, said.occurred_at, received_at), AlarmKind.RAISED)
        return alarm
    before = alarm.state
    event = _event_of_repeat(alarm, said)
    alarm.state = table.next_state(State(before), event) if event else before
    if before == State.RTNUN:
        alarm.raised_at = said.occurred_at
    alarm.cleared_at = None
    alarm.severity, alarm.historical, alarm.tag, alarm.rule = said.severity, said.historical, said.tag, said.rule
    alarm.value, alarm.limit, alarm.occurred_at, alarm.received_at = (
        said.value,
        said.limit,
        said.occurred_at,
        received_at,
    )
    alarm.save()
    kind = AlarmKind.RAISED if before == State.RTNUN else AlarmKind.UPDATED
    _keep(alarm, Step(event or UPDATED, before, alarm.state, said.occurred_at, received_at), kind)
    return alarm


def clear_alarm(device: Device, equipment: Equipment, said: protocol.Alarm, received_at: datetime) -> Alarm:
    alarm = _lock_active(equipment, said.alarm_type)
    if alarm is None or (State(alarm.state), Event.CLEARED) not in table.TRANSITIONS:
        raise Unplaceable(f"No alarm {said.alarm_type!r} stands on {equipment.code!r} that could be cleared.")
    before, alarm.state = alarm.state, table.next_state(State(alarm.state), Event.CLEARED)
    alarm.value, alarm.occurred_at, alarm.cleared_at = said.value, said.occurred_at, said.occurred_at
    alarm.received_at = received_at
    alarm.save()
    _keep(alarm, Step(Event.CLEARED, before, alarm.state, said.occurred_at, received_at), AlarmKind.CLEARED)
    return alarm


def keep_acknowledgement(alarm: Alarm, before: str, comment: str) -> None:
    """History and announcement of an acknowledgement already written to the row."""
    assert alarm.acknowledged_at is not None
    at = alarm.acknowledged_at
    _keep(alarm, Step(Event.ACKNOWLEDGED, before, alarm.state, at, at, comment), AlarmKind.ACKNOWLEDGED)


def _event_of_repeat(alarm: Alarm, said: protocol.Alarm) -> Event | None:
    """What a raising means for an active alarm: it grew worse, came back, came while silenced, or has a new value."""
    state = State(alarm.state)
    if RANK[said.severity] > RANK[alarm.severity] and (state, Event.RE_ALARMED) in table.TRANSITIONS:
        return Event.RE_ALARMED
    return Event.RAISED if (state, Event.RAISED) in table.TRANSITIONS else None


def _make_or_lock(
    device: Device, equipment: Equipment, said: protocol.Alarm, received_at: datetime
) -> tuple[Alarm, bool]:
    """The one active alarm, locked; True if it was made just now."""
    alarm = Alarm(
        tenant_id=device.tenant_id,
        site=equipment.site,
        equipment=equipment,
        device=device,
        alarm_type=said.alarm_type,
        severity=said.severity,
        state=table.next_state(State.NORM, Event.RAISED),
        tag=said.tag,
        value=said.value,
        limit=said.limit,
        rule=said.rule,
        historical=said.historical,
        raised_at=said.occurred_at,
        occurred_at=said.occurred_at,
        received_at=received_at,
    )
    while True:  # again only if the active one was cleared by another gateway between the two statements
        Alarm.objects.bulk_create([alarm], ignore_conflicts=True)
        active = _lock_active(equipment, said.alarm_type)
        if active is not None:
            return active, active.pk == alarm.pk


def _lock_active(equipment: Equipment, alarm_type: str) -> Alarm | None:
    active = Alarm.objects.filter(tenant=equipment.tenant_id, equipment=equipment, alarm_type=alarm_type)
    alarm = active.exclude(state=State.NORM).select_for_update().first()
    if alarm is not None:
        alarm.equipment, alarm.site = equipment, equipment.site
    return alarm


def _keep(alarm: Alarm, step: Step, kind: AlarmKind) -> None:
    who = actor()
    AlarmChange.objects.create(
        tenant_id=alarm.tenant_id,
        alarm=alarm,
        event=step.event,
        from_state=step.before,
        to_state=step.after,
        severity=alarm.severity,
        value=alarm.value,
        occurred_at=step.occurred_at,
        recorded_at=step.recorded_at,
        by_user_id=who.user_id,
        by_tenant_id=who.tenant_id,
        via=who.via,
        comment=step.comment,
    )
    announce(alarm_facts(alarm).event(kind, step.occurred_at))
