"""A dispute stops a contract and shuts the data; both put down what they say; then it goes on, or it is over.

They may agree on a mediator meanwhile (mediation.py).
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from marketplace import queries as market
from marketplace.contracts import queries
from marketplace.contracts.actions import reopen_data
from marketplace.contracts.lifecycle import ContractEvent
from marketplace.contracts.mediation import end_mediation
from marketplace.contracts.steps import add, bounded, move_contract, tell
from marketplace.crew.actions import release_all
from marketplace.data import ANSWER_D
from marketplace.lifecycle import Event, State
from marketplace.models import Contract, Dispute, DisputeNote
from marketplace.moves import move_task
from marketplace.opening import close_data, is_open
from marketplace.sessions.ending import end_sessions, give_back_time, stop_running
from tenants.api import on_behalf_of, require
from tenants.data import Conflict, Forbidden


def open_dispute(*, contract: Contract, reason: str) -> Dispute:
    """Either party may; from this transaction on the firm sees nothing of the data, and nothing is paid."""
    by = require("manage_agreements")
    words = bounded(reason, "reason", is_needed=True)
    move_contract(contract, ContractEvent.DISPUTE)
    stop_running(contract, "in dispute")
    shut_data = is_open(contract.agreement)
    close_data(contract.agreement, "in dispute")
    dispute: Dispute = add(Dispute, contract, by_id=by.tenant_id, reason=words, shut_data=shut_data)
    tell("contract.disputed", contract, reason=words, by=by.tenant_id)
    return dispute


def add_note(*, contract: Contract, words: str) -> DisputeNote:
    """What a party says in the mediation; it stays as it is."""
    by = require("comment")
    said = bounded(words, "words", is_needed=True)
    dispute = queries.dispute_now(contract)
    note: DisputeNote = add(DisputeNote, contract, dispute=dispute, by_id=by.tenant_id, words=said)
    tell("contract.noted", contract, also=queries.sitting_mediators(dispute), words=said, by=by.tenant_id)
    return note


def withdraw_dispute(*, contract: Contract) -> None:
    """The party that opened it is content: the contract goes on, the clock of the data having stood still.

    What was shut before the dispute stays shut.
    """
    by = require("manage_agreements")
    dispute = queries.dispute_now(contract)
    if dispute.by_id != by.tenant_id:
        raise Forbidden("Who opened the dispute says that it is settled; you may terminate the contract.")
    goes_on = contract.fulfilled_at is None
    move_contract(contract, ContractEvent.RESUME if goes_on else ContractEvent.RESTORE)
    mediator = _resolve(dispute, Dispute.Outcome.RESUMED)
    tell("contract.resumed", contract, also=mediator)
    if goes_on and dispute.shut_data:
        now = market.database_time()
        reopen_data(contract, (now, contract.access_until + (now - dispute.created_at)))


def terminate_contract(*, contract: Contract, reason: str) -> None:
    """Either party gives it up before the work is done; the data is closed, and what was accepted is still settled.

    Where all work is accepted there is nothing to give up: the dispute is over and the settlement goes on. Conflict if
    the other party, which opened that dispute, was not heard; if the buyer has not answered what was submitted, unless
    the firm was heard about it in a dispute; or if the buyer has asked for rework and left the firm no time for it.
    """
    by = require("manage_agreements")
    words = bounded(reason, "reason", is_needed=True)
    dispute = queries.open_dispute(contract)
    if dispute is not None and contract.fulfilled_at is not None:
        if by.tenant_id != dispute.by_id:
            _refuse_before(dispute.created_at, dispute, "Who opened the dispute is to be heard")
        move_contract(contract, ContractEvent.RESTORE)
        mediator = _resolve(dispute, Dispute.Outcome.RESUMED)
        tell("contract.resumed", contract, also=mediator, reason=words)
        return
    if by.tenant_id == contract.tenant_id:
        _refuse_unheard(contract, dispute)
    move_contract(contract, ContractEvent.TERMINATE)
    end_sessions(contract, "contract terminated")
    close_data(contract.agreement, "contract terminated")
    if contract.task.state == State.CONTRACTED:
        move_task(contract.task, Event.TERMINATE)
        release_all(task_id=contract.task_id, firm_id=contract.firm_id, reason="contract terminated")
    mediator = frozenset() if dispute is None else _resolve(dispute, Dispute.Outcome.TERMINATED)
    tell("contract.terminated", contract, also=mediator, reason=words)


def _refuse_unheard(contract: Contract, dispute: Dispute | None) -> None:
    since = queries.rework_asked_at(contract)
    if queries.submitted(contract):
        if dispute is None:
            raise Conflict("Submitted work waits for your answer: accept it, ask for rework or open a dispute first.")
        since = dispute.created_at
    if since is not None:
        _refuse_before(since, dispute, "The firm is to be heard about the work it submitted, or to mend it")


def _refuse_before(since: datetime, dispute: Dispute | None, words: str) -> None:
    heard_at = since + timedelta(days=ANSWER_D)
    is_recommended = dispute is not None and queries.was_recommended(dispute)
    if market.database_time() < heard_at and not is_recommended:
        raise Conflict(
            f"{words}: you may terminate from {heard_at:%Y-%m-%d %H:%M} UTC, or once a mediator in a dispute has "
            "recommended how it should end."
        )


def _resolve(dispute: Dispute, outcome: Any) -> frozenset[UUID]:
    """Returns who mediated until now."""
    with on_behalf_of(dispute.tenant_id):
        Dispute.objects.filter(pk=dispute.pk).update(outcome=outcome, resolved_at=Now())
    give_back_time(dispute.contract, market.database_time() - dispute.created_at)
    return end_mediation(dispute)
