"""What is due without anybody asking: shelves that end, alarms to be announced again, steps of escalation, floods that
are over, states of machines that nobody tells any more, silent gateways.

Each organisation's share is a transaction of its own, so that none waits for another. What is done once is not due
any more: sweeps may run twice, or two at once.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from edge_bridge.alarm import State
from edge_bridge.alarms.aside import placeable, take_up
from edge_bridge.alarms.data import ALARM_FLOOD
from edge_bridge.alarms.dead_man import miss, silent
from edge_bridge.alarms.escalation import escalate_due, waiting
from edge_bridge.alarms.flood import end_flood
from edge_bridge.alarms.re_alarming import re_alarm_due, standing_on
from edge_bridge.alarms.sources import clear_orphaned, orphaned
from edge_bridge.alarms.steps import Steps, tell
from edge_bridge.alarms.suppression import in_states, settle
from edge_bridge.data import AlarmKind
from edge_bridge.models import Alarm
from edge_bridge.sweeping import sweep_each
from tenants.api import as_platform


def sweep_alarms(now: datetime) -> int:
    """Do what is due, for everyone; returns how many alarms changed."""
    with as_platform("sweep", "alarms of which something is due") as platform:
        due = _due(now)
        platform.leaves_trace = bool(due)
    return sweep_each(due, "cloud:alarms", lambda tenant_id: sweep_of(tenant_id, now))


def sweep_of(tenant_id: UUID, now: datetime) -> int:
    """One organisation's share, in the open transaction of its own."""
    sites = {*suppressed().own().values_list("site", flat=True)}
    sites |= {*in_states().filter(tenant=tenant_id).values_list("site", flat=True)}
    floods = floods_standing().own().values_list("site", flat=True)
    return (
        miss(tenant_id, now)
        + sum(take_up(site, now) for site in sorted(set(placeable().values_list("site", flat=True))))
        + clear_orphaned(tenant_id, now)
        + end_shelves(tenant_id, now)
        + sum(settle(tenant_id, site, now) for site in sorted(sites))
        + sum(end_flood(tenant_id, site, now) for site in sorted(set(floods)))
        + re_alarm_due(tenant_id, now)
        + escalate_due(tenant_id, now)
    )


def end_shelves(tenant_id: UUID, now: datetime) -> int:
    rows = shelved_too_long(now).filter(tenant=tenant_id).select_related("equipment", "site").order_by("pk")
    steps = Steps(now)
    for alarm in rows.select_for_update(of=("self",), skip_locked=True):
        steps.end_shelf(alarm)
        tell(alarm, AlarmKind.RETURNED, now)
    n = len(steps.changed)
    steps.write()
    return n


def shelved_too_long(now: datetime) -> QuerySet[Alarm]:
    return Alarm.objects.filter(shelved_until__lte=now)


def suppressed() -> QuerySet[Alarm]:
    return Alarm.objects.filter(state=State.DSUPR)


def floods_standing() -> QuerySet[Alarm]:
    return Alarm.objects.filter(alarm_type=ALARM_FLOOD, equipment=None, cleared_at=None)


def _due(now: datetime) -> set[UUID]:
    """Organisations of whose alarms something may be due."""
    alarms = (shelved_too_long(now), suppressed(), floods_standing(), standing_on(now), waiting(now))
    found: tuple[QuerySet[Any], ...] = (*alarms, in_states(), silent(now), placeable(), orphaned(now))
    owners = [rows.order_by("tenant").values_list("tenant", flat=True).distinct() for rows in found]
    return {tenant_id for rows in owners for tenant_id in rows}
