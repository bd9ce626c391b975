"""The reads of people and stock, all of the actor's own organisation."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, TypedDict, TypeVar, Unpack
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import F, Model, Q, QuerySet, Sum

from tenants import access
from tenants.models import (
    Booking,
    Certificate,
    Material,
    Person,
    PersonSkill,
    Relocation,
    SiteRequirement,
    Skill,
    StockLevel,
    StockMove,
)
from tenants.resources.data import Cell, Holder, Need, skills_matrix

Row = TypeVar("Row", bound=Model)


class BookingFilter(TypedDict, total=False):
    """`from_at` and `to_at` ask for what touches that span; cancelled ones only with `cancelled`."""

    person: UUID
    equipment: UUID
    site: UUID
    from_at: datetime | None
    to_at: datetime | None
    cancelled: bool


def _own(model: type[Row]) -> QuerySet[Row]:
    return model._default_manager.filter(tenant=access.actor().tenant_id)


def persons() -> QuerySet[Person]:
    return _own(Person).select_related("home_site").prefetch_related("skills__skill")


def active_persons(today: date) -> QuerySet[Person]:
    return persons().filter(Q(left_on=None) | Q(left_on__gte=today))


def skills() -> QuerySet[Skill]:
    return _own(Skill)


def certificates() -> QuerySet[Certificate]:
    return _own(Certificate).select_related("person")


def requirements() -> QuerySet[SiteRequirement]:
    return _own(SiteRequirement).select_related("site", "skill")


def materials() -> QuerySet[Material]:
    return _own(Material)


def stock_levels() -> QuerySet[StockLevel]:
    return _own(StockLevel).select_related("site", "material")


def stock_moves() -> QuerySet[StockMove]:
    return _own(StockMove).select_related("site", "material")


def relocations() -> QuerySet[Relocation]:
    return _own(Relocation)


def bookings(**wanted: Unpack[BookingFilter]) -> QuerySet[Booking]:
    found = _own(Booking).select_related("person", "equipment", "site", "skill")
    if not wanted.pop("cancelled", False):
        found = found.filter(cancelled_at=None)
    span = DateTimeTZRange(wanted.pop("from_at", None), wanted.pop("to_at", None))
    return found.filter(during__overlap=span, **wanted)


def expiring(*, today: date, within_days: int) -> QuerySet[Certificate]:
    """Certificates of people still here that expire within so many days or have; renewed ones are left out."""
    still_here = Q(person__left_on=None) | Q(person__left_on__gte=today)
    rows = certificates().filter(still_here, expires_on__lte=today + timedelta(days=within_days))
    renewal = Q(person__certificates__kind=F("kind")) & (
        Q(person__certificates__expires_on=None) | Q(person__certificates__expires_on__gt=F("expires_on"))
    )
    return rows.exclude(pk__in=rows.filter(renewal).values("pk")).order_by("expires_on", "pk")


def matrix(*, today: date, site_id: UUID | None = None) -> list[Cell]:
    """Needed, there and missing, for each site and skill; people count at their home site."""
    place = {} if site_id is None else {"site": site_id}
    needs = [
        Need(row.site_id, row.skill_id, row.level, row.n_people, frozenset(row.certificates))
        for row in requirements().filter(**place)
    ]
    return skills_matrix(needs, _holders(today, site_id))


def _holders(today: date, site_id: UUID | None) -> list[Holder]:
    people = active_persons(today).exclude(home_site=None)
    if site_id is not None:
        people = people.filter(home_site=site_id)
    valid = Q(issued_on__lte=today) & (Q(expires_on=None) | Q(expires_on__gte=today))
    kinds: dict[UUID, set[str]] = {}
    for person_id, kind in certificates().filter(valid).values_list("person", "kind"):
        kinds.setdefault(person_id, set()).add(kind)
    return [
        Holder(row.code, row.home_site_id, _levels(row.skills.all()), frozenset(kinds.get(row.pk, ())))
        for row in people
    ]


def _levels(held: Iterable[PersonSkill]) -> dict[UUID, int]:
    return {row.skill_id: row.level for row in held}


def stock_faults() -> list[dict[str, Any]]:
    """Levels that are not the sum of their moves: none, unless something wrote past the database's triggers."""
    key = ("site_id", "material_id")
    sums = {row[:2]: row[2] for row in _own(StockMove).values_list(*key).annotate(sum=Sum("quantity")).order_by()}
    levels = {row[:2]: row[2] for row in _own(StockLevel).values_list(*key, "quantity")}
    return [
        {"site": place[0], "material": place[1], "level": levels.get(place, 0), "moves": sums.get(place, 0)}
        for place in sorted(sums.keys() | levels.keys())
        if levels.get(place, 0) != sums.get(place, 0)
    ]
