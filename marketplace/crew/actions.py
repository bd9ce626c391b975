"""A firm assigns its people to a task, and they are released: by the firm, or when the work ends or is lost.

The booking is what keeps a person from being in two places; the database itself refuses one that overlaps another.
"""

from datetime import UTC, date
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from marketplace.crew import queries
from marketplace.models import Assignment, ServiceTask, TaskNeed
from marketplace.profiles.queries import papers_of
from tenants.api import announce, enter, on_behalf_of, require
from tenants.data import Conflict, Event, FieldError, Invalid
from tenants.models import Booking, Person, PersonSkill
from tenants.resources.api import Window, book_person, lift_bookings

REASON_CHARS = 200


def assign_person(*, task: ServiceTask, person: Person, window: Window, need: TaskNeed | None = None) -> Assignment:
    """Send somebody to a task that the own organisation holds, for one of its needs where it has some.

    Conflict says what is in the way: no claim, a level or certificate that is missing, or the other booking.
    """
    firm = require("use_resources")
    if not queries.holds(task):
        raise Conflict("Your organisation does not hold this task; people are assigned to what it has claimed.")
    if need is None and task.needs.exists():
        raise Invalid("Say for which need.", (FieldError("/need", "name one of the task's needs"),))
    kinds = [need.certificate] if need is not None and need.certificate else []
    if need is not None and need.skill:
        _check_skill(person, need)
    booking = book_person(
        person=person,
        site=None,
        window=window,
        purpose=task.title,
        reference=f"task {task.pk}",
        certificates=_as_held(person, kinds),
    )
    _refuse_beyond(task, window)
    row = Assignment.objects.create(
        tenant_id=firm.tenant_id,
        owner_id=task.tenant_id,
        task=task,
        person=person,
        booking=booking,
        from_at=window.begins_at,
        to_at=window.ends_at,
        person_name=person.name,
        papers=_shown(person, kinds, window),
        assigned_by_id=firm.user_id,
    )
    _tell("assignment.made", row)
    return row


def release_person(*, assignment: Assignment, reason: str) -> None:
    """The firm takes somebody off a task; their time is free again from the commit on."""
    require("use_resources")
    queries.hold(assignment)
    session = queries.session_on(assignment)
    if session is not None:
        raise Conflict(f"They have session {session.number} '{session.subject}' in that time; cancel it first.")
    if not reason.strip() or len(reason) > REASON_CHARS:
        raise Invalid("Say why.", (FieldError("/reason", f"give 1 to {REASON_CHARS} characters"),))
    if not _release(assignment, reason):
        raise Conflict("This person was released from the task already.")


def release_all(*, task_id: UUID, firm_id: UUID, reason: str) -> int:
    """The work ended or was lost: everybody whom the firm still has on the task is free again. Returns how many.

    It follows from the firm's claim, so it is done in the firm's name, whoever ended it.
    """
    with on_behalf_of(firm_id):
        return sum(_release(row, reason) for row in queries.standing(task_id))


def release_booked(booking: Booking, reason: str) -> None:
    """Their booking was cancelled by hand: so they don't come."""
    for row in queries.booked(booking):
        _release(row, reason)


def release_one(*, assignment_id: UUID, firm_id: UUID, reason: str) -> bool:
    """What somebody was assigned for is cancelled, by whomever; whether they were on the task until now."""
    with on_behalf_of(firm_id):
        return any(_release(row, reason) for row in queries.standing_alone(assignment_id))


def _release(row: Assignment, reason: str) -> bool:
    still = Assignment.objects.filter(pk=row.pk, released_at=None)
    if not still.update(released_at=Now(), release_reason=reason):
        return False
    lift_bookings(Booking.objects.filter(pk=row.booking_id), reason=reason)
    _tell("assignment.released", row)
    return True


def _refuse_beyond(task: ServiceTask, window: Window) -> None:
    """Nobody works on after the firm's lease or its access is over."""
    until = queries.held_until(task)
    if until is not None and window.ends_at > until:
        words = f"give a time until {until:%Y-%m-%d %H:%M} UTC, when the task is to be done"
        raise Invalid("They would stay longer than the firm holds the task.", (FieldError("/to_at", words),))


def _check_skill(person: Person, need: TaskNeed) -> None:
    held = PersonSkill.objects.filter(person=person, skill__code__iexact=need.skill).order_by("-level").first()
    if held is None or held.level < need.level:
        has = f"has level {held.level}" if held else "was never assessed"
        raise Conflict(f"{person.code} {has} in {need.skill}; the task wants level {need.level}.")


def _as_held(person: Person, kinds: list[str]) -> list[str]:
    """The person's own spelling of the kinds wanted: codes are compared without case."""
    held = {row.kind.lower(): row.kind for row in person.certificates.all()}
    return [held.get(kind.lower(), kind) for kind in kinds]


def _shown(person: Person, kinds: list[str], window: Window) -> list[dict[str, Any]]:
    """What the owner sees of the papers: those asked for that are in force at some time of the work."""
    wanted, (first, last) = {kind.lower() for kind in kinds}, _days(window)
    return [
        paper.document()
        for paper in papers_of(person)
        if paper.kind.lower() in wanted
        and paper.issued_on <= last
        and (paper.expires_on is None or paper.expires_on >= first)
    ]


def _days(window: Window) -> tuple[date, date]:
    return window.begins_at.astimezone(UTC).date(), window.ends_at.astimezone(UTC).date()


def _tell(kind: str, row: Assignment) -> None:
    """Ids only, in feeds and ledgers alike: they are kept, and people have a right to be forgotten."""
    body = {
        "assignment": str(row.pk),
        "task": str(row.task_id),
        "title": row.task.title,
        "owner": str(row.owner_id),
        "firm": str(row.tenant_id),
        "from_at": row.from_at.isoformat(),
        "to_at": row.to_at.isoformat(),
    }
    parties = {row.owner_id, row.tenant_id}
    enter(kind=kind, subject=row.task_id, payload=body, with_tenants=parties)
    announce(Event(kind=kind, body=body, permission="view_tasks", to=frozenset(parties)))
