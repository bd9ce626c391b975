"""Alarms of the actor's own organisation, which alone may silence, assign and configure them."""

from uuid import UUID

from edge_bridge.access import get_alarm
from edge_bridge.models import Alarm, Quarantine, SuppressionRule
from tenants.api import require
from tenants.data import NotFound


def get_own_alarm(alarm_id: UUID, *, needs: str) -> Alarm:
    """Of a partner's alarm one may take note, and no more."""
    current = require(needs)
    alarm = get_alarm(alarm_id, needs=needs)
    if alarm.tenant_id != current.tenant_id:
        raise NotFound
    return alarm


def get_set_aside(entry_id: UUID) -> Quarantine:
    """An own alarm that had no place when it came."""
    require("manage_rules")
    entry = Quarantine.objects.filter(waits__isnull=False, pk=entry_id).first()
    if entry is None:
        raise NotFound
    return entry


def get_suppression_rule(rule_id: UUID) -> SuppressionRule:
    require("manage_rules")
    rule = SuppressionRule.objects.select_related("site").filter(pk=rule_id).first()
    if rule is None:
        raise NotFound
    return rule
