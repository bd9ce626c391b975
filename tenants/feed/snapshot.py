"""The state that a feed tells of, read at a known end of it: where a client begins whose cursor is void.

Apps name their families when they are loaded (`AppConfig.ready`); rows are bodies as their events have.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from tenants.context import acting_as
from tenants.data import Actor
from tenants.feed.log import Head, head_now
from tenants.feed.rights import Rights, rights_of

MOST_ROWS: Final = 500


@dataclass(frozen=True, slots=True)
class Family:
    """Objects of one kind, for roles with the permission; `rows` reads under the open identity, newest first."""

    permission: str
    rows: Callable[[], Iterable[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`state` as it was at `head`; `rights` are the reader's of then, None if they are gone."""

    head: Head
    rights: Rights | None
    state: dict[str, Any]


FAMILIES: Final[dict[str, Family]] = {}


def take_snapshot(actor: Actor) -> Snapshot:
    """In one view of the database; not read-only, since what of it belongs to partners is recorded as read.

    The state is empty if the actor's roles are not those that they have now.
    """
    with acting_as(actor, repeatable=True):
        rights = rights_of([actor]).get(actor)
        is_current = rights is not None and rights.roles == actor.roles
        return Snapshot(head_now(), rights, state_now(actor) if is_current else {})


def state_now(actor: Actor) -> dict[str, Any]:
    """In the open transaction: by family `{items, is_whole}`."""
    return {name: _read(each) for name, each in FAMILIES.items() if actor.can(each.permission)}


def _read(family: Family) -> dict[str, Any]:
    found = list(islice(family.rows(), MOST_ROWS + 1))
    return {"items": found[:MOST_ROWS], "is_whole": len(found) <= MOST_ROWS}
