"""Asking for plans over HTTP: what is stored and told, and how each refusal is worded. No worker runs."""

import json
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection
from rest_framework.test import APIClient

from optimization.models import PlanRun
from tenants.models import FeedEvent
from tests.integration.optimization import documents

URL = "/api/v1/plans"


def ask(client: APIClient, **changes):
    return client.post(URL, {"name": "May", "instance": documents.small(), **changes})


def test_request_is_answered_at_once_stored_as_asked_and_told(aurora):
    client = aurora.client()
    answer = ask(client, options={"gap": 0.02, "seed": 7})
    assert answer.status_code == 202
    body = answer.json()
    assert answer["Location"] == f"{URL}/{body['id']}"
    assert (body["status"], body["attempt"], body["report"]) == ("queued", 0, None)
    assert body["options"] == {"gap": 0.02, "time_limit_s": 60.0, "threads": 1, "seed": 7}
    assert client.get(answer["Location"]).json() == body
    assert client.get(f"{answer['Location']}/instance").json() == documents.small()
    assert [row["id"] for row in client.get(URL).json()["results"]] == [body["id"]]
    with aurora.acting():
        event = FeedEvent.objects.get(kind="plan.queued")
    assert event.body == {"plan": body["id"], "name": "May", "status": "queued"}


def test_plan_that_is_not_there_yet_is_a_conflict_in_words(aurora):
    client = aurora.client()
    answer = client.get(f"{ask(client)['Location']}/plan")
    assert answer.status_code == 409
    assert "queued" in answer.json()["detail"]


def test_outsider_finds_foreign_and_absent_plans_alike(aurora, cassia):
    plan_id, outsider = ask(aurora.client()).json()["id"], cassia.client()
    for method, path in [("get", ""), ("get", "/instance"), ("get", "/plan"), ("post", "/cancel")]:
        foreign = getattr(outsider, method)(f"{URL}/{plan_id}{path}")
        absent = getattr(outsider, method)(f"{URL}/{uuid4()}{path}")
        assert (foreign.status_code, foreign.content) == (404, absent.content)
    assert outsider.get(URL).json()["results"] == []
    with cassia.acting():
        assert PlanRun.objects.filter(pk=plan_id).update(message="taken") == 0


def test_key_that_may_only_view_neither_asks_nor_cancels(aurora):
    plan_id, viewer = ask(aurora.client()).json()["id"], aurora.client(["view_plans"])
    assert viewer.get(f"{URL}/{plan_id}").status_code == 200
    assert ask(viewer).status_code == viewer.post(f"{URL}/{plan_id}/cancel").status_code == 403
    assert aurora.client(["run_plans"]).get(URL).status_code == 403


def test_schema_served_is_the_one_that_instances_are_held_to(aurora):
    schema = aurora.client().get(f"{URL}/schema").json()
    assert schema["properties"]["format"]["const"] == documents.small()["format"]


def test_waiting_plan_is_cancelled_at_once_and_only_once(aurora):
    client = aurora.client()
    url = ask(client)["Location"]
    body = client.post(f"{url}/cancel").json()
    assert (body["status"], bool(body["finished_at"])) == ("cancelled", True)
    again = client.post(f"{url}/cancel")
    assert (again.status_code, again["Content-Type"]) == (409, "application/problem+json")


@pytest.mark.parametrize(
    "change",
    ["instance = '{}'", "options = '{}'", "name = 'June'", "requested_roles = '{viewer}'", "created_at = now()"],
)
def test_what_was_asked_never_changes(aurora, change):
    plan_id = ask(aurora.client()).json()["id"]
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting("planner"), connection.cursor() as cursor:
        cursor.execute(f"UPDATE optimization_planrun SET {change} WHERE id = %s", [plan_id])


def test_finished_plan_is_neither_changed_nor_deleted(aurora):
    client = aurora.client()
    plan_id = ask(client).json()["id"]
    client.post(f"{URL}/{plan_id}/cancel")
    with pytest.raises(IntegrityError, match="finished plan never changes"), aurora.acting():
        PlanRun.objects.filter(pk=plan_id).update(message="better")
    with aurora.acting():
        assert PlanRun.objects.filter(pk=plan_id).delete()[0] == 0


def put(document, path, value):
    *parents, last = path
    for key in parents:
        document = document[key]
    document[last] = value


