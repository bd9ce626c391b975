"""Steps of alarms in one transaction: the row by the table of `edge_bridge.alarm`, its history, what feeds are told.

Rows go to the database as JSON, all of a transaction in one statement: Django's own saving costs more than everything
else that is done about an alarm.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from edge_bridge.alarm import MOVES, SILENCED_STATES, Event, State, next_state, returned
from edge_bridge.alarms.data import FLOOD_OVER, FLOOD_WINDOW, Around, Suppression, first_id_at
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm, AlarmChange
from edge_bridge.queries import alarm_facts
from edge_bridge.rows import loaded
from tenants.api import actor, announce

Key = tuple[UUID, str]


@dataclass
class Steps:
    """Collects what happens to rows that the caller has locked; `write` keeps it."""

    now: datetime
    changed: dict[UUID, Alarm] = field(default_factory=dict)
    history: list[AlarmChange] = field(default_factory=list)
    kept: dict[UUID, State] = field(default_factory=dict)

    def take(self, alarm: Alarm, event: Event, *, at: datetime, comment: str = "") -> State:
        """The state before; IllegalTransition if the table has none.

        Whatever leads to UNACK calls operators anew. What comes back there before anybody acknowledged it has been
        waiting all the while: otherwise one that comes and goes would never escalate.
        """
        before = State(alarm.state)
        after = next_state(before, event)
        if (self.kept.setdefault(alarm.pk, before), after) not in MOVES:
            self.write()  # the database, too, follows the table step by step
            self.kept[alarm.pk] = before
        alarm.state = after
        if event is Event.CLEARED:
            alarm.cleared_at = at
        elif event in (Event.RAISED, Event.RE_ALARMED):
            alarm.cleared_at = None
        if after is State.UNACK and before is not State.RTNUN:
            self.begin_wait(alarm)
        if alarm.state not in SILENCED_STATES:
            alarm.silenced_reason = ""
        if alarm.state != State.SHLVD:
            alarm.shelved_until = None
        if alarm.state != State.ACKED:
            alarm.re_alarm_at = None
        self.note(alarm, event, before=before, at=at, comment=comment)
        return before

    def note(self, alarm: Alarm, word: str, *, at: datetime, comment: str = "", before: str = "") -> None:
        """A line in the history; without `before` one that changed no state."""
        self.changed[alarm.pk] = alarm
        alarm.changed_at = self.now
        who = actor()
        self.history.append(
            AlarmChange(
                tenant_id=alarm.tenant_id,
                alarm_id=alarm.pk,
                event=word,
                from_state=before or alarm.state,
                to_state=alarm.state,
                severity=alarm.severity,
                value=alarm.value,
                occurred_at=at,
                recorded_at=self.now,
                by_user_id=who.user_id,
                by_tenant_id=who.tenant_id,
                via=who.via,
                comment=comment,
            )
        )

    def begin_wait(self, alarm: Alarm) -> None:
        """For an acknowledgement: escalation counts from now, from its first step."""
        alarm.annunciated_at, alarm.escalation_step, alarm.escalated_to = self.now, 0, ""

    def begin(self, alarm: Alarm, comment: str = "") -> None:
        """A row that was just made as raised: nothing of it has to be written again."""
        self.note(alarm, Event.RAISED, before=State.NORM, at=alarm.occurred_at, comment=comment)
        del self.changed[alarm.pk]

    def end_shelf(self, alarm: Alarm) -> bool:
        """Bring an alarm whose shelf is over back; False if it has none that is."""
        if alarm.state_at(self.now) == alarm.state:
            return False
        self.take(alarm, returned(standing=alarm.stands), at=self.now)
        return True

    def write(self) -> None:
        if self.history:
            with connection.cursor() as cursor:
                rows = [_as_json(self.changed.values()), _as_json(self.history)]
                cursor.execute("SELECT wall.keep_alarms(%s, %s)", rows)
        self.changed, self.history, self.kept = {}, [], {}


def tell(alarm: Alarm, kind: AlarmKind, at: datetime) -> None:
    announce(alarm_facts(alarm).event(kind, at))


def claim(site_id: UUID, wanted: Iterable[Key], fresh: Sequence[Alarm]) -> list[Alarm]:
    """Make those of `fresh` that nothing stands in the way of, and lock the active alarms of these keys at the site."""
    keys = [{"equipment": equipment, "alarm_type": alarm_type} for equipment, alarm_type in sorted(wanted)]
    made = _as_json(sorted(fresh, key=lambda alarm: (alarm.equipment_id, alarm.alarm_type)))
    asked = [site_id, json.dumps(keys, default=str), made]
    return loaded(Alarm, "wall.claim_alarms(%s, %s, %s)", asked)


def lock(alarm_id: UUID) -> Alarm:
    return loaded(Alarm, "wall.lock_alarm(%s)", [alarm_id])[0]


def around(site_id: UUID, now: datetime) -> Around:
    """In the owner's transaction, before alarms of the site are claimed: it locks the site's suppressions."""
    with connection.cursor() as cursor:
        asked = [site_id, first_id_at(now - FLOOD_WINDOW), FLOOD_OVER + 1]
        cursor.execute("SELECT suppressions, flood, n_recent FROM wall.alarms_around(%s, %s, %s)", asked)
        suppressions, flood, n_recent = cursor.fetchone()
    return Around([_suppression(**rule) for rule in json.loads(suppressions or "[]")], flood, n_recent)


def _suppression(equipment: str | None, **said: Any) -> Suppression:
    return Suppression(equipment=UUID(equipment) if equipment else None, **said)


def _as_json(rows: Iterable[Model]) -> str:
    return json.dumps([_values(row) for row in rows], default=str)


def _values(row: Model) -> dict[str, Any]:
    return {str(field.column): getattr(row, field.attname) for field in row._meta.concrete_fields}
