"""Terms of all modes, who is told, files and questions beside a task, plans as evidence, call-offs."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError

from marketplace import access, actions
from marketplace.desk import actions as desk
from marketplace.desk.data import FILES_A_TASK, WAITING_A_FIRM
from marketplace.models import ServiceTask, TaskAttachment, TaskQuestion
from tests import agreements
from tests.integration.marketplace.guards import sql
from tests.integration.marketplace.scenes import claimed, published, terms, told
from tests.integration.optimization import documents

TASKS = "/api/v1/service-tasks"
SOON = datetime.now(UTC) + timedelta(days=30)
MILESTONES = [
    {"title": "Drawings", "share_bp": 4000, "due_d": 20},
    {"title": "Pump runs", "share_bp": 6000, "due_d": 40},
]
TENDER = {
    **{"title": "New pump", "category": "engineering_construction", "mode": "tender", "openers_needed": 2},
    **{"bids_until": SOON.isoformat(), "standstill_h": 240, "milestones": MILESTONES, "retention_bp": 500},
    **{"warranty_d": 365, "acceptance": {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}},
}
PDF = b"%PDF-1.7 drawing of pump 7"


def file(content=PDF, name="pump 7.pdf"):
    return {"file": SimpleUploadedFile(name, content)}


def overdue(owner):
    """An open tender whose deadline was a second ago."""
    with owner.acting():
        past = datetime.now(UTC) - timedelta(seconds=1)
        task = actions.post_task(terms=terms(mode="tender", bids_until=past), site_id=owner.sites["north"].pk)
        ServiceTask.objects.filter(pk=task.pk).update(state="open")
    return task


def in_force(owner, partner, **changed):
    return agreements.signed(agreements.agreed(owner, partner, **changed), owner, partner)


def test_tender_is_posted_revised_and_published_over_http(aurora, borealis):
    owner = aurora.client()
    made = owner.post(TASKS, {**TENDER, "equipment": str(aurora.equipment["PUMP-07"].pk)}).json()
    assert {name: made[name] for name in ("mode", "openers_needed", "milestones", "warranty_d", "visibility")} == {
        **{"mode": "tender", "openers_needed": 2, "milestones": MILESTONES, "warranty_d": 365, "visibility": "public"}
    }
    url = f"{TASKS}/{made['id']}"
    assert owner.patch(url, {"title": "x"}, headers={"If-Match": '"9"'}).status_code == 412
    revised = owner.patch(url, {"title": "Newer pump", "mode": "quotation"}, headers={"If-Match": '"1"'})
    assert (revised.status_code, revised["ETag"], revised.json()["title"]) == (200, '"2"', "Newer pump")
    assert (revised.json()["standstill_h"], revised.json()["bids_until"]) == (240, made["bids_until"])
    assert owner.patch(url, {"milestones": MILESTONES[:1]}).json()["errors"][0]["pointer"] == "/milestones"
    assert owner.post(f"{url}/publish").json()["state"] == "open"
    late = owner.patch(url, {"title": "Other"})
    assert (late.status_code, late.json()["detail"]) == (
        409,
        "The task has changed and is open now; only a draft's terms can be changed.",
    )
    assert borealis.client().patch(url, {"title": "Mine"}).status_code == 404
    assert borealis.client().post(f"{url}/claim").status_code == 409


def test_deadline_that_is_past_is_not_published(aurora):
    with aurora.acting():
        past = datetime.now(UTC) - timedelta(seconds=1)
        task = actions.post_task(terms=terms(mode="tender", bids_until=past), site_id=aurora.sites["north"].pk)
    answer = aurora.client().post(f"{TASKS}/{task.pk}/publish")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/bids_until")


def test_deadline_of_years_ahead_is_not_published(aurora):
    with aurora.acting():
        far = datetime.now(UTC) + timedelta(days=6 * 366)
        task = actions.post_task(terms=terms(mode="tender", bids_until=far), site_id=aurora.sites["north"].pk)
    answer = aurora.client().post(f"{TASKS}/{task.pk}/publish")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/bids_until")
    with pytest.raises(IntegrityError, match="task_deadline_bounded"), aurora.acting():
        sql("UPDATE marketplace_servicetask SET bids_until = '9999-12-31T23:59:59Z' WHERE id = %s", task.pk)


def test_invited_alone_are_told_and_shown(aurora, borealis, cassia):
    task = published(aurora, terms=terms(visibility="invited", invited=(borealis.id,)))
    assert told(borealis) == [("task.published", "open")] and told(cassia) == []
    assert borealis.client().get(f"{TASKS}/{task.pk}").json()["invited"] == []
    assert cassia.client().get(f"{TASKS}/{task.pk}").status_code == 404
    assert aurora.client().get(f"{TASKS}/{task.pk}").json()["invited"] == [str(borealis.id)]


def test_partners_alone_are_told_and_shown(aurora, borealis, cassia):
    in_force(aurora, borealis)
    task = published(aurora, terms=terms(visibility="partners"))
    assert told(borealis) == [("task.published", "open")] and told(cassia) == []
    assert borealis.client().get(f"{TASKS}/{task.pk}").status_code == 200
    assert cassia.client().get(f"{TASKS}/{task.pk}").status_code == 404


def test_nobody_unknown_and_not_oneself_is_invited(aurora):
    body = {**TENDER, "site": str(aurora.sites["north"].pk), "visibility": "invited"}
    for firm in (str(aurora.id), "00000000-0000-4000-8000-000000000000"):
        answer = aurora.client().post(TASKS, {**body, "invited": [firm]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/invited/0")


def test_invitations_of_a_draft_follow_its_terms(aurora, borealis, cassia):
    client = aurora.client()
    body = {**TENDER, "site": str(aurora.sites["north"].pk), "visibility": "invited", "invited": [str(borealis.id)]}
    url = f"{TASKS}/{client.post(TASKS, body).json()['id']}"
    assert client.patch(url, {"title": "Kept"}).json()["invited"] == [str(borealis.id)]
    assert client.patch(url, {"invited": [str(cassia.id)]}).json()["invited"] == [str(cassia.id)]
    assert client.patch(url, {"visibility": "public"}).json()["invited"] == []


def test_file_is_kept_as_it_was_and_fetched_by_whom_the_task_is_shown_to(aurora, borealis, cassia):
    task = published(aurora, terms=terms(visibility="invited", invited=(borealis.id,)))
    url = f"{TASKS}/{task.pk}/attachments"
    made = aurora.client().post(url, file(), format="multipart")
    assert (made.status_code, made.json()["media_type"], made.json()["size_bytes"]) == (
        201,
        "application/pdf",
        len(PDF),
    )
    [listed] = borealis.client().get(url).json()
    fetched = borealis.client().get(f"{url}/{listed['id']}")
    assert (fetched.content, fetched["X-Content-Type-Options"]) == (PDF, "nosniff")
    assert fetched["Content-Disposition"] == 'attachment; filename="pump 7.pdf"'
    assert fetched["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert cassia.client().get(url).status_code == cassia.client().get(f"{url}/{listed['id']}").status_code == 404
    with cassia.acting():
        assert not TaskAttachment.objects.filter(task=task).exists()


def test_file_is_refused_in_words(aurora, borealis):
    task = published(aurora)
    owner, url = aurora.client(), f"{TASKS}/{task.pk}/attachments"
    for body in (file(b"MZ\x90\x00", "setup.exe"), {}, {"other": "x"}):
        answer = owner.post(url, body, format="multipart")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/file")
    assert owner.post(url, file(), format="multipart").status_code == 201
    assert owner.post(url, file(name="again.pdf"), format="multipart").status_code == 409
    assert borealis.client().post(url, file(), format="multipart").status_code == 404
    with aurora.acting():
        for n in range(FILES_A_TASK - 1):
            desk.attach(task=task, name="f.csv", content=b"%d" % n)
    full = owner.post(url, file(b"%PDF-other"), format="multipart")
    assert (full.status_code, full.json()["detail"]) == (409, f"A task has at most {FILES_A_TASK} files.")


def test_file_goes_from_a_draft_and_stays_once_it_is_published(aurora):
    client = aurora.client()
    pump = str(aurora.equipment["PUMP-07"].pk)
    task = client.post(TASKS, {**TENDER, "mode": "quotation", "equipment": pump}).json()["id"]
    url = f"{TASKS}/{task}/attachments"
    first, second = (client.post(url, file(PDF + end), format="multipart").json()["id"] for end in (b"1", b"2"))
    assert client.delete(f"{url}/{first}").status_code == 204
    client.post(f"{TASKS}/{task}/publish")
    assert client.delete(f"{url}/{second}").status_code == 409
    with aurora.acting():
        assert sql("DELETE FROM marketplace_taskattachment WHERE id = %s", second) == 0
    with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
        sql("UPDATE marketplace_taskattachment SET content = 'x' WHERE id = %s", second)


def test_question_is_answered_for_all_and_who_asked_stays_hidden(aurora, borealis, cassia):
    task = published(aurora, terms=terms(visibility="invited", invited=(borealis.id, cassia.id)))
    url = f"{TASKS}/{task.pk}/questions"
    asked = borealis.client().post(url, {"text": "Which bearing is it?"})
    assert (asked.status_code, asked.json()["asked_by"]["firm_name"]) == (201, "Borealis")
    assert told(aurora)[-1][0] == "task.asked" and "task.asked" not in dict(told(cassia))
    [seen] = cassia.client().get(url).json()
    assert (seen["text"], seen["asked_by"], seen["answer"]) == ("Which bearing is it?", None, "")
    assert aurora.client().get(url).json()[0]["asked_by"]["firm"] == str(borealis.id)
    answered = aurora.client().post(f"{url}/{seen['id']}/answer", {"text": "6312"})
    assert (answered.status_code, cassia.client().get(url).json()[0]["answer"]) == (200, "6312")
    assert told(cassia)[-1][0] == told(borealis)[-1][0] == "task.answered"
    assert aurora.client().post(f"{url}/{seen['id']}/answer", {"text": "6313"}).status_code == 409
    assert borealis.client().post(f"{url}/{seen['id']}/answer", {"text": "6313"}).status_code == 404
    for change in ("answer = 'other'", "text = 'other'"):
        with pytest.raises(IntegrityError, match="never changes"), aurora.acting():
            sql(f"UPDATE marketplace_taskquestion SET {change} WHERE task_id = %s", task.pk)


def test_question_is_refused_where_it_has_no_place(aurora, borealis, cassia):
    task = published(aurora)
    url = f"{TASKS}/{task.pk}/questions"
    assert aurora.client().post(url, {"text": "Mine?"}).status_code == 409
    assert borealis.client().post(url, {"text": " "}).status_code == 422
    for _ in range(WAITING_A_FIRM):
        with borealis.acting():
            desk.ask(task=access.get_task(task.pk), text="Why?")
    many = borealis.client().post(url, {"text": "Why?"})
    assert (many.status_code, many.json()["errors"][0]["pointer"]) == (422, "/text")
    late = borealis.client().post(f"{TASKS}/{overdue(aurora).pk}/questions", {"text": "Why?"})
    assert late.status_code == 409 and late.json()["detail"].startswith("Questions were taken until")
    claimed(task, cassia)
    assert borealis.client().post(url, {"text": "Why?"}).status_code == 404
    assert cassia.client().post(url, {"text": "Why?"}).status_code == 409
    with aurora.acting():
        assert TaskQuestion.objects.filter(task=task).count() == WAITING_A_FIRM


def test_plan_that_falls_short_is_the_evidence(aurora, borealis):
    from optimization import actions as planning
    from optimization.models import PlanRun

    words = ["not feasible: 4.2 kt short for Works of North's product in period 3", "cheapest repair: 10 $"]
    with aurora.acting():
        run = planning.request_plan(name="Quarter 3", instance=documents.small(), options={})
        diagnosis = {"tonnes_short": 4200.0, "repair_usd": 10.0}
        planned = {"status": "infeasible", "explanation": words, "insight": {"diagnosis": diagnosis}}
        PlanRun.objects.filter(pk=run.pk).update(**planned)
    body = {"title": "More haulage", "category": "planning", "plan": str(run.pk)}
    assert aurora.client().post(TASKS, body).json()["errors"][0]["pointer"] == "/site"
    made = aurora.client().post(TASKS, {**body, "site": str(aurora.sites["north"].pk)}).json()
    aurora.client().post(f"{TASKS}/{made['id']}/publish")
    told_plan = borealis.client().get(f"{TASKS}/{made['id']}").json()["evidence"]["plan"]
    facts = {name: told_plan[name] for name in ("name", "status", "words", "tonnes_short", "repair_usd")}
    assert facts == {
        **{"name": "Quarter 3", "status": "infeasible", "words": words, "tonnes_short": 4200.0, "repair_usd": 10.0}
    }
    assert borealis.client().post(TASKS, {**body, "site": str(aurora.sites["north"].pk)}).status_code == 404


def test_call_off_is_claimed_by_the_frameworks_partner_alone(aurora, borealis, cassia):
    limits = [agreements.wish(aurora.sites["north"], "view_telemetry", "view_alarms")]
    framework = in_force(aurora, borealis, kind="framework", clauses=limits)
    task = published(aurora, terms=terms(framework=framework.pk, access_h=12))
    assert told(cassia) == [] and cassia.client().get(f"{TASKS}/{task.pk}").status_code == 404
    claim = claimed(task, borealis)
    with borealis.acting():
        agreement = claim.agreement
        assert (agreement.kind, agreement.framework_id, agreement.status) == ("call_off", framework.pk, "active")


def test_call_off_needs_an_own_active_framework(aurora, borealis):
    other = in_force(aurora, borealis)
    body = {"title": "t", "category": "design", "site": str(aurora.sites["north"].pk), "framework": str(other.pk)}
    answer = aurora.client().post(TASKS, body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/framework")
