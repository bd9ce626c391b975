"""Why somebody may see an object, or not: by which clause of which agreement, for what, until when."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q, QuerySet

from tenants import access
from tenants.agreements.queries import CURRENT
from tenants.context import on_behalf_of
from tenants.data import FieldError, Invalid, NotFound
from tenants.models import Agreement, Clause
from tenants.models.shared import shared_models
from tenants.reads.live_grants import ANY_PERMISSION
from tenants.reads.notes import kind_of
from tenants.roles import ROLES, SITE_PERMISSIONS
from tenants.sharing.queries import Way, ways_of

MOST_CLAUSES: Final = 500


@dataclass(frozen=True, slots=True)
class Explanation:
    """`permissions` open objects of this kind; `roles` are those of the owner's own members that see it anyway."""

    kind: str
    id: UUID
    owner_id: UUID
    is_own: bool
    permissions: tuple[str, ...]
    roles: tuple[str, ...]
    ways: list[Way]

    @property
    def in_force(self) -> list[Way]:
        return [way for way in self.ways if way.in_force]


@dataclass(frozen=True, slots=True)
class Place:
    owner_id: UUID
    site_id: UUID
    equipment_id: UUID | None


def explain(object_name: str, *, partner: UUID | None = None) -> Explanation:
    """`object_name` is `<kind>:<id>`. For the owner: who may see it, or whether `partner` may; else why the actor may.

    NotFound for an object on which no agreement with the actor's organisation bears, as for an absent one.
    """
    current = access.require("view_agreements")
    kind, pk = _parsed(object_name)
    model = kinds()[kind]
    place = _place(model, pk)
    is_own = place.owner_id == current.tenant_id
    found = _clauses(place)
    found = found.filter(agreement__partner=partner) if partner and is_own else found
    permissions = () if model.shared_by == ANY_PERMISSION else (model.shared_by,)
    ways = ways_of(found[:MOST_CLAUSES], permissions, asking=not is_own)
    if not is_own and not ways:
        raise NotFound
    return Explanation(
        kind=kind,
        id=pk,
        owner_id=place.owner_id,
        is_own=is_own,
        permissions=permissions or tuple(SITE_PERMISSIONS),
        roles=tuple(role for role, allowed in ROLES.items() if allowed.intersection(permissions or {"view_registry"})),
        ways=ways,
    )


def kinds() -> dict[str, Any]:
    """What can be asked about: rows with a place of their own."""
    return {kind_of(model): model for model in shared_models() if model.shared_place}


def _parsed(object_name: str) -> tuple[str, UUID]:
    kind, _, written = object_name.partition(":")
    if kind not in kinds():
        raise Invalid("Which object?", (FieldError("/object", f"begin with one of {', '.join(sorted(kinds()))}"),))
    try:
        return kind, UUID(written)
    except ValueError:
        raise Invalid("Which object?", (FieldError("/object", f"write {kind}:<its id>"),)) from None


def _place(model: Any, pk: UUID) -> Place:
    """Where the object is; looked up in the name of those whose agreements with the actor may bear on it.

    What is found so is told only if one of their clauses names the place.
    """
    found = _look_up(model, pk)
    for owner_id in _owners() if found is None else ():
        with on_behalf_of(owner_id):
            found = found or _look_up(model, pk)
    if found is None:
        raise NotFound
    return found


def _look_up(model: Any, pk: UUID) -> Place | None:
    row = model._base_manager.filter(pk=pk).values_list("tenant_id", *model.shared_place).first()
    return Place(row[0], row[1], row[2] if len(row) > 2 else None) if row else None


def _owners() -> Iterator[UUID]:
    me = access.actor().tenant_id
    yield from set(Agreement.objects.filter(partner=me).values_list("tenant", flat=True))


def _clauses(place: Place) -> QuerySet[Clause]:
    """What is at a place is seen by whom the place is open; a site also by whom any of its equipment is."""
    machines = Q(equipment=place.equipment_id) if place.equipment_id else Q(equipment__site=place.site_id)
    found = CURRENT.filter(Q(site=place.site_id) | machines)
    return found.select_related("agreement", "version")
