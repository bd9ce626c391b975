"""The console in a browser: what happens elsewhere shows without a reload, and what is done here is done."""

from typing import Any

import pytest
from playwright.sync_api import Route, WebSocketRoute, expect

from edge_bridge.api import acknowledge_alarm
from edge_bridge.models import Alarm
from edge_bridge.protocol import AlarmEvent, Severity
from marketplace import api as marketplace
from marketplace.data import TaskTerms
from optimization.actions import finish, record_progress, request_plan, take_up
from optimization.data import SolveOptions
from optimization.instance_builder import build_instance
from optimization.models import PlanRun
from optimization.outcome import outcome_of
from tests.functional.console.scenes import HOSTILE, Gateway
from tests.integration.optimization import documents
from tests.personas import PASSWORD, Organisation

pytestmark = pytest.mark.browser

PROGRESS = {"stage": "solving", "incumbent": 2_345_678.0, "bound": 2_300_000.0, "gap": 0.0195, "elapsed_s": 7.0}


def asked_plan(owner: Organisation) -> PlanRun:
    with owner.acting():
        return request_plan(name="May robust", instance=documents.small(), options={"time_limit_s": 60})


def begun_plan(owner: Organisation, run: PlanRun) -> PlanRun:
    with owner.acting():
        taken = take_up(run_id=run.pk)
        assert taken is not None
        record_progress(run_id=run.pk, attempt=taken.attempt, progress=PROGRESS)
    return taken


def solved_plan(owner: Organisation, taken: PlanRun) -> float:
    from optimization.solver import solve

    instance = build_instance(taken.instance)
    result = solve(instance, SolveOptions(**taken.options))
    with owner.acting():
        finish(run_id=taken.pk, attempt=taken.attempt, outcome=outcome_of(instance, result), solver="HiGHS")
    assert result.report.objective_usd is not None
    return result.report.objective_usd


