"""The reads of what lies beside a task, under the open identity."""

from django.db.models import Prefetch, QuerySet

from marketplace.models import ServiceTask, TaskAsker, TaskAttachment, TaskQuestion


def attachments_of(task: ServiceTask) -> QuerySet[TaskAttachment]:
    """Oldest first, without their bytes."""
    return TaskAttachment.objects.filter(task=task).defer("content").order_by("pk")


def questions_about(task: ServiceTask) -> QuerySet[TaskQuestion]:
    """Oldest first, each with who asked where the reader is the owner or that firm."""
    asked = Prefetch("asked", TaskAsker.objects.all(), to_attr="askers")
    return TaskQuestion.objects.filter(task=task).prefetch_related(asked).order_by("pk")
