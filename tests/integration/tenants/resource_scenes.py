"""What the tests of people and stock begin with."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

from tenants.models import Material, Person, Skill
from tenants.resources import actions, bookings, stock
from tenants.resources.data import Window
from tests.personas import Organisation

TODAY = datetime.now(UTC).date()
TOMORROW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)


def window(hours: float = 8, after_h: float = 0) -> Window:
    """From tomorrow and `after_h` on."""
    begins_at = TOMORROW + timedelta(hours=after_h)
    return Window(begins_at, begins_at + timedelta(hours=hours))


def in_days(n: int) -> date:
    return TODAY + timedelta(days=n)


@dataclass
class Crew:
    """Of Aurora at North: Jane, who works alone at blasting and has a certificate, and Omar, who has neither."""

    blasting: Skill
    jane: Person
    omar: Person
    anfo: Material


def crew(owner: Organisation, expires_on: date | None = None) -> Crew:
    """`expires_on` is that of Jane's certificate, in a year without it; there are 100 kg of ANFO at North."""
    north = owner.sites["north"]
    with owner.acting():
        blasting = actions.register_skill(code="blasting", name="Blasting")
        jane = actions.register_person(code="P-1", name="Jane Doe", email="jane@example.com", home_site=north)
        omar = actions.register_person(code="P-2", name="Omar Ali", home_site=north)
        actions.assess_person(person=jane, skill=blasting, level=3, assessed_on=TODAY, assessor="Inspector")
        actions.add_certificate(
            person=jane,
            kind="shotfirer",
            number="SF-7",
            issuer="Mine inspectorate",
            issued_on=in_days(-300),
            expires_on=expires_on or in_days(365),
        )
        anfo = stock.register_material(code="ANFO", name="Explosive", unit="kg")
        stock.receive(site=north, material=anfo, quantity=Decimal(100), reference="delivery 1")
    return Crew(blasting, jane, omar, anfo)


def places(owner: Organisation) -> dict[str, UUID]:
    """One object for every argument of a route about people and stock. The booking is of the truck."""
    people = crew(owner)
    with owner.acting():
        north, truck = owner.sites["north"], owner.equipment["TRUCK-07"]
        requirement = actions.require_skill(site=north, skill=people.blasting, level=3, n_people=2)
        booking = bookings.book_equipment(equipment=truck, site=north, window=window(), purpose="haul")
    return {"person_id": people.jane.pk, "requirement_id": requirement.pk, "booking_id": booking.pk}
