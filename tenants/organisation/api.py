"""The public door of the organisation: its tree, its archives and its closing."""

from tenants.access import get_own_equipment, get_own_site
from tenants.countries import countries
from tenants.equipment_types import equipment_types
from tenants.models import Process, Site
from tenants.organisation.actions import (
    add_company,
    add_process,
    change_company,
    change_equipment,
    change_process,
    change_site,
    get_own_company,
    get_own_process,
    register_equipment,
    register_site,
    remove_company,
    remove_process,
)
from tenants.organisation.closing import request_closure, withdraw_closure
from tenants.organisation.exports import cancel_export, fetch_export, get_export, request_export
from tenants.organisation.lifecycle_views import archive_answer
from tenants.organisation.queries import (
    Branch,
    branches,
    closure,
    companies,
    equipment_at,
    exports,
    own_sites,
    processes_at,
)
from tenants.time_zones import time_zones

__all__ = [
    "Branch",
    "Process",
    "Site",
    "add_company",
    "add_process",
    "archive_answer",
    "branches",
    "cancel_export",
    "change_company",
    "change_equipment",
    "change_process",
    "change_site",
    "closure",
    "companies",
    "countries",
    "equipment_at",
    "equipment_types",
    "exports",
    "fetch_export",
    "get_export",
    "get_own_company",
    "get_own_equipment",
    "get_own_process",
    "get_own_site",
    "own_sites",
    "processes_at",
    "register_equipment",
    "register_site",
    "remove_company",
    "remove_process",
    "request_closure",
    "request_export",
    "time_zones",
    "withdraw_closure",
]
