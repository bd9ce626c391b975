"""Follow a chain in the database, a stretch at a time: whatever its length, few rows are held and no lock."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import DataError

from tenants.ledger import queries
from tenants.ledger.text import text_of
from tenants.ledger.verify_bundle import Broken, Chain, sha256
from tenants.models import LedgerEntry

STRETCH: Final = 20_000
CHUNK: Final = 2_000


@dataclass(frozen=True, slots=True)
class Verdict:
    """Entries `first` to `last` were followed. `next_after` is where to go on, None at the end or at a `fault`."""

    first: int
    last: int
    hash: str
    head_seq: int
    fault: Broken | None
    next_after: int | None


def verify(tenant_id: UUID, chain: Chain) -> Verdict:
    """Follow up to `STRETCH` entries on from `chain`, which is moved; at the end it must be what the head says."""
    first = chain.seq + 1
    newest = queries.newest_seq(tenant_id)  # read before the head, which an entry made meanwhile moves
    head = queries.end_of(tenant_id)
    upto = min(head.seq, chain.seq + STRETCH)
    try:
        for entry in _rows(tenant_id, chain.seq, upto):
            follow(chain, entry)
        if upto == head.seq:
            chain.ends_at(head.seq, head.hash)
        if newest > head.seq:
            raise Broken(head.seq + 1, "it was added past the end that the ledger's head names")
    except Broken as fault:
        return Verdict(first, chain.seq, chain.hash, head.seq, fault, None)
    return Verdict(first, chain.seq, chain.hash, head.seq, None, chain.seq if chain.seq < head.seq else None)


def verify_from(tenant_id: UUID, after: int) -> Verdict:
    """Go on after an entry that was followed before; its stored hash is taken as it is."""
    if after == 0:
        return verify(tenant_id, Chain())
    known = queries.chain_of(tenant_id, after - 1, after).first()
    if known is None:
        fault = Broken(after, "it is missing")
        return Verdict(after, after - 1, "", queries.end_of(tenant_id).seq, fault, None)
    return verify(tenant_id, Chain(known.seq, known.hash))


def follow(chain: Chain, entry: LedgerEntry) -> None:
    """Broken unless the entry is the chain's next one, as it was made."""
    chain.expect(entry.seq)
    if _digest(entry) != entry.digest:
        raise Broken(entry.seq, "it was changed: its text has another digest")
    if entry.prev_hash != chain.hash:
        raise Broken(entry.seq, "it names another hash than that of the entry before")
    chain.follow(entry.seq, entry.digest, entry.others, entry.hash)


def _rows(tenant_id: UUID, after: int, upto: int) -> Iterator[LedgerEntry]:
    """The entries in order; Broken at one with a value that can't even be read, such as a day in the year 20026."""
    try:
        for row in queries.chain_of(tenant_id, after, upto).iterator(chunk_size=CHUNK):
            yield row
            after = row.seq
    except DataError:
        for seq in range(after + 1, upto + 1):
            yield from _row(tenant_id, seq)


def _row(tenant_id: UUID, seq: int) -> list[LedgerEntry]:
    try:
        return list(queries.chain_of(tenant_id, seq - 1, seq))
    except DataError:
        raise Broken(seq, "it was changed: it holds a value that can't be read") from None


def _digest(entry: LedgerEntry) -> str:
    try:
        return sha256(text_of(entry).encode())
    except (TypeError, ValueError):
        raise Broken(entry.seq, "it was changed: its payload is no canonical JSON") from None
