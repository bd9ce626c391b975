"""The register of people: who they are, what they can do, what they are certified for, and what sites want of them."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from tenants import access
from tenants.data import Conflict, FieldError, Invalid
from tenants.models import Booking, Certificate, Person, PersonSkill, Site, SiteRequirement, Skill, Training
from tenants.queries import members
from tenants.resources.data import CODE, LEVELS

MANAGE = "manage_resources"


def register_person(
    *, code: str, name: str, email: str = "", home_site: Site | None = None, user_id: UUID | None = None
) -> Person:
    manager = access.require(MANAGE)
    check_code(code, "/code")
    _check_member(user_id)
    return Person.objects.create(
        tenant_id=manager.tenant_id, code=code, name=name, email=email, home_site=home_site, user_id=user_id
    )


def change_person(*, person: Person, **changed: Any) -> Person:
    """Change `name`, `email`, `user_id` or `left_on`; the home site changes by `relocations.move_person`."""
    access.require(MANAGE)
    _refuse_erased(person)
    _check_member(changed.get("user_id"))
    for name, value in changed.items():
        setattr(person, name, value)
    person.save(update_fields=list(changed))
    return person


def erase_person(*, person: Person) -> Person:
    """Remove what is personal for good: name, address, skills and papers. The code stays, and past bookings name it.

    Conflict while bookings are to come, since somebody counts on them.
    """
    access.require(MANAGE)
    _refuse_erased(person)
    ahead = Booking.objects.filter(person=person, cancelled_at=None, during__endswith__gt=datetime.now(UTC)).count()
    if ahead:
        raise Conflict(f"{person.code} has {ahead} bookings to come; cancel them first.")
    for model in (PersonSkill, Certificate, Training):
        model._default_manager.filter(person=person).delete()
    person.name = person.email = ""
    person.user_id = person.home_site_id = None
    person.left_on, person.erased_at = person.left_on or datetime.now(UTC).date(), datetime.now(UTC)
    person.save()
    return person


def register_skill(*, code: str, name: str) -> Skill:
    manager = access.require(MANAGE)
    check_code(code, "/code")
    return Skill.objects.create(tenant_id=manager.tenant_id, code=code, name=name)


def assess_person(*, person: Person, skill: Skill, level: int, assessed_on: date, assessor: str = "") -> PersonSkill:
    """Keep the level that the person has now; a later assessment replaces it."""
    manager = access.require(MANAGE)
    _refuse_erased(person)
    check_level(level)
    assessed = {"level": level, "assessed_on": assessed_on, "assessor": assessor}
    key = {"tenant_id": manager.tenant_id, "person": person, "skill": skill}
    return PersonSkill.objects.update_or_create(**key, defaults=assessed)[0]


def add_certificate(
    *,
    person: Person,
    kind: str,
    number: str,
    issuer: str,
    issued_on: date,
    expires_on: date | None = None,
    document_hash: str = "",
) -> Certificate:
    manager = access.require(MANAGE)
    _refuse_erased(person)
    check_code(kind, "/kind")
    check_order(issued_on, expires_on)
    return Certificate.objects.create(
        tenant_id=manager.tenant_id,
        person=person,
        kind=kind,
        number=number,
        issuer=issuer,
        issued_on=issued_on,
        expires_on=expires_on,
        document_hash=document_hash,
    )


def add_training(*, person: Person, course: str, completed_on: date, expires_on: date | None = None) -> Training:
    manager = access.require(MANAGE)
    _refuse_erased(person)
    check_order(completed_on, expires_on)
    return Training.objects.create(
        tenant_id=manager.tenant_id, person=person, course=course, completed_on=completed_on, expires_on=expires_on
    )


def require_skill(
    *, site: Site, skill: Skill, level: int, n_people: int, certificates: Sequence[str] = ()
) -> SiteRequirement:
    """What the site wants of the skill from now on; one requirement for each site and skill."""
    manager = access.require(MANAGE)
    check_level(level)
    for place, kind in enumerate(certificates):
        check_code(kind, f"/certificates/{place}")
    wanted = {"level": level, "n_people": n_people, "certificates": sorted(set(certificates))}
    key = {"tenant_id": manager.tenant_id, "site": site, "skill": skill}
    return SiteRequirement.objects.update_or_create(**key, defaults=wanted)[0]


def drop_requirement(*, requirement: SiteRequirement) -> None:
    access.require(MANAGE)
    requirement.delete()


# What every way in asks of its values ---------------------------------------------------------------------------------


def check_code(code: str, pointer: str) -> None:
    """Invalid unless it can stand in a table, an address and a spreadsheet as it is."""
    if not CODE.fullmatch(code):
        message = "use 1 to 40 letters, digits and . _ / -, a letter or digit first"
        raise Invalid(f"{code!r} can't be a code.", (FieldError(pointer, message),))


def check_level(level: int) -> None:
    if level not in LEVELS:
        raise Invalid("There is no such level.", (FieldError("/level", f"give {min(LEVELS)} to {max(LEVELS)}"),))


def check_order(begins_on: date, expires_on: date | None) -> None:
    if expires_on is not None and expires_on < begins_on:
        raise Invalid("It would expire before it begins.", (FieldError("/expires_on", f"give {begins_on} or later"),))


def _check_member(user_id: UUID | None) -> None:
    if user_id is not None and not members().filter(user=user_id).exists():
        raise Invalid("There is no such user.", (FieldError("/user", "name a member of your organisation"),))


def _refuse_erased(person: Person) -> None:
    if person.erased_at is not None:
        raise Conflict(f"{person.code} was erased; register the person again under another code.")