def test_person_signs_in_by_keyboard_and_out(aurora, open_desk):
    desk = open_desk(aurora)
    desk.context.clear_cookies()
    desk.page.goto("/")
    expect(desk.page.get_by_label("Email")).to_be_focused()
    desk.page.keyboard.type(aurora.user.email)
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.type(PASSWORD)
    desk.page.keyboard.press("Enter")
    desk.expect_link("Live")
    desk.press("Sign out")
    expect(desk.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_alarm_arrives_live_is_acknowledged_and_leaves(aurora, outside, open_desk):
    desk, gateway = open_desk(aurora).live(), outside(Gateway, aurora)
    expect(desk.panel("alarms")).to_contain_text("No alarm stands")
    alarm = outside(gateway.send)
    row = desk.page.locator(f"#alarm-{alarm.pk}")
    expect(row).to_contain_text("methane_high")
    expect(row).to_contain_text("GAS-T0-01")
    expect(desk.page.locator("#spoken")).to_contain_text("New critical alarm: methane_high on GAS-T0-01")
    desk.press("Acknowledge methane_high on GAS-T0-01")
    expect(row.locator("small").first).to_have_text("acknowledged")
    outside(gateway.send, AlarmEvent.CLEARED, value=0.4)
    expect(row).to_have_count(0)
    assert desk.was_not_reloaded()


def test_flood_is_shown_by_its_first_ten_alarms_and_one_that_counts_the_others(aurora, outside, open_desk):
    desk, gateway = open_desk(aurora).live(), outside(Gateway, aurora)

    def flood() -> None:
        for number in range(15):
            gateway.send(alarm_type=f"limit_{number}", severity=Severity.LOW)

    outside(flood)
    expect(desk.panel("alarms").locator("tbody tr")).to_have_count(11)
    expect(desk.panel("alarms")).to_contain_text("11 unacknowledged of 11")
    expect(desk.panel("alarms").locator("tr", has_text="alarm_flood")).to_contain_text("5 alarms")
    desk.expect_link("Live")


def test_task_is_posted_from_an_alarm_and_claimed_by_another_firm(aurora, borealis, outside, open_desk):
    outside(outside_alarm, aurora)
    owner, firm = open_desk(aurora).live(), open_desk(borealis).live()
    owner.page.get_by_role("link", name="Post a task about vibration_high on PUMP-07").click()
    expect(owner.page.get_by_label("About")).to_contain_text("vibration_high")
    title = f"Balance pump 7 for {aurora.user.email}"
    owner.page.get_by_label("Title").fill(title)
    owner.page.get_by_label("Fee in USD").fill("1800")
    owner.press("Post and publish")
    expect(owner.page.get_by_role("heading", name=title)).to_be_visible()
    owner.page.get_by_role("link", name="Live", exact=True).click()
    owner.expect_link("Live")

    expect(firm.panel("tasks")).to_contain_text(title)
    firm.press(f"Claim: {title}")
    expect(firm.panel("tasks")).to_contain_text("Claimed by us")
    expect(firm.panel("alarms")).to_contain_text("vibration_high")
    expect(owner.panel("tasks")).to_contain_text("Claimed by Borealis")
    firm.press(f"Submit: {title}")
    owner.press(f"Accept: {title}")
    expect(owner.panel("tasks")).not_to_contain_text(title)
    expect(firm.panel("tasks")).not_to_contain_text(title)
    expect(firm.panel("alarms")).to_contain_text("No alarm stands")
    assert firm.was_not_reloaded()


def outside_alarm(owner: Organisation) -> None:
    Gateway(owner).send(equipment="PUMP-07", alarm_type="vibration_high", tag="vibration", value=9.5, limit=4.5)


def test_second_claim_shows_the_refusal_and_the_list_as_it_is(aurora, borealis, outside, open_desk):
    owner, firm = open_desk(aurora).live(), open_desk(borealis).live()
    owner.page.get_by_role("link", name="Post a task", exact=True).click()
    title = f"Survey for {aurora.user.email}"
    owner.page.get_by_label("Title").fill(title)
    owner.press("Post and publish")
    owner.page.get_by_role("link", name="Live", exact=True).click()
    expect(firm.panel("tasks")).to_contain_text(title)
    firm.page.route("**/panels/tasks", Route.abort)
    owner.press(f"Cancel: {title}")
    expect(owner.panel("tasks")).not_to_contain_text(title)
    firm.page.unroute("**/panels/tasks")
    firm.complaints.clear()
    firm.press(f"Claim: {title}")
    expect(firm.page.locator("#notice")).to_contain_text("There is no such task, or it is not open to you")
    expect(firm.panel("tasks")).not_to_contain_text(title)
    firm.complaints.remove("Failed to load resource: the server responded with a status of 404 (Not Found)")
    firm.complaints[:] = [words for words in firm.complaints if "Response Status Error Code 404" not in words]


def test_plan_card_follows_its_events_to_the_cost(aurora, outside, open_desk):
    desk = open_desk(aurora).live()
    expect(desk.panel("plan")).to_contain_text("No plan was asked for")
    run = outside(asked_plan, aurora)
    expect(desk.panel("plan")).to_contain_text("queued")
    taken = outside(begun_plan, aurora, run)
    expect(desk.panel("plan")).to_contain_text("2,345,678")
    expect(desk.panel("plan")).to_contain_text("1.95 %")
    bar = desk.panel("plan").get_by_role("progressbar")
    assert (bar.get_attribute("value"), bar.get_attribute("max")) == ("7.0", "60.0")
    cost = outside(solved_plan, aurora, taken)
    expect(desk.panel("plan")).to_contain_text("solved")
    expect(desk.panel("plan")).to_contain_text(f"{cost:,.0f}")
    expect(bar).to_have_count(0)
    assert desk.was_not_reloaded()


def test_queued_plan_is_cancelled_by_its_button(aurora, outside, open_desk):
    desk = open_desk(aurora).live()
    outside(asked_plan, aurora)
    desk.press("Cancel the plan")
    expect(desk.panel("plan")).to_contain_text("cancelled")


def test_page_resumes_at_its_cursor_after_the_web_process_was_killed(aurora, outside, open_desk, live_web):
    desk, gateway = open_desk(aurora).live(), outside(Gateway, aurora)
    before = outside(gateway.send)
    expect(desk.page.locator(f"#alarm-{before.pk}")).to_be_visible()
    live_web.kill()
    expect(desk.page.locator("#connection")).not_to_have_text("Live")
    meanwhile = outside(gateway.send, alarm_type="methane_rising", severity=Severity.HIGH)
    live_web.restart()
    desk.expect_link("Live")
    expect(desk.page.locator(f"#alarm-{meanwhile.pk}")).to_be_visible()
    assert desk.was_not_reloaded()


def test_missing_frame_is_noticed_by_the_chain_and_read_again(aurora, outside, open_desk):
    desk, gateway = open_desk(aurora), outside(Gateway, aurora)
    sockets: list[list[str]] = []
    desk.page.route_web_socket("**/ws/v1/feed", lambda socket: lose_first_event(socket, sockets))
    desk.live()
    desk.page.evaluate(
        "window.told = []; new MutationObserver(() => told.push(document.getElementById('connection').textContent))"
        ".observe(document.getElementById('connection'), {childList: true})"
    )
    lost, seen = outside(gateway.send), outside(gateway.send, equipment="FAN-01", alarm_type="fan_slow")
    expect(desk.page.locator(f"#alarm-{seen.pk}")).to_be_visible()
    expect(desk.page.locator(f"#alarm-{lost.pk}")).to_be_visible()
    desk.page.wait_for_function("window.told.at(-1) === 'Live'")
    assert "Resynchronising…" in desk.page.evaluate("window.told")
    subscriptions = [frame for frames in sockets for frame in frames if '"sub"' in frame]
    assert len(sockets) == 2 and subscriptions[0] == subscriptions[1]


def lose_first_event(socket: WebSocketRoute, sockets: list[list[str]]) -> None:
    """Pass everything on but the first event of the first socket; keep what the page says."""
    said: list[str] = []
    sockets.append(said)
    is_first, server, lost = len(sockets) == 1, socket.connect_to_server(), []

    def from_server(text: str | bytes) -> None:
        if is_first and not lost and '"t":"ev"' in str(text):
            lost.append(text)
        else:
            socket.send(text)

    def from_page(text: str | bytes) -> None:
        said.append(str(text))
        server.send(text)

    server.on_message(from_server)
    socket.on_message(from_page)


def test_hostile_words_stay_words(aurora, outside, open_desk):
    desk, gateway = open_desk(aurora).live(), outside(Gateway, aurora)
    alarm = outside(gateway.send, alarm_type=HOSTILE)
    expect(desk.page.locator(f"#alarm-{alarm.pk}")).to_contain_text(HOSTILE)
    expect(desk.page.locator("#spoken")).to_contain_text(HOSTILE)
    assert desk.page.evaluate("window.stolen") is None


def test_keyboard_acknowledges_and_keeps_its_place_while_the_list_changes(aurora, outside, open_desk):
    desk, gateway = open_desk(aurora).live(), outside(Gateway, aurora)
    alarm = outside(gateway.send)
    button = desk.page.locator(f"#acknowledge-{alarm.pk}")
    expect(button).to_be_visible()
    for _ in range(20):
        desk.page.keyboard.press("Tab")
        if button.evaluate("button => button === document.activeElement"):
            break
    expect(button).to_be_focused()
    assert button.evaluate("button => getComputedStyle(button).outlineStyle") == "solid"
    other = outside(gateway.send, equipment="FAN-01", alarm_type="fan_slow", severity=Severity.LOW)
    expect(desk.page.locator(f"#alarm-{other.pk}")).to_be_visible()
    expect(button).to_be_focused()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator(f"#alarm-{alarm.pk} small").first).to_have_text("acknowledged")


