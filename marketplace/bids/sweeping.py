"""What time alone brings about, in transactions of the platform: one for each task."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from marketplace.bids import awarding, opening, queries
from marketplace.models import ServiceTask
from tenants.api import as_platform
from tenants.data import Conflict

SWEEP_LIMIT = 200


def close_overdue() -> int:
    """End the bidding of tenders whose deadline is past; returns how many there were."""
    return _each(lambda: queries.overdue_tenders().values_list("pk", flat=True), opening.close_if_overdue)


def conclude_due() -> int:
    """Write the contracts of awards whose standstill is over without an open complaint; returns how many were due."""
    return _each(lambda: queries.awards_due().values_list("task", flat=True), awarding.conclude)


def _each(due: Callable[[], QuerySet[Any, UUID]], act: Callable[[ServiceTask], None]) -> int:
    with _sweeping() as sweep:
        found = list(due()[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(found)
    for task_id in found:
        _act(task_id, act)
    return len(found)


def _act(task_id: UUID, act: Callable[[ServiceTask], None]) -> None:
    try:
        with _sweeping():
            act(ServiceTask.objects.get(pk=task_id))
    except Conflict:
        return  # somebody was quicker; whatever is still owed, the next sweep finds


def _sweeping() -> Any:
    return as_platform("sweep", "end the bidding of tenders, write contracts of awards")
