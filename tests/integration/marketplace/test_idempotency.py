"""A request sent again has its effect once and gets the same answer."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from django.db import connections

from tenants.models import IdempotencyKey
from tests.integration.marketplace.scenes import published, told

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

    def send(_):
        try:
            return keyed(client, f"/{task.pk}/claim", key)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(8)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotent-Replayed" not in answer for answer in answers) == 1
