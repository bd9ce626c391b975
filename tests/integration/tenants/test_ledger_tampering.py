"""Whoever may change the database leaves a trace: the first entry concerned is named.

Here the owner of the tables does it, with the triggers off, in a transaction that is rolled back.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connections, transaction
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tenants.context import Transaction, _transaction
from tenants.ledger import verify_bundle
from tenants.ledger.queries import first_difference
from tenants.ledger.text import text_of
from tenants.ledger.verification import verify, verify_from
from tenants.ledger.verify_bundle import Chain
from tenants.models import LedgerEntry
from tests.integration.tenants.ledger_scenes import LENGTH, meeting_chains

NUMBER = st.integers(1, LENGTH)
COLUMNS = {field.column: field.db_type(connections["default"]) for field in LedgerEntry._meta.concrete_fields}
UNLOCKED = """
ALTER TABLE tenants_ledgerentry DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY;
ALTER TABLE tenants_ledgerhead DISABLE TRIGGER USER, NO FORCE ROW LEVEL SECURITY"""
Step = tuple[str, list[object]]


class Undone(Exception):
    pass


@pytest.fixture(scope="module")
def chain() -> Iterator[UUID]:
    """Aurora's chain in the hands of the tables' owner; all that is done to it is undone."""
    ours, _ = meeting_chains()
    with pytest.raises(Undone), _transaction(Transaction(None, alias="owner"), {}):
        with connections["owner"].cursor() as cursor:
            cursor.execute(UNLOCKED)
        yield ours.id
        raise Undone


@contextmanager
def tampering() -> Iterator[Callable[[str, list[object]], int]]:
    """Inside, what is called changes the database, and says how many rows it changed."""
    mark = transaction.savepoint(using="owner")

    def change(statement: str, values: list[object]) -> int:
        with connections["owner"].cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.rowcount

    try:
        yield change
    finally:
        transaction.savepoint_rollback(mark, using="owner")


def named_after(chain: UUID, *steps: Step) -> int | None:
    """The entry that is named after these changes; what the database itself refuses is no example."""
    with tampering() as change:
        try:
            is_changed = [change(*step) for step in steps]
        except DatabaseError:
            assume(False)
        assume(all(is_changed))
        return fault_of(chain)


def one(chain: UUID, column: str, n: int) -> str:
    with connections["owner"].cursor() as cursor:
        cursor.execute(f"SELECT {column}::text FROM tenants_ledgerentry WHERE tenant_id = %s AND seq = %s", [chain, n])
        return cursor.fetchone()[0]


def fault_of(chain: UUID) -> int | None:
    verdict = verify(chain, Chain())
    return verdict.fault and verdict.fault.seq


@st.composite
def edits(draw, text: str | None):
    """The text with one character replaced, added or left out; of an empty value, something."""
    letter = draw(st.characters(min_codepoint=32, max_codepoint=126) | st.sampled_from("0123456789abcdef"))
    if not text:
        return letter
    at = draw(st.integers(0, len(text) - 1))
    return text[:at] + draw(st.sampled_from([letter, letter + text[at], ""])) + text[at + 1 :]


def test_chain_as_it_was_made_is_sound(chain):
    assert fault_of(chain) is None
    assert [verify_from(chain, after).fault for after in range(LENGTH + 1)] == [None] * (LENGTH + 1)


@settings(max_examples=120, deadline=None)
@given(data=st.data(), n=NUMBER, column=st.sampled_from(sorted(COLUMNS)))
def test_any_edited_value_names_its_entry(chain, data, n, column):
    value = data.draw(edits(one(chain, column, n)))
    change = f"""UPDATE tenants_ledgerentry SET {column} = %s::{COLUMNS[column]}
                  WHERE tenant_id = %s AND seq = %s AND {column} IS DISTINCT FROM %s::{COLUMNS[column]}"""
    assert named_after(chain, (change, [value, chain, n, value])) == n


@settings(max_examples=30, deadline=None)
@given(gone=st.sets(NUMBER, min_size=1))
def test_first_of_the_deleted_entries_is_named(chain, gone):
    delete = ("DELETE FROM tenants_ledgerentry WHERE tenant_id = %s AND seq = ANY(%s)", [chain, sorted(gone)])
    assert named_after(chain, delete) == min(gone)


@settings(max_examples=30, deadline=None)
@given(one=NUMBER, other=NUMBER)
def test_first_of_two_exchanged_entries_is_named(chain, one, other):
    assume(one != other)
    move = "UPDATE tenants_ledgerentry SET seq = %s WHERE tenant_id = %s AND seq = %s"
    steps = ((move, [-1, chain, one]), (move, [one, chain, other]), (move, [other, chain, -1]))
    assert named_after(chain, *steps) == min(one, other)


@settings(max_examples=30, deadline=None)
@given(source=NUMBER, at=st.integers(1, LENGTH + 1), moves_head=st.booleans())
def test_inserted_entry_is_named(chain, source, at, moves_head):
    columns = ", ".join(name for name in COLUMNS if name not in ("id", "seq", "shared_id", "with_tenants"))
    insert = f"""INSERT INTO tenants_ledgerentry (id, seq, shared_id, with_tenants, {columns})
                 SELECT %s, %s, NULL, '{{}}', {columns} FROM tenants_ledgerentry WHERE tenant_id = %s AND seq = %s"""
    shift = "UPDATE tenants_ledgerentry SET seq = {} WHERE tenant_id = %s AND seq {}"
    steps = [
        (insert, [uuid4(), 1000, chain, source]),
        (shift.format("-seq - 1", "BETWEEN %s AND 999"), [chain, at]),
        (shift.format("-seq", "< 0"), [chain]),
        (shift.format("%s", "= 1000"), [at, chain]),
    ]
    head = ("UPDATE tenants_ledgerhead SET seq = seq + 1 WHERE tenant_id = %s", [chain])
    steps = steps if at <= LENGTH else [steps[0], ("UPDATE tenants_ledgerentry SET seq = %s WHERE seq = 1000", [at])]
    assert named_after(chain, *steps, *([head] if moves_head else [])) == at


@pytest.mark.parametrize("change", ["seq = 3", "seq = 900", "hash = repeat('a', 64)"])
def test_head_that_was_changed_is_noticed(chain, change):
    with tampering() as tamper:
        assert tamper(f"UPDATE tenants_ledgerhead SET {change} WHERE tenant_id = %s", [chain])
        assert fault_of(chain) is not None


def test_chain_rewritten_whole_is_sound_alone_and_differs_from_that_of_the_other(chain):
    """What the owner of the database can do, and what holds against it."""
    with tampering() as change:
        change("UPDATE tenants_ledgerentry SET payload = '{}' WHERE tenant_id = %s AND seq = 3", [chain])
        rewrite(chain)
        assert fault_of(chain) is None
        assert first_difference(chain) == (4, UUID(one(chain, "with_tenants[1]", 4)))


def rewrite(chain: UUID) -> None:
    """Compute every digest and hash anew, as a forger would."""
    prev = verify_bundle.GENESIS
    for row in LedgerEntry.objects.filter(tenant=chain).order_by("seq"):
        row.prev_hash, row.digest = prev, verify_bundle.sha256(text_of(row).encode())
        prev = row.hash = verify_bundle.hash_of(verify_bundle.link_of(prev, row.digest), row.others)
        row.save()
    with connections["owner"].cursor() as cursor:
        cursor.execute("UPDATE tenants_ledgerhead SET hash = %s WHERE tenant_id = %s", [prev, chain])
