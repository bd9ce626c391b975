"""The reads of what lies beside a task, under the open identity."""

from django.db.models import Prefetch, QuerySet

from marketplace.bids.lifecycle import BidState
from marketplace.bids.queries import bids_on
from marketplace.desk.ocds import Told
from marketplace.models import Contract, Milestone, ServiceTask, TaskAsker, TaskAttachment, TaskQuestion


def attachments_of(task: ServiceTask) -> QuerySet[TaskAttachment]:
    """Oldest first, without their bytes."""
    return TaskAttachment.objects.filter(task=task).defer("content").order_by("pk")


def questions_about(task: ServiceTask) -> QuerySet[TaskQuestion]:
    """Oldest first, each with who asked where the reader is the owner or that firm."""
    asked = Prefetch("asked", TaskAsker.objects.all(), to_attr="askers")
    return TaskQuestion.objects.filter(task=task).prefetch_related(asked).order_by("pk")


def told_of(task: ServiceTask) -> Told:
    """What the reader may read of a task, for its release."""
    contract = Contract.objects.filter(task=task).first()
    milestones = [] if contract is None else list(Milestone.objects.filter(contract=contract).order_by("number"))
    won = bids_on(task.pk, [BidState.WON]).first()
    return Told(task, list(attachments_of(task)), list(questions_about(task)), contract, milestones, won)
