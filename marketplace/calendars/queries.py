"""What stands in a member's calendar, under their identity."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Q

from marketplace.calendars.ics import Appointment
from marketplace.contracts.lifecycle import ContractState, MilestoneState
from marketplace.lifecycle import State
from marketplace.models import Assignment, CalendarAddress, Milestone, ServiceTask
from marketplace.queries import tasks_in
from tenants.api import actor

MOST_APPOINTMENTS = 500
HOST = "cloudmining"
OWED = (MilestoneState.PLANNED, MilestoneState.REWORK)


def own_address() -> CalendarAddress | None:
    """The one under which the actor's calendar is read now."""
    return CalendarAddress.objects.filter(user=actor().user_id, revoked_at=None).first()


def appointments() -> list[Appointment]:
    """The actor's own assignments, and the deadlines of tasks that their organisation owns or holds."""
    return [*_assignments(), *_leases(), *_ends_of_bidding(), *_milestones()]


def _assignments() -> Iterator[Appointment]:
    me = actor()
    mine = Assignment.objects.filter(tenant=me.tenant_id, person__user=me.user_id, released_at=None)
    for row in mine.select_related("task").order_by("-pk")[:MOST_APPOINTMENTS]:
        yield Appointment(_uid("assignment", row.pk), row.task.title, row.from_at, row.to_at, _place(row.task))


def _leases() -> Iterator[Appointment]:
    """When what others claimed of us, or we of others, has to be done."""
    for scope in ("own", "claimed"):
        for task in tasks_in(scope).filter(state=State.CLAIMED).order_by("-pk")[:MOST_APPOINTMENTS]:
            if task.claim is not None:
                yield _deadline(task, "lease", f"Due: {task.title}", task.claim.lease_until)


def _ends_of_bidding() -> Iterator[Appointment]:
    for task in tasks_in("own").filter(state=State.OPEN).exclude(bids_until=None).order_by("-pk")[:MOST_APPOINTMENTS]:
        yield _deadline(task, "bids", f"Bids end: {task.title}", task.bids_until)


def _milestones() -> Iterator[Appointment]:
    """What is due under contracts, for both parties."""
    me = actor().tenant_id
    owed = Milestone.objects.filter(
        Q(tenant=me) | Q(firm=me), state__in=OWED, contract__state=ContractState.IN_PROGRESS
    )
    for row in owed.select_related("contract").order_by("due_at", "pk")[:MOST_APPOINTMENTS]:
        parties = f"{row.contract.firm_name} for {row.contract.owner_name}"
        yield Appointment(
            _uid("milestone", row.pk), f"Due: {row.title}, {row.contract.title}", row.due_at, None, parties
        )


def _deadline(task: ServiceTask, what: str, summary: str, at: datetime) -> Appointment:
    return Appointment(_uid(what, task.pk), summary, at, description=_place(task))


def _place(task: ServiceTask) -> str:
    about = task.snapshot
    return ", ".join(filter(None, (about["equipment_code"], about["site_name"], about["owner_name"])))


def _uid(what: str, key: object) -> str:
    return f"{what}-{key}@{HOST}"
