"""Places that clauses may name: the owner's own, and for the partner those that an offered version names."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from tenants import access
from tenants.agreements.clauses import places_offered
from tenants.data import FieldError, Invalid
from tenants.models import Agreement


def with_places(clauses: Iterable[dict[str, Any]], agreement: Agreement | None = None) -> list[dict[str, Any]]:
    """Clauses as actions take them, from `{site_id | equipment_id, …}`; `agreement` is what they are a version of.

    NotFound for a place that is not the owner's, Invalid for one that the partner was not offered.
    """
    is_own = agreement is None or agreement.tenant_id == access.actor().tenant_id
    offered = {} if is_own or agreement is None else places_offered(agreement)
    found = []
    for index, clause in enumerate(clauses):
        rest = {key: value for key, value in clause.items() if key not in ("site_id", "equipment_id")}
        place = _own(clause) if is_own else _offered(index, clause, offered)
        found.append({**rest, **place})
    return found


def _own(clause: dict[str, Any]) -> dict[str, Any]:
    site_id, equipment_id = clause.get("site_id"), clause.get("equipment_id")
    return {
        "site": access.get_own_site(site_id, needs="manage") if site_id else None,
        "equipment": access.get_own_equipment(equipment_id, needs="manage") if equipment_id else None,
    }


def _offered(index: int, clause: dict[str, Any], offered: dict[UUID, tuple[str, Any]]) -> dict[str, Any]:
    key = clause.get("site_id") or clause.get("equipment_id")
    if key not in offered:
        pointer = f"/clauses/{index}/{'site' if clause.get('site_id') else 'equipment'}"
        raise Invalid("Only the owner names new places.", (FieldError(pointer, "name one that you were offered"),))
    return dict([offered[key]])
