"""The alarms of one batch as rows: each step follows the table of `edge_bridge.alarm`, is kept and announced.

Whoever raises inserts against the partial unique index and then locks the one active row; so two gateways that report
the same alarm at once make one row, and the second of them finds it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from edge_bridge import alarm as table
from edge_bridge import protocol
from edge_bridge.alarm import Event, State
from edge_bridge.alarms.data import FLOOD_OVER, RANK, Around
from edge_bridge.alarms.flood import Flood
from edge_bridge.alarms.machine_states import know_machines
from edge_bridge.alarms.steps import Key, Steps, around, claim, tell
from edge_bridge.alarms.suppression import find_causes, settle
from edge_bridge.catalogue.grounds import UNKNOWN, Grounds, Raising, grounds_of
from edge_bridge.data import AlarmKind, Unplaceable
from edge_bridge.models import Alarm, Device
from tenants.models import Equipment, Site

UPDATED = "updated"


@dataclass
class AlarmLog:
    """The alarms of one batch, in order. `prepare` locks the rows, `take` goes through the steps, `write` keeps them.

    `active` alarms stand before the batch or since an entry of it; `made` ones wait for the entry that raises them.
    """

    device: Device
    received_at: datetime
    active: dict[Key, Alarm] = field(default_factory=dict)
    made: dict[Key, Alarm] = field(default_factory=dict)
    grounds: dict[Raising, Grounds] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.steps = Steps(self.received_at)
        self.flood = Flood(self.device, self.received_at)
        self.around: Around | None = None

    def prepare(self, said: Iterable[tuple[Equipment, protocol.Alarm]]) -> None:
        """Make and lock, in two statements, the rows that these entries speak of."""
        said = list(said)
        found = self._look_around()
        places = {_key(equipment, alarm): equipment for equipment, alarm in said}
        machines = {equipment.pk for equipment, _ in said}
        know_machines(found, self.device.tenant_id, self.device.site_id, machines, self.received_at)
        raisings = [_raising(*each) for each in said if each[1].event is protocol.AlarmEvent.RAISED]
        self.grounds |= grounds_of(self.device.site_id, raisings) if raisings else {}
        fresh: dict[Key, Alarm] = {}
        for equipment, alarm in said:
            if alarm.event is protocol.AlarmEvent.RAISED:
                fresh.setdefault(_key(equipment, alarm), self._fresh(equipment, alarm))
        new = {row.pk for row in fresh.values()}
        for row in claim(self.device.site_id, places, list(fresh.values())):
            key = _key_of(row)
            row.equipment, row.site = places[key], self._site_of(places[key])
            (self.made if row.pk in new else self.active)[key] = row
            if row.alarm_type in found.causes and row.pk in new:
                found.note(row.alarm_type, row.pk, stands=False)  # until its entry raises it

    def take(self, equipment: Equipment, said: protocol.Alarm) -> None:
        """Raised or cleared; Unplaceable if nothing stands that could be cleared."""
        alarm = self.active.get(_key(equipment, said))
        if alarm is not None and self.steps.end_shelf(alarm) and alarm.state == State.NORM:
            del self.active[_key(equipment, said)]
        if said.event is protocol.AlarmEvent.CLEARED:
            self._clear(equipment, said)
        else:
            self._raise(equipment, said)

    def write(self) -> None:
        """Keep what was taken; a cause that came or went is felt by all alarms of the site."""
        self.flood.close(self.steps)
        self.steps.write()
        if self._look_around().suppressions:
            settle(self.device.tenant_id, self.device.site_id, self.received_at)

    def _look_around(self) -> Around:
        if self.around is None:
            self.around = around(self.device.site_id, self.received_at)
            self.flood.known = self.around.flood
            if self.around.suppressions:
                find_causes(self.around, self.device.tenant_id, self.device.site_id)
        return self.around

    def _raise(self, equipment: Equipment, said: protocol.Alarm) -> None:
        key = _key(equipment, said)
        while key not in self.active and key not in self.made:  # it went back to normal since `prepare`
            self.write()
            self.prepare([(equipment, said)])
        if key in self.made:
            alarm = self.active[key] = self.made.pop(key)
            self.steps.begin(alarm, said.detail)
            self._fold(alarm)
            self._note_cause(alarm)
            self._suppress(alarm)
            tell(alarm, AlarmKind.RAISED, alarm.occurred_at)
        else:
            self._raise_again(self.active[key], equipment, said)

    def _raise_again(self, alarm: Alarm, equipment: Equipment, said: protocol.Alarm) -> None:
        """Bring an active alarm up to date; a worse one must be seen again."""
        event, came_back = _event_of_repeat(alarm, said), not alarm.stands
        if event is None and not came_back and _is_same(alarm, said):  # a gateway that started states it again
            alarm.received_at = self.received_at
            self.steps.changed[alarm.pk] = alarm
            return
        alarm.raised_at = said.occurred_at if came_back else alarm.raised_at
        if came_back or (alarm.rule, alarm.limit) != (said.rule, said.limit):
            for name, value in self._grounds_of(equipment, said).columns().items():
                setattr(alarm, name, value)
        if _is_worse(alarm, said) or (alarm.historical and not said.historical):
            self.steps.begin_wait(alarm)
        alarm.historical = alarm.historical and said.historical  # one that has called is no history
        alarm.severity, alarm.tag, alarm.rule = said.severity, said.tag, said.rule
        self._keep(alarm, event, said)
        self._suppress(alarm)
        tell(alarm, _kind_of_repeat(event, came_back), said.occurred_at)

    def _clear(self, equipment: Equipment, said: protocol.Alarm) -> None:
        alarm = self.active.get(_key(equipment, said))
        if alarm is None or (State(alarm.state), Event.CLEARED) not in table.TRANSITIONS:
            raise Unplaceable(f"No alarm {said.alarm_type!r} stands on {equipment.code!r} that could be cleared.")
        self._keep(alarm, Event.CLEARED, said)
        if alarm.state == State.NORM:
            del self.active[_key(equipment, said)]
        tell(alarm, AlarmKind.CLEARED, said.occurred_at)

    def _keep(self, alarm: Alarm, event: Event | None, said: protocol.Alarm) -> None:
        alarm.value, alarm.limit, alarm.detail = said.value, said.limit, said.detail
        alarm.occurred_at, alarm.received_at = said.occurred_at, self.received_at
        if event is None:
            self.steps.note(alarm, UPDATED, at=said.occurred_at, comment=said.detail)
        else:
            self.steps.take(alarm, event, at=said.occurred_at, comment=said.detail)
        self._note_cause(alarm)

    def _note_cause(self, alarm: Alarm) -> None:
        found = self._look_around()
        if alarm.alarm_type in found.causes:
            found.note(alarm.alarm_type, alarm.pk, stands=alarm.stands)

    def _suppress(self, alarm: Alarm) -> None:
        """An alarm that follows from what stands calls nobody; what is silenced already stays as it is."""
        reason = self._look_around().reason_for(alarm) if alarm.state == State.UNACK else ""
        if reason:
            alarm.silenced_reason = reason
            self.steps.take(alarm, Event.SUPPRESSED, at=alarm.occurred_at, comment=reason)

    def _fold(self, alarm: Alarm) -> None:
        """What came late calls nobody, so it makes no flood."""
        found = self._look_around()
        if alarm.historical:
            return
        found.n_recent += 1
        if found.n_recent > FLOOD_OVER:
            self.flood.fold(alarm)
            self.steps.changed[alarm.pk] = alarm

    def _grounds_of(self, equipment: Equipment, said: protocol.Alarm) -> Grounds:
        return self.grounds.get(_raising(equipment, said), UNKNOWN)

    def _fresh(self, equipment: Equipment, said: protocol.Alarm) -> Alarm:
        return Alarm(
            **self._grounds_of(equipment, said).columns(),
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
            detail=said.detail,
            historical=said.historical,
            raised_at=said.occurred_at,
            occurred_at=said.occurred_at,
            received_at=self.received_at,
            annunciated_at=self.received_at,
        )

    def _site_of(self, equipment: Equipment) -> Site:
        """The gateway's, also of equipment that was moved away since."""
        return equipment.site if equipment.site_id == self.device.site_id else self.device.site


