"""The writes beside a task: files, questions and answers. Each runs in the caller's open transaction."""

import hashlib

from django.db.models import Q
from django.db.models.functions import Now

from marketplace import queries
from marketplace.bids.queries import bidders
from marketplace.desk.data import (
    FILES_A_TASK,
    QUESTIONS_A_TASK,
    WAITING_A_FIRM,
    checked_words,
    clean_name,
    media_type_of,
)
from marketplace.desk.queries import readers_of
from marketplace.history import enter_step
from marketplace.lifecycle import State
from marketplace.models import ServiceTask, TaskAsker, TaskAttachment, TaskQuestion
from marketplace.moves import tell
from tenants.api import on_behalf_of, own_names, require
from tenants.data import Actor, Conflict, FieldError, Invalid


def attach(*, task: ServiceTask, name: str, content: bytes) -> TaskAttachment:
    """Lay a file beside an own draft or open task; Invalid at /file if it is of no kind that is taken.

    Beside an open one, all who may read the task and all who have bid are told of it.
    """
    owner = require("post_tasks")
    name, media_type = clean_name(name), media_type_of(name, content)
    _locked(task, State.DRAFT, State.OPEN)
    beside = TaskAttachment.objects.filter(task=task)
    digest = hashlib.sha256(content).hexdigest()
    if beside.filter(sha256=digest).exists():
        raise Conflict("The same file lies beside the task already.")
    if beside.count() >= FILES_A_TASK:
        raise Conflict(f"A task has at most {FILES_A_TASK} files.")
    found = TaskAttachment.objects.create(
        tenant_id=owner.tenant_id,
        task=task,
        name=name,
        media_type=media_type,
        size_bytes=len(content),
        sha256=digest,
        content=content,
        added_by_id=owner.user_id,
    )
    enter_step("task.attached", task, attachment=found.pk, sha256=digest, size_bytes=len(content))
    if task.state == State.OPEN:
        tell("task.attached", task, to=readers_of(task), attachment=str(found.pk))
    return found


def detach(*, attachment: TaskAttachment) -> None:
    """Take a file away from a draft; what was published stays."""
    require("post_tasks")
    _locked(attachment.task, State.DRAFT)
    key, digest = attachment.pk, attachment.sha256
    attachment.delete()
    enter_step("task.detached", attachment.task, attachment=key, sha256=digest)


def ask(*, task: ServiceTask, text: str) -> TaskQuestion:
    """A firm's question about an open task, until its deadline; all who may read the task read it, not who asked."""
    firm = require("claim_tasks")
    if task.tenant_id == firm.tenant_id:
        raise Conflict("Your own organisation posted this task; others ask, you answer.")
    text, name = checked_words(text, "/text"), own_names().organisation
    with on_behalf_of(task.tenant_id):
        _locked(task, State.OPEN)
        _refuse_too_late(task)
        _refuse_too_many(task, firm)
        question = TaskQuestion.objects.create(tenant_id=task.tenant_id, task=task, text=text)
        TaskAsker.objects.create(tenant_id=task.tenant_id, question=question, firm_id=firm.tenant_id, firm_name=name)
    enter_step("task.asked", task, question=question.pk, sha256=_digest(text))
    tell("task.asked", task, question=str(question.pk))
    return question


def answer(*, question: TaskQuestion, text: str) -> None:
    """The owner's answer, once, to all who may read the task and all who have bid."""
    owner, words = require("post_tasks"), checked_words(text, "/text")
    given = {"answer": words, "answered_at": Now(), "answered_by": owner.user_id}
    if not TaskQuestion.objects.filter(pk=question.pk, answered_at=None).update(**given):
        raise Conflict("The question is answered already.")
    task = question.task
    enter_step("task.answered", task, to=bidders(task.pk), question=question.pk, sha256=_digest(words))
    tell("task.answered", task, to=readers_of(task), question=str(question.pk))


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode()).hexdigest()


def _locked(task: ServiceTask, *states: State) -> None:
    """Until the commit the task stays in one of the states; Conflict if it is in another."""
    task.refresh_from_db(from_queryset=ServiceTask.objects.select_for_update())
    if task.state not in states:
        raise Conflict(f"The task is {task.state} now.")


def _refuse_too_late(task: ServiceTask) -> None:
    if task.bids_until is not None and queries.database_time() >= task.bids_until:
        raise Conflict(f"Questions were taken until {task.bids_until:%Y-%m-%d %H:%M:%S} UTC.")


def _refuse_too_many(task: ServiceTask, firm: Actor) -> None:
    about = TaskQuestion.objects.filter(task=task)
    waiting = about.filter(Q(answered_at=None) & Q(asked__firm=firm.tenant_id))
    if about.count() >= QUESTIONS_A_TASK or waiting.count() >= WAITING_A_FIRM:
        words = f"at most {WAITING_A_FIRM} of a firm wait for an answer, {QUESTIONS_A_TASK} in all"
        raise Invalid("No more questions are taken about this task.", (FieldError("/text", words),))
