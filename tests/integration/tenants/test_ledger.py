"""Entries on a real database: what is decided together is in every party's chain, without a gap, and stays."""

import json
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, connections

from tenants.bus import announce
from tenants.context import as_platform, opened
from tenants.data import Event
from tenants.ledger.actions import enter
from tenants.ledger.queries import first_difference
from tenants.ledger.text import text_of
from tenants.ledger.verification import verify
from tenants.ledger.verify_bundle import GENESIS, Chain, hash_of, link_of, sha256
from tenants.models import LedgerEntry, LedgerHead
from tests import personas


@pytest.fixture
def aurora():
    """The mining group without its mine: a ledger needs none."""
    return personas.organisation("Aurora", "mining_group")


def chain_of(organisation):
    with organisation.acting():
        return list(LedgerEntry.objects.filter(tenant=organisation.id).order_by("seq"))


def enter_alone(organisation, **payload):
    with organisation.acting():
        enter(kind="plan.released", subject=uuid4(), payload=payload)


def test_entries_of_one_organisation_go_on_from_one_another(aurora):
    for n in range(3):
        enter_alone(aurora, number=n)
    chain = chain_of(aurora)
    assert [entry.seq for entry in chain] == [1, 2, 3]
    assert [entry.prev_hash for entry in chain] == [GENESIS, chain[0].hash, chain[1].hash]
    assert [json.loads(entry.payload)["number"] for entry in chain] == [0, 1, 2]
    for entry in chain:
        assert entry.digest == sha256(text_of(entry).encode())
        assert entry.hash == hash_of(link_of(entry.prev_hash, entry.digest), [])
        assert (entry.by_id, entry.user_id, entry.user_name) == (aurora.id, aurora.user.pk, "Aurora owner")


def test_shared_entry_has_one_hash_in_both_chains_and_each_holds_the_link_of_the_other(aurora, borealis):
    enter_alone(aurora)
    with aurora.acting():
        enter(kind="agreement.signed", subject=uuid4(), payload={"text": "ü"}, with_tenants={borealis.id})
    mine, theirs = chain_of(aurora)[-1], chain_of(borealis)[-1]
    assert (mine.seq, theirs.seq, mine.shared_id) == (2, 1, theirs.shared_id)
    assert mine.hash == theirs.hash
    assert mine.others == [link_of(GENESIS, theirs.digest)]
    assert theirs.others == [link_of(mine.prev_hash, mine.digest)]
    assert (theirs.by_id, theirs.user_id, theirs.user_name, theirs.via) == (aurora.id, None, "Aurora owner", "")


def test_what_is_rolled_back_was_never_entered(aurora):
    with pytest.raises(ZeroDivisionError), aurora.acting():
        enter(kind="plan.released", subject=uuid4(), payload={})
        _ = 1 / 0
    assert chain_of(aurora) == []


def test_operator_is_named_in_the_chains_of_those_concerned(aurora, borealis):
    with as_platform("carol@example.com", "look at a fault"):
        enter(kind="operator.looked", subject=uuid4(), payload={}, with_tenants={aurora.id})
    (entry,) = chain_of(aurora)
    assert (entry.by_id, entry.user_name, entry.via) == (None, "carol@example.com", "platform")
    assert chain_of(borealis) == []


def test_operator_has_to_say_whose_ledger_is_meant():
    with as_platform("carol@example.com", "look at a fault"), pytest.raises(RuntimeError, match="whose ledgers"):
        enter(kind="operator.looked", subject=uuid4(), payload={})


def test_entry_belongs_to_its_organisation_alone(aurora, borealis, cassia):
    enter_alone(aurora)
    with cassia.acting():
        assert not LedgerEntry.objects.exists()
        assert not LedgerHead.objects.filter(tenant=aurora.id).exists()


