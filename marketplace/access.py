"""Permission is how you get the object: these fetch and authorise in one step, or raise.

A task that is absent, foreign or no longer published answers alike.
"""

from uuid import UUID

from marketplace import queries
from marketplace.lifecycle import ClaimState
from marketplace.models import Claim, ServiceTask
from tenants.api import require
from tenants.data import Conflict, NotFound


def get_task(task_id: UUID, *, needs: str = "view_tasks") -> ServiceTask:
    """An own task, a published one, or one that the actor's organisation has claimed."""
    require(needs)
    task = ServiceTask.objects.filter(pk=task_id).first()
    if task is None:
        raise NotFound("There is no such task, or it is not open to you; another firm may have claimed it.")
    return queries.with_claim(task)


def get_own_task(task_id: UUID) -> ServiceTask:
    """A task of the actor's organisation, to change it."""
    owner = require("post_tasks")
    task = get_task(task_id, needs="post_tasks")
    if task.tenant_id != owner.tenant_id:
        raise NotFound
    return task


def get_claim(task_id: UUID, token: int) -> Claim:
    """The live claim of the actor's organisation on a task, if `token` is its token: an older holder is fenced off."""
    firm = require("claim_tasks")
    claims = Claim.objects.filter(task=task_id, tenant=firm.tenant_id).select_related("task", "agreement")
    claim = claims.order_by("-token").first()
    if claim is None:
        raise NotFound
    if claim.state != ClaimState.LIVE or claim.token != token:
        raise Conflict("This claim has ended; the token is that of an older claim, or the task was reopened or closed.")
    return claim
