"""Service tasks over HTTP: the whole path, who sees what, and how each refusal is worded."""

from uuid import uuid4

import pytest

from marketplace.data import ACCESS_H, FEE_MINOR, TITLE_CHARS
from tests import personas
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.scenes import alarm_of, claimed, published, submitted

TASKS = "/api/v1/service-tasks"
TERMS = {"title": "Fix pump 7", "category": "equipment_maintenance", "opens": ["view_telemetry"], "access_h": 24}


def post(client, task_id, move, body=None, **headers):
    return client.post(f"{TASKS}/{task_id}/{move}", body or {}, headers=headers)


def test_task_goes_from_alarm_to_acceptance_over_http(aurora, borealis):
    owner, firm = aurora.client(), borealis.client()
    made = owner.post(TASKS, {**TERMS, "alarm": str(alarm_of(aurora).pk), "fee_minor": 250_000})
    assert (made.status_code, made["ETag"]) == (201, '"1"')
    task = made.json()
    assert task["state"] == "draft" and task["evidence"]["alarm"]["value"] == 9.5
    assert firm.get(f"{TASKS}/{task['id']}").status_code == 404
    assert post(owner, task["id"], "publish").json()["state"] == "open"
    assert firm.get(f"{TASKS}/{task['id']}").json()["evidence"]["alarm"]["value"] == 9.5
    taken = post(firm, task["id"], "claim").json()
    assert (taken["state"], taken["claim"]["firm_name"], taken["claim"]["token"]) == ("claimed", "Borealis", 1)
    assert firm.get(f"/api/v1/agreements/{taken['claim']['agreement']}").json()["status"] == "active"
    handed_in = post(firm, task["id"], "submit", {"token": 1, "note": "done"})
    assert handed_in.json()["claim"]["work_note"] == "done"
    assert post(owner, task["id"], "rework", {"note": "again"}).json()["claim"]["rework_note"] == "again"
    assert post(firm, task["id"], "submit", {"token": 1}).json()["state"] == "submitted"
    closed = post(owner, task["id"], "accept").json()
    assert (closed["state"], closed["claim"]["state"]) == ("closed", "completed")