@pytest.mark.parametrize(
    ("payload", "error"), [({"t": 0.5}, TypeError), ({"x": "y" * 40_000}, ValueError), ({"a": object()}, TypeError)]
)
def test_payload_that_can_not_be_hashed_alike_everywhere_is_refused(aurora, payload, error):
    with pytest.raises(error), aurora.acting():
        enter(kind="plan.released", subject=uuid4(), payload=payload)


def test_nothing_is_entered_once_the_transaction_is_closing(aurora):
    with aurora.acting():
        enter(kind="plan.released", subject=uuid4(), payload={})
        opened().finish()
        with pytest.raises(RuntimeError, match="before it closes"):
            enter(kind="plan.released", subject=uuid4(), payload={})
        opened().write_ledger = None


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE tenants_ledgerentry SET payload = '{}' WHERE tenant_id = %s", "never changes"),
        ("DELETE FROM tenants_ledgerentry WHERE tenant_id = %s", "never changes"),
        ("UPDATE tenants_ledgerhead SET seq = 9 WHERE tenant_id = %s", "Only an entry moves"),
        ("DELETE FROM tenants_ledgerhead WHERE tenant_id = %s", "is kept"),
    ],
)
def test_platform_role_can_neither_change_nor_remove_an_entry(aurora, statement, words):
    enter_alone(aurora)
    with (
        pytest.raises(IntegrityError, match=words),
        as_platform("tests", "try"),
        connections["platform"].cursor() as cursor,
    ):
        cursor.execute(statement, [aurora.id])


def test_application_role_finds_nothing_to_change(aurora):
    enter_alone(aurora)
    with aurora.acting():
        assert LedgerEntry.objects.update(payload="{}") == 0
        assert LedgerEntry.objects.all()._raw_delete("default") == 0


@pytest.mark.parametrize("changes", [{"seq": 3}, {"seq": 1}, {"prev_hash": GENESIS}])
def test_entry_that_does_not_go_on_from_the_end_is_refused_by_the_database(aurora, changes):
    enter_alone(aurora)
    entry = chain_of(aurora)[0]
    entry.prev_hash, entry.seq = entry.hash, 2
    for name, value in {"pk": uuid4(), **changes}.items():
        setattr(entry, name, value)
    with pytest.raises(IntegrityError, match="does not go on"), aurora.acting():
        entry.save(force_insert=True)


def test_ledger_begins_without_entries(aurora):
    with pytest.raises(IntegrityError, match="begins without"), aurora.acting():
        LedgerHead.objects.create(tenant=aurora.tenant, seq=5, hash=GENESIS)


def test_two_hundred_crossing_transactions_neither_deadlock_nor_leave_a_gap(aurora, borealis, delta):
    """Each of three organisations enters with the other two and tells them, from eight threads at once."""
    among = [aurora, borealis, delta]

    def cross(n):
        author, first, second = among[n % 3], among[(n + 1) % 3], among[(n + 2) % 3]
        parties = {first.id} if n % 4 else {first.id, second.id}
        with author.acting():
            announce(Event("test.crossed", {}, "view_registry", to=frozenset(parties)))
            enter(kind="test.crossed", subject=uuid4(), payload={"n": n}, with_tenants=parties)
            enter(kind="test.alone", subject=uuid4(), payload={"n": n})

    def work(thread):
        for n in range(thread, 200, 8):
            cross(n)
        connection.close()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(work, range(8)))
    chains = [chain_of(organisation) for organisation in among]
    assert sum(len(chain) for chain in chains) == 200 + 200 + 150 + 100
    with as_platform("tests", "verify"):
        for organisation, chain in zip(among, chains, strict=True):
            verdict = verify(organisation.id, Chain())
            assert (verdict.fault, verdict.last, verdict.next_after) == (None, len(chain), None)
            assert [entry.seq for entry in chain] == list(range(1, len(chain) + 1))
            assert [entry.at for entry in chain] == sorted(entry.at for entry in chain)
            assert first_difference(organisation.id) is None
