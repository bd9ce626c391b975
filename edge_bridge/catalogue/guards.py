"""The limits of rules in force, sensor by sensor: rows that begin and end with a version, for who watches the place.

What was switched off stays there with when, by whom and why, and those with a mandate over the place are told.
"""

from datetime import UTC, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

from edge_bridge.catalogue.data import equipment_of, rule_of
from edge_bridge.models import Guard, KeptRule, RuleVersion
from edge_bridge.rules.kinds import limits_of
from tenants.api import own_names, supervisors
from tenants.models import Equipment

REPLACED = "version {} took its place"


def begin_guards(rule: KeptRule, version: RuleVersion) -> None:
    """As the version comes into force; those of another one end."""
    if rule.enabled_n == version.n:
        return
    if rule.enabled_n is not None:
        end_guards(rule, REPLACED.format(version.n))
    parsed = rule_of(rule.name, version.settings)
    here = Equipment.objects.own().filter(site=rule.site_id, code__in=equipment_of(parsed))
    codes = dict(here.values_list("code", "pk"))
    Guard.objects.bulk_create(
        Guard(
            tenant_id=rule.tenant_id,
            site_id=rule.site_id,
            equipment_id=codes[code],
            kept_rule=rule,
            n=version.n,
            tag=tag,
            rule=rule.name,
            kind=version.settings.get("kind", "limits"),
            alarm_type=alarm_type,
            limit=limit,
            clause=version.clause,
            is_safety=rule.is_safety,
            began_at=datetime.now(UTC),
            begun_by=own_names().user,
        )
        for code, tag, alarm_type, limit in limits_of(parsed)
    )


def end_guards(rule: KeptRule, reason: str) -> None:
    ended = {"ended_at": datetime.now(UTC), "ended_by": own_names().user, "end_reason": reason}
    in_force(rule).update(**ended)


def mark_guards(rule: KeptRule, *, is_safety: bool) -> None:
    in_force(rule).update(is_safety=is_safety)


def in_force(rule: KeptRule) -> QuerySet[Guard]:
    return Guard.objects.filter(kept_rule=rule.pk, ended_at=None)


def supervisors_of(rule: KeptRule) -> frozenset[UUID]:
    """Organisations that have a mandate in force over its site, or a machine there, and may see alarms."""
    return supervisors(Q(site=rule.site_id) | Q(equipment__site=rule.site_id), "view_alarms")
