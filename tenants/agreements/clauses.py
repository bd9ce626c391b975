"""Clauses as they are proposed: read, checked with pointers to what is wrong, and held against a framework's limits."""

from collections.abc import Collection, Iterator, Sequence
from typing import Any
from uuid import UUID

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants.agreements.data import MOST_CLAUSES, ClauseTerms, Place
from tenants.data import FieldError, Invalid
from tenants.models import Agreement, Clause, Equipment
from tenants.models.shared import shared_models
from tenants.reads.live_grants import ANY_PERMISSION


def maskable(permissions: Collection[str]) -> set[str]:
    """Fields of the rows that these permissions open, which a clause may hide."""
    opened = {ANY_PERMISSION, *permissions}
    return {name for model in shared_models() if model.shared_by in opened for name in model.maskable}


def clauses_from(wishes: Sequence[dict[str, Any]]) -> list[Clause]:
    """Unsaved rows from `{site | equipment, permissions, during: (from, to), …}`; the place is a row or a `Place`.

    Raises Invalid that points at every value that is not acceptable.
    """
    if len(wishes) > MOST_CLAUSES:
        raise Invalid("There are too many clauses.", (FieldError("/clauses", f"give at most {MOST_CLAUSES}"),))
    errors = tuple(error for index, wish in enumerate(wishes) for error in _errors(index, wish))
    if errors:
        raise Invalid("Some clauses are not acceptable.", errors)
    return [_clause(**wish) for wish in wishes]


def _errors(index: int, wish: dict[str, Any]) -> Iterator[FieldError]:
    terms = _terms(wish)
    if (wish.get("site") is None) == (wish.get("equipment") is None):
        yield FieldError(f"/clauses/{index}/site", "name either a site or a piece of equipment")
    for error in terms.errors(maskable(terms.permissions)):
        yield FieldError(f"/clauses/{index}{error.pointer}", error.message)


def _terms(wish: dict[str, Any]) -> ClauseTerms:
    rest = {key: wish[key] for key in ("purpose", "delay_s", "floor_n", "price_minor", "price_per") if key in wish}
    begins_at, ends_at = wish["during"]
    return ClauseTerms(
        permissions=frozenset(wish["permissions"]),
        field_mask=frozenset(wish.get("field_mask", ())),
        begins_at=begins_at,
        ends_at=ends_at,
        **rest,
    )


def _clause(*, permissions: Any, during: Any, site: Any = None, equipment: Any = None, **narrowed: Any) -> Clause:
    place = site or equipment
    return Clause(
        site_id=site and site.pk,
        equipment_id=equipment and equipment.pk,
        code=place.code,
        name=place.name,
        permissions=sorted(set(permissions)),
        during=DateTimeTZRange(*during),
        **narrowed | {"field_mask": sorted(set(narrowed.get("field_mask", ())))},
    )


def terms_of(clause: Clause) -> ClauseTerms:
    return ClauseTerms(
        permissions=frozenset(clause.permissions),
        begins_at=clause.during.lower,
        ends_at=clause.during.upper,
        purpose=clause.purpose,
        field_mask=frozenset(clause.field_mask),
        delay_s=clause.delay_s,
        floor_n=clause.floor_n,
        price_minor=clause.price_minor,
        price_per=clause.price_per,
    )


def places_offered(agreement: Agreement) -> dict[UUID, tuple[str, Place]]:
    """Id → `site` or `equipment`, and the place, of all that any offered version names."""
    named = Clause.objects.filter(agreement=agreement, version__offered_at__isnull=False)
    found = {}
    for clause in named:
        key = clause.site_id or clause.equipment_id
        assert key is not None
        found[key] = ("site" if clause.site_id else "equipment", Place(key, clause.code, clause.name))
    return found


def refuse_unnamed(agreement: Agreement, clauses: Sequence[Clause]) -> None:
    """The partner proposes clauses on places that the owner has named, and on no others."""
    named = places_offered(agreement)
    errors = tuple(
        FieldError(f"/clauses/{index}", "name a place that an offered version names")
        for index, clause in enumerate(clauses)
        if (clause.site_id or clause.equipment_id) not in named
    )
    if errors:
        raise Invalid("Only the owner names new places.", errors)


def refuse_beyond(framework: Agreement, clauses: Sequence[Clause]) -> None:
    """Each clause of a call-off lies within one clause of the framework; in the owner's name, who sees all places."""
    limits = list(framework.clauses.filter(version__number=framework.version))
    machines = Equipment.objects.filter(pk__in=[clause.equipment_id for clause in clauses if clause.equipment_id])
    site_of = {machine.pk: machine.site_id for machine in machines}
    errors = []
    for index, clause in enumerate(clauses):
        places = {clause.site_id, clause.equipment_id, site_of.get(clause.equipment_id)} - {None}
        near = [limit for limit in limits if (limit.site_id or limit.equipment_id) in places]
        passed = [terms_of(clause).beyond(terms_of(limit)) for limit in near] or [
            "the framework doesn't name its place"
        ]
        if all(passed):
            errors.append(FieldError(f"/clauses/{index}", passed[0]))
    if errors:
        raise Invalid("Some clauses go beyond the framework.", tuple(errors))
