"""The reads of who works on which task, under the open identity."""

from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from marketplace.contracts.lifecycle import ContractState
from marketplace.lifecycle import ClaimState, State
from marketplace.models import Assignment, Claim, Contract, RemoteSession, ServiceTask
from marketplace.sessions.lifecycle import LIVE
from tenants.api import actor
from tenants.models import Booking


def people_on(task: ServiceTask) -> QuerySet[Assignment]:
    """Those who work on a task or will, the first to come first."""
    return Assignment.objects.filter(task=task, released_at=None).order_by("from_at", "pk")


def holds(task: ServiceTask) -> bool:
    """Whether the actor's organisation has the work of another one's task in hand, by a claim or a contract: of those
    of others only its own are seen."""
    return held_until(task) is not None


def held_until(task: ServiceTask) -> datetime | None:
    """The end of the lease, or of the contract's access; None if the organisation does not hold the task."""
    if task.tenant_id == actor().tenant_id:
        return None
    if task.state == State.CONTRACTED:
        running = Contract.objects.filter(task=task, state=ContractState.IN_PROGRESS)
        return running.values_list("access_until", flat=True).first()
    claims = Claim.objects.filter(task=task, state=ClaimState.LIVE)
    is_claimed = task.state in (State.CLAIMED, State.SUBMITTED)
    return claims.values_list("lease_until", flat=True).first() if is_claimed else None


def booked(booking: Booking) -> QuerySet[Assignment]:
    """The assignment that a booking is for, unless it is over."""
    return Assignment.objects.filter(booking=booking, released_at=None).select_related("task")


def standing(task_id: UUID) -> QuerySet[Assignment]:
    """In the firm's name: whom it still has on the task."""
    return Assignment.objects.filter(task=task_id, released_at=None).select_related("task")


def standing_alone(assignment_id: UUID) -> QuerySet[Assignment]:
    """In the firm's name: one assignment, unless it is over."""
    return Assignment.objects.filter(pk=assignment_id, released_at=None).select_related("task")


def hold(assignment: Assignment) -> None:
    """Lock it: nothing is booked in its time while it is being released."""
    Assignment.objects.select_for_update(no_key=True).get(pk=assignment.pk)


def session_on(assignment: Assignment) -> RemoteSession | None:
    """What is to be held, or is being held, in the time of an assignment."""
    return RemoteSession.objects.filter(assignment_id=assignment.pk, state__in=LIVE).order_by("from_at").first()
