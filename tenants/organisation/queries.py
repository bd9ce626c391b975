"""Reads of the tree, of archives and of the wish to close."""

from dataclasses import dataclass, field
from typing import Any

from django.db.models import Count, Q, QuerySet

from tenants import access
from tenants.models import Closure, Company, Equipment, Export, Process, Site, Tenant
from tenants.organisation.actions import MOST_COMPANIES, MOST_PROCESSES, MOST_SITES


@dataclass(slots=True)
class Branch:
    """A company with what stands below it; the branch without a company holds the sites that belong to none."""

    company: Company | None
    sites: list[Site] = field(default_factory=list)
    branches: list["Branch"] = field(default_factory=list)


def companies() -> QuerySet[Company]:
    return Company.objects.filter(tenant=access.actor().tenant_id)


def processes() -> QuerySet[Process]:
    """Own processes and those of sites that partners opened."""
    opened = access.granted("sites") | access.granted("sites_of_equipment")
    own_or_opened = Q(tenant=access.actor().tenant_id) | Q(site__in=opened)
    return Process.objects.filter(own_or_opened).select_related("site")


def own_sites() -> QuerySet[Site]:
    return Site.objects.filter(tenant=access.actor().tenant_id)


def exports() -> QuerySet[Export]:
    return Export.objects.filter(tenant=access.actor().tenant_id)


def closure() -> Closure | None:
    """The wish to close the organisation that stands."""
    return Closure.objects.filter(tenant=access.actor().tenant_id, withdrawn_at=None).first()


def tree() -> dict[str, Any]:
    """`organisation`, and flat lists of its `companies`, `sites` and `processes`, each by code, in four queries.

    Sites and processes carry `equipment_n`; parents are told by id, so that a tree of any depth has one shape.
    """
    me = access.actor().tenant_id
    counted = Count("equipment")
    return {
        "organisation": Tenant.objects.get(pk=me),
        "companies": list(companies()[:MOST_COMPANIES]),
        "sites": list(own_sites().annotate(equipment_n=counted).order_by("code")[:MOST_SITES]),
        "processes": list(
            Process.objects.filter(tenant=me).annotate(equipment_n=counted).order_by("code")[:MOST_PROCESSES]
        ),
    }


def branches() -> list[Branch]:
    """The tree as it is drawn: each site has `shown_processes`."""
    found = tree()
    for site in found["sites"]:
        site.shown_processes = [each for each in found["processes"] if each.site_id == site.pk]
    by_id: dict[Any, Branch] = {company.pk: Branch(company) for company in found["companies"]}
    loose = Branch(None)
    for site in found["sites"]:
        by_id.get(site.company_id, loose).sites.append(site)
    roots: list[Branch] = []
    for branch in by_id.values():
        assert branch.company is not None
        above = by_id.get(branch.company.parent_id)
        (roots if above is None else above.branches).append(branch)
    return [*roots, loose] if loose.sites or not roots else roots


def processes_at(site: Site) -> QuerySet[Process]:
    return Process.objects.filter(site=site)


def equipment_at(site: Site) -> QuerySet[Equipment]:
    return Equipment.objects.filter(site=site).select_related("process")
