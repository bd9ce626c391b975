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
    """Upheld: the award is annulled and the bids are judged again. Rejected: it goes on. The reason is the firm's."""
    require("post_tasks")
    state = ComplaintState.UPHELD if is_upheld else ComplaintState.REJECTED
    reason, task = reason_given(reason), complaint.task
    undecided = Complaint.objects.filter(pk=complaint.pk, state=ComplaintState.OPEN)
    if not undecided.update(state=state.value, decision=reason, decided_at=Now()):
        raise Conflict("This complaint has been decided.")
    complaint.refresh_from_db(fields=["state", "decision", "decided_at"])
    if is_upheld:
        _annul(task, complaint.bid)
    tell_bid("bid.complaint_decided", complaint.bid, task, complaint=complaint.pk, decision=state.value, reason=reason)
    if not is_upheld and not queries.is_contested(task):
        _tell_winner("bid.uncontested", task)


def _tell_winner(kind: str, task: ServiceTask) -> None:
    """Whose the complaint is stays out of it, and who won from what its firm is told."""
    with on_behalf_of(task.tenant_id):
        winners = frozenset(bid.tenant_id for bid in queries.bids_on(task.pk, [BidState.WON]))
    tell(kind, task, to=winners)


def _annul(task: ServiceTask, contested: Bid) -> None:
    """Every bid of this award is to be judged again, and that of the firm that was right."""
    move_task(task, Move.ANNUL)
    for bid in queries.bids_on(task.pk, [BidState.WON, BidState.LOST]):
        move_bid(bid, BidEvent.ANNUL, reason="", outcome=None, decided_at=None)
        tell_bid("bid.annulled", bid, task)
    if contested.state == BidState.DISQUALIFIED:
        move_bid(contested, BidEvent.REINSTATE, reason="", decided_at=None)
        tell_bid("bid.reinstated", contested, task)
