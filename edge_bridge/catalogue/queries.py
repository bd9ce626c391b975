"""The reads of kept rules, under the open identity."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from django.db.models import F, Max, Prefetch, QuerySet

from edge_bridge.catalogue.data import table_of
from edge_bridge.models import KeptRule, RulesInUse, RuleTrial, RuleVersion, Series, TrialStatus
from edge_bridge.protocol import RuleSet
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import Point
from tenants.api import actor


def rules(**exact: Any) -> QuerySet[KeptRule]:
    """The organisation's own, with their versions and whether each `was_tried`; `exact` compares, such as site."""
    done = Prefetch("trials", RuleTrial.objects.filter(status=TrialStatus.DONE).only("version"), to_attr="done_trials")
    versions = Prefetch("versions", RuleVersion.objects.order_by("-n").prefetch_related(done))
    return KeptRule.objects.filter(tenant=actor().tenant_id, **exact).select_related("site").prefetch_related(versions)


def trials(rule: KeptRule) -> QuerySet[RuleTrial]:
    found = RuleTrial.objects.filter(version__rule=rule, tenant=rule.tenant_id)
    return found.select_related("version").defer("result")


def versions_in_force(tenant_id: UUID, site_ids: Iterable[UUID]) -> QuerySet[RuleVersion]:
    found = RuleVersion.objects.filter(tenant=tenant_id, rule__site__in=[*site_ids], rule__enabled_n=F("n"))
    return found.select_related("rule").order_by("rule__name")


def tables_in_force(tenant_id: UUID, site_id: UUID) -> list[dict[str, Any]]:
    """What the gateways of a site are to judge by, as they read it."""
    return [wire_table(version) for version in versions_in_force(tenant_id, [site_id])]


def wire_table(version: RuleVersion) -> dict[str, Any]:
    return table_of(version.rule.name, version.settings, version.warning, version.clause)


def unheard(version: RuleVersion) -> list[Point]:
    """Of the points that it judges those that no gateway of its site has named: until one does, it judges nothing."""
    wanted = [(each["equipment"], each["tag"]) for each in version.settings.get("inputs") or [version.settings]]
    codes = {equipment for equipment, _ in wanted}
    there = Series.objects.own().filter(site=version.rule.site_id, equipment__code__in=codes)
    heard = set(there.values_list("equipment__code", "tag"))
    return [point for point in wanted if point not in heard]


def rule_set(tenant_id: UUID, site_id: UUID) -> RuleSet:
    """All rules in force at a site."""
    tables = tables_in_force(tenant_id, site_id)
    changed = KeptRule.objects.filter(site=site_id).aggregate(at=Max("switched_at"))
    return RuleSet(digest_of(tables), tuple(tables), changed["at"])


def reports() -> QuerySet[RulesInUse]:
    """What gateways last said of the rules that they judge by."""
    return RulesInUse.objects.filter(device__revoked_at=None, tenant=actor().tenant_id).select_related("device__site")


def marked_current(rows: Sequence[RulesInUse]) -> Sequence[RulesInUse]:
    """The same rows, each with whether it `is_current`: what is in force at its site now."""
    sites = {row.device.site_id: row.tenant_id for row in rows}
    digests = {site: rule_set(tenant, site).digest for site, tenant in sites.items()}
    for row in rows:
        row.is_current = row.digest == digests[row.device.site_id]
    return rows


def current_reports(most: int) -> Sequence[RulesInUse]:
    return marked_current(list(reports().order_by("-said_at")[:most]))
