"""The notice board: what anybody may read of public tasks, without an identity. See docs/decisions/0029.

A notice is a row of its own, so that what is public is exactly what was written there. Who isn't signed in presents
the board's word, and the wall shows notices for it and nothing else.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet

from marketplace.acceptance_queries import rule_words
from marketplace.bids.queries import criteria_of
from marketplace.lifecycle import Mode, State
from marketplace.models import PublicNotice, ServiceTask
from marketplace.profiles.queries import needs_of
from tenants.api import presenting, tenants
from tenants.data import NotFound

BOARD: Final = "the notice board"
# What others learn of the place; never ids, nor the evidence.
PLACE: Final = ("owner_name", "site_name", "site_kind", "equipment_name", "equipment_kind")
TERMS: Final = (
    *("title", "description", "category", "mode", "fee_minor", "currency", "milestones", "standstill_h"),
    *("retention_bp", "warranty_d"),
)


def put_up(task: ServiceTask) -> None:
    """In the owner's transaction that publishes: a notice, if the task is public and the owner is listed."""
    if task.visibility != "public" or not tenants().get(pk=task.tenant_id).listed:
        return
    PublicNotice.objects.create(
        tenant_id=task.tenant_id, task=task, facts=_facts(task), state=task.state, published_at=task.published_at
    )


@contextmanager
def looking() -> Iterator[None]:
    """Around what is read without an identity."""
    with presenting(credential=BOARD):
        yield


def open_notices() -> QuerySet[PublicNotice]:
    """Inside `looking`: those of tasks that are still open."""
    return PublicNotice.objects.filter(state=State.OPEN)


def get_notice(notice_id: UUID) -> PublicNotice:
    """Inside `looking`: one of them, also when its task is no longer open."""
    found = PublicNotice.objects.filter(pk=notice_id).first()
    if found is None:
        raise NotFound
    return found


def _facts(task: ServiceTask) -> dict[str, Any]:
    until = task.bids_until.isoformat() if task.bids_until else None
    place = {name: task.snapshot[name] for name in PLACE}
    return place | {name: getattr(task, name) for name in TERMS} | {"bids_until": until} | _judged_by(task)


def _judged_by(task: ServiceTask) -> dict[str, Any]:
    """In words: when work counts as done, by what bids are judged, whom it takes."""
    criteria = () if task.mode == Mode.CLAIM else criteria_of(task)
    return {
        "acceptance": rule_words(task),
        "criteria": [f"{each.name} {each.weight} %" for each in criteria],
        "needs": [str(need) for need in needs_of(task)],
    }
