"""The ledger over HTTP and on the command line, and what is entered in it by the rest of the product."""

import json
import zipfile
from io import BytesIO, StringIO
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connections

from tenants.ledger import verification
from tenants.ledger.actions import enter
from tenants.ledger.text import text_of
from tenants.ledger.verify_bundle import GENESIS, check_bundle, hash_of, link_of, sha256
from tenants.models import LedgerEntry, Membership
from tenants.people import actions as people
from tests import personas
from tests.integration.marketplace import scenes as market
from tests.integration.optimization import scenes as plans
from tests.integration.tenants.ledger_scenes import LENGTH, SUBJECT, meeting_chains

URL = "/api/v1/ledger"
FORGERY = "UPDATE tenants_ledgerentry SET user_name = %s, prev_hash = %s, digest = %s, hash = %s WHERE id = %s"


@pytest.fixture(scope="module")
def parties():
    return meeting_chains()


@pytest.fixture(scope="module")
def mine(parties):
    return parties[0].client()


def content_of(answer) -> bytes:
    return b"".join(answer.streaming_content)


def kinds(organisation) -> list[str]:
    with organisation.acting():
        return list(LedgerEntry.objects.order_by("seq").values_list("kind", flat=True))


def test_list_is_newest_first_and_filtered(parties, mine):
    page = mine.get(URL, {"page_size": 5, "kind": "test.entered"}).json()
    assert [row["seq"] for row in page["results"]] == [12, 11, 10, 9, 8]
    row = page["results"][0]
    assert (row["payload"]["n"], row["by_name"], row["user_name"]) == (12, "Aurora", "Aurora owner")
    assert [row["seq"] for row in mine.get(page["next"]).json()["results"]] == [7, 6, 5, 4, 3]
    about = mine.get(URL, {"subject": str(SUBJECT)}).json()["results"]
    assert [row["payload"]["n"] for row in about] == [12, 9, 6, 3]
    assert mine.get(URL, {"since": "2199-01-01T00:00:00Z"}).json()["results"] == []
    assert mine.get(URL, {"subject": "x"}).status_code == 422


def test_entry_is_told_in_full_with_the_text_that_was_hashed(parties, mine):
    newest = mine.get(URL).json()["results"][0]
    entry = mine.get(f"{URL}/{newest['id']}").json()
    assert json.loads(entry["text"])["seq"] == entry["seq"]
    assert parties[1].client().get(f"{URL}/{newest['id']}").status_code == 404
    assert mine.get(f"{URL}/{uuid4()}").status_code == 404


def test_long_chain_is_followed_stretch_by_stretch(mine, monkeypatch):
    monkeypatch.setattr(verification, "STRETCH", 5)
    answers, after = [], 0
    while after is not None:
        answers.append(mine.get(f"{URL}/verify", {"after": after}).json())
        after = answers[-1]["next_after"]
    assert [(answer["first"], answer["last"], answer["fault"]) for answer in answers][:2] == [
        (1, 5, None),
        (6, 10, None),
    ]
    assert answers[-1]["last"] == answers[-1]["head_seq"] >= LENGTH
    beyond = mine.get(f"{URL}/verify", {"after": 999}).json()
    assert beyond["fault"] == {"seq": 999, "what": "it is missing"}
    assert mine.get(f"{URL}/verify", {"after": -1}).status_code == 422


def test_bundles_are_sound_archives(parties, mine):
    whole = mine.get(f"{URL}/bundle")
    assert whole["Content-Type"] == "application/zip"
    assert 'filename="ledger.zip"' in whole["Content-Disposition"]
    assert len(check_bundle(BytesIO(content_of(whole)))) == LENGTH // 2
    with zipfile.ZipFile(BytesIO(content_of(mine.get(f"{URL}/bundle", {"first": 3, "last": 4})))) as archive:
        assert archive.read("entries.ndjson").count(b"\n") == 2
    check_bundle(BytesIO(content_of(mine.get(f"{URL}/bundles/{SUBJECT}"))))
    assert mine.get(f"{URL}/bundles/{uuid4()}").status_code == 404


@pytest.mark.parametrize("query", [{"first": 0}, {"first": 4, "last": 3}, {"first": 9999}, {"first": "x"}])
def test_stretch_that_is_not_there_is_refused_in_words(mine, query):
    answer = mine.get(f"{URL}/bundle", query)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] in ("/first", "/last")


def test_command_finds_sound_ledgers_and_prints_heads(parties):
    slug = parties[0].tenant.slug
    heads = StringIO()
    call_command("ledger_heads", stdout=heads)
    head = next(line.split()[1] for line in heads.getvalue().splitlines() if line.startswith(f"{slug} "))
    seq, _, hash_ = head.partition(":")
    said = StringIO()
    call_command("verify_ledger", tenant=slug, expect_head=(int(seq), hash_), stdout=said)
    assert said.getvalue() == f"{slug}: SOUND {seq} entries, head {head}\n"
    with pytest.raises(CommandError, match="no organisation"):
        call_command("verify_ledger", tenant="nobody")
    with pytest.raises(CommandError, match="SEQ:HASH"):
        call_command("verify_ledger", "--tenant", slug, "--expect-head", "x")


