"""The feed over HTTP: the same frames, the same rights, by plain GET."""

from datetime import datetime
from uuid import uuid4

import pytest
from django.test import override_settings
from django.urls import include, path
from drf_spectacular.validation import validate_schema

from tests.integration.feed.client import emit

URL = "/api/v1/feed/events"


class Routes:
    """The feed's routes where they will be, whatever else is mounted."""

    urlpatterns = [path("api/v1/", include("tenants.rest.feed_urls"))]


@pytest.fixture(autouse=True)
def _routes():
    with override_settings(ROOT_URLCONF=Routes):
        yield


def walk(client, limit: int) -> tuple[list[dict], list[dict]]:
    """All frames and answers from the beginning of the feed, page by page."""
    first = client.get(URL).json()
    frames, answers, cursor = [], [], 0
    while True:
        answer = client.get(URL, {"after": cursor, "epoch": first["epoch"], "limit": limit}).json()
        answers.append(answer)
        frames += answer["frames"]
        cursor = answer["cursor"]
        if cursor == answer["head"]:
            return frames, answers


def test_pages_make_one_gapless_chain_to_the_head(aurora):
    emit(aurora, range(25))
    frames, answers = walk(aurora.client(), limit=10)
    assert [frame["body"]["n"] for frame in frames] == list(range(25))
    assert [frame["prev"] for frame in frames] == list(range(25))
    assert len(answers) == 3 and answers[0]["feed"] == str(aurora.id)


def test_first_request_without_a_cursor_says_where_the_feed_ends(aurora):
    emit(aurora, range(3))
    answer = aurora.client().get(URL).json()
    assert (answer["head"], answer["cursor"], answer["min_seq"], answer["frames"]) == (3, 3, 1, [])


def test_scope_without_the_permission_reads_skip(aurora):
    emit(aurora, range(4))
    emit(aurora, range(4, 5), permission="view_plans")
    frames, _ = walk(aurora.client(["view_registry", "view_plans"]), limit=500)
    assert frames[0] == {"t": "skip", "prev": 0, "to": 4}
    assert frames[1]["seq"] == 5 and len(frames) == 2


def test_outsider_reads_only_their_own_empty_feed_even_with_the_epoch_of_another(aurora, cassia):
    emit(aurora, range(3))
    epoch = aurora.client().get(URL).json()["epoch"]
    client = cassia.client()
    assert client.get(URL).json()["frames"] == []
    assert client.get(URL, {"after": 0, "epoch": epoch}).status_code == 410


@pytest.mark.parametrize(("after", "own_epoch", "reason"), [(4, True, "above_head"), (1, False, "another_epoch")])
def test_stale_cursor_is_answered_410_with_where_to_go_on(aurora, after, own_epoch, reason):
    emit(aurora, range(3))
    client = aurora.client()
    epoch = client.get(URL).json()["epoch"]
    response = client.get(URL, {"after": after, "epoch": epoch if own_epoch else uuid4()})
    assert response.status_code == 410 and response["content-type"] == "application/problem+json"
    body = response.json()
    assert (body["reason"], body["head"], body["min_seq"], body["epoch"]) == (reason, 3, 1, epoch)


@pytest.mark.parametrize(
    "query",
    [
        {"after": -1},
        {"after": 2**63},
        {"after": "x"},
        {"epoch": "x"},
        {"limit": 0},
        {"limit": 501},
        {"after": "9" * 2000},
    ],
)
def test_bad_query_is_answered_422_with_the_place(aurora, query):
    response = aurora.client().get(URL, query)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == f"/{next(iter(query))}"


def test_ticket_is_a_secret_that_holds_for_half_a_minute(aurora):
    response = aurora.client().post("/api/v1/feed/tickets")
    assert response.status_code == 201
    body = response.json()
    left_s = (datetime.fromisoformat(body["expires_at"]) - datetime.now().astimezone()).total_seconds()
    assert body["ticket"].startswith("cmt_") and 25 < left_s <= 30


@pytest.mark.parametrize(("method", "url"), [("post", "/api/v1/feed/tickets"), ("get", URL)])
def test_key_without_the_scope_and_strangers_are_refused(aurora, method, url):
    from rest_framework.test import APIClient

    assert getattr(aurora.client(["view_plans"]), method)(url).status_code == 403
    assert getattr(APIClient(), method)(url).status_code == 401


def test_schema_describes_both_frames():
    from drf_spectacular.generators import SchemaGenerator

    schema = SchemaGenerator(patterns=Routes.urlpatterns).get_schema(request=None, public=True)
    validate_schema(schema)
    assert {"Ev", "Skip", "Page"} <= set(schema["components"]["schemas"])
    assert "410" in schema["paths"]["/api/v1/feed/events"]["get"]["responses"]
