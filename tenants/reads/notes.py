"""Notes of the open transaction on rows of other organisations that it loaded; made into records before its commit."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import connections

from tenants.context import Transaction, if_opened, opened
from tenants.data import Conflict
from tenants.ids import new_id
from tenants.metering.counting import meter
from tenants.metering.use import Use
from tenants.reads.live_grants import LiveGrant, LiveGrants, Opening, Place, least_hiding, live_grants_of

RIGHTS_CHANGED: Final = "What is open to you changed while this was read; ask again."


def note(row: Any) -> tuple[str, ...]:
    """Note a `SharedModel` row that was loaded. Returns what of its `hideable` the clause which opens it hides."""
    current = if_opened()
    if current is None or current.actor is None:
        return ()
    owner_id, *keys = _loaded(row)
    if owner_id in (current.tenant_id, current.actor.tenant_id):
        return ()
    opening = _opening(current, type(row), _place(current, row, keys))
    give(opening.grant, kind_of(type(row)), [_id_of(row)])
    return tuple(name for name in row.hideable() if name in opening.hidden)


def give(grant: LiveGrant, kind: str, ids: Iterable[str]) -> None:
    """Note that the open transaction gives objects, `ids`, of the grant's owner to the organisation that acts."""
    current = opened()
    assert current.tenant_id is not None
    if not current.reads.given:
        current.before_commit.append(_record)
    current.reads.given[grant, current.tenant_id, kind].update(ids)


def give_event(event_id: UUID, opening: Sequence[LiveGrant]) -> None:
    """Note that an event of the feed is given by these grants; it is recorded under the one that hides least."""
    if opening:
        give(least_hiding(opening), "feed", [str(event_id)])


def live_grants() -> LiveGrants:
    """What is open to the organisation that acts, as when it was first asked for in this transaction."""
    current = opened()
    known = current.reads.grants
    if current.tenant_id not in known:
        known[current.tenant_id] = live_grants_of(current.tenant_id, current.alias)
    return known[current.tenant_id]


def kind_of(model: type[Any]) -> str:
    """How a record and a question about it name the kind of row."""
    return str(model._meta.verbose_name).replace(" ", "_")


def _loaded(row: Any) -> list[Any]:
    """Owner and the keys of its place, asked for if the row was loaded without them."""
    names = ["tenant_id", *([f"{row.shared_through}_id"] if row.shared_through else row.shared_place)]
    values = row.__dict__
    if all(name in values for name in names):
        return [values[name] for name in names]
    return list(type(row)._base_manager.values_list(*names).get(pk=row.pk))


def _place(current: Transaction, row: Any, keys: list[Any]) -> Place:
    model, places = type(row), current.reads.places
    if not row.shared_through:
        place = places[model, row.pk] = (keys[0], keys[1] if len(keys) > 1 else None)
        return place
    parent = model._meta.get_field(row.shared_through).related_model
    if (parent, keys[0]) not in places:
        places[parent, keys[0]] = parent._base_manager.values_list(*parent.shared_place).get(pk=keys[0])
    return places[parent, keys[0]]


def _opening(current: Transaction, model: type[Any], place: Place) -> Opening:
    found = live_grants().opening(model.shared_by, place, singly=model.shared_singly)
    if found is None:  # granted since they were looked up?
        current.reads.grants.pop(current.tenant_id, None)
        found = live_grants().opening(model.shared_by, place, singly=model.shared_singly)
    if found is None:
        raise Conflict(RIGHTS_CHANGED)
    return found


def _id_of(row: Any) -> str:
    if not isinstance(row.pk, tuple):
        return str(row.pk)
    parts = [part for part in row.pk if part != row.tenant_id]  # the owner is known
    return " ".join(part.isoformat() if isinstance(part, datetime) else str(part) for part in parts)


def _record(current: Transaction) -> None:
    """One row for each owner, clause, permission and kind, written in the owner's name; readers pay by agreement."""
    given = dict(current.reads.given)
    current.reads.given.clear()
    entries: dict[str, list[dict[str, Any]]] = defaultdict(list)
    n_rows: dict[tuple[UUID, UUID, UUID], int] = defaultdict(int)
    for (grant, reader_id, kind), ids in given.items():
        if ids:
            entries[str(grant.owner_id)].append(_entry(grant, reader_id, kind, sorted(ids)))
            n_rows[reader_id, grant.owner_id, grant.agreement_id] += len(ids)
    for parties, n in n_rows.items():
        meter(_use(*parties, n))
    assert current.actor is not None
    said = [json.dumps(entries), current.actor.via, current.actor.purpose]
    with connections[current.alias].cursor() as cursor:
        cursor.execute("SELECT wall.record_reads(%s, %s, %s)", said)


def _use(reader_id: UUID, owner_id: UUID, agreement_id: UUID, n_rows: int) -> Use:
    """A read is never the same one again, so it needs no name that a repeat would have too."""
    return Use(
        source="reads",
        event_id=str(new_id()),
        meter="shared_reads",
        quantity=n_rows,
        subject=("agreement", str(agreement_id)),
        tenant_id=reader_id,
        counterpart_id=owner_id,
        agreement_id=agreement_id,
    )


def _entry(grant: LiveGrant, reader_id: UUID, kind: str, ids: list[str]) -> dict[str, Any]:
    return {
        "reader": str(reader_id),
        "agreement": str(grant.agreement_id),
        "clause": str(grant.clause_id),
        "permission": grant.permission,
        "kind": kind,
        "n_rows": len(ids),
        "first_id": ids[0],
        "last_id": ids[-1],
        "ids_hash": hashlib.sha256("\n".join(ids).encode()).hexdigest(),
    }
