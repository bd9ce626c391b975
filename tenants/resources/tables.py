"""People, certificates and stock as tables, out and in: taken whole or not at all, and a second time without effect."""

from collections import Counter
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from tenants import access
from tenants.data import Refusal
from tenants.models import Material, Person, Site, Skill, StockLevel
from tenants.resources import actions, queries, relocations, stock
from tenants.resources.data import UNITS
from tenants.resources.sheets import Row, a_code, a_day, an_amount, levels, one_of, read, words, written

PERSON_COLUMNS: Final = ("code", "name", "email", "home_site", "left_on", "skills")
CERTIFICATE_COLUMNS: Final = ("person", "kind", "number", "issuer", "issued_on", "expires_on")
STOCK_COLUMNS: Final = ("site", "material", "name", "unit", "quantity")
MOST_OUT: Final = 10_000

Taken = Counter[str]  # how many rows were `added`, `changed` and found the `same`


def persons_out() -> bytes:
    rows = queries.persons().filter(erased_at=None).order_by("code")[:MOST_OUT]
    return written(PERSON_COLUMNS, [_person_cells(row) for row in rows])


def _person_cells(row: Person) -> list[Any]:
    held = " ".join(sorted(f"{each.skill.code}={each.level}" for each in row.skills.all()))
    return [row.code, row.name, row.email, row.home_site and row.home_site.code, row.left_on, held]


def certificates_out() -> bytes:
    rows = queries.certificates().order_by("person__code", "kind", "number")[:MOST_OUT]
    fields = ("person__code", *CERTIFICATE_COLUMNS[1:])
    return written(CERTIFICATE_COLUMNS, rows.values_list(*fields))


def stock_out() -> bytes:
    rows = queries.stock_levels().order_by("site__code", "material__code")[:MOST_OUT]
    return written(
        STOCK_COLUMNS,
        [[row.site.code, row.material.code, row.material.name, row.material.unit, row.quantity] for row in rows],
    )


def take_persons(text: str) -> Taken:
    """Add or change people by their code. Skills that a row doesn't name stay as they are."""
    access.require(actions.MANAGE)
    sheet = read(text, PERSON_COLUMNS, ("code", "name"))
    sites, skills = _own_sites(), {skill.code: skill for skill in queries.skills()}
    known = {row.code: row for row in queries.persons()}
    taken: Taken = Counter()
    for row in sheet:
        code, said = row.need("code", a_code, ""), _said(row)
        site: Site | None = row.get("home_site", one_of(sites, "site"), None)
        held = _skills(row, skills)
        if not sheet.errors:
            with _told(row, "code"):
                known[code], outcome = _person(known.get(code), code, said, site, "home_site" in row.cells)
                taken[_assessed(known[code], held, outcome)] += 1
    sheet.done()
    return taken


def _said(row: Row) -> dict[str, Any]:
    """Of the columns that the table has."""
    said = {
        "name": row.need("name", words(200), ""),
        "email": row.get("email", _email, ""),
        "left_on": row.get("left_on", a_day, None),
    }
    return {column: value for column, value in said.items() if column in row.cells}


def _person(
    known: Person | None, code: str, said: dict[str, Any], site: Site | None, has_site: bool
) -> tuple[Person, str]:
    if known is None:
        person = actions.register_person(code=code, name=said["name"], home_site=site)
        return actions.change_person(person=person, **said), "added"
    changed = {name: value for name, value in said.items() if getattr(known, name) != value}
    if changed:
        actions.change_person(person=known, **changed)
    moves = has_site and known.home_site_id != (site and site.pk)
    if moves:
        relocations.move_person(person=known, to_site=site, reason="table of people")
    return known, "changed" if changed or moves else "same"


def _skills(row: Row, skills: dict[str, Skill]) -> dict[Skill, int]:
    named: dict[str, int] = row.get("skills", levels, {})
    for code in named.keys() - skills.keys():
        row.refuse("skills", f"there is no skill with the code {code!r}")
    return {skills[code]: level for code, level in named.items() if code in skills}


