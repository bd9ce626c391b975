"""Alarms as a table in CSV."""

from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet

from edge_bridge.models import Alarm
from tenants.resources.sheets import written

MOST_LINES: Final = 10_000
COLUMNS: Final = (
    *("id", "alarm_type", "severity", "state", "stands", "site", "equipment", "tag", "value", "limit", "rule"),
    *("rule_version", "clause", "detail"),
    *("historical", "raised_at", "cleared_at", "acknowledged_at", "assigned_to", "escalated_to", "silenced_reason"),
)


def as_csv(found: QuerySet[Alarm]) -> bytes:
    """A line for each alarm, the newest first; times in UTC, and nothing where a clause hides the value."""
    return written(COLUMNS, (_line(alarm) for alarm in found.order_by("-pk")[:MOST_LINES]))


def _line(alarm: Alarm) -> list[Any]:
    machine, about = alarm.equipment, (alarm.tag, alarm.value, alarm.limit)
    by = (alarm.rule, alarm.rule_version, alarm.clause, alarm.detail, alarm.historical)
    times = [_text(each) for each in (alarm.raised_at, alarm.cleared_at, alarm.acknowledged_at)]
    who = (alarm.assigned_to_id, alarm.escalated_to, alarm.silenced_reason)
    place = (alarm.site.name, machine.code if machine else "")
    what = (alarm.pk, alarm.alarm_type, alarm.severity, alarm.state_now, alarm.stands)
    return [*what, *place, *about, *by, *times, *who]


def _text(moment: datetime | None) -> str:
    return moment.isoformat() if moment else ""
