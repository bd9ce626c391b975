"""What the ledger keeps of a task, and whether its row still says so.

What is published is entered with its terms, its deadline and, in a tender, the keys of its openers: whoever alters the
row in the database has the entry against them.
"""

import json
from collections.abc import Set
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from marketplace.bids.queries import openers
from marketplace.bids.sealing import digest_of_keys
from marketplace.lifecycle import Mode
from marketplace.models import ServiceTask, TaskInvitation
from marketplace.moves import tell
from tenants.api import enter, on_behalf_of
from tenants.data import Conflict
from tenants.ledger.api import canonical_json, entries_about

SHORT: Final = (
    *("title", "category", "mode", "visibility", "bids_until", "fee_minor", "currency", "opens", "access_h"),
    *("standstill_h", "retention_bp", "warranty_d", "framework_id"),
)
# May be longer than an entry, or hold floats, which it does not take.
LONG: Final = ("description", "milestones", "criteria", "acceptance", "snapshot")


class NotAsEntered(Conflict):
    """What is stored is not what the ledger of the task's owner says; it stays so until an operator has looked."""


def enter_step(kind: str, task: ServiceTask, *, to: Set[UUID] = frozenset(), **facts: Any) -> None:
    """Enter a step of a task into the ledgers of its owner, of who acts, and of those named by `to`.

    An entry says whose ledgers it is in, so there is one for each of `to`: none of them learns who else has bid.
    """
    payload, owner = {"title": task.title, "status": task.state, **facts}, task.tenant_id
    for parties in [{owner, firm} for firm in sorted(to - {owner})] or [{owner}]:
        enter(kind=kind, subject=task.pk, payload=payload, with_tenants=parties)


def enter_publication(task: ServiceTask) -> None:
    """In the owner's transaction that publishes."""
    stored = ServiceTask.objects.get(pk=task.pk)  # JSON as the database gives it back
    invited = sorted(TaskInvitation.objects.filter(task=task).values_list("firm", flat=True))
    enter_step("task.published", stored, invited=invited, **_terms(stored))


def refuse_altered(task: ServiceTask) -> None:
    """NotAsEntered if the row does not say what was published."""
    _refuse_unpublished(task)
    if differing := altered(task):
        raise NotAsEntered(
            f"The task is not what its owner published: {', '.join(differing)} differ from the owner's ledger. "
            "Nothing can be done with it until an operator has found out why."
        )


def _refuse_unpublished(task: ServiceTask) -> None:
    """Tasks that were published before their publication was entered have none."""
    with on_behalf_of(task.tenant_id):
        is_known = bool(published_as(task))
    if not is_known:
        raise NotAsEntered(
            "The owner's ledger holds no publication of this task, so nothing shows what was published, and nothing is "
            "agreed on it. Its owner has to cancel it and publish it anew, as a task of its own."
        )


def tell_altered(task: ServiceTask, firms: Set[UUID]) -> None:
    """The owner and who has bid learn which of its terms are not those that were published, if any."""
    if differing := altered(task):
        enter_step("task.altered", task, to=firms, terms=differing)
        tell("task.altered", task, to=frozenset(firms), terms=differing)


def is_told(task: ServiceTask, kind: str, since: str) -> bool:
    """Whether the owner's ledger has an entry of this kind after the newest of the kind `since`."""
    with on_behalf_of(task.tenant_id):
        newest = entries_about({task.pk}, kind, since).filter(tenant=task.tenant_id).order_by("seq").last()
    return newest is not None and newest.kind == kind


def refuse_other_openers(task: ServiceTask) -> str:
    """The digest of a tender's keys; NotAsEntered if they are not those that were published."""
    _refuse_unpublished(task)
    with on_behalf_of(task.tenant_id):
        digest, said = _keys(task), published_as(task).get("keys")
    if digest != said:
        raise NotAsEntered(
            "The openers of this tender are not those in its owner's ledger: what is sealed for them could be read by "
            "somebody else. Nothing can be done with it until an operator has found out why."
        )
    return digest


def altered(task: ServiceTask) -> list[str]:
    """Names of the terms that differ from what was published, `publication` if the ledger holds none."""
    with on_behalf_of(task.tenant_id):
        said = published_as(task)
        now = json.loads(canonical_json(_terms(task)))
    return sorted(name for name in now if said.get(name) != now[name]) if said else ["publication"]


def published_as(task: ServiceTask) -> dict[str, Any]:
    """In the owner's name: the entry of its publication in the owner's ledger; empty if there is none."""
    entry = entries_about({task.pk}, "task.published").filter(tenant=task.tenant_id).order_by("seq").first()
    found: dict[str, Any] = json.loads(entry.payload) if entry else {}
    return found


def _terms(task: ServiceTask) -> dict[str, Any]:
    short = {name: getattr(task, name) for name in SHORT}
    keys = {"keys": _keys(task)} if task.mode == Mode.TENDER else {}
    return short | {name: _digest(getattr(task, name)) for name in LONG} | keys


def _keys(task: ServiceTask) -> str:
    return digest_of_keys({str(each.pk): each.public_key for each in openers(task.pk)}, task.openers_needed)


def _digest(value: Any) -> str:
    return sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()
