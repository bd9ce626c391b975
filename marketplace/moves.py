"""How a task changes state, and who is told of it: what claims, bids and contracts have in common.

Every change of a task's state is a compare-and-set on the version that was read, made in the owner's name. It comes
first in each action: its row lock is what makes racing claims, submissions and lapses take turns.
"""

from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from marketplace import queries
from marketplace.lifecycle import Event as Move
from marketplace.lifecycle import Mode, State, next_state
from marketplace.models import Claim, ServiceTask
from tenants.api import announce, compare_and_set, enter, on_behalf_of
from tenants.data import Conflict, Event


def move_task(task: ServiceTask, move: Move, **changes: Any) -> None:
    """Change the state if the row is still the version that was read; IllegalTransition or Conflict otherwise.

    `changes` are columns written with it. `task` is read anew where it had changed.
    """
    target = next_state(State(task.state), move, Mode(task.mode))
    with on_behalf_of(task.tenant_id):
        if compare_and_set(task, state=target.value, updated_at=Now(), **changes):
            return
        task.refresh_from_db()
    taken = move is Move.CLAIM and task.state in (State.CLAIMED, State.SUBMITTED, State.CLOSED)
    raise Conflict(
        "The task was claimed by another firm." if taken else f"The task has changed and is {task.state} now."
    )


def hold_task(task: ServiceTask) -> None:
    """A change of what goes with the task, as its turn; Conflict if the row is not the version that was read."""
    with on_behalf_of(task.tenant_id):
        if not compare_and_set(task, updated_at=Now()):
            raise Conflict("The task has changed since it was read; read it again and decide anew.")


def tell(
    kind: str,
    task: ServiceTask,
    *,
    claim: Claim | None = None,
    to: frozenset[UUID] = frozenset(),
    author_id: UUID | None = None,
    **facts: Any,
) -> None:
    """Tell the owner, those named by `to` and the firm of `claim`; with a claim it is in the ledgers of both, too.

    `author_id` as an event has it.
    """
    if claim is not None:
        to |= {claim.tenant_id}
        _enter_claim(kind, task, claim, facts)
    body = queries.facts_of(task, claim) | facts
    about: dict[str, Any] = {"owner_id": task.tenant_id, "to": to, "author_id": author_id}
    announce(Event(kind=kind, body=body, permission="view_tasks", **about))


def _enter_claim(kind: str, task: ServiceTask, claim: Claim, facts: dict[str, Any]) -> None:
    """Every step of a claim is in the ledgers of both, by which the fee is owed or not."""
    fee = {"fee_minor": task.fee_minor, "currency": task.currency}
    work = {"claim": claim.pk, "token": claim.token, "agreement": claim.agreement_id, "firm_name": claim.firm_name}
    payload = {"title": task.title, "status": task.state, **fee, **work, **facts}
    enter(kind=kind, subject=task.pk, payload=payload, with_tenants={task.tenant_id, claim.tenant_id})
