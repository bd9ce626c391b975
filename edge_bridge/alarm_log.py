"""Alarms as rows: each step follows the table of `edge_bridge.alarm`, is kept in the history and announced.

Whoever raises inserts against the partial unique index and then locks the one active row; so two gateways that report
the same alarm at once make one row, and the second of them finds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from edge_bridge import alarm as table
from edge_bridge import protocol
from edge_bridge.alarm import Event, State
from edge_bridge.data import AlarmKind, Unplaceable
from edge_bridge.models import Alarm, AlarmChange, Device
from edge_bridge.queries import alarm_facts
from tenants.api import actor, announce
from tenants.models import Equipment, Site

RANK = {str(severity): rank for rank, severity in enumerate(protocol.Severity)}
UPDATED = "updated"

Key = tuple[UUID, str]


@dataclass
class AlarmLog:
    """The alarms of one batch, in order. `prepare` locks the rows, `take` goes through the steps, `write` keeps them.

    `active` alarms stand before the batch or since an entry of it; `made` ones wait for the entry that raises them.
    """

    device: Device
    received_at: datetime
    active: dict[Key, Alarm] = field(default_factory=dict)
    made: dict[Key, Alarm] = field(default_factory=dict)
    changed: dict[UUID, Alarm] = field(default_factory=dict)
    history: list[AlarmChange] = field(default_factory=list)

    def prepare(self, said: Iterable[tuple[Equipment, protocol.Alarm]]) -> None:
        """Make and lock, in two statements, the rows that these entries speak of."""
        places = {_key(equipment, alarm): equipment for equipment, alarm in said}
        fresh: dict[Key, Alarm] = {}
        for equipment, alarm in said:
            if alarm.event is protocol.AlarmEvent.RAISED:
                fresh.setdefault(_key(equipment, alarm), self._fresh(equipment, alarm))
        Alarm.objects.bulk_create(fresh.values(), ignore_conflicts=True)
        for row in self._locked(places):
            key = (row.equipment_id, row.alarm_type)
            row.equipment, row.site = places[key], self._site_of(places[key])
            is_new = key in fresh and fresh[key].pk == row.pk
            (self.made if is_new else self.active)[key] = row

    def take(self, equipment: Equipment, said: protocol.Alarm) -> None:
        """Raised or cleared; Unplaceable if nothing stands that could be cleared."""
        if said.event is protocol.AlarmEvent.CLEARED:
            self._clear(equipment, said)
            return
        key = _key(equipment, said)
        while key not in self.active and key not in self.made:  # it went back to normal since `prepare`
            self.write()
            self.prepare([(equipment, said)])
        if key in self.made:
            alarm = self.active[key] = self.made.pop(key)
            self._keep(alarm, Event.RAISED, State.NORM, AlarmKind.RAISED)
        else:
            self._raise_again(self.active[key], said)

    def write(self) -> None:
        for alarm in self.changed.values():
            alarm.save()
        AlarmChange.objects.bulk_create(self.history)
        self.changed, self.history = {}, []

    def _raise_again(self, alarm: Alarm, said: protocol.Alarm) -> None:
        """Bring an active alarm up to date; a worse one must be seen again."""
        event, before = _event_of_repeat(alarm, said), State(alarm.state)
        came_back = before is State.RTNUN
        alarm.state = table.next_state(before, event) if event else before
        alarm.raised_at = said.occurred_at if came_back else alarm.raised_at
        alarm.cleared_at = None
        alarm.severity, alarm.historical, alarm.tag, alarm.rule = said.severity, said.historical, said.tag, said.rule
        self._note(alarm, said)
        self._keep(alarm, event or UPDATED, before, AlarmKind.RAISED if came_back else AlarmKind.UPDATED)

    def _clear(self, equipment: Equipment, said: protocol.Alarm) -> None:
        alarm = self.active.get(_key(equipment, said))
        if alarm is None or (State(alarm.state), Event.CLEARED) not in table.TRANSITIONS:
            raise Unplaceable(f"No alarm {said.alarm_type!r} stands on {equipment.code!r} that could be cleared.")
        before = State(alarm.state)
        alarm.state, alarm.cleared_at = table.next_state(before, Event.CLEARED), said.occurred_at
        if alarm.state == State.NORM:
            del self.active[_key(equipment, said)]
        self._note(alarm, said)
        self._keep(alarm, Event.CLEARED, before, AlarmKind.CLEARED)

    def _note(self, alarm: Alarm, said: protocol.Alarm) -> None:
        alarm.value, alarm.limit, alarm.occurred_at, alarm.received_at = (
            *(said.value, said.limit, said.occurred_at),
            self.received_at,
        )
        self.changed[alarm.pk] = alarm

    def _keep(self, alarm: Alarm, event: str, before: str, kind: AlarmKind) -> None:
        self.history.append(_change(alarm, event, before, alarm.occurred_at, self.received_at))
        announce(alarm_facts(alarm).event(kind, alarm.occurred_at))

    def _fresh(self, equipment: Equipment, said: protocol.Alarm) -> Alarm:
        return Alarm(
            tenant_id=self.device.tenant_id,
            site=self._site_of(equipment),
            equipment=equipment,
            device=self.device,
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
            received_at=self.received_at,
        )

    def _site_of(self, equipment: Equipment) -> Site:
        """The gateway's, also of equipment that was moved away since."""
        return equipment.site if equipment.site_id == self.device.site_id else self.device.site

    def _locked(self, keys: Iterable[Key]) -> list[Alarm]:
        rows = Alarm.objects.filter(
            tenant=self.device.tenant_id,
            site=self.device.site_id,
            equipment__in={equipment for equipment, _ in keys},
            alarm_type__in={alarm_type for _, alarm_type in keys},
        )
        found = rows.exclude(state=State.NORM).order_by("pk").select_for_update()
        return [row for row in found if (row.equipment_id, row.alarm_type) in keys]


def keep_acknowledgement(alarm: Alarm, before: str, comment: str) -> None:
    """History and announcement of an acknowledgement already written to the row."""
    at = alarm.acknowledged_at
    assert at is not None
    change = _change(alarm, Event.ACKNOWLEDGED, before, at, at)
    change.comment = comment
    change.save()
    announce(alarm_facts(alarm).event(AlarmKind.ACKNOWLEDGED, at))


def _key(equipment: Equipment, said: protocol.Alarm) -> Key:
    return equipment.pk, said.alarm_type


def _event_of_repeat(alarm: Alarm, said: protocol.Alarm) -> Event | None:
    """What a raising means for an active alarm: it grew worse, came back, came while silenced, or has a new value."""
    state = State(alarm.state)
    if RANK[said.severity] > RANK[alarm.severity] and (state, Event.RE_ALARMED) in table.TRANSITIONS:
        return Event.RE_ALARMED
    return Event.RAISED if (state, Event.RAISED) in table.TRANSITIONS else None


def _change(alarm: Alarm, event: str, before: str, occurred_at: datetime, recorded_at: datetime) -> AlarmChange:
    who = actor()
    return AlarmChange(
        tenant_id=alarm.tenant_id,
        alarm=alarm,
        event=event,
        from_state=before,
        to_state=alarm.state,
        severity=alarm.severity,
        value=alarm.value,
        occurred_at=occurred_at,
        recorded_at=recorded_at,
        by_user_id=who.user_id,
        by_tenant_id=who.tenant_id,
        via=who.via,
    )
