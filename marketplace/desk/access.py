"""Fetch and authorise in one step, or raise; absent and foreign answer alike."""

from uuid import UUID

from marketplace.access import get_own_task, get_task
from marketplace.desk import queries
from marketplace.models import TaskAttachment, TaskQuestion
from tenants.data import NotFound


def get_attachment(task_id: UUID, attachment_id: UUID) -> TaskAttachment:
    """A file beside a task that the actor may read, with its bytes."""
    found = queries.attachments_of(get_task(task_id)).defer(None).filter(pk=attachment_id).first()
    if found is None:
        raise NotFound
    return found


def get_own_attachment(task_id: UUID, attachment_id: UUID) -> TaskAttachment:
    """A file beside a task of the actor's organisation, to take it away."""
    found = queries.attachments_of(get_own_task(task_id)).filter(pk=attachment_id).first()
    if found is None:
        raise NotFound
    return found


def get_own_question(task_id: UUID, question_id: UUID) -> TaskQuestion:
    """A question about a task of the actor's organisation, to answer it."""
    found = queries.questions_about(get_own_task(task_id)).filter(pk=question_id).first()
    if found is None:
        raise NotFound
    return found
