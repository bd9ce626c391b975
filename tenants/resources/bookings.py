"""Bookings of people and equipment: one at a time for each, and people only with the papers that the work needs."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Final

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange
from django.db.models import QuerySet

from tenants import access
from tenants.bus import announce
from tenants.data import Conflict, Event, FieldError, Invalid, time_errors
from tenants.models import Booking, Certificate, Equipment, Person, PersonSkill, Site, SiteRequirement, Skill
from tenants.resources.data import LONGEST, Validity, Window, first_uncovered

USE = "use_resources"
# What other apps keep together with a booking; they name it when they are loaded (`AppConfig.ready`).
ENDS_WITH_BOOKINGS: Final[list[Callable[[Booking, str], None]]] = []


def book_person(
    *,
    person: Person,
    site: Site | None,
    window: Window,
    purpose: str,
    reference: str = "",
    skill: Skill | None = None,
    certificates: Sequence[str] = (),
) -> Booking:
    """Book somebody who is free; the site's requirement of `skill` is asked of them, besides `certificates`.

    Without a site they work for another organisation, at a place of theirs; days are then those of UTC.
    Conflict names the booking in the way, the level that is missing, or the certificate and the day it fails.
    """
    access.require(USE)
    _check_window(window)
    person = Person.objects.select_for_update(no_key=True, of=("self",)).get(pk=person.pk)
    wanted = SiteRequirement.objects.filter(site=site, skill=skill).first() if site and skill else None
    kinds = sorted({*certificates, *(wanted.certificates if wanted else ())})
    if skill is not None:
        _check_level(person, skill, wanted.level if wanted else 1)
    days = window.days(site.time_zone if site else "UTC")
    _check_employed(person, days)
    _check_certificates(person, kinds, days)
    return _booked(person, site, window, purpose=purpose, reference=reference, skill=skill, certificates=kinds)


def book_equipment(*, equipment: Equipment, site: Site, window: Window, purpose: str, reference: str = "") -> Booking:
    """Book a machine that is in service and free, at the site where it stands or shall be brought to."""
    access.require(USE)
    _check_window(window)
    equipment = Equipment.objects.select_for_update(no_key=True, of=("self",)).get(pk=equipment.pk)
    if equipment.status != Equipment.Status.IN_SERVICE:
        raise Conflict(f"{equipment} is {equipment.get_status_display().lower()}; put it in service first.")
    return _booked(equipment, site, window, purpose=purpose, reference=reference)


def cancel_booking(*, booking: Booking, reason: str) -> Booking:
    """From the commit on the window is free again; a booking that is over stays as it was."""
    who = access.require(USE)
    open_ones = Booking.objects.filter(pk=booking.pk, cancelled_at=None, during__endswith__gt=datetime.now(UTC))
    if not open_ones.update(cancelled_at=datetime.now(UTC), cancelled_by=who.user_id, cancel_reason=reason):
        raise Conflict("The booking is over or was cancelled already; read it again.")
    booking.refresh_from_db()
    _announce("booking.cancelled", booking)
    for end in ENDS_WITH_BOOKINGS:
        end(booking, reason)
    return booking


def lift_bookings(booked: QuerySet[Booking], *, reason: str) -> int:
    """Cancel those that are not over, as what they were for has ended; returns how many. Nobody has to ask for it."""
    now = datetime.now(UTC)
    return booked.filter(cancelled_at=None, during__endswith__gt=now).update(cancelled_at=now, cancel_reason=reason)


def set_status(*, equipment: Equipment, status: str) -> Equipment:
    """Put a machine in or out of service. Conflict while it is booked, now or later."""
    access.require("manage_resources")
    equipment = Equipment.objects.select_for_update(no_key=True, of=("self",)).get(pk=equipment.pk)
    ahead = bookings_of(equipment).filter(during__endswith__gt=datetime.now(UTC)).order_by("during").first()
    if status != Equipment.Status.IN_SERVICE and ahead is not None:
        raise Conflict(f"{equipment} is booked: {told(ahead)}. Cancel that first.")
    Equipment.objects.filter(pk=equipment.pk).update(status=status)
    equipment.status = status
    return equipment


def bookings_of(resource: Person | Equipment) -> QuerySet[Booking]:
    """Those in force, past ones too."""
    key = {"person": resource} if isinstance(resource, Person) else {"equipment": resource}
    return Booking.objects.filter(cancelled_at=None, **key).select_related("site")


def told(booking: Booking) -> str:
    window = Window(booking.during.lower, booking.during.upper)
    place = f"at {booking.site.name}" if booking.site else "away"
    return f"for {booking.purpose!r} {place} from {window} (booking {booking.pk})"


def _booked(resource: Person | Equipment, site: Site | None, window: Window, **said: object) -> Booking:
    during = DateTimeTZRange(window.begins_at, window.ends_at)
    taken = bookings_of(resource).filter(during__overlap=during).order_by("during").first()
    if taken is not None:
        raise Conflict(f"{resource} is booked already {told(taken)}. Choose another time, or cancel that one.")
    key = {"person": resource} if isinstance(resource, Person) else {"equipment": resource}
    who = access.actor()
    booking = Booking.objects.create(
        tenant_id=resource.tenant_id, site=site, during=during, booked_by_id=who.user_id, **key, **said
    )
    _announce("booking.made", booking)
    return booking


def _announce(kind: str, booking: Booking) -> None:
    """Ids only: the feed is kept, and people have a right to be forgotten."""
    body = {
        "booking": str(booking.pk),
        "person": booking.person_id and str(booking.person_id),
        "equipment": booking.equipment_id and str(booking.equipment_id),
        "site": booking.site_id and str(booking.site_id),
        "begins_at": booking.during.lower.isoformat(),
        "ends_at": booking.during.upper.isoformat(),
    }
    announce(Event(kind=kind, body=body, permission="view_resources"))


def _check_window(window: Window) -> None:
    if window.ends_at <= window.begins_at:
        raise Invalid("The booking ends before it begins.", (FieldError("/ends_at", "give a later time"),))
    if window.ends_at <= datetime.now(UTC):
        raise Invalid("The booking would be over already.", (FieldError("/ends_at", "give a time to come"),))
    if window.ends_at - window.begins_at > LONGEST:
        raise Invalid("The booking is too long.", (FieldError("/ends_at", f"book at most {LONGEST.days} days"),))
    if errors := tuple(time_errors("/ends_at", window.ends_at)):
        raise Invalid("The booking is too far off.", errors)


def _check_employed(person: Person, days: tuple[date, date]) -> None:
    _, last = days
    if person.left_on is not None and person.left_on < last:
        raise Conflict(f"{person.code} leaves on {person.left_on}, before the booking's last day {last}.")


def _check_level(person: Person, skill: Skill, least: int) -> None:
    held = PersonSkill.objects.filter(person=person, skill=skill).first()
    if held is None or held.level < least:
        has = f"has level {held.level}" if held else "was never assessed"
        raise Conflict(f"{person.code} {has} in {skill.code}; the site wants level {least}.")


def _check_certificates(person: Person, kinds: Sequence[str], days: tuple[date, date]) -> None:
    """Each kind must be valid from the first of the days to the last; a renewal may follow on."""
    first, last = days
    held: dict[str, list[Validity]] = {kind: [] for kind in kinds}
    for row in Certificate.objects.filter(person=person, kind__in=kinds):
        held[row.kind].append((row.issued_on, row.expires_on))
    lacking = [
        f"{kind} ({_why(validities, day)})"
        for kind, validities in held.items()
        if (day := first_uncovered(validities, first, last)) is not None
    ]
    if lacking:
        raise Conflict(
            f"{person.code} lacks a valid certificate from {first} to {last}: {', '.join(lacking)}.",
            (FieldError("/certificates", "renew it, book a shorter time, or somebody else"),),
        )


def _why(validities: list[Validity], day: date) -> str:
    expired = [expires_on for _, expires_on in validities if expires_on is not None and expires_on < day]
    if expired:
        return f"expires on {max(expired)}"
    return f"not valid on {day}" if validities else "none is held"