def test_release_reopens_and_cancel_ends_over_http(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    assert post(aurora.client(), task.pk, "cancel").status_code == 409
    assert post(borealis.client(), task.pk, "release", {"token": 1}).json()["state"] == "open"
    assert post(aurora.client(), task.pk, "cancel").json()["state"] == "cancelled"


def ids(client, scope):
    return [row["id"] for row in client.get(TASKS, {"scope": scope, "page_size": 500}).json()["results"]]


def test_work_is_what_was_claimed_and_what_a_contract_gave(aurora, borealis, cassia):
    first, lapsed = published(aurora), published(aurora)
    claimed(first, borealis), claimed(lapsed, borealis)
    contract, other = written(aurora, borealis), written(aurora, cassia)
    work = [str(key) for key in (contract.task_id, lapsed.pk, first.pk)]
    assert ids(borealis.client(), "work") == work
    assert ids(borealis.client(), "claimed") == work[1:]
    assert ids(cassia.client(), "work") == [str(other.task_id)]
    assert ids(aurora.client(), "work") == []


def test_lists_hold_own_published_and_claimed_tasks(aurora, borealis, cassia):
    first, second = published(aurora), published(aurora)
    claimed(first, borealis)
    assert ids(aurora.client(), "own") == [str(second.pk), str(first.pk)]
    assert ids(borealis.client(), "claimed") == [str(first.pk)]
    assert ids(borealis.client(), "own") == ids(cassia.client(), "claimed") == []
    market = ids(cassia.client(), "market")
    assert str(second.pk) in market and str(first.pk) not in market
    assert str(second.pk) not in ids(aurora.client(), "market")


def test_list_goes_on_by_cursor(aurora):
    tasks = [str(published(aurora).pk) for _ in range(3)]
    client = aurora.client()
    first = client.get(TASKS, {"page_size": 2}).json()
    second = client.get(first["next"]).json()
    assert [row["id"] for row in first["results"] + second["results"]] == tasks[::-1]
    assert "evidence" not in first["results"][0]


def test_outsider_is_refused_alike_for_foreign_and_absent_tasks(aurora, borealis, cassia):
    task = published(aurora)
    claimed(task, borealis)
    client = cassia.client()
    for path, body in (
        ("", None),
        ("/publish", {}),
        ("/cancel", {}),
        ("/claim", {}),
        ("/submit", {"token": 1}),
        ("/accept", {}),
        ("/rework", {}),
        ("/reject", {"reason": "leaks"}),
        ("/release", {"token": 1}),
    ):
        call = client.get if body is None else client.post
        foreign, absent = (call(f"{TASKS}/{task_id}{path}", body) for task_id in (task.pk, uuid4()))
        assert (foreign.status_code, path) == (404, path)
        assert foreign.content == absent.content


def test_firm_can_not_play_the_owner_nor_the_owner_the_firm(aurora, borealis):
    task = published(aurora)
    claimed(task, borealis)
    submitted(task, borealis)
    for move in ("accept", "rework", "cancel", "publish"):
        assert post(borealis.client(), task.pk, move).status_code == 404
    assert post(borealis.client(), task.pk, "reject", {"reason": "leaks"}).status_code == 404
    for move in ("submit", "release"):
        assert post(aurora.client(), task.pk, move, {"token": 1}).status_code == 404
    assert post(aurora.client(), published(aurora).pk, "claim").status_code == 403


@pytest.mark.parametrize(
    ("scopes", "move", "status"),
    [
        (["view_tasks"], "publish", 403),
        (["view_tasks"], "claim", 403),
        (["post_tasks"], "claim", 403),
        (["claim_tasks"], "publish", 403),
        (["post_tasks"], "cancel", 200),
        (["claim_tasks"], "claim", 403),
    ],
)
def test_key_does_only_what_its_scopes_name(aurora, scopes, move, status):
    assert post(aurora.client(scopes), published(aurora).pk, move).status_code == status


def test_key_that_may_only_claim_claims(aurora, borealis):
    answer = post(borealis.client(["claim_tasks"]), published(aurora).pk, "claim")
    assert (answer.status_code, answer.json()["state"]) == (200, "claimed")


def test_old_version_is_refused(aurora):
    client = aurora.client()
    made = client.post(TASKS, {**TERMS, "site": str(aurora.sites["north"].pk)})
    url, etag = made.json()["id"], made["ETag"]
    assert post(client, url, "publish", **{"If-Match": '"7"'}).status_code == 412
    assert post(client, url, "publish", **{"If-Match": "nonsense"}).status_code == 412
    done = post(client, url, "publish", **{"If-Match": etag})
    assert (done.status_code, done["ETag"]) == (200, '"2"')
    assert post(client, url, "cancel", **{"If-Match": etag}).status_code == 412


def test_own_tasks_bad_moves_are_conflicts_in_words(aurora):
    client, task = aurora.client(), published(aurora)
    answer = post(client, task.pk, "publish")
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "A task that is open can't take 'publish'; possible now: claim, cancel.",
    )
    assert post(client, task.pk, "accept").status_code == 409
    assert post(client, task.pk, "rework").status_code == 409


@pytest.fixture(scope="module")
def poster():
    """An owner for the refusals, of which none leaves anything behind; founding one for each would take longer."""
    owner = personas.aurora()
    return owner, owner.client()


