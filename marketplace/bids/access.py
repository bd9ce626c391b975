"""Permission is how you get the object: these fetch and authorise in one step, or raise."""

from uuid import UUID

from marketplace import access
from marketplace.bids import queries
from marketplace.lifecycle import Mode
from marketplace.models import Bid, Complaint, Opener, ServiceTask
from tenants.api import require
from tenants.data import Conflict, NotFound


def get_bid(bid_id: UUID, *, needs: str = "view_tasks") -> Bid:
    """A bid of the actor's organisation, or one on a task of theirs."""
    require(needs)
    bid = queries.bids().filter(pk=bid_id).first()
    if bid is None:
        raise NotFound
    return bid


def get_own_bid(bid_id: UUID) -> Bid:
    """To change it, as the firm."""
    bid = get_bid(bid_id, needs="claim_tasks")
    if bid.tenant_id != require("claim_tasks").tenant_id:
        raise NotFound
    return bid


def get_bid_to_judge(bid_id: UUID) -> Bid:
    """As the owner of the task."""
    bid = get_bid(bid_id, needs="post_tasks")
    if bid.owner_id != require("post_tasks").tenant_id:
        raise NotFound
    return bid


def get_complaint_to_decide(complaint_id: UUID) -> Complaint:
    owner = require("post_tasks")
    complaint = Complaint.objects.select_related("task", "bid").filter(pk=complaint_id).first()
    if complaint is None or complaint.owner_id != owner.tenant_id:
        raise NotFound
    return complaint


def get_tender(task_id: UUID) -> ServiceTask:
    """An own task whose bids are sealed."""
    task = access.get_own_task(task_id)
    if task.mode != Mode.TENDER:
        raise Conflict(f"This task is a {task.mode}; only bids of a tender are sealed and opened.")
    return task


def get_opener(task: ServiceTask) -> Opener:
    """The actor as an opener of the tender."""
    opener = Opener.objects.filter(task=task.pk, user=require("post_tasks").user_id).first()
    if opener is None:
        raise Conflict("You are no opener of this tender; those who registered before it was published are.")
    return opener
