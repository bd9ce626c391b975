"""How a contract and its milestones change, and who is told: what all their actions have in common.

Every step is a compare-and-set on the contract's version, made in the buyer's name, and comes first in its action: the
lock of the contract's row is what makes the steps of one contract take turns.
"""

from typing import Any
from uuid import UUID

from marketplace.contracts.data import WORDS_CHARS
from marketplace.contracts.lifecycle import (
    ContractEvent,
    ContractState,
    MilestoneEvent,
    MilestoneState,
    next_contract_state,
    next_milestone_state,
)
from marketplace.models import Contract, Milestone
from tenants.api import announce, compare_and_set, enter, on_behalf_of, opened
from tenants.data import Conflict, Event, FieldError, Invalid


def take_turn(contract: Contract, **changes: Any) -> None:
    """Conflict if the contract is not any more the version that was read. `changes` are columns written with it."""
    with on_behalf_of(contract.tenant_id):
        moved = compare_and_set(contract, **changes)
    if not moved:
        raise Conflict("The contract has changed since it was read; read it again and decide anew.")


def move_contract(contract: Contract, event: ContractEvent, **changes: Any) -> None:
    target = next_contract_state(ContractState(contract.state), event)
    take_turn(contract, state=target.value, **changes)


def move_milestone(milestone: Milestone, event: MilestoneEvent, **changes: Any) -> None:
    """One step of one milestone, as its contract's turn."""
    contract, target = milestone.contract, _target(milestone, event)
    take_turn(contract)
    _write(milestone, target, changes)


def move_along(milestone: Milestone, event: MilestoneEvent, **changes: Any) -> None:
    """A further step within a turn that was taken."""
    _write(milestone, _target(milestone, event), changes)


def _target(milestone: Milestone, event: MilestoneEvent) -> MilestoneState:
    return next_milestone_state(ContractState(milestone.contract.state), MilestoneState(milestone.state), event)


def _write(milestone: Milestone, target: MilestoneState, changes: dict[str, Any]) -> None:
    with on_behalf_of(milestone.tenant_id):
        Milestone.objects.filter(pk=milestone.pk).update(state=target.value, **changes)
        milestone.refresh_from_db(fields=["state", *changes])


def add(model: Any, contract: Contract, **columns: Any) -> Any:
    """A row of a ContractRow's table, in the buyer's name."""
    who = opened().actor
    own: dict[str, Any] = {"tenant_id": contract.tenant_id, "contract": contract, "firm_id": contract.firm_id}
    if any(field.name == "user" for field in model._meta.fields):
        own["user_id"] = who and who.user_id
    with on_behalf_of(contract.tenant_id):
        return model.objects.create(**own | columns)


def tell(
    kind: str,
    contract: Contract,
    milestone: Milestone | None = None,
    *,
    also: frozenset[UUID] = frozenset(),
    **facts: Any,
) -> None:
    """Tell both parties, and enter it in the ledgers of both; of those named by `also`, too."""
    body = facts_of(contract, milestone)
    parties = frozenset({contract.tenant_id, contract.firm_id}) | also
    announce(Event(kind=kind, body=body, permission="view_tasks", owner_id=contract.tenant_id, to=parties))
    subject = contract.pk if milestone is None else milestone.pk
    enter(kind=kind, subject=subject, payload=body | facts, with_tenants=parties)


def facts_of(contract: Contract, milestone: Milestone | None = None) -> dict[str, Any]:
    """What events and entries say of a contract."""
    facts = {
        "contract": str(contract.pk),
        "task": str(contract.task_id),
        "title": contract.title,
        "status": contract.state,
        "owner": str(contract.tenant_id),
        "owner_name": contract.owner_name,
        "firm": str(contract.firm_id),
        "firm_name": contract.firm_name,
    }
    if milestone is None:
        return facts
    part = {"milestone": str(milestone.pk), "milestone_title": milestone.title, "number": milestone.number}
    return facts | part | {"status": milestone.state}


def bounded(words: str, name: str, *, is_needed: bool = False) -> str:
    """Invalid if they are too long, or missing where they are needed."""
    words = words.strip()
    if len(words) > WORDS_CHARS or (is_needed and not words):
        least = 1 if is_needed else 0
        raise Invalid(f"The {name} won't do.", (FieldError(f"/{name}", f"give {least} to {WORDS_CHARS} characters"),))
    return words
