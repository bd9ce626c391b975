"""Archives over the API: made by a worker, told on the feed, cancelled, and handed out once."""

import io
import zipfile
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from tenants.context import as_platform, presenting
from tenants.data import Actor
from tenants.models import Export, FeedEvent, IdempotencyKey, LedgerEntry
from tenants.organisation import exporting, exports, retention, tasks

pytestmark = pytest.mark.filterwarnings("ignore:StreamingHttpResponse must consume asynchronous iterators")


def asked(organisation):
    answer = organisation.client().post("/api/v1/exports")
    assert answer.status_code == 202, answer.json()
    return answer.json()["id"]


def made(organisation, export_id):
    """What the worker does with its message."""
    headers = {"actor": _packed(organisation.actor())}
    tasks.make_export.apply(args=[export_id], headers=headers).get()


def _packed(actor: Actor):
    from tenants.task import _packed

    return _packed(actor)


def kinds(organisation):
    with organisation.acting():
        found = FeedEvent.objects.filter(tenant=organisation.id, kind__startswith="export.").order_by("seq")
        return [(event.kind, event.permission) for event in found]


def test_archive_is_made_told_and_handed_out_once(aurora):
    client, export_id = aurora.client(), asked(aurora)
    made(aurora, export_id)
    found = client.get(f"/api/v1/exports/{export_id}").json()
    assert (found["status"], found["n_rows"] > 5) == ("ready", True)
    answer = client.post(f"/api/v1/exports/{export_id}/archive")
    content = b"".join(answer)
    assert len(content) == found["size_bytes"] == int(answer["Content-Length"])
    assert "tables/tenants_site.ndjson" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    again = client.post(f"/api/v1/exports/{export_id}/archive")
    assert (again.status_code, "handed out once" in again.json()["detail"]) == (409, True)
    with aurora.acting():
        assert not exports.path_of(Export.objects.get(pk=export_id)).exists()
        assert LedgerEntry.objects.filter(tenant=aurora.id, kind="organisation.exported").count() == 1
    told = kinds(aurora)
    assert [kind for kind, _ in told if kind != "export.progress"] == [
        "export.queued",
        "export.ready",
        "export.fetched",
    ]
    assert {permission for _, permission in told} == {"manage_organisation"}


def test_archive_is_streamed_by_the_server(aurora, live_web):
    export_id = asked(aurora)
    made(aurora, export_id)
    headers = {"Authorization": f"Api-Key {aurora.key()}"}
    answer = httpx.post(f"{live_web.base_url}/api/v1/exports/{export_id}/archive", headers=headers, timeout=30)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/zip")
    assert zipfile.ZipFile(io.BytesIO(answer.content)).testzip() is None


def test_one_archive_is_made_at_a_time(aurora):
    asked(aurora)
    answer = aurora.client().post("/api/v1/exports")
    assert (answer.status_code, "made already" in answer.json()["detail"]) == (409, True)


def test_cancelled_archive_leaves_no_file(aurora, monkeypatch):
    """The owner cancels between two steps of the worker."""
    export_id = asked(aurora)
    monkeypatch.setattr(tasks, "TELL_S", 0.0)
    parts_of = exporting.parts_of

    def cancelling():
        for number, part in enumerate(parts_of()):
            if number == 5:
                _in_thread(lambda: aurora.client().post(f"/api/v1/exports/{export_id}/cancel"))
            yield part

    monkeypatch.setattr(exporting, "parts_of", cancelling)
    made(aurora, export_id)
    with aurora.acting():
        export = Export.objects.get(pk=export_id)
        assert (export.status, exports.path_of(export).exists()) == ("cancelled", False)
    assert aurora.client().post(f"/api/v1/exports/{export_id}/archive").status_code == 409


def _in_thread(work):
    from contextvars import Context
    from threading import Thread

    from django.db import connection

    def run():
        Context().run(work)
        connection.close()

    thread = Thread(target=run)
    thread.start()
    thread.join()


def test_archive_that_can_not_be_written_fails_in_words(aurora, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    export_id = asked(aurora)
    monkeypatch.setattr(tasks, "write_archive", full)
    made(aurora, export_id)
    found = aurora.client().get(f"/api/v1/exports/{export_id}").json()
    assert (found["status"], "could not be written" in found["message"]) == ("failed", True)


def test_second_delivery_of_the_message_does_nothing(aurora):
    export_id = asked(aurora)
    made(aurora, export_id)
    made(aurora, export_id)
    assert aurora.client().get(f"/api/v1/exports/{export_id}").json()["status"] == "ready"


def test_archive_that_nobody_fetched_is_swept_away(aurora):
    export_id = asked(aurora)
    made(aurora, export_id)
    with as_platform("tests", "two days later"):
        export = Export.objects.get(pk=export_id)
        assert exports.path_of(export).exists()
        assert exports.sweep(datetime.now(UTC) + timedelta(days=2)) >= 1
        export.refresh_from_db()
        assert (export.status, exports.path_of(export).exists()) == ("cancelled", False)


@pytest.mark.parametrize("role", ["manager", "auditor"])
def test_only_an_owner_takes_data_out(aurora, role):
    from tenants.data import Forbidden

    with pytest.raises(Forbidden), aurora.acting(role):
        exports.request_export()


def test_archive_of_another_organisation_is_not_there(aurora, cassia):
    export_id = asked(aurora)
    made(aurora, export_id)
    client = cassia.client()
    assert client.get(f"/api/v1/exports/{export_id}").status_code == 404
    assert client.post(f"/api/v1/exports/{export_id}/archive").status_code == 404


def test_answers_of_repeated_requests_are_kept_for_two_days(aurora):
    with aurora.acting():
        row = IdempotencyKey.objects.create(tenant=aurora.tenant, key="k", fingerprint="f")
    with as_platform("tests", "sweep"):
        retention.sweep(datetime.now(UTC) + timedelta(hours=47))
        assert IdempotencyKey.objects.filter(pk=row.pk).exists()
        retention.sweep(datetime.now(UTC) + timedelta(hours=49))
        assert not IdempotencyKey.objects.filter(pk=row.pk).exists()


def test_what_was_noted_of_a_session_goes_with_it(aurora):
    now, user = datetime.now(UTC), aurora.user
    with presenting(user_id=user.pk):
        for key in ("gone", "there"):
            UserSession.objects.create(user=user, session_key=key, ip="127.0.0.1")
    Session.objects.create(session_key="there", session_data="", expire_date=now + timedelta(days=1))
    for hours, left in ((0, {"gone", "there"}), (2, {"there"})):
        with as_platform("tests", "sweep"):
            retention.sweep(now + timedelta(hours=hours))
            rows = UserSession.objects.filter(user=user, session_key__in=["gone", "there"])
            assert set(rows.values_list("session_key", flat=True)) == left
