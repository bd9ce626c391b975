"""The proof that a supervisor takes of a ledger that it may not read: digests, and what both have entered."""

import json
from uuid import uuid4

import pytest

from tenants.ledger import bundle
from tenants.ledger.actions import enter
from tenants.ledger.text import text_of
from tenants.ledger.verify_bundle import GENESIS, Broken, check_bundle, disagreement, hash_of, link_of, sha256
from tenants.models import LedgerEntry
from tests.functional.console.scenes import sign_in
from tests.integration.edge.test_guards import mandate
from tests.integration.tenants.test_ledger_bundle import members, packed, script
from tests.integration.tenants.test_ledger_rest import FORGERY, content_of, forge

URL = "/api/v1/ledger/bundle"
SECRET = "Grade of the north pit"


@pytest.fixture
def mine(aurora, delta, borealis):
    """Aurora, under Delta's mandate, with entries of its own, with Borealis and with Delta."""
    mandate(aurora, delta, "view_alarms")
    for others in (set(), {borealis.id}, {delta.id}, {borealis.id, delta.id}, set()):
        with aurora.acting():
            enter(kind="test.entered", subject=uuid4(), payload={"text": SECRET}, with_tenants=others)
    return aurora


def chain(owner) -> list[LedgerEntry]:
    with owner.acting():
        return list(LedgerEntry.objects.filter(tenant=owner.id).order_by("seq"))


def proof(supervisor, **asked) -> bytes:
    answer = supervisor.client().get(URL, asked)
    assert answer.status_code == 200, answer.content
    return content_of(answer)


def test_supervisor_proves_the_chain_and_what_both_have_entered_offline(mine, delta, tmp_path):
    theirs, ours = proof(delta, owner=mine.id), proof(delta)
    (tmp_path / "mine.zip").write_bytes(theirs)
    (tmp_path / "ours.zip").write_bytes(ours)
    (tmp_path / "verify_bundle.py").write_bytes(members(theirs)["verify_bundle.py"])
    n_shared = sum(delta.id in row.with_tenants for row in chain(mine))
    told = script(tmp_path, "ours.zip", "mine.zip")
    assert told.stdout == f"SOUND ours.zip\nSOUND mine.zip, agrees on {n_shared} shared entries\n" and n_shared >= 3
    end = chain(mine)[-1]
    assert script(tmp_path, "mine.zip", "--expect-head", f"{end.seq}:{end.hash}").returncode == 0


def test_of_a_ledger_longer_than_a_bundle_the_newest_entries_are_taken(mine, delta, monkeypatch):
    monkeypatch.setattr(bundle, "MAX_ENTRIES", 3)
    newest = [row.seq for row in chain(mine)[-3:]]
    page = sign_in(delta).get(f"/oversight/proofs/{mine.id}.zip")
    assert page.status_code == 200
    for taken in (content_of(page), proof(delta, owner=mine.id)):
        assert [json.loads(line)["seq"] for line in members(taken)["chain.ndjson"].splitlines()] == newest
    assert len(members(proof(mine))["chain.ndjson"].splitlines()) == 3
    assert delta.client().get(URL, {"owner": mine.id, "first": 1}).status_code == 422


def test_supervisor_learns_digests_and_nothing_else(mine, delta, borealis):
    files, entries = members(proof(delta, owner=mine.id)), chain(mine)
    assert files["entries.ndjson"] == b""
    lines = [json.loads(line) for line in files["chain.ndjson"].splitlines()]
    assert lines == [
        {"seq": row.seq, "digest": row.digest, "others": row.others, "hash": row.hash}
        | ({"shared": str(row.shared_id)} if delta.id in row.with_tenants else {})
        for row in entries
    ]
    told = files["chain.ndjson"] + files["manifest.json"]
    secrets = [SECRET, "test.entered", "Aurora", str(borealis.id), str(mine.user.pk)]
    secrets += [str(each) for row in entries for each in (row.pk, row.subject_id)]
    secrets += [str(row.shared_id) for row in entries if row.shared_id and delta.id not in row.with_tenants]
    assert [secret for secret in secrets if secret.encode() in told] == []


def test_changed_row_makes_the_supervisors_proof_red(mine, delta):
    entry = chain(mine)[-2]
    for payload in ('{"text":"another"}', "no JSON"):
        forge(("UPDATE tenants_ledgerentry SET payload = %s WHERE id = %s", [payload, entry.pk]))
        with pytest.raises(Broken) as broken:
            check_bundle(packed(members(proof(delta, owner=mine.id))))
        assert broken.value.seq == entry.seq


def test_chain_rewritten_as_a_whole_differs_from_what_the_supervisor_has(mine, delta):
    ours, prev, steps = check_bundle(packed(members(proof(delta)))), GENESIS, []
    for row in chain(mine):
        row.user_name = "Nobody"
        digest = sha256(text_of(row).encode())
        steps.append((FORGERY, [row.user_name, prev, digest, hash_of(link_of(prev, digest), row.others), row.pk]))
        prev = steps[-1][1][3]
    forge(*steps, ("UPDATE tenants_ledgerhead SET hash = %s WHERE tenant_id = %s", [prev, mine.id]))
    rewritten = check_bundle(packed(members(proof(delta, owner=mine.id))))
    assert "are not the same event" in disagreement(ours, rewritten)


def test_only_who_has_a_mandate_takes_the_proof_of_another_ledger(mine, delta, borealis, cassia):
    for stranger in (borealis, cassia):
        assert stranger.client().get(URL, {"owner": mine.id}).status_code == 404
    assert delta.client(["view_telemetry"]).get(URL, {"owner": mine.id}).status_code == 403
    assert delta.client().get(URL, {"owner": mine.id, "first": 10_000}).status_code == 422
    assert len(members(proof(delta, owner=mine.id, first=2, last=3))["chain.ndjson"].splitlines()) == 2
    assert members(proof(mine, owner=mine.id, last=2))["entries.ndjson"].count(b"\n") == 2, "of one's own with texts"
