"""A request sent again has its effect once and gets the same answer."""

from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from marketplace.models import Claim, Contract
from tenants.models import IdempotencyKey
from tests.integration.marketplace.bid_scenes import quotation
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.scenes import claimed, published, submitted, told
from tests.together import at_once

TASKS = "/api/v1/service-tasks"


def keyed(client, path, key, body=None, **headers):
    return client.post(f"{TASKS}{path}", body or {}, headers={"Idempotency-Key": key, **headers})


def test_claim_sent_again_gets_the_same_answer_and_claims_once(aurora, borealis):
    task, client = published(aurora), borealis.client()
    first, again = (keyed(client, f"/{task.pk}/claim", "k-1") for _ in range(2))
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert (again["Idempotent-Replayed"], again["ETag"]) == ("true", first["ETag"])
    assert "Idempotent-Replayed" not in first
    assert told(borealis).count(("task.claimed", "claimed")) == 1


def test_work_submitted_again_and_sent_back_again_is_so_once(aurora, borealis):
    task, owner, firm = published(aurora), aurora.client(), borealis.client()
    keyed(firm, f"/{task.pk}/claim", "k-1")
    for client, move, key in ((firm, "submit", "k-2"), (owner, "rework", "k-3"), (firm, "release", "k-4")):
        body = {} if move == "rework" else {"token": 1}
        first, again = (keyed(client, f"/{task.pk}/{move}", key, body) for _ in range(2))
        assert (first.status_code, again.status_code, again.json()) == (200, 200, first.json())
    assert [kind for kind, _ in told(aurora)][1:] == [
        "task.claimed", "task.submitted", "task.reopened", "task.reopened"
    ]  # fmt: skip


def test_step_of_a_bidding_is_refused_if_the_task_has_changed_since_it_was_read(aurora):
    task, client = quotation(aurora), aurora.client()
    for move, body in (("evaluate", {}), ("fail", {"reason": "no bid came"})):
        assert keyed(client, f"/{task.pk}/{move}", f"k-{move}", body, **{"If-Match": '"99"'}).status_code == 412
    read = client.get(f"{TASKS}/{task.pk}")["ETag"]
    assert keyed(client, f"/{task.pk}/evaluate", "k-9", **{"If-Match": read}).status_code == 200


def test_task_posted_twice_with_one_key_exists_once(aurora):
    client = aurora.client()
    body = {"title": "t", "category": "design", "site": str(aurora.sites["north"].pk)}
    first, again = (keyed(client, "", "k-1", body) for _ in range(2))
    assert first.status_code == again.status_code == 201
    assert first.json()["id"] == again.json()["id"]
    assert len(client.get(TASKS).json()["results"]) == 1


def test_same_key_for_another_request_is_refused(aurora):
    client = aurora.client()
    body = {"title": "t", "category": "design", "site": str(aurora.sites["north"].pk)}
    task = keyed(client, "", "k-1", body).json()["id"]
    assert keyed(client, "", "k-1", {**body, "title": "u"}).status_code == 422
    assert keyed(client, f"/{task}/publish", "k-1").status_code == 422
    assert keyed(client, f"/{task}/publish", "k-2").status_code == 200


def test_refused_request_keeps_no_key(aurora, borealis):
    task, client = published(aurora), borealis.client()
    assert keyed(client, f"/{task.pk}/claim", "k-1", **{"If-Match": '"9"'}).status_code == 412
    assert keyed(client, f"/{task.pk}/claim", "k-1").status_code == 200


def test_keys_of_two_organisations_do_not_meet(aurora, borealis, cassia):
    for firm in (borealis, cassia):
        assert keyed(firm.client(), f"/{published(aurora).pk}/claim", "k-1").status_code == 200
    with cassia.acting():
        assert IdempotencyKey.objects.count() == 1


@pytest.mark.parametrize("key", ["", "x" * 101, "käse", "a\tb"])
def test_unusable_key_is_refused(aurora, key):
    assert keyed(aurora.client(), f"/{published(aurora).pk}/cancel", key).status_code == 422


def test_same_key_sent_many_times_at_once_claims_once(aurora, borealis):
    task, client, key = published(aurora), borealis.client(), str(uuid4())

    answers = at_once(*[partial(keyed, client, f"/{task.pk}/claim", key)] * 8)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1


def test_submission_rework_and_release_sent_again_have_one_effect(aurora, borealis):
    task, owner, firm = published(aurora), aurora.client(), borealis.client()
    token = keyed(firm, f"/{task.pk}/claim", "claim").json()["claim"]["token"]
    steps = (
        (firm, "submit", {"token": token}),
        (owner, "rework", {"note": "leaks"}),
        (firm, "release", {"token": token}),
    )
    for client, step, body in steps:
        first, again = (keyed(client, f"/{task.pk}/{step}", step, body) for _ in range(2))
        assert (first.status_code, again.status_code) == (200, 200) and first.json() == again.json()
        assert again["Idempotent-Replayed"] == "true"


def test_rejection_sent_again_has_one_effect_and_honours_the_version(aurora, borealis):
    task, owner = published(aurora), aurora.client()
    claimed(task, borealis)
    submitted(task, borealis)
    body = {"reason": "the seal leaks"}
    assert keyed(owner, f"/{task.pk}/reject", "k", body, **{"If-Match": '"1"'}).status_code == 412
    first, again = (keyed(owner, f"/{task.pk}/reject", "k", body) for _ in range(2))
    assert (first.status_code, again["Idempotent-Replayed"]) == (200, "true")
    assert (first.json()["state"], first.json()["claim"]) == ("open", None) and first.json() == again.json()


def test_extension_sent_again_adds_its_hours_once_and_honours_the_version(aurora, borealis):
    owner, contract = aurora.client(), written(aurora, borealis)
    task = published(aurora)
    until = claimed(task, borealis).lease_until
    for path in (f"{TASKS}/{task.pk}/extend", f"/api/v1/contracts/{contract.pk}/extend"):
        assert owner.post(path, {"hours": 24}, headers={"If-Match": '"0"'}).status_code == 412
        first, again = (owner.post(path, {"hours": 24}, headers={"Idempotency-Key": path}) for _ in range(2))
        assert (first.status_code, again["Idempotent-Replayed"]) == (200, "true") and first.json() == again.json()
    with aurora.acting():
        longer = Claim.objects.get(task=task).lease_until, Contract.objects.get(pk=contract.pk).access_until
    assert longer == (until + timedelta(hours=24), contract.access_until + timedelta(hours=24))


def test_file_sent_again_lies_beside_the_task_once_and_another_one_needs_another_key(aurora):
    task, client = published(aurora), aurora.client()

    def sent(content):
        form = {"file": SimpleUploadedFile("pump.pdf", content)}
        path, key = f"{TASKS}/{task.pk}/attachments", {"Idempotency-Key": "file"}
        return client.post(path, form, format="multipart", headers=key)

    first, again, other = (sent(content) for content in (b"%PDF-1", b"%PDF-1", b"%PDF-2"))
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert first.json() == again.json()
