"""The public door of the marketplace for the composition root and its console."""

from marketplace.access import get_claim, get_own_task, get_task
from marketplace.actions import (
    accept_work,
    cancel_task,
    claim_task,
    extend_claim,
    post_task,
    publish_task,
    reject_work,
    release_claim,
    request_rework,
    revise_task,
    submit_work,
)
from marketplace.queries import OVER, tasks_in

__all__ = [
    "OVER",
    "accept_work",
    "cancel_task",
    "claim_task",
    "extend_claim",
    "get_claim",
    "get_own_task",
    "get_task",
    "post_task",
    "publish_task",
    "reject_work",
    "release_claim",
    "request_rework",
    "revise_task",
    "submit_work",
    "tasks_in",
]
