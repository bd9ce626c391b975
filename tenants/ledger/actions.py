"""The one write of the ledger: decisions are collected during a transaction and entered just before its commit.

The heads are locked last, for the commit itself, in one sorted pass, and always before those of the feed: transactions
between the same organisations can't deadlock, and the order of entries is the order of commits.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connections

from tenants.context import Transaction, opened
from tenants.ledger.text import MAX_PAYLOAD_BYTES, Decision, canonical_json, text_of
from tenants.ledger.verify_bundle import hash_of, link_of, sha256
from tenants.models import LedgerEntry, new_id
from tenants.names import own_names
from tenants.rows import as_json, columns_of

NAME_CHARS = LedgerEntry._meta.get_field("user_name").max_length


@dataclass
class Head:
    """The end of a chain while a transaction adds to it."""

    seq: int
    hash: str


def enter(*, kind: str, subject: UUID, payload: Mapping[str, object], with_tenants: Collection[UUID] = ()) -> None:
    """Enter what was decided into the actor's ledger and those of `with_tenants`, if and when the transaction commits.

    `kind` is `noun.past_tense`, `subject` the id of what it is about. `payload` takes no floats (TypeError) and at most
    32 KiB (ValueError). RuntimeError once the transaction is closing, or if there is nobody whose ledger it could be.
    """
    current = opened()
    if current.is_closing:
        raise RuntimeError("The ledger of this transaction is written; enter before it closes.")
    if current.actor is None and not with_tenants:
        raise RuntimeError("Nobody's member acts here; say by with_tenants whose ledgers are meant.")
    text = canonical_json(payload)
    if len(text.encode()) > MAX_PAYLOAD_BYTES:
        raise ValueError(f"The payload of {kind} is larger than {MAX_PAYLOAD_BYTES} bytes; enter its digest.")
    current.write_ledger = _write
    current.decisions.append(Decision(kind, subject, text, frozenset(with_tenants)))


def _write(current: Transaction) -> None:
    by = current.actor.tenant_id if current.actor else None
    decided = [(decision, _parties(decision, by)) for decision in current.decisions]
    heads, at = _locked_heads(current.alias, {tenant for _, parties in decided for tenant in parties})
    signed = _signature(current)
    rows: list[LedgerEntry] = []
    for decision, parties in decided:
        rows += _entries(decision, [LedgerEntry(tenant_id=tenant, at=at, **signed) for tenant in parties], heads)
    with connections[current.alias].cursor() as cursor:
        cursor.execute("SELECT wall.enter(%s)", [as_json([columns_of(row) for row in rows])])


def _parties(decision: Decision, by: UUID | None) -> list[UUID]:
    return sorted(decision.with_tenants | ({by} if by else set()))


def _locked_heads(alias: str, tenants: set[UUID]) -> tuple[dict[UUID, Head], datetime]:
    """The ends of these chains, which nobody else can add to until the commit, and the time after they were locked."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT tenant, seq, hash, locked_at FROM wall.ledger_heads(%s)", [sorted(tenants)])
        rows = cursor.fetchall()
    return {tenant: Head(seq, hash_) for tenant, seq, hash_, _ in rows}, rows[-1][3]


def _signature(current: Transaction) -> dict[str, Any]:
    actor = current.actor
    if actor is None:
        return {"user_name": current.who[:NAME_CHARS], "via": "platform" if current.alias == "platform" else "sign-in"}
    name = own_names().user[:NAME_CHARS]
    return {"by_id": actor.tenant_id, "user_id": actor.user_id, "user_name": name, "via": actor.via}


def _entries(decision: Decision, rows: list[LedgerEntry], heads: dict[UUID, Head]) -> list[LedgerEntry]:
    """The entry of each party, which all go on with one hash."""
    shared_id = new_id() if len(rows) > 1 else None
    parties = [row.tenant_id for row in rows]
    for row in rows:
        head = heads[row.tenant_id]
        row.seq, row.prev_hash, row.shared_id = head.seq + 1, head.hash, shared_id
        row.kind, row.subject_id, row.payload = decision.kind, decision.subject_id, decision.payload
        row.with_tenants = [tenant for tenant in parties if tenant != row.tenant_id]
        if row.by_id not in (None, row.tenant_id):
            row.user_id, row.via = None, ""
        row.digest = sha256(text_of(row).encode())
    links = {row.tenant_id: link_of(row.prev_hash, row.digest) for row in rows}
    for row in rows:
        row.others = [links[tenant] for tenant in row.with_tenants]
        row.hash = hash_of(links[row.tenant_id], row.others)
        heads[row.tenant_id] = Head(row.seq, row.hash)
    return rows
