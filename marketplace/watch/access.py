"""How the rule of a task stands: for its owner, and for the firm while the work is its."""

from uuid import UUID

from marketplace.acceptance import Standing
from marketplace.acceptance_queries import standing_of
from marketplace.access import get_task
from marketplace.contracts.api import ContractState, contract_of
from marketplace.lifecycle import State
from marketplace.models import ServiceTask
from marketplace.opening import is_open
from marketplace.queries import database_time
from tenants.api import actor
from tenants.data import NotFound

WITH_THE_FIRM = (State.CLAIMED, State.SUBMITTED)


def get_standing(task_id: UUID) -> Standing | None:
    """None where there is no rule; NotFound where the work is not (or no longer) the actor's organisation's."""
    task = get_task(task_id)
    if not _is_party(task):
        raise NotFound("The work on this task is not yours.")
    return standing_of(task, database_time())


def shown_standing(task: ServiceTask) -> Standing | None:
    """None for who may not see it, too. What shuts the data to the firm, such as a dispute, closes this with it."""
    return standing_of(task, database_time()) if _is_party(task) else None


def _is_party(task: ServiceTask) -> bool:
    me = actor().tenant_id
    if task.tenant_id == me:
        return True
    if task.state in WITH_THE_FIRM:
        claim = task.claim
        return claim is not None and claim.tenant_id == me and is_open(claim.agreement)
    contract = contract_of(task)
    return contract is not None and contract.state == ContractState.IN_PROGRESS and is_open(contract.agreement)