def two_entries(partner) -> personas.Organisation:
    """An organisation with an entry that it shares with the partner, and one of its own."""
    group = personas.organisation("Aurora", "mining_group")
    for shared in ({partner.id}, set()):
        with group.acting():
            enter(kind="test.entered", subject=uuid4(), payload={}, with_tenants=shared)
    return group


def said_of(group, **options) -> str:
    """What the command says of a ledger that is broken."""
    words = StringIO()
    with pytest.raises(CommandError, match="1 of 1 ledgers are broken"):
        call_command("verify_ledger", tenant=group.tenant.slug, stdout=words, **options)
    return words.getvalue()


def test_command_names_the_entry_that_was_changed_and_the_head_that_differs(borealis):
    group = two_entries(borealis)
    elsewhere = said_of(group, expect_head=(2, "a" * 64))
    assert "BROKEN entry 2: its hash is not the one that was kept elsewhere" in elsewhere
    forge(("UPDATE tenants_ledgerentry SET via = 'x' WHERE tenant_id = %s AND seq = 2", [group.id]))
    assert f"{group.tenant.slug}: BROKEN entry 2: it was changed" in said_of(group)


def test_command_names_the_entry_that_the_other_party_has_otherwise(borealis):
    """The chain is computed anew from the forged entry on, and so is sound in itself."""
    group = two_entries(borealis)
    prev, steps = GENESIS, []
    with group.acting():
        chain = list(LedgerEntry.objects.filter(tenant=group.id).order_by("seq"))
    for row in chain:
        row.user_name = "Nobody"
        digest = sha256(text_of(row).encode())
        forged = [row.user_name, prev, digest, hash_of(link_of(prev, digest), row.others), row.pk]
        steps.append((FORGERY, forged))
        prev = forged[3]
    forge(*steps, ("UPDATE tenants_ledgerhead SET hash = %s WHERE tenant_id = %s", [prev, group.id]))
    assert group.client().get(f"{URL}/verify").json()["fault"] is None
    assert f"BROKEN entry 1: it is not the same in the ledger of {borealis.id}" in said_of(group)


def forge(*steps: tuple[str, list[object]]) -> None:
    """As the owner of the tables, who can switch off what freezes them."""
    switches = ("entry {} TRIGGER ledger_entry_is_frozen", "head {} TRIGGER ledger_head_follows_entries")
    with connections["owner"].cursor() as cursor:
        for switch in switches:
            cursor.execute(f"ALTER TABLE tenants_ledger{switch.format('DISABLE')}, NO FORCE ROW LEVEL SECURITY")
        for step in steps:
            cursor.execute(*step)
        for switch in switches:
            cursor.execute(f"ALTER TABLE tenants_ledger{switch.format('ENABLE ALWAYS')}, FORCE ROW LEVEL SECURITY")


def test_released_plan_is_entered_with_its_digest(aurora):
    release = plans.released(aurora)
    with aurora.acting():
        entry = LedgerEntry.objects.get(kind="plan.released", subject_id=release.pk)
    assert json.loads(entry.payload)["digest"] == release.digest


def test_keys_and_members_are_entered(aurora):
    client = aurora.client()
    made = client.post(
        "/api/v1/api-keys", {"name": "k", "scopes": ["view_registry"], "expires_at": "2199-01-01T00:00:00Z"}
    ).json()
    client.post(f"/api/v1/api-keys/{made['id']}/revoke")
    client.post(f"/api/v1/api-keys/{made['id']}/revoke")
    assert kinds(aurora)[-2:] == ["key.made", "key.revoked"]
    with aurora.acting():
        account = people.found_service_account(name="Gateway", roles=["viewer"])
        people.change_roles(membership=Membership.objects.get(user=account.user), roles=["planner"])
    with aurora.acting():
        people.retire_service_account(account=account)
        changed = LedgerEntry.objects.get(kind="member.roles_changed")
    assert kinds(aurora)[-3:] == ["member.joined", "member.roles_changed", "member.removed"]
    assert json.loads(changed.payload) == {"before": ["viewer"], "name": "Gateway", "roles": ["planner"]}


def test_steps_of_a_claim_are_in_the_ledgers_of_owner_and_firm(aurora, borealis):
    task = market.published(aurora)
    market.claimed(task, borealis)
    market.submitted(task, borealis)
    with aurora.acting():
        market.actions.accept_work(task=market.access.get_task(task.pk, needs="post_tasks"))
    for organisation, alone in ((aurora, ["task.published"]), (borealis, [])):
        with organisation.acting():
            entries = list(LedgerEntry.objects.filter(subject_id=task.pk).order_by("seq"))
            assert [step.kind for step in entries] == [*alone, "task.claimed", "task.submitted", "task.accepted"]
            steps = entries[len(alone) :]
            assert json.loads(steps[2].payload)["fee_minor"] == 250_000
            assert all(step.shared_id for step in steps)


def test_acknowledged_alarm_is_entered_with_the_comment(aurora):
    alarm = market.alarm_of(aurora)
    aurora.client().post(f"/api/v1/alarms/{alarm.pk}/acknowledge", {"comment": "bearing"})
    with aurora.acting():
        entry = LedgerEntry.objects.get(subject_id=alarm.pk)
    assert (entry.kind, json.loads(entry.payload)["comment"]) == ("alarm.acknowledged", "bearing")
