"""People and machines change their site. What a machine measured before stays with the site where it stood then."""

from datetime import UTC, datetime
from uuid import UUID

from tenants import access
from tenants.bus import announce
from tenants.data import Conflict, Event, FieldError, Invalid
from tenants.models import Equipment, Person, Relocation, Site
from tenants.resources.bookings import bookings_of, told

MANAGE = "manage_resources"


def move_person(*, person: Person, to_site: Site | None, reason: str = "") -> Relocation:
    """Give somebody another home site, or none."""
    access.require(MANAGE)
    person = Person.objects.select_for_update(no_key=True, of=("self",)).get(pk=person.pk)
    if person.erased_at is not None:
        raise Conflict(f"{person.code} was erased.")
    move = _moved(Relocation(person=person), person.tenant_id, person.home_site_id, to_site, reason)
    Person.objects.filter(pk=person.pk).update(home_site=to_site)
    return move


def move_equipment(*, equipment: Equipment, to_site: Site, reason: str = "") -> Relocation:
    """Bring a machine to another site; it belongs to no process there yet. Conflict while it is booked elsewhere."""
    access.require(MANAGE)
    equipment = Equipment.objects.select_for_update(no_key=True, of=("self",)).get(pk=equipment.pk)
    at_work = bookings_of(equipment).filter(during__contains=datetime.now(UTC)).exclude(site=to_site).first()
    if at_work is not None:
        raise Conflict(f"{equipment} is booked {told(at_work)}. Cancel that, or wait.")
    move = _moved(Relocation(equipment=equipment), equipment.tenant_id, equipment.site_id, to_site, reason)
    Equipment.objects.filter(pk=equipment.pk).update(site=to_site, process=None)
    body = {"equipment": str(equipment.pk), "from_site": str(move.from_site_id), "to_site": str(to_site.pk)}
    announce(Event(kind="equipment.relocated", body=body, permission="view_resources"))
    return move


def _moved(move: Relocation, tenant_id: UUID, from_id: UUID | None, to_site: Site | None, reason: str) -> Relocation:
    if from_id == (to_site and to_site.pk):
        raise Invalid("It is there already.", (FieldError("/site", "name another site"),))
    move.tenant_id, move.from_site_id, move.to_site_id = tenant_id, from_id, to_site and to_site.pk
    move.reason = reason
    move.moved_by_id = access.actor().user_id
    move.save(force_insert=True)
    return move
