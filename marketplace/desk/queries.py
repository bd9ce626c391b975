"""The reads of what lies beside a task, under the open identity."""

from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from marketplace.bids.lifecycle import BidState, ComplaintState
from marketplace.bids.queries import bidders, bids_on, held
from marketplace.contracts.queries import journal_of
from marketplace.desk.ocds import Told
from marketplace.lifecycle import State
from marketplace.models import (
    Complaint,
    Contract,
    JournalEntry,
    Milestone,
    ServiceTask,
    TaskAsker,
    TaskAttachment,
    TaskQuestion,
)
from marketplace.queries import audience_of, tasks_in
from tenants.api import actor

RELEASES: Final = 25


def readers_of(task: ServiceTask) -> frozenset[UUID]:
    """Own task: to whom it is visible, and who has asked or bid, also if they are not listed."""
    askers = TaskAsker.objects.filter(tenant=task.tenant_id, question__task=task).values_list("firm", flat=True)
    return audience_of(task) | bidders(task.pk) | frozenset(askers)


def attachments_of(task: ServiceTask) -> QuerySet[TaskAttachment]:
    """Oldest first, without their bytes."""
    return TaskAttachment.objects.filter(task=task).defer("content").order_by("pk")


def questions_about(task: ServiceTask) -> QuerySet[TaskQuestion]:
    """Oldest first, each with who asked where the reader is the owner or that firm."""
    asked = Prefetch("asked", TaskAsker.objects.all(), to_attr="askers")
    return TaskQuestion.objects.filter(task=task).prefetch_related(asked).order_by("pk")


def released(before: UUID | None = None) -> list[ServiceTask]:
    """Own tasks that were published, newest first, those older than `before`; one more than RELEASES if there are."""
    found = tasks_in("own").exclude(published_at=None)
    found = found.filter(pk__lt=before) if before else found
    return list(found.order_by("-pk")[: RELEASES + 1])


def told_of(task: ServiceTask) -> Told:
    """What the reader may read of a task, for its release."""
    contract = Contract.objects.filter(task=task).first()
    milestones = [] if contract is None else list(Milestone.objects.filter(contract=contract).order_by("number"))
    won = next(iter(held(bids_on(task.pk, [BidState.WON]))), None)
    return Told(
        task,
        list(attachments_of(task)),
        list(questions_about(task)),
        contract,
        milestones,
        won,
        _payments(contract),
        _annulled_at(task),
    )


def _annulled_at(task: ServiceTask) -> datetime | None:
    """When the award was taken back, for those who read the complaint about it, while the bids are judged again."""
    if task.state != State.EVALUATING:
        return None
    upheld = Complaint.objects.filter(task=task, state=ComplaintState.UPHELD)
    return upheld.order_by("-decided_at").values_list("decided_at", flat=True).first()


def _payments(contract: Contract | None) -> list[JournalEntry]:
    if contract is None or not actor().can("view_usage"):
        return []
    return list(journal_of(contract).filter(kind="payment").order_by("pk"))