def test_page_works_without_scripts(aurora, outside, open_desk):
    alarm = outside(lambda: Gateway(aurora).send())
    desk = open_desk(aurora, java_script_enabled=False)
    desk.page.goto("/")
    desk.expect_link("Not live: reload for news")
    desk.press("Acknowledge methane_high on GAS-T0-01")
    expect(desk.page.locator(f"#alarm-{alarm.pk} small").first).to_have_text("acknowledged")


def test_session_that_ended_leads_to_the_login(aurora, outside, open_desk):
    desk = open_desk(aurora).live()
    desk.context.clear_cookies()
    outside(lambda: Gateway(aurora).send())
    expect(desk.page.get_by_role("heading", name="Sign in")).to_be_visible()


def test_page_fits_a_screen_a_tablet_and_a_telephone(aurora, borealis, outside, open_desk, tmp_path):
    outside(busy_day, aurora, borealis)
    desk = open_desk(aurora).live()
    for path in ("/", "/gateways", "/tasks/new", "/organisation", "/nothing-here", "/login"):
        if path == "/login":
            desk.context.clear_cookies()
        desk.page.goto(path)
        desk.expect_to_fit(tmp_path / path.replace("/", "-"), (1280, 800), (820, 1180), (768, 1024), (390, 844))
    desk.complaints[:] = [words for words in desk.complaints if "status of 404" not in words]


def busy_day(owner: Organisation, firm: Organisation) -> None:
    """Four alarms, one acknowledged and one back to normal, a plan under way, one task on the market, one claimed."""
    gateway = Gateway(owner)
    pump = {"equipment": "PUMP-07", "alarm_type": "vibration_high", "tag": "vibration_rms", "value": 7.31, "limit": 4.5}
    truck = {"equipment": "TRUCK-07", "alarm_type": "payload_over", "tag": "payload_t", "value": 241, "limit": 230}
    fan = {"equipment": "FAN-01", "alarm_type": "airflow_low", "tag": "airflow_m3s", "value": 61.5, "limit": 75}
    airflow = gateway.send(**fan, severity=Severity.MEDIUM)
    gateway.send(**truck, severity=Severity.LOW)
    gateway.send(AlarmEvent.CLEARED, **truck | {"value": 220}, severity=Severity.LOW)
    vibration = gateway.send(**pump, severity=Severity.HIGH)
    gateway.send()
    begun_plan(owner, asked_plan(owner))
    with owner.acting():
        acknowledge_alarm(alarm=airflow)
    bearing = published_task(owner, "Replace the bearing of slurry pump 7", vibration, 250_000)
    published_task(owner, "Review ventilation of panel T0", airflow, 90_000)
    with firm.acting():
        marketplace.claim_task(task=marketplace.get_task(bearing.pk, needs="claim_tasks"))


def published_task(owner: Organisation, title: str, alarm: Alarm, fee_minor: int) -> Any:
    terms = TaskTerms(title, "equipment_maintenance", opens=("view_alarms", "view_telemetry"), fee_minor=fee_minor)
    with owner.acting():
        task = marketplace.post_task(terms=terms, alarm_id=alarm.pk)
        marketplace.publish_task(task=task)
    return task
