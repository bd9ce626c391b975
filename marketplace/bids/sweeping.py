"""What time alone brings about, in transactions of the platform: one for each task."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from marketplace.bids import awarding, opening, queries
from marketplace.history import NotAsEntered
from marketplace.models import ServiceTask
from marketplace.sweeping import in_turn
from tenants.api import as_platform

SWEEP_LIMIT = 200


def close_overdue() -> int:
    """End the biddings whose deadline is past; returns how many there were."""
    return _each(lambda: queries.overdue_biddings().values_list("pk", flat=True), opening.close_if_overdue)


def conclude_due() -> int:
    """Write the contracts of awards whose standstill is over without an open complaint; returns how many were due.

    Of one that is not what the ledger says the parties are told instead.
    """
    return _each(lambda: queries.awards_due().values_list("task", flat=True), awarding.conclude)


def _each(due: Callable[[], QuerySet[Any, UUID]], act: Callable[[ServiceTask], None]) -> int:
    with _sweeping() as sweep:
        found = list(due()[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(found)

    def acted(task_id: UUID) -> int:
        try:
            with _sweeping():
                act(ServiceTask.objects.get(pk=task_id))
        except NotAsEntered as fault:
            with _sweeping():
                awarding.tell_waiting(ServiceTask.objects.get(pk=task_id), fault)
        return 1

    return in_turn("biddings", found, acted)


def _sweeping() -> Any:
    return as_platform("sweep", "end biddings, write contracts of awards")
