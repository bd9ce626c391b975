"""What the console shows to whom, and what can be done on it, without a browser."""

import re
from datetime import UTC, datetime
from html import unescape
from uuid import UUID, uuid4

import pytest
from django.test import Client

from edge_bridge.protocol import AlarmEvent, Severity
from marketplace.models import ServiceTask
from optimization.actions import record_progress, request_plan, take_up
from optimization.models import PlanRun
from tenants.context import as_platform
from tenants.models import FeedHead, Membership, Site
from tests.functional.console.scenes import HOSTILE, Gateway, sign_in
from tests.integration.optimization import documents
from tests.integration.tenants.test_grants import opened_to

TASK = {"title": "Fix the pump", "category": "equipment_maintenance", "access_h": "48", "fee": "1250.50"}


def text(page: bytes) -> str:
    """The words of a page, without its tags."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", page.decode())))


def with_role(organisation, *roles: str) -> Client:
    with as_platform("tests", "change a role"):
        Membership.objects.filter(user=organisation.user).update(roles=list(roles))
    return sign_in(organisation)


def post_task(client: Client, organisation, **changed) -> ServiceTask:
    about = f"equipment:{organisation.equipment['PUMP-07'].pk}"
    answer = client.post("/tasks/new", {"about": about, "opens": ["view_telemetry"], **TASK, **changed})
    assert answer.status_code == 302, text(answer.content)
    with organisation.acting():
        return ServiceTask.objects.filter(tenant=organisation.id).latest("pk")


def state_of(task: ServiceTask, owner) -> str:
    with owner.acting():
        return ServiceTask.objects.get(pk=task.pk).state


def test_page_names_the_cursor_that_its_panels_are_at_least_as_new_as(aurora):
    alarm = Gateway(aurora).send()
    page = sign_in(aurora).get("/").content.decode()
    with aurora.acting():
        head = FeedHead.objects.get(tenant=aurora.id)
    assert f'data-epoch="{head.epoch}" data-cursor="{head.seq}"' in page and head.seq > 0
    assert f'id="alarm-{alarm.pk}"' in page


def test_alarms_are_shown_in_the_zone_of_their_site_most_pressing_first(aurora):
    with aurora.acting():
        Site.objects.filter(pk=aurora.sites["north"].pk).update(time_zone="Australia/Perth")
    gateway = Gateway(aurora)
    gateway.send(equipment="FAN-01", alarm_type="fan_slow", severity=Severity.LOW)
    at = datetime.now(UTC).replace(hour=3, minute=4, second=5)
    gateway.send(occurred_at=at)
    page = text(sign_in(aurora).get("/panels/alarms").content)
    assert page.index("methane_high") < page.index("fan_slow")
    assert "11:04:05" in page and "AWST" in page
    assert "1.25 / 1" in page and "2 unacknowledged of 2" in page


def test_operator_acknowledges_an_alarm(aurora):
    alarm = Gateway(aurora).send()
    client = with_role(aurora, "operator")
    answer = client.post(f"/alarms/{alarm.pk}/acknowledge")
    assert answer.headers["Location"] == "/"
    assert "acknowledged" in text(client.get("/panels/alarms").content)
    again = client.post(f"/alarms/{alarm.pk}/acknowledge")
    assert again.status_code == 409 and "can't be acknowledged" in text(again.content)
    with aurora.acting():
        alarm.refresh_from_db()
    assert alarm.state == "ACKED" and alarm.acknowledged_by_id == aurora.user.pk


def test_htmx_gets_the_panel_alone_and_a_full_page_only_when_signed_out(aurora):
    alarm = Gateway(aurora).send()
    client = sign_in(aurora)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/?a=1"}
    answer = client.post(f"/alarms/{alarm.pk}/acknowledge", headers=headers, follow=True)
    assert answer.redirect_chain == [("/panels/alarms", 302)] and b"<html" not in answer.content
    client.logout()
    assert client.get("/panels/alarms", headers=headers).headers["HX-Redirect"] == "/login?next=/"


def test_alarm_that_returned_to_normal_leaves_the_list_once_acknowledged(aurora):
    gateway, client = Gateway(aurora), sign_in(aurora)
    alarm = gateway.send()
    gateway.send(AlarmEvent.CLEARED, value=0.4)
    assert "back to normal, unacknowledged" in text(client.get("/panels/alarms").content)
    client.post(f"/alarms/{alarm.pk}/acknowledge")
    assert "No alarm stands" in text(client.get("/panels/alarms").content)


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("finance", {"panel-plan", "panel-tasks"}, {"panel-alarms"}),
        ("viewer", {"panel-alarms", "panel-plan", "panel-tasks"}, set()),
    ],
)
def test_role_sees_only_its_panels_and_no_button_it_may_not_press(aurora, role, shown, hidden):
    alarm = Gateway(aurora).send()
    client = with_role(aurora, role)
    page = client.get("/").content.decode()
    assert all(f'id="{name}"' in page for name in shown) and not any(f'id="{name}"' in page for name in hidden)
    assert "acknowledge-" not in page and "post-task" not in page
    assert client.post(f"/alarms/{alarm.pk}/acknowledge").status_code == 403
    assert client.get("/tasks/new").status_code == 403
    if hidden:
        assert client.get("/panels/alarms").status_code == 403


def test_partner_sees_the_alarm_but_may_acknowledge_only_if_that_was_opened(aurora, borealis, cassia):
    alarm = Gateway(aurora).send()
    opened_to(borealis, aurora, ("view_alarms",))
    partner = sign_in(borealis)
    page = partner.get("/panels/alarms").content
    assert "methane_high" in text(page) and "Aurora North, Aurora" in text(page) and b"acknowledge-" not in page
    assert b"post-" not in page
    assert partner.post(f"/alarms/{alarm.pk}/acknowledge").status_code == 404
    assert partner.get(f"/tasks/new?alarm={alarm.pk}").status_code == 404
    opened_to(borealis, aurora, ("view_alarms", "acknowledge_alarms"), site="north")
    assert b"acknowledge-" in partner.get("/panels/alarms").content
    assert "No alarm stands" in text(sign_in(cassia).get("/panels/alarms").content)


@pytest.mark.parametrize(
    "address", ["/alarms/{}/acknowledge", "/plans/{}/cancel", "/tasks/{}/claim", "/tasks/{}/accept"]
)
def test_outsider_finds_foreign_and_absent_objects_alike(aurora, cassia, address):
    alarm, owner, outsider = Gateway(aurora).send(), sign_in(aurora), sign_in(cassia)
    with aurora.acting():
        plan = request_plan(name="May", instance=documents.small(), options={})
    task = post_task(owner, aurora)
    owner.post(f"/tasks/{task.pk}/cancel")
    foreign = {"alarms": alarm, "plans": plan, "tasks": task}[address.split("/")[1]]
    answers = [outsider.post(address.format(key)) for key in (foreign.pk, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content


def test_what_others_wrote_is_inert(aurora, borealis):
    Gateway(aurora).send(alarm_type=HOSTILE)
    client = sign_in(aurora)
    post_task(client, aurora, title=HOSTILE, description=HOSTILE)
    with aurora.acting():
        request_plan(name=HOSTILE, instance=documents.small(), options={})
    for page in (client.get("/").content, sign_in(borealis).get("/").content):
        assert b"<script>window" not in page and b"&lt;script&gt;window" in page


def test_plan_shows_its_progress_and_can_be_cancelled(aurora):
    client = sign_in(aurora)
    assert "No plan was asked for" in text(client.get("/panels/plan").content)
    with aurora.acting():
        run = request_plan(name="May", instance=documents.small(), options={"time_limit_s": 90})
    assert "queued" in text(client.get("/panels/plan").content)
    news = {"stage": "solving", "incumbent": 1234567.8, "bound": 1200000.0, "gap": 0.0281, "elapsed_s": 12.5}
    with aurora.acting():
        taken = take_up(run_id=run.pk)
        record_progress(run_id=run.pk, attempt=taken.attempt, progress=news)
    page = client.get("/panels/plan").content
    assert all(word in text(page) for word in ("solving", "1,234,568", "1,200,000", "2.81 %", "12.5 s"))
    assert b'max="90.0" value="12.5"' in page
    assert client.post(f"/plans/{run.pk}/cancel").status_code == 302
    assert "stopping as asked" in text(client.get("/panels/plan").content)
    with aurora.acting():
        assert PlanRun.objects.get(pk=run.pk).cancel_requested_at is not None


def test_role_that_may_not_run_plans_can_not_cancel_one(aurora):
    with aurora.acting():
        run = request_plan(name="May", instance=documents.small(), options={})
    client = with_role(aurora, "operator")
    assert b"cancel-" not in client.get("/panels/plan").content
    assert client.post(f"/plans/{run.pk}/cancel").status_code == 403


def test_task_goes_from_an_alarm_to_acceptance_between_two_firms(aurora, borealis):
    alarm = Gateway(aurora).send(equipment="PUMP-07", alarm_type="vibration_high")
    owner, firm = sign_in(aurora), sign_in(borealis)
    form = owner.get(f"/tasks/new?alarm={alarm.pk}")
    assert "vibration_high on PUMP-07" in form.content.decode()
    about = {"about": f"alarm:{alarm.pk}", "opens": ["view_alarms"], **TASK}
    posted = owner.post(f"/tasks/new?alarm={alarm.pk}", about).headers["Location"]
    with aurora.acting():
        task = ServiceTask.objects.get(tenant=aurora.id)
    assert posted == f"/tasks/{task.pk}"
    assert (task.alarm_id, task.fee_minor, task.state) == (alarm.pk, 125_050, "open")
    offered = text(firm.get("/panels/tasks").content)
    assert "Fix the pump" in offered and "1,250.50 USD" in offered and "Claim" in offered

    assert firm.post(f"/tasks/{task.pk}/claim").headers["Location"] == "/"
    assert "vibration_high" in text(firm.get("/panels/alarms").content)
    assert "Claimed by Borealis" in text(owner.get("/panels/tasks").content)
    assert firm.post(f"/tasks/{task.pk}/submit", {"token": "1"}).headers["Location"] == "/"
    assert owner.post(f"/tasks/{task.pk}/rework").headers["Location"] == "/"
    assert firm.post(f"/tasks/{task.pk}/submit", {"token": "1"}).headers["Location"] == "/"
    assert owner.post(f"/tasks/{task.pk}/accept").headers["Location"] == "/"
    assert state_of(task, aurora) == "closed"
    assert "No alarm stands" in text(firm.get("/panels/alarms").content)
    assert "Fix the pump" not in text(owner.get("/panels/tasks").content)


@pytest.mark.parametrize("token", ["", "2", "-1", "x", "9" * 30])
def test_claim_of_another_token_can_not_submit(aurora, borealis, token):
    task, firm = post_task(sign_in(aurora), aurora), sign_in(borealis)
    firm.post(f"/tasks/{task.pk}/claim")
    assert firm.post(f"/tasks/{task.pk}/submit", {"token": token}).status_code in (404, 409, 422)
    assert state_of(task, aurora) == "claimed"


def test_firm_that_comes_second_is_told_so(aurora, borealis, cassia):
    task = post_task(sign_in(aurora), aurora)
    assert sign_in(borealis).post(f"/tasks/{task.pk}/claim").status_code == 302
    late = sign_in(cassia).post(f"/tasks/{task.pk}/claim")
    assert late.status_code in (404, 409) and "claimed" in text(late.content)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"title": " "}, "required"),
        ({"title": "x" * 201}, "200 characters"),
        ({"category": "alchemy"}, "not one of the available choices"),
        ({"access_h": "0"}, "greater than or equal to 1"),
        ({"fee": "-1"}, "greater than or equal to 0"),
        ({"fee": "NaN"}, "Enter a number"),
        ({"opens": ["everything"]}, "not one of the available choices"),
        ({"about": f"site:{uuid4()}"}, "not one of the available choices"),
    ],
)
def test_bad_task_is_refused_beside_its_field_and_nothing_is_kept(aurora, changed, words):
    client = sign_in(aurora)
    about = f"equipment:{aurora.equipment['PUMP-07'].pk}"
    answer = client.post("/tasks/new", {"about": about, **TASK, **changed})
    assert answer.status_code == 422 and words in text(answer.content)
    with aurora.acting():
        assert not ServiceTask.objects.filter(tenant=aurora.id).exists()


def test_site_of_others_is_no_choice(aurora, cassia):
    answer = sign_in(cassia).post("/tasks/new", {"about": f"site:{aurora.sites['north'].pk}", **TASK})
    assert answer.status_code == 422


@pytest.mark.parametrize(
    "address", ["/tasks/new?alarm=nonsense", f"/tasks/new?alarm={UUID(int=1)}", "/panels/nonsense"]
)
def test_nonsense_in_an_address_is_a_page_in_words(aurora, address):
    answer = sign_in(aurora).get(address)
    assert answer.status_code == 404 and "Not found" in text(answer.content)


def test_method_that_a_page_does_not_know_is_refused(aurora):
    client = sign_in(aurora)
    assert client.put("/").status_code == 405
    assert client.get(f"/alarms/{uuid4()}/acknowledge").status_code == 405
    assert client.head("/").status_code == 200
