"""The writes of a contract from its beginning to its end. Each runs in the caller's open transaction.

Settlement is beside it (settlement.py), and so are disputes and ratings.
"""

from datetime import timedelta
from math import ceil
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from marketplace import queries as market
from marketplace.acceptance_queries import evidence_for
from marketplace.contracts import queries
from marketplace.contracts.access import refuse_but_firm, refuse_but_owner
from marketplace.contracts.data import WHOLE_BP, WORDS_CHARS, Share, amounts_of, refuse_bad_shares
from marketplace.contracts.lifecycle import ContractEvent, ContractState, MilestoneEvent
from marketplace.contracts.posting import charge_fee
from marketplace.contracts.steps import add, bounded, move_contract, move_milestone, take_turn, tell
from marketplace.crew.actions import release_all
from marketplace.lifecycle import Event, State
from marketplace.models import Claim, Contract, Inspection, Milestone, ServiceTask, Submission
from marketplace.moves import move_task
from marketplace.moves import tell as tell_of_task
from marketplace.opening import (
    EXTENDED,
    Window,
    close_data,
    extended,
    open_data,
    refuse_opening_beyond,
    refuse_reopening,
    window_of,
)
from marketplace.sessions.ending import end_sessions
from tenants.api import Use, meter, on_behalf_of, require, tenants
from tenants.data import Conflict


def write_contract(
    *,
    task: ServiceTask,
    firm_id: UUID,
    price_minor: int,
    currency: str,
    milestones: list[dict[str, Any]] | None = None,
    agreement: Any = None,
) -> Contract:
    """The contract of an award or a claim, with its milestones; the data that the task lists opens to the firm with it,
    until the time that the task offers after the last milestone is due.

    In the owner's name, after the firm's right was verified; the caller moves the task. `milestones` are as
    the task's terms have them ({title, share_bp, due_d}), else the task's own, else one for the whole. With an
    `agreement`, such as a claim's, that one is the contract's and none is made. Invalid if the milestones won't do.
    """
    shares = [Share.from_document(each) for each in milestones or planned(task)]
    refuse_bad_shares(shares)
    window = window_of(task, last_due_d=max(share.due_d for share in shares))
    with on_behalf_of(task.tenant_id):
        owner_name = tenants().get(pk=task.tenant_id).name
    with on_behalf_of(firm_id):
        firm_name = tenants().get(pk=firm_id).name
    opened = agreement or open_data(task, firm_id, firm_name, window)
    with on_behalf_of(task.tenant_id):
        contract = Contract.objects.create(
            tenant_id=task.tenant_id,
            firm_id=firm_id,
            task=task,
            agreement=opened,
            owner_name=owner_name,
            firm_name=firm_name,
            title=task.title,
            price_minor=price_minor,
            currency=currency,
            retention_bp=task.retention_bp,
            warranty_d=task.warranty_d,
            access_until=window[1],
            written_at=window[0],
        )
    _lay_out(contract, shares)
    tell("contract.written", contract, price_minor=price_minor, currency=currency, agreement=opened.pk)
    return contract


def _lay_out(contract: Contract, shares: list[Share]) -> None:
    """The milestones, with their parts of the price."""
    amounts = amounts_of(contract.price_minor, [share.share_bp for share in shares])
    for number, (share, amount) in enumerate(zip(shares, amounts, strict=True), 1):
        due_at = contract.written_at + timedelta(days=share.due_d)
        part = {"title": share.title, "share_bp": share.share_bp, "amount_minor": amount, "due_at": due_at}
        add(Milestone, contract, number=number, **part)


def planned(task: ServiceTask) -> list[dict[str, Any]]:
    """The task's milestones; where it has none, one for the whole."""
    whole = {"title": task.title, "share_bp": WHOLE_BP, "due_d": ceil(task.access_h / 24)}
    return task.milestones or [whole]


def settle_claim(*, task: ServiceTask, claim: Claim, words: str = "") -> Contract:
    """The contract of a direct claim whose work was accepted just now, so that it is settled like any other; `words`
    say how, if it was not by the owner's yes."""
    contract = write_contract(
        task=task,
        firm_id=claim.tenant_id,
        price_minor=task.fee_minor,
        currency=task.currency,
        milestones=[],
        agreement=claim.agreement,
    )
    for milestone in queries.milestones_of(contract):
        milestone.contract = contract
        _submit(milestone, claim.work_note[:WORDS_CHARS], claim.evidence)
        _accept(milestone, words)
    return contract


