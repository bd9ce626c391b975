"""Complaints about an award, within its standstill, and what the owner decides."""

from django.db.models.functions import Now

from marketplace.bids import queries
from marketplace.bids.data import reason_given
from marketplace.bids.lifecycle import BidEvent, BidState, ComplaintState
from marketplace.bids.moves import move_bid, tell_bid
from marketplace.lifecycle import Event as Move
from marketplace.lifecycle import State
from marketplace.models import Bid, Complaint, ServiceTask
from marketplace.moves import move_task, tell
from marketplace.queries import database_time
from tenants.api import on_behalf_of, require
from tenants.data import Conflict

BEATEN = (BidState.LOST, BidState.DISQUALIFIED)


def complain(*, bid: Bid, text: str) -> Complaint:
    """By a firm whose bid did not win, while the standstill lasts by the database's clock; no contract comes before the
    decision."""
    require("claim_tasks")
    text = reason_given(text, "/text")
    if bid.state not in BEATEN:
        raise Conflict(f"Only a bid that lost or was disqualified can be complained about; this one is {bid.state}.")
    with on_behalf_of(bid.owner_id):
        # Its row lock makes complaint and contract take turns.
        task = ServiceTask.objects.select_for_update().get(pk=bid.task_id)
        until = queries.standstill_until(task)
        if task.state != State.AWARDED or until is None or database_time() >= until:
            raise Conflict("A complaint is made between the award and the end of the standstill.")
        complaint = Complaint.objects.create(
            tenant_id=bid.tenant_id, owner_id=bid.owner_id, task=task, bid=bid, text=text
        )
    tell_bid("bid.complained", bid, task, complaint=complaint.pk)
    _tell_winner("bid.contested", task)
    return complaint


def decide_complaint(*, complaint: Complaint, is_upheld: bool, reason: str) -> None:
    """Upheld: the award is annulled, the bids are judged again, and the other complaints about it are upheld with this
    one. Rejected: it goes on. The reason is told to the firms."""
    require("post_tasks")
    state, reason = ComplaintState.UPHELD if is_upheld else ComplaintState.REJECTED, reason_given(reason)
    task = ServiceTask.objects.select_for_update().get(pk=complaint.task_id)  # first, as whoever complains does
    _close(complaint, state, reason)
    decided = [complaint]
    if is_upheld:
        for other in queries.complaints(task.pk).filter(state=ComplaintState.OPEN):
            _close(other, state, reason)
            decided.append(other)
        _annul(task, [each.bid for each in decided])
    for each in decided:
        each.bid.refresh_from_db(fields=["state"])
        tell_bid("bid.complaint_decided", each.bid, task, complaint=each.pk, decision=state.value, reason=reason)
    if not is_upheld and not queries.is_contested(task):
        _tell_winner("bid.uncontested", task)


def _close(complaint: Complaint, state: ComplaintState, reason: str) -> None:
    undecided = Complaint.objects.filter(pk=complaint.pk, state=ComplaintState.OPEN)
    if not undecided.update(state=state.value, decision=reason, decided_at=Now()):
        raise Conflict("This complaint has been decided.")
    complaint.refresh_from_db(fields=["state", "decision", "decided_at"])


def _tell_winner(kind: str, task: ServiceTask) -> None:
    """If there is one, in the owner's name: whose the complaint is stays out of it, and who won from what its firm is
    told."""
    with on_behalf_of(task.tenant_id):
        winners = frozenset(bid.tenant_id for bid in queries.bids_on(task.pk, [BidState.WON]))
    if winners:
        tell(kind, task, to=winners, author_id=task.tenant_id)


def _annul(task: ServiceTask, contested: list[Bid]) -> None:
    """Every bid of this award is to be judged again, and those of the firms that were right."""
    move_task(task, Move.ANNUL)
    for bid in queries.bids_on(task.pk, [BidState.WON, BidState.LOST]):
        move_bid(bid, BidEvent.ANNUL, reason="", outcome=None, decided_at=None)
        tell_bid("bid.annulled", bid, task)
    for bid in contested:
        if bid.state == BidState.DISQUALIFIED:
            move_bid(bid, BidEvent.REINSTATE, reason="", decided_at=None)
            tell_bid("bid.reinstated", bid, task)
