"""The tasks desk in a browser's hands, without JavaScript: a tender from draft to questions, and what each is shown."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from edge_bridge.protocol import Birth, Lane, Tag
from marketplace import access
from marketplace.actions import post_task, publish_task
from marketplace.models import ServiceTask, TaskAttachment, TaskQuestion
from marketplace.profiles import api as profiles
from tests.functional.console.scenes import HOSTILE
from tests.functional.console.test_console import TASK, sign_in, text
from tests.integration.edge.scenes import gateway, reading
from tests.integration.marketplace.bid_scenes import colleague, registered
from tests.integration.marketplace.contract_scenes import written
from tests.integration.marketplace.firms import WELDERS
from tests.integration.marketplace.scenes import alarm_of, claimed, published, terms

SOON = f"{datetime.now(UTC) + timedelta(days=9):%Y-%m-%dT%H:%M}"
TENDER = {
    **TASK,
    "title": "Overhaul the pump",
    **{"mode": "tender", "visibility": "public", "bids_until": SOON, "openers_needed": "2", "standstill_h": "240"},
    **{"milestones": "40; 20; Drawings\n60 %; 45; Pump runs", "retention": "5", "warranty_d": "365"},
    **{"tag": "vibration", "op": "below", "limit": "4.5", "for_h": "24"},
}


@pytest.fixture
def draft(aurora):
    client = sign_in(aurora)
    about = f"equipment:{aurora.equipment['PUMP-07'].pk}"
    posted = client.post("/tasks/new", {"about": about, "do": "draft", **TENDER})
    with aurora.acting():
        task = ServiceTask.objects.get(tenant=aurora.id)
    assert (posted.headers["Location"], task.state) == (f"/tasks/{task.pk}", "draft")
    return client, task


def test_form_of_a_draft_says_its_terms_and_takes_others(aurora, draft):
    client, task = draft
    form = client.get(f"/tasks/{task.pk}/edit").content.decode()
    for shown in ("40; 20; Drawings", "60; 45; Pump runs", SOON, "1250.5", "vibration"):
        assert shown in form
    changed = {**TENDER, "title": "Fix pump 7", "milestones": "", "version": "1"}
    assert client.post(f"/tasks/{task.pk}/edit", changed).headers["Location"] == f"/tasks/{task.pk}"
    assert client.post(f"/tasks/{task.pk}/edit", changed).status_code == 409
    with aurora.acting():
        task.refresh_from_db()
    assert (task.title, task.milestones, task.retention_bp, task.version) == ("Fix pump 7", [], 500, 2)
    rule = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24.0, "upper": None, "equipment": None}
    assert task.acceptance == rule | {"coverage_frac": 0.8}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bids_until": ""}, "say until when firms may bid"),
        ({"milestones": "40; soon; Drawings"}, "line 1: write share; days"),
        ({"milestones": "40; 20; Drawings"}, "shares sum to 10000 basis points"),
        ({"visibility": "invited"}, "name whom you invite"),
        ({"for_h": ""}, "give more than 0 and at most"),
        ({"op": "between"}, "give a number above"),
        ({"standstill_h": "721"}, "less than or equal to 720"),
    ],
)
def test_bad_terms_are_refused_beside_their_field(draft, changed, words):
    client, task = draft
    answer = client.post(f"/tasks/{task.pk}/edit", {**TENDER, "version": "1", **changed})
    assert answer.status_code == 422 and words in text(answer.content)


def test_page_shows_files_and_questions_to_whom_the_task_is_shown(aurora, borealis, draft):
    owner, task = draft
    page = f"/tasks/{task.pk}"
    pdf = SimpleUploadedFile("pump 7.pdf", b"%PDF-1.7")
    assert owner.post(f"{page}/attachments", {"file": pdf}).headers["Location"] == page
    with aurora.acting():
        file = TaskAttachment.objects.get(task=task).pk
    firm = sign_in(borealis)
    assert firm.get(page).status_code == firm.get(f"{page}/attachments/{file}").status_code == 404
    for opener in (aurora, colleague(aurora)):
        registered(opener, task)
    assert owner.post(f"{page}/page/publish").headers["Location"] == page
    shown = text(firm.get(page).content)
    assert "pump 7.pdf" in shown and "Pump runs" in shown and "Claim</button>" not in shown
    fetched = firm.get(f"{page}/attachments/{file}")
    assert (fetched.content, fetched["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert fetched["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert firm.post(f"{page}/questions", {"text": "Which bearing?"}).headers["Location"] == page
    with aurora.acting():
        question = TaskQuestion.objects.get(task=task).pk
    assert "Borealis" in text(owner.get(page).content)
    assert owner.post(f"{page}/questions/{question}", {"text": "6312"}).headers["Location"] == page
    assert "6312" in text(firm.get(page).content)
    assert owner.post(f"{page}/attachments/{file}").status_code == 409
    assert owner.get(f"{page}/edit").status_code == 409


def test_work_by_a_contract_is_among_ours_in_the_list_and_on_the_live_page(aurora, borealis):
    contract = written(aurora, borealis)
    firm = sign_in(borealis)
    assert f"/tasks/{contract.task_id}" in firm.get("/tasks?scope=work").content.decode()
    panel = text(firm.get("/panels/tasks").content)
    assert "Ours by contract" in panel and "Fix pump 7" in panel
    page = firm.get(f"/tasks/{contract.task_id}").content.decode()
    assert f"/contracts/{contract.pk}" in page and "Claim</button>" not in page


def test_page_says_how_the_rule_of_acceptance_stands_while_the_work_goes_on(aurora, borealis, cassia):
    rule = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}
    task = published(aurora, terms=terms(acceptance=rule), equipment_id=aurora.equipment["PUMP-07"].pk)
    owner, firm, page = sign_in(aurora), sign_in(borealis), f"/tasks/{task.pk}"
    assert "no readings" not in owner.get(page).content.decode()
    claimed(task, borealis)
    reading_sent(aurora, "vibration", 2.0)
    for client in (owner, firm):
        assert "in band since" in text(client.get(page).content) and "of 24 h covered" in text(client.get(page).content)
        assert "in band" in client.get(f"{page}/standing").content.decode()
    assert sign_in(cassia).get(f"{page}/standing").status_code == 404


def reading_sent(owner, tag, value):
    """By the pump, a few seconds ago and now."""
    edge = gateway(owner)
    edge.say(Lane.P1, Birth(datetime.now(UTC), (Tag("PUMP-07", tag, "mm/s"),)))
    edge.say(Lane.P2, reading(value, tag=tag, ago_s=8), reading(value, tag=tag))


def test_list_is_narrowed_by_whose_and_how(aurora, borealis):
    claim, tender = (
        published(aurora, terms=terms(**given))
        for given in (
            {"title": "Quick fix"},
            {"title": "Big one", "mode": "tender", "bids_until": datetime(2031, 1, 1, tzinfo=UTC)},
        )
    )
    firm = sign_in(borealis)
    both = firm.get("/tasks?scope=market").content.decode()
    assert f"/tasks/{claim.pk}" in both and f"/tasks/{tender.pk}" in both
    tenders = firm.get("/tasks/rows?scope=market&mode=tender").content.decode()
    assert f"/tasks/{claim.pk}" not in tenders and f"/tasks/{tender.pk}" in tenders
    assert f"/tasks/{tender.pk}" not in firm.get("/tasks?scope=own").content.decode()
    owner = sign_in(aurora)
    owner.post(f"/tasks/{claim.pk}/page/cancel")
    assert f"/tasks/{claim.pk}" not in owner.get("/tasks?scope=own").content.decode()
    assert f"/tasks/{claim.pk}" in owner.get("/tasks?scope=own&over=1").content.decode()
    assert firm.get("/tasks?scope=all").status_code == 404


def test_page_draws_what_was_frozen_and_says_whom_the_work_takes(aurora, borealis, cassia):
    task = published(aurora, alarm_id=alarm_of(aurora).pk)
    series, page = task.snapshot["evidence"]["series"][0]["id"], f"/tasks/{task.pk}"
    firm = sign_in(borealis)
    shown = firm.get(page).content.decode()
    assert "see alarms, see live and stored readings for 48 h" in shown and "view_alarms" not in shown
    assert "vibration of PUMP-07, from 9.5 to 9.5 mm/s" in shown and "<svg" in shown and "good" in shown
    csv = firm.get(f"{page}/evidence/{series}.csv").content.decode()
    assert "At (UTC),Value,Quality" in csv and ",9.5,good" in csv
    assert "vibration of PUMP-07" in firm.get(f"{page}/evidence/{series}").content.decode()
    assert firm.get(f"{page}/evidence/{task.pk}").status_code == 404
    live = f'href="/series/{series}"'
    assert live not in shown and live in sign_in(aurora).get(page).content.decode()
    assert f'href="/alarms/{task.alarm_id}"' in sign_in(aurora).get(page).content.decode()
    claimed(task, borealis)
    assert live in firm.get(page).content.decode()
    assert sign_in(cassia).get(f"{page}/evidence/{series}.csv").status_code == 404


def test_form_freezes_what_a_machine_measured_and_the_page_draws_it(aurora, borealis):
    reading_sent(aurora, "vibration", 4.25)
    about = f"equipment:{aurora.equipment['PUMP-07'].pk}"
    form = {"about": about, "title": "Balance it", "category": "design", "access_h": "4", "fee": "0", "freeze_h": "100"}
    owner = sign_in(aurora)
    assert "Ensure this value is less than or equal to 72" in owner.post("/tasks/new", form).content.decode()
    page = owner.post("/tasks/new", form | {"freeze_h": "6"}).headers["Location"]
    shown = sign_in(borealis).get(page).content.decode()
    assert "vibration of PUMP-07, from 4.25 to 4.25 mm/s" in shown and "2 of 6 h" in shown


@pytest.mark.parametrize("mode", ["claim", "quotation"])
def test_whom_the_work_takes_is_on_the_pages_that_firms_read(aurora, borealis, mode):
    until = None if mode == "claim" else datetime(2031, 1, 1, tzinfo=UTC)
    with aurora.acting():
        task = post_task(terms=terms(mode=mode, bids_until=until), equipment_id=aurora.equipment["PUMP-07"].pk)
        profiles.set_needs(task=task, needs=(WELDERS,))
        publish_task(task=task)
    wanted = "1 × welding at level 3 or above with hot-work"
    firm = sign_in(borealis)
    assert wanted in text(firm.get(f"/tasks/{task.pk}").content)
    if mode == "quotation":
        assert wanted in text(firm.get(f"/tasks/{task.pk}/bids").content)


def test_claimed_work_is_decided_on_with_what_the_firm_and_the_readings_say(aurora, borealis):
    rule = {"tag": "vibration", "op": "below", "limit": 4.5, "for_h": 24}
    task = published(aurora, terms=terms(acceptance=rule), equipment_id=aurora.equipment["PUMP-07"].pk)
    owner, firm, page = sign_in(aurora), sign_in(borealis), f"/tasks/{task.pk}"
    token = claimed(task, borealis).token
    assert "What was done" in firm.get(page).content.decode()
    said = {"token": token, "note": f"Bearing replaced {HOSTILE}"}
    assert firm.post(f"{page}/page/submit", said).headers["Location"] == page
    for place in (page, "/panels/tasks"):
        shown = owner.get(place).content.decode()
        assert "Bearing replaced" in shown and HOSTILE not in shown
        assert "What is missing" in shown and "vibration below 4.5" in shown and "not kept" in shown
    assert owner.post(f"{page}/rework", {"note": "It still shakes"}).status_code == 302
    assert "It still shakes" in firm.get(page).content.decode()
    assert "It still shakes" in firm.get("/panels/tasks").content.decode()


def test_handed_in_work_is_rejected_on_the_page_where_both_see_until_when_it_is_answered(aurora, borealis):
    task = published(aurora)
    owner, firm, page = sign_in(aurora), sign_in(borealis), f"/tasks/{task.pk}"
    token = claimed(task, borealis).token
    firm.post(f"{page}/page/submit", {"token": token, "note": "Bearing replaced"})
    for party in (owner, firm):
        assert "Accepted unless answered until" in party.get(page).content.decode()
        assert "accepted unless answered until" in party.get("/panels/tasks").content.decode()
    assert "Why nothing is owed" in owner.get(page).content.decode()
    assert owner.post(f"{page}/page/reject", {"note": " "}).status_code == 422
    assert owner.post(f"{page}/page/reject", {"note": "It still shakes"}).headers["Location"] == page
    assert "open" in text(owner.get(page).content) and "Why nothing is owed" not in owner.get(page).content.decode()


def test_owner_gives_more_hours_on_the_page(aurora, borealis):
    task = published(aurora)
    until, page = claimed(task, borealis).lease_until, f"/tasks/{task.pk}"
    owner, firm = sign_in(aurora), sign_in(borealis)
    assert "Hours more" in owner.get(page).content.decode() and "Hours more" not in firm.get(page).content.decode()
    assert owner.post(f"{page}/page/extend", {"hours": "lots"}).status_code == 422
    assert owner.post(f"{page}/page/extend", {"hours": "24"}).headers["Location"] == page
    with aurora.acting():
        assert access.get_own_task(task.pk).claim.lease_until == until + timedelta(hours=24)
