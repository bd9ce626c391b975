"""Tenants over HTTP: what works, and how each refusal is worded."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.test import Client
from rest_framework.test import APIClient

from tests.agreements import agree_over_http
from tests.personas import PASSWORD

SOON = (datetime.now(UTC) + timedelta(days=1)).isoformat()
NOW = datetime.now(UTC).isoformat()


def test_identity_says_who_the_key_stands_for(aurora):
    body = aurora.client(["view_registry"]).get("/api/v1/identity").json()
    assert body["tenant"]["name"] == "Aurora"
    assert body["capabilities"] == ["view_registry"]


def test_foreign_and_absent_objects_answer_alike(aurora, cassia):
    outsider = cassia.client()
    for path in ("sites/{}", "agreements/{}"):
        foreign = outsider.get(f"/api/v1/{path.format(aurora.sites['north'].pk)}")
        absent = outsider.get(f"/api/v1/{path.format(uuid4())}")
        assert foreign.status_code == absent.status_code == 404
        assert foreign.content == absent.content


def test_lists_hold_only_what_the_organisation_may_see(aurora, cassia):
    assert {row["code"] for row in aurora.client().get("/api/v1/sites").json()["results"]} == {"north", "north-mill"}
    assert cassia.client().get("/api/v1/sites").json()["results"] == []
    assert cassia.client().get("/api/v1/members").json()["results"][0]["email"] == cassia.user.email


@pytest.mark.parametrize(
    ("header", "status"),
    [("", 401), ("Api-Key", 401), ("Api-Key cmk_wrong", 401), ("Api-Key \x00", 401), ("Basic eDp5", 401)],
)
def test_wrong_credential_is_refused_in_words(header, status):
    answer = APIClient().get("/api/v1/sites", headers={"Authorization": header} if header else {})
    assert answer.status_code == status
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["detail"]


def test_revoked_and_expired_keys_open_nothing(aurora):
    mine = aurora.client()
    made = mine.post("/api/v1/api-keys", {"name": "k", "scopes": ["view_registry"], "expires_at": SOON}).json()
    robot = APIClient(headers={"Authorization": f"Api-Key {made['secret']}"})
    assert robot.get("/api/v1/sites").status_code == 200
    assert robot.get("/api/v1/agreements").status_code == 403
    mine.post(f"/api/v1/api-keys/{made['id']}/revoke")
    assert robot.get("/api/v1/sites").status_code == 401
    assert mine.post("/api/v1/api-keys", {"name": "k", "scopes": ["manage"], "expires_at": NOW}).status_code == 422


BAD_BODIES = [
    (b"{", 400),
    (b"\xff\xfe", 400),
    (b'{"code": NaN}', 400),
    (b'{"code": "a\\u0000b"}', 400),
    (b'{"code": "a", "code": "b"}', 400),
    (b"[" * 100_000, 400),
    (b"[]", 422),
    (b"null", 422),
    (b'{"code": {"a": 1}, "name": [], "kind": 7}', 422),
    (b'{"code": "two words", "name": "x", "kind": "mine"}', 422),
    (b'{"code": "x", "name": "x", "kind": "castle"}', 422),
    (b'{"code": "x", "name": "x", "kind": "\\ud800"}', 422),
    (b'{"code": "x", "name": "' + b"x" * 5000 + b'", "kind": "mine"}', 422),
    (b'{"code": "x", "name": "x", "kind": "mine", "mine": "not-a-uuid"}', 422),
    (b'{"code": "north", "name": "twice", "kind": "mine"}', 409),
    (b'{"code": "m", "name": "mine of a mine", "kind": "mine", "mine": "%s"}', 422),
]


@pytest.mark.parametrize(("body", "status"), BAD_BODIES)
def test_bad_site_is_refused_in_words_and_nothing_is_kept(aurora, body, status):
    client = aurora.client()
    if b"%s" in body:
        body = body % str(aurora.sites["north"].pk).encode()
    answer = client.post("/api/v1/sites", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), answer.content
    assert answer.json()["detail"]
    assert len(client.get("/api/v1/sites").json()["results"]) == 2


def test_wrong_address_method_media_type_and_cursor_are_problems_too(aurora):
    client = aurora.client()
    answers = {
        404: client.get("/api/v1/nothing"),
        405: client.delete("/api/v1/sites"),
        415: client.post("/api/v1/sites", b"<a/>", content_type="application/xml"),
    }
    for status, answer in answers.items():
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    assert client.get("/api/v1/sites?cursor=rubbish").status_code == 404
    assert client.get("/api/v1/sites?page_size=-1").status_code == 200


def test_signed_in_person_makes_a_key_with_the_pages_token_and_not_without(aurora):
    browser = Client(enforce_csrf_checks=True)
    assert browser.login(username=aurora.user.email, password=PASSWORD)
    token = browser.get("/").cookies["csrftoken"].value
    wish = {"name": "wall", "scopes": ["view_alarms"], "expires_at": SOON}
    refused = browser.post("/api/v1/api-keys", wish, content_type="application/json")
    assert (refused.status_code, refused["Content-Type"]) == (403, "application/problem+json")
    made = browser.post("/api/v1/api-keys", wish, content_type="application/json", headers={"X-CSRFToken": token})
    assert made.status_code == 201
    program = APIClient(headers={"Authorization": f"Api-Key {made.json()['secret']}"})
    assert program.get("/api/v1/alarms").status_code == 200


def test_partner_who_may_manage_a_site_still_owns_nothing_there(aurora, borealis):
    """Opened with `manage`, the site is seen; a row of the partner's own can't hang on it, and is refused in words."""
    north = str(aurora.sites["north"].pk)
    window = {"begins_at": NOW, "ends_at": SOON}
    clause = {"site": north, "permissions": ["manage"], "during": window}
    draft = {"partner": str(borealis.id), "title": "Run North", "purpose": "operation", "clauses": [clause]}
    owner, partner = aurora.client(), borealis.client()
    agree_over_http(owner, partner, draft)
    assert partner.get(f"/api/v1/sites/{north}").status_code == 200
    machine = str(aurora.equipment["FAN-01"].pk)
    on = {"title": "On", "purpose": "none", "partner": str(aurora.id)}
    wishes = [
        ("equipment", {"site": north, "code": "X", "name": "X", "kind": "fan"}),
        ("sites", {"code": "m", "name": "Mill", "kind": "concentrating_mill", "mine": north}),
        ("agreements", {**on, "clauses": [clause]}),
        ("agreements", {**on, "clauses": [{"equipment": machine, "permissions": ["manage"], "during": window}]}),
    ]
    for path, body in wishes:
        answer = partner.post(f"/api/v1/{path}", body)
        assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json"), answer.content