def submit_milestone(*, milestone: Milestone, note: str = "") -> Submission:
    """The firm says that it is done; what the readings say of its rule is kept with it and told to both."""
    contract = milestone.contract
    refuse_but_firm(contract, "claim_tasks")
    evidence = evidence_for(contract.task, market.database_time())
    submission = _submit(milestone, bounded(note, "note"), evidence)
    if evidence is not None:
        tell_of_task("task.evidence", contract.task, to=frozenset({contract.firm_id}), evidence=evidence)
    return submission


def _submit(milestone: Milestone, note: str, evidence: dict[str, Any] | None) -> Submission:
    contract = milestone.contract
    move_milestone(milestone, MilestoneEvent.SUBMIT, submitted_at=Now())
    submission: Submission = add(Submission, contract, milestone=milestone, note=note, evidence=evidence)
    tell("milestone.submitted", contract, milestone, note=note, evidence=evidence)
    return submission


def accept_milestone(*, milestone: Milestone) -> None:
    """The buyer accepts; with the last one the contract is fulfilled, the task closed, and so is the data."""
    refuse_but_owner(milestone.contract, "post_tasks")
    _accept(milestone)


def _accept(milestone: Milestone, words: str = "") -> None:
    contract = milestone.contract
    move_milestone(milestone, MilestoneEvent.ACCEPT, accepted_at=Now())
    _inspect(milestone, Inspection.Outcome.ACCEPTED, words)
    tell("milestone.accepted", contract, milestone, amount_minor=milestone.amount_minor, currency=contract.currency)
    if not queries.unaccepted(contract):
        _fulfil(contract)


def request_milestone_rework(*, milestone: Milestone, reason: str) -> None:
    """The buyer says what is missing; the data stays open for as long as the task offers from now on, or longer."""
    contract = milestone.contract
    refuse_but_owner(contract, "post_tasks")
    reason = bounded(reason, "reason", is_needed=True)
    move_milestone(milestone, MilestoneEvent.REWORK)
    _inspect(milestone, Inspection.Outcome.REWORK, reason)
    tell("milestone.rework", contract, milestone, reason=reason)
    window = window_of(contract.task)
    if window[1] > contract.access_until:
        refuse_reopening(contract.agreement, require("post_tasks"))
        close_data(contract.agreement, "rework under a new agreement")
        reopen_data(contract, window)


def extend_access(*, contract: Contract, hours: int) -> None:
    """The buyer leaves the data open for so many hours more, by the agreement that follows; what is due stays."""
    refuse_but_owner(contract, "post_tasks")
    buyer = require("post_tasks")
    refuse_opening_beyond(buyer, tuple(contract.task.opens))
    if contract.state != ContractState.IN_PROGRESS:
        raise Conflict(f"The contract is {contract.state}; its data is open only while it is in progress.")
    window = extended(contract.access_until, hours, market.database_time())
    take_turn(contract)
    refuse_reopening(contract.agreement, buyer)
    close_data(contract.agreement, EXTENDED)
    reopen_data(contract, window)


def reopen_data(contract: Contract, window: Window) -> None:
    """A new agreement for the same data; which one it is stays in the ledgers, for what was used under the old one."""
    agreement = open_data(contract.task, contract.firm_id, contract.firm_name, window)
    take_turn(contract, agreement=agreement, access_until=window[1])
    tell("contract.reopened", contract, agreement=agreement.pk, access_until=window[1])


def _inspect(milestone: Milestone, outcome: Any, reason: str) -> None:
    submission = queries.newest_submission(milestone)
    add(
        Inspection,
        milestone.contract,
        milestone=milestone,
        submission=submission,
        outcome=outcome,
        reason=reason,
    )


def _fulfil(contract: Contract) -> None:
    move_contract(contract, ContractEvent.FULFIL, fulfilled_at=Now())
    end_sessions(contract, "work accepted")
    close_data(contract.agreement, "work accepted")
    task, paid_by = contract.task, {"tenant_id": contract.tenant_id, "counterpart_id": contract.firm_id}
    if task.state == State.CONTRACTED:
        move_task(task, Event.FULFIL)
        release_all(task_id=contract.task_id, firm_id=contract.firm_id, reason="work accepted")
    charge_fee(contract)
    meter(Use("marketplace", str(task.pk), "accepted_tasks", 1, ("task", str(task.pk)), **paid_by))
    tell("contract.fulfilled", contract)
