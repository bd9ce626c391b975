"""The planner's pages in a browser: charts are drawn under the strict policy, news arrive, buttons work."""

from typing import Any

import pytest
from playwright.sync_api import expect

from optimization.models import Experiment, PlanRun
from tests.browser.test_console import PROGRESS, asked_plan, begun_plan, solved_plan
from tests.functional.console.plan_scenes import explained
from tests.integration.optimization.grades import fitted
from tests.integration.optimization.scenes import colleague, founded, solved
from tests.integration.optimization.test_studies import worked_off
from tests.personas import Organisation

pytestmark = pytest.mark.browser

LESS = [{"kind": "demand", "factor": 0.9, "periods": ["period 1"]}]


def pair(owner: Organisation) -> list[PlanRun]:
    base = founded(owner, "Quarter")
    varied = founded(owner, "Less", base=base, variations=LESS)
    return [explained(owner, name, version=version) for name, version in (("Base plan", base), ("Less plan", varied))]


def study(owner: Organisation) -> Experiment:
    from tests.functional.console.test_study_and_grade_pages import asked

    return worked_off(owner, asked(owner))


def grades(owner: Organisation) -> Any:
    with owner.acting():
        return fitted("Main pits")


def test_plan_that_is_solved_grows_its_charts_without_a_reload(aurora, outside, open_desk):
    run = outside(asked_plan, aurora)
    desk = open_desk(aurora)
    desk.page.goto(f"/plans/{run.pk}")
    desk.expect_link("Live")
    desk.page.evaluate("window.marked = true")
    expect(desk.page.locator("main")).to_contain_text("waiting for a worker")
    taken = outside(begun_plan, aurora, run)
    expect(desk.page.locator("main")).to_contain_text(f"{PROGRESS['incumbent']:,.0f}")
    outside(solved_plan, aurora, taken)
    expect(desk.page.locator("figure.chart svg").first).to_be_visible()
    assert desk.page.locator("figure.chart svg").count() >= 8
    assert desk.was_not_reloaded()


def test_news_of_other_plans_leave_a_plan_alone(aurora, outside, open_desk):
    run = outside(solved, aurora)
    desk = open_desk(aurora)
    desk.page.goto(f"/plans/{run}")
    desk.expect_link("Live")
    summary = desk.page.locator("figure.chart summary").first
    summary.click()
    outside(solved, aurora)
    desk.page.wait_for_timeout(1500)
    expect(desk.page.locator("figure.chart details[open]")).to_have_count(1)


def test_ticks_stay_while_news_arrive(aurora, outside, open_desk):
    base, _ = outside(pair, aurora)
    desk = open_desk(aurora)
    for path, label in (("/plans", f"Compare {base.name}"), ("/scenarios", "Compare Quarter, version 1")):
        desk.page.goto(path)
        desk.expect_link("Live")
        box = desk.page.get_by_label(label, exact=True)
        box.check()
        with desk.page.expect_response(lambda answer: answer.url.endswith("/rows")):
            outside(asked_plan, aurora)
        desk.page.wait_for_timeout(300)
        expect(box).to_be_checked()


def test_charts_tell_values_under_the_mouse_and_have_their_numbers_by_keyboard(aurora, outside, open_desk):
    run = outside(explained, aurora)
    desk = open_desk(aurora)
    desk.page.goto(f"/plans/{run.pk}")
    calendar = desk.page.get_by_label("locations are worked").first
    expect(calendar.locator("rect title").first).to_contain_text("location 1")
    summary = desk.page.locator("figure.chart summary").first
    summary.focus()
    desk.page.keyboard.press("Enter")
    expect(desk.page.locator("figure.chart details[open] table").first).to_contain_text("total")


@pytest.mark.parametrize("name", ["flow", "cut-offs"])
def test_interactive_chart_is_drawn_though_it_is_shut_off(aurora, outside, open_desk, name):
    run = outside(explained, aurora)
    desk = open_desk(aurora)
    desk.page.goto(f"/plans/{run.pk}/charts/{name}")
    expect(desk.page.locator("#drawing .main-svg").first).to_be_visible()
    assert desk.page.evaluate("window.origin") == "null"
    desk.page.locator("#drawing").hover()
    with desk.page.expect_download() as download:
        desk.page.locator(".modebar-btn[data-title*=Download]").click()
    assert download.value.suggested_filename.endswith(".png")


def test_plan_is_approved_by_a_colleague_and_released_on_the_page(aurora, outside, open_desk):
    run_id = outside(solved, aurora, outside(founded, aurora))
    desk = open_desk(outside(colleague, aurora))
    desk.page.goto(f"/plans/{run_id}")
    desk.expect_link("Live")
    refreshes = desk.hold("**/body")
    desk.press("Reject")
    expect(desk.page.locator("#notice")).to_contain_text("Say why it is rejected")
    desk.page.get_by_label("Reason").fill("cheap enough")  # while the page is being asked for again
    desk.let_go("**/body", refreshes)
    desk.press("Approve")
    expect(desk.page.locator(".decision")).to_contain_text("“cheap enough”")
    desk.press("Release: put it in force")
    expect(desk.page.locator(".decision")).to_contain_text("released as number 1")
    desk.complaints[:] = [words for words in desk.complaints if "422" not in words]


def test_pages_work_without_scripts(aurora, outside, open_desk):
    base, _ = outside(pair, aurora)
    desk = open_desk(aurora, java_script_enabled=False)
    desk.page.goto("/scenarios")
    desk.page.get_by_label("Compare Quarter, version 1").check()
    desk.page.get_by_label("Compare Less, version 1").check()
    desk.press("Compare the chosen plans")
    expect(desk.page.get_by_role("heading", name="2 plans compared")).to_be_visible()
    desk.page.goto(f"/plans/{base.pk}")
    expect(desk.page.locator("figure.chart svg").first).to_be_visible()
    desk.page.locator("figure.chart summary").first.click()
    expect(desk.page.locator("figure.chart details[open] table").first).to_be_visible()


def test_pages_fit_wide_and_narrow_windows_and_break_no_policy(aurora, outside, open_desk, tmp_path):
    base, less = outside(pair, aurora)
    places = [f"/plans/{base.pk}", f"/scenarios/compare?run={base.pk}&run={less.pk}"]
    places += [f"/grades/{outside(grades, aurora).pk}", f"/experiments/{outside(study, aurora).pk}"]
    desk = open_desk(aurora)
    for number, path in enumerate(["/plans", "/scenarios", "/grades", "/experiments", *places]):
        desk.page.goto(path)
        desk.expect_link("Live")
        desk.expect_to_fit(tmp_path / f"{number}", (1280, 800), (800, 1180))
    assert desk.complaints == []