BAD_POSTS = [
    ([], None),
    ("text", None),
    (None, None),
    ({"title": None}, "/title"),
    ({"title": ""}, "/title"),
    ({"title": " "}, "/title"),
    ({"title": ["a"]}, "/title"),
    ({"title": "x" * (TITLE_CHARS + 1)}, "/title"),
    ({"description": "x" * 10_001}, "/description"),
    ({"category": "gossip"}, "/category"),
    ({"category": {"a": 1}}, "/category"),
    ({"category": [["x"]]}, "/category"),
    ({"opens": "view_alarms"}, "/opens"),
    ({"opens": ["view_everything"]}, "/opens/0"),
    ({"opens": [{}]}, "/opens/0"),
    ({"opens": ["view_alarms"] * 9}, "/opens"),
    ({"opens": None}, "/opens"),
    ({"access_h": 0}, "/access_h"),
    ({"access_h": -1}, "/access_h"),
    ({"access_h": ACCESS_H + 1}, "/access_h"),
    ({"access_h": "soon"}, "/access_h"),
    ({"access_h": 1e300}, "/access_h"),
    ({"access_h": None}, "/access_h"),
    ({"fee_minor": -1}, "/fee_minor"),
    ({"fee_minor": FEE_MINOR + 1}, "/fee_minor"),
    ({"fee_minor": 0.5}, "/fee_minor"),
    ({"fee_minor": 10**400}, "/fee_minor"),
    ({"currency": "usd"}, "/currency"),
    ({"currency": "DOLLAR"}, "/currency"),
    ({"site": "north"}, "/site"),
    ({"site": 0.7}, "/site"),
    ({"site": None}, "/site"),
    ({"alarm": ["x"]}, "/alarm"),
    ({"equipment": "' OR 1=1"}, "/equipment"),
]


@pytest.mark.parametrize(("bad", "pointer"), BAD_POSTS, ids=lambda value: str(value)[:40])
def test_bad_body_is_refused_with_a_pointer(poster, bad, pointer):
    aurora, client = poster
    body = {**TERMS, "site": str(aurora.sites["north"].pk), **bad} if isinstance(bad, dict) else bad
    answer = client.post(TASKS, body, format="json")
    assert answer.status_code in (400, 422), answer.content
    assert answer["Content-Type"] == "application/problem+json"
    if pointer:
        assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert ids(client, "own") == []


@pytest.mark.parametrize("place", ["site", "equipment", "alarm"])
def test_absent_place_is_not_found(poster, place):
    answer = poster[1].post(TASKS, {**TERMS, place: str(uuid4())})
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("move", "body"),
    [
        ("submit", {}),
        ("submit", {"token": 0}),
        ("submit", {"token": 2**40}),
        ("submit", {"token": "x"}),
        ("submit", {"token": None}),
        ("submit", {"token": [1]}),
        ("submit", {"token": 1, "note": "x" * 10_001}),
        ("submit", {"token": 1, "note": {"a": 1}}),
        ("submit", []),
        ("release", {}),
        ("release", {"token": -3}),
    ],
)
def test_bad_submission_is_refused_and_changes_nothing(aurora, borealis, move, body):
    task = published(aurora)
    claimed(task, borealis)
    answer = borealis.client().post(f"{TASKS}/{task.pk}/{move}", body, format="json")
    assert answer.status_code == 422, answer.content
    assert aurora.client().get(f"{TASKS}/{task.pk}").json()["state"] == "claimed"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"scope": "all"}, 422),
        ({"scope": "own", "page_size": "-1"}, 200),
        ({"cursor": "%%%"}, 200),
        ({"cursor": "cD1ub3RhdXVpZA=="}, 422),
        ({"page_size": "x"}, 200),
        ({"page_size": "999999"}, 200),
    ],
)
def test_bad_query_is_never_a_server_error(poster, query, status):
    assert poster[1].get(TASKS, query).status_code == status


def test_numbers_of_queries_do_not_grow_with_the_list(aurora):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    client = aurora.client()

    def queries_for(count):
        while len(ids(client, "own")) < count:
            published(aurora)
        with CaptureQueriesContext(connection) as captured:
            client.get(TASKS)
        return len(captured)

    assert queries_for(1) == queries_for(4)