CUTOFF = ["mines", 0, "locations", 0, "cutoffs", 0]
BAD_INSTANCES = [
    ([*CUTOFF, "c"], -1, "/instance/mines/0/locations/0/cutoffs/0/c"),
    ([*CUTOFF, "c"], "cheap", "/instance/mines/0/locations/0/cutoffs/0/c"),
    ([*CUTOFF, "c"], 1e300, "/instance/mines/0/locations/0/cutoffs/0/c"),
    ([*CUTOFF, "gamma"], 1.5, "/instance/mines/0/locations/0/cutoffs/0/gamma"),
    ([*CUTOFF, "xmax"], [1], "/instance/mines/0/locations/0/cutoffs/0/xmax"),
    (["mines", 0, "pc"], None, "/instance/mines/0/pc"),
    (["mines", 0, "pc"], True, "/instance/mines/0/pc"),
    (["mines", 0, "pc"], 10**400, "/instance/mines/0/pc"),
    (["mines", 0, "locations"], [], "/instance/mines/0/locations"),
    (["mines", 0, "locations"], 7, "/instance/mines/0/locations"),
    (["mines", 1, "name"], "mine 1", "/instance/mines/1/name"),
    (["mines"], {}, "/instance/mines"),
    (["mines", 0], "mine", "/instance/mines/0"),
    (["periods"], [], "/instance/periods"),
    (["periods"], ["p"] * 200_000, "/instance/periods"),
    (["mill_lanes", 0, "mine"], "nowhere", "/instance/mill_lanes/0/mine"),
    (["surprise"], 1, "/instance"),
    (["format"], "other/9", "/instance/format"),
    (["uncertainty"], {"kind": "hope"}, "/instance/uncertainty"),
]


@pytest.mark.parametrize(("path", "value", "pointer"), BAD_INSTANCES)
def test_bad_instance_is_refused_with_the_place_of_the_bad_value(aurora, path, value, pointer):
    document = documents.small()
    put(document, path, value)
    answer = ask(aurora.client(), instance=document)
    assert answer.status_code == 422, answer.content
    errors = answer.json()["errors"]
    assert any(error["pointer"].startswith(pointer) and error["message"] for error in errors), errors
    with aurora.acting():
        assert not PlanRun.objects.exists()


BAD_OPTIONS = [
    ({"gap": -0.1}, "/options/gap"),
    ({"gap": "0.1"}, "/options/gap"),
    ({"gap": True}, "/options/gap"),
    ({"gap": None}, "/options/gap"),
    ({"time_limit_s": 0}, "/options/time_limit_s"),
    ({"time_limit_s": 86_400}, "/options/time_limit_s"),
    ({"time_limit_s": 10**400}, "/options/time_limit_s"),
    ({"threads": 1.5}, "/options/threads"),
    ({"threads": 0}, "/options/threads"),
    ({"seed": 2**31}, "/options/seed"),
    ({"speed": 9}, "/options"),
    ([], "/options"),
    ("fast", "/options"),
    (None, "/options"),
]


@pytest.mark.parametrize(("options", "pointer"), BAD_OPTIONS)
def test_bad_option_is_refused_with_its_place(aurora, options, pointer):
    answer = ask(aurora.client(), options=options)
    assert answer.status_code == 422, answer.content
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


def test_everything_wrong_is_told_in_one_answer(aurora):
    document = documents.small()
    document["mines"][0]["pc"] = document["mines"][1]["h"] = -1
    errors = ask(aurora.client(), instance=document, options={"gap": 2}).json()["errors"]
    assert [error["pointer"] for error in errors] == ["/instance/mines/0/pc", "/instance/mines/1/h", "/options/gap"]


BAD_BODIES = [
    (b'{"name": "May", "instance": {"pc": NaN}}', 400),
    (b'{"name": "May", "instance": {"pc": -Infinity}}', 400),
    (b'{"name": "May", "instance": {"pc": 1e999}}', 422),
    (b'{"name": "May", "instance": {"pc": "\\ud800"}}', 422),
    (b'{"name": "\\ud800", "instance": {}}', 422),
    (b'{"name": "May", "instance": ' + b"[" * 900 + b"]" * 900 + b"}", 400),
    (b'{"name": "May", "instance": ' + b"[" * 90 + b"]" * 90 + b"}", 422),
    (b'{"name": "May", "instance": []}', 422),
    (b'{"name": "May"}', 422),
    (b'{"name": "", "instance": {}}', 422),
    (b'{"name": {"a": 1}, "instance": {}}', 422),
    (b'["May"]', 422),
    (b"null", 422),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_unusable_body_is_a_problem_and_never_an_error_of_ours(aurora, body, status):
    answer = aurora.client().post(URL, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content


def test_name_that_no_database_can_keep_is_refused(aurora):
    body = json.dumps({"name": "May", "instance": documents.small()}).replace("mine 1", "mine \\ud800")
    answer = aurora.client().post(URL, body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (422, "application/problem+json"), answer.content


def test_too_many_lanes_are_refused_before_they_are_combined(aurora):
    document = documents.small()
    document["mill_lanes"] *= 2_000
    document["user_lanes"] *= 2_000
    errors = ask(aurora.client(), instance=document).json()["errors"]
    assert [error["pointer"] for error in errors] == ["/instance/mill_lanes"]
