"""The reads of who works on which task, under the open identity."""

from uuid import UUID

from django.db.models import QuerySet

from marketplace.contracts.lifecycle import ContractState
from marketplace.lifecycle import ClaimState, State
from marketplace.models import Assignment, Claim, Contract, ServiceTask
from tenants.api import actor


def people_on(task: ServiceTask) -> QuerySet[Assignment]:
    """Those who work on a task or will, the first to come first."""
    return Assignment.objects.filter(task=task, released_at=None).order_by("from_at", "pk")


def holds(task: ServiceTask) -> bool:
    """Whether the actor's organisation has the work of another one's task in hand, by a claim or a contract: of those
    of others only its own are seen."""
    if task.tenant_id == actor().tenant_id:
        return False
    if task.state == State.CONTRACTED:
        return Contract.objects.filter(task=task, state=ContractState.IN_PROGRESS).exists()
    is_claimed = task.state in (State.CLAIMED, State.SUBMITTED)
    return is_claimed and Claim.objects.filter(task=task, state=ClaimState.LIVE).exists()


def standing(task_id: UUID) -> QuerySet[Assignment]:
    """In the firm's name: whom it still has on the task."""
    return Assignment.objects.filter(task=task_id, released_at=None).select_related("task")
