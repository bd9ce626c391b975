"""One's own sessions over the API: listed and ended by the person who is signed in, and by no key."""

from django.test import Client

from tests.functional.console.scenes import sign_in

SESSIONS = "/api/v1/sessions"


def ids(client):
    return {row["id"]: row["is_current"] for row in client.get(SESSIONS).json()["results"]}


def test_person_lists_and_ends_their_own_sessions_alone(aurora, cassia):
    first, second, third = sign_in(aurora), sign_in(aurora), sign_in(aurora)
    shown = ids(third)
    assert len(shown) == 3 and sum(shown.values()) == 1
    mine = next(key for key, is_current in ids(first).items() if is_current)
    assert sign_in(cassia).delete(f"{SESSIONS}/{mine}").status_code == 404
    assert third.delete(f"{SESSIONS}/{mine}").status_code == 204
    assert third.delete(f"{SESSIONS}/{mine}").status_code == 404
    assert third.delete(f"{SESSIONS}/{10**20}").status_code == 404
    assert (first.get(SESSIONS).status_code, second.get(SESSIONS).status_code) == (401, 200)
    assert third.delete(SESSIONS).status_code == 204
    assert (second.get(SESSIONS).status_code, list(ids(third).values())) == (401, [True])


def test_key_neither_sees_nor_ends_sessions(aurora):
    browser, key = sign_in(aurora), aurora.client()
    for answer in (key.get(SESSIONS), key.delete(SESSIONS), key.delete(f"{SESSIONS}/{next(iter(ids(browser)))}")):
        assert answer.status_code == 403
        assert "a key can't see or end them" in answer.json()["detail"]
    assert browser.get(SESSIONS).status_code == 200


def test_session_is_ended_by_a_page_of_ours_only(aurora):
    client = Client(enforce_csrf_checks=True)
    client.cookies = sign_in(aurora).cookies
    assert client.get(SESSIONS).status_code == 200
    assert client.delete(SESSIONS).status_code == 403