def _key(equipment: Equipment, said: protocol.Alarm) -> Key:
    return equipment.pk, said.alarm_type


def _raising(equipment: Equipment, said: protocol.Alarm) -> Raising:
    return Raising(equipment.pk, said.alarm_type, said.rule, said.limit, said.occurred_at)


def _key_of(alarm: Alarm) -> Key:
    assert alarm.equipment_id is not None
    return alarm.equipment_id, alarm.alarm_type


def _kind_of_repeat(event: Event | None, came_back: bool) -> AlarmKind:
    if came_back:
        return AlarmKind.RAISED
    return AlarmKind.RE_ALARMED if event is Event.RE_ALARMED else AlarmKind.UPDATED


def _is_same(alarm: Alarm, said: protocol.Alarm) -> bool:
    known = alarm.occurred_at, alarm.value, alarm.limit, alarm.severity
    return known == (said.occurred_at, said.value, said.limit, said.severity)


def _is_worse(alarm: Alarm, said: protocol.Alarm) -> bool:
    return RANK[said.severity] > RANK[alarm.severity]


def _event_of_repeat(alarm: Alarm, said: protocol.Alarm) -> Event | None:
    """What a raising means for an active alarm: it grew worse, came back, came while silenced, or has a new value."""
    state = State(alarm.state)
    if _is_worse(alarm, said) and (state, Event.RE_ALARMED) in table.TRANSITIONS:
        return Event.RE_ALARMED
    return Event.RAISED if (state, Event.RAISED) in table.TRANSITIONS else None
