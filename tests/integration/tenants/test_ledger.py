"""Entries on a real database: what is decided together is in every party's chain, without a gap, and stays."""

import json
from uuid import uuid4

import pytest

from tenants.ledger.actions import enter
from tenants.ledger.text import text_of
from tenants.ledger.verify_bundle import GENESIS, hash_of, link_of, sha256
from tenants.models import LedgerEntry
from tests import personas


@pytest.fixture
def aurora():
    """The mining group without its mine: a ledger needs none."""
    return personas.organisation("Aurora", "mining_group")


def chain_of(organisation):
    with organisation.acting():
        return list(LedgerEntry.objects.filter(tenant=organisation.id).order_by("seq"))


def test_entries_of_one_organisation_go_on_from_one_another(aurora):
    subject = uuid4()
    for n in range(3):
        with aurora.acting():
            enter(kind="plan.released", subject=subject, payload={"number": n})
    chain = chain_of(aurora)
    assert [entry.seq for entry in chain] == [1, 2, 3]
    assert [entry.prev_hash for entry in chain] == [GENESIS, chain[0].hash, chain[1].hash]
    assert [json.loads(entry.payload)["number"] for entry in chain] == [0, 1, 2]
    for entry in chain:
        assert entry.digest == sha256(text_of(entry))
        assert entry.hash == hash_of(link_of(entry.prev_hash, entry.digest), [])
        assert (entry.by_id, entry.user_id, entry.user_name) == (aurora.id, aurora.user.pk, "Aurora owner")


def test_shared_entry_has_one_hash_in_both_chains_and_each_holds_the_link_of_the_other(aurora, borealis):
    with aurora.acting():
        enter(kind="plan.released", subject=uuid4(), payload={})
    with aurora.acting():
        enter(kind="agreement.signed", subject=uuid4(), payload={"text": "ü"}, with_tenants={borealis.id})
    mine, theirs = chain_of(aurora)[-1], chain_of(borealis)[-1]
    assert (mine.seq, theirs.seq, mine.shared_id) == (2, 1, theirs.shared_id)
    assert mine.hash == theirs.hash
    assert mine.others == [link_of(GENESIS, theirs.digest)]
    assert theirs.others == [link_of(mine.prev_hash, mine.digest)]
    assert (theirs.by_id, theirs.user_id, theirs.user_name, theirs.via) == (aurora.id, None, "Aurora owner", "")
