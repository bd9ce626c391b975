"""Own people, skills, materials and bookings, got and authorised in one step: nothing of this is opened to partners."""

from typing import TypeVar
from uuid import UUID

from tenants import access
from tenants.data import NotFound
from tenants.models import Booking, Material, Person, SiteRequirement, Skill

Row = TypeVar("Row", Person, Skill, Material, Booking, SiteRequirement)


def get_person(person_id: UUID, *, needs: str = "view_resources") -> Person:
    return _own(Person, person_id, needs)


def get_skill(skill_id: UUID, *, needs: str = "view_resources") -> Skill:
    return _own(Skill, skill_id, needs)


def get_material(material_id: UUID, *, needs: str = "view_resources") -> Material:
    return _own(Material, material_id, needs)


def get_booking(booking_id: UUID, *, needs: str = "view_resources") -> Booking:
    return _own(Booking, booking_id, needs)


def get_requirement(requirement_id: UUID, *, needs: str = "view_resources") -> SiteRequirement:
    return _own(SiteRequirement, requirement_id, needs)


def _own(model: type[Row], key: UUID, needs: str) -> Row:
    access.require(needs)
    row = model._default_manager.filter(pk=key).first()
    if row is None:
        raise NotFound
    return row