def _assessed(person: Person, held: dict[Skill, int], outcome: str) -> str:
    before = {each.skill_id: each.level for each in person.skills.all()}
    new = {skill: level for skill, level in held.items() if before.get(skill.pk) != level}
    for skill, level in new.items():
        actions.assess_person(person=person, skill=skill, level=level, assessed_on=datetime.now(UTC).date())
    return "changed" if new and outcome == "same" else outcome


def take_certificates(text: str) -> Taken:
    """Add certificates to people who are registered; one that is held already has to be the same."""
    access.require(actions.MANAGE)
    sheet = read(text, CERTIFICATE_COLUMNS, CERTIFICATE_COLUMNS)
    people = {row.code: row for row in queries.persons()}
    known = {(row.person_id, row.kind, row.number): row for row in queries.certificates()}
    taken: Taken = Counter()
    for row in sheet:
        person = row.need("person", one_of(people, "person"), None)
        said: dict[str, Any] = {
            "kind": row.need("kind", a_code, ""),
            "number": row.need("number", words(100), ""),
            "issuer": row.need("issuer", words(200), ""),
            "issued_on": row.need("issued_on", a_day, None),
            "expires_on": row.get("expires_on", a_day, None),
        }
        if person is None or sheet.errors:
            continue
        key = (person.pk, said["kind"], said["number"])
        taken["same" if key in known else "added"] += 1
        if key not in known:
            with _told(row, "expires_on"):
                known[key] = actions.add_certificate(person=person, **said)
        elif any(getattr(known[key], name) != value for name, value in said.items()):
            row.refuse("number", "this certificate is held already with other words or days")
    sheet.done()
    return taken


def take_stock(text: str, *, reason: str) -> Taken:
    """A stock count: what differs from the level becomes an adjustment. An unknown material is added by its unit."""
    access.require(stock.USE)
    sheet = read(text, STOCK_COLUMNS, ("site", "material", "quantity"))
    sites, materials = _own_sites(), {row.code: row for row in queries.materials()}
    taken: Taken = Counter()
    for row in sheet:
        site: Site | None = row.need("site", one_of(sites, "site"), None)
        material = _material(row, materials)
        quantity = row.need("quantity", an_amount, Decimal(0))
        if site is not None and material is not None and not sheet.errors:
            with _told(row, "quantity"):
                taken[_counted(site, material, quantity, reason)] += 1
    sheet.done()
    return taken


def _material(row: Row, known: dict[str, Material]) -> Material | None:
    code = row.need("material", a_code, "")
    if code in known or not code:
        return known.get(code)
    name = row.need("name", words(200), "")
    unit = row.need("unit", one_of({unit: unit for unit in UNITS}, "unit"), "")
    if not name or not unit or row.sheet.errors:
        return None
    with _told(row, "material"):
        known[code] = stock.register_material(code=code, name=name, unit=unit)
    return known.get(code)


def _counted(site: Site, material: Material, quantity: Decimal, reason: str) -> str:
    key = {"tenant": material.tenant_id, "site": site, "material": material}
    level = StockLevel.objects.select_for_update(no_key=True).filter(**key).first()
    change = quantity - (level.quantity if level else 0)
    if not change:
        return "same"
    stock.adjust(site=site, material=material, quantity=change, reason=reason)
    return "changed" if level else "added"


class _told:
    """What an action refuses is noted at the row instead; the table is refused as a whole at its end."""

    def __init__(self, row: Row, column: str) -> None:
        self.row, self.column = row, column

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, Refusal):
            self.row.refuse(self.column, error.detail)
        return isinstance(error, Refusal)


def _own_sites() -> dict[str, Site]:
    return {site.code: site for site in Site.objects.filter(tenant=access.actor().tenant_id)}


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise ValueError("write an email address, or nothing") from None
    return text
