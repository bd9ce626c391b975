"""The planner's pages: what each shows, to whom, and what can be done on it, without a browser."""

import csv
import io
import json
import re
from uuid import uuid4

import pytest
from django.contrib.staticfiles import finders

from cloudmining.console.finders import PlotlyFinder
from optimization.actions import record_progress, request_plan, take_up
from optimization.models import PlanRun
from tenants.roles import ROLES
from tests.functional.console.plan_scenes import explained, reads_of
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text, with_role
from tests.integration.optimization import documents, joint_scenes
from tests.integration.optimization.scenes import colleague, founded, solved

MOST_READS = 10
ADDRESSES = ("/plans/{}", "/plans/{}/body", "/plans/{}/charts/flow", "/plans/{}/charts/cut-offs.csv")


def page_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, text(answer.content)
    return answer.content.decode()


def test_list_names_status_cost_gap_scenario_and_who_asked(aurora):
    explained(aurora, "May, robust", version=founded(aurora, "Quarter"))
    shown = text(page_of(sign_in(aurora), "/plans").encode())
    assert all(words in shown for words in ("May, robust", "solved", "Quarter", "version 1", aurora.user.name))
    assert re.search(r"\d,\d{3},\d{3}|\d{3},\d{3}", shown) and re.search(r"\d\.\d\d %", shown)


def test_long_list_is_paged_and_every_plan_is_on_one_page(aurora):
    with aurora.acting():
        names = {request_plan(name=f"Plan {k:02}", instance=documents.small(), options={}).name for k in range(30)}
    client = sign_in(aurora)
    first = page_of(client, "/plans")
    older = re.search(r'href="\?(before=[^"]+)"', first)
    assert older is not None
    second = page_of(client, f"/plans?{older[1]}")
    found = [re.findall(r"Plan \d\d", page) for page in (first, second)]
    assert len(found[0]) == 25 and len(found[1]) == 5 and {*found[0], *found[1]} == names
    assert client.get("/plans?before=nonsense").status_code == 404


def test_running_plan_shows_its_progress_and_is_cancelled_by_whom_may_run_plans(aurora):
    with aurora.acting():
        run = request_plan(name="May", instance=documents.small(), options={"time_limit_s": 90})
        taken = take_up(run_id=run.pk)
        news = {"stage": "improving", "incumbent": 1234567.8, "bound": 1200000.0, "gap": 0.0281, "elapsed_s": 12.5}
        record_progress(run_id=run.pk, attempt=taken.attempt, progress=news)
    client = sign_in(aurora)
    shown = text(page_of(client, f"/plans/{run.pk}").encode())
    assert all(word in shown for word in ("improving", "1,234,568", "1,200,000", "2.81 %", "12.5 s", "Cancel the plan"))
    assert client.post(f"/plans/{run.pk}/steps/cancel").headers["Location"] == f"/plans/{run.pk}"
    assert "stopping as asked" in text(page_of(client, f"/plans/{run.pk}").encode())
    viewer = with_role(aurora, "viewer")
    assert "Cancel the plan" not in page_of(viewer, f"/plans/{run.pk}")
    assert viewer.post(f"/plans/{run.pk}/steps/cancel").status_code == 403


def test_solved_plan_shows_every_chart_with_its_numbers_and_where_to_get_them(aurora):
    run = explained(aurora)
    client = sign_in(aurora)
    page = page_of(client, f"/plans/{run.pk}")
    pictures, tables = page.count("<svg "), page.count("<summary>The numbers</summary>")
    assert pictures == tables >= 8
    assert "style=" not in page and "<style" not in page and "<script>" not in page
    for name in ("plan-workbook", "plan.csv", "plan.zip", "instance.zip"):
        assert name.removeprefix("plan-") in page
    places = re.findall(r'href="(/plans/[^"]+/charts/[^"]+\.csv)"', page)
    assert len(places) == pictures
    for place in places:
        rows = list(csv.reader(io.StringIO(client.get(place).content.decode("utf-8-sig"))))
        assert len(rows) > 1 and len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("cut", ["kind", "mine", "period"])
def test_cost_chart_sums_to_the_objective_to_the_cent(aurora, cut):
    run = explained(aurora)
    answer = sign_in(aurora).get(f"/plans/{run.pk}/charts/cost-by-{cut}.csv")
    _, *parts, total = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    assert round(sum(float(part[1]) for part in parts), 2) == float(total[1]) == round(run.report["objective_usd"], 2)


def test_calendar_has_the_cutoffs_of_the_plan(aurora):
    run = explained(aurora)
    answer = sign_in(aurora).get(f"/plans/{run.pk}/charts/cut-offs.csv")
    header, *rows = csv.reader(io.StringIO(answer.content.decode("utf-8-sig")))
    shown = {(m, i, cutoff, t) for m, i, *cells in rows for t, cutoff in zip(header[2:], cells, strict=True) if cutoff}
    assert shown == {tuple(row[:4]) for row in run.plan["d"] if row[4] > 0.5}


def test_interactive_chart_is_shut_off_from_everything_but_our_scripts(aurora):
    run = explained(aurora)
    answer = sign_in(aurora).get(f"/plans/{run.pk}/charts/flow")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts allow-downloads; default-src 'none'")
    assert "unsafe-eval" not in policy and "script-src 'self';" in policy
    held = re.search(r'<script id="figure" type="application/json">(.*?)</script>', answer.content.decode(), re.S)
    assert json.loads(held[1])["data"][0]["type"] == "sankey"
    assert "/static/plotly/plotly.min.js" in answer.content.decode()


def test_binding_rules_are_told_with_what_one_more_is_worth(aurora):
    run = explained(aurora)
    shown = text(page_of(sign_in(aurora), f"/plans/{run.pk}").encode())
    assert "What binds, and what it is worth" in shown
    assert re.search(r"one more tonne (of ore )?(saves|costs) (up to )?[\d,]+\.\d\d \$", shown)


def test_infeasible_plan_is_told_in_words_with_shortage_and_repair(aurora):
    hungry = documents.small()
    hungry["demands"][0]["D"] = [10 * tonnes for tonnes in hungry["demands"][0]["D"]]
    run = explained(aurora, instance=hungry)
    assert run.status == "infeasible", run.message
    shown = text(page_of(sign_in(aurora), f"/plans/{run.pk}").encode())
    assert "Why there is no plan" in shown and "What stays short" in shown and "The cheapest repair" in shown
    assert run.insight["words"][0] in shown and "<svg" not in shown


def test_plan_that_does_not_fit_becomes_the_evidence_of_a_task(aurora):
    hungry = documents.small()
    hungry["demands"][0]["D"] = [10 * tonnes for tonnes in hungry["demands"][0]["D"]]
    run, client = explained(aurora, instance=hungry), sign_in(aurora)
    form = f"/tasks/new?plan={run.pk}"
    assert form in page_of(client, f"/plans/{run.pk}")
    assert f"“{run.name}”" in text(page_of(client, form).encode())
    about = {"about": f"site:{aurora.sites['north'].pk}", "title": "More ore", "category": "planning"}
    posted = client.post(form, {**about, "access_h": "48", "fee": "0"})
    task = text(page_of(client, posted.headers["Location"]).encode())
    assert run.insight["words"][0] in task and "Cheapest repair" in task


def test_plan_is_approved_by_a_colleague_and_released(aurora):
    run_id = solved(aurora)
    asker, manager = sign_in(aurora), sign_in(colleague(aurora))
    page = page_of(asker, f"/plans/{run_id}")
    assert "You asked for this plan yourself" in page and f"approve-{run_id}" not in page
    refused = asker.post(f"/plans/{run_id}/steps/approve")
    assert refused.status_code == 403 and "a colleague has to approve it" in text(refused.content)
    assert manager.post(f"/plans/{run_id}/steps/release").status_code == 409
    assert manager.post(f"/plans/{run_id}/steps/approve", {"reason": "cheap enough"}).status_code == 302
    shown = text(page_of(asker, f"/plans/{run_id}").encode())
    assert "approved by A colleague" in shown and "“cheap enough”" in shown and "put it in force" in shown
    assert asker.post(f"/plans/{run_id}/steps/release").status_code == 302
    assert "in force released as number 1" in text(page_of(asker, f"/plans/{run_id}").encode())


def test_rejection_needs_a_reason(aurora):
    run_id, manager = solved(aurora), sign_in(colleague(aurora))
    bare = manager.post(f"/plans/{run_id}/steps/reject", {"reason": "  "})
    assert bare.status_code == 422 and "Say why" in text(bare.content)
    manager.post(f"/plans/{run_id}/steps/reject", {"reason": "too dear"})
    page = page_of(manager, f"/plans/{run_id}")
    assert "rejected" in page and "too dear" in page and "release-" not in page


@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_sees_plans_and_only_the_buttons_it_may_press(aurora, role):
    run_id = solved(aurora)
    person = colleague(aurora, role)
    client = sign_in(person)
    assert client.get("/plans").status_code == 200
    page = page_of(client, f"/plans/{run_id}")
    may_approve = "approve_plans" in ROLES[role]
    assert (f"approve-{run_id}" in page) == may_approve
    assert client.post(f"/plans/{run_id}/steps/approve").status_code == (302 if may_approve else 403)


@pytest.mark.parametrize("address", ADDRESSES)
def test_outsider_finds_foreign_and_absent_plans_alike(aurora, cassia, address):
    run_id, outsider = solved(aurora), sign_in(cassia)
    answers = [outsider.get(address.format(key)) for key in (run_id, uuid4())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].content == answers[1].content
    for step in ("cancel", "approve", "reject", "release"):
        assert outsider.post(f"/plans/{run_id}/steps/{step}", {"reason": "x"}).status_code == 404
    assert "No plan was asked for yet" in page_of(outsider, "/plans")


def test_nonsense_names_are_not_found(aurora):
    run_id, client = solved(aurora), sign_in(aurora)
    for address in (f"/plans/{run_id}/charts/nonsense", f"/plans/{run_id}/charts/nonsense.csv"):
        assert client.get(address).status_code == 404
    assert client.post(f"/plans/{run_id}/steps/nonsense").status_code == 404


def test_names_that_others_chose_are_inert_in_pictures_and_tables(aurora):
    hostile = json.loads(json.dumps(documents.small()).replace("mine 1", HOSTILE))
    run = explained(aurora, HOSTILE, instance=hostile)
    client = sign_in(aurora)
    for address in ("/plans", f"/plans/{run.pk}", f"/plans/{run.pk}/charts/flow"):
        page = page_of(client, address)
        assert "<script>window" not in page and "script" in page


def test_pages_take_few_queries_however_many_plans_there_are(aurora):
    version = founded(aurora)
    runs = [explained(aurora, version=version) for _ in range(4)]
    client = sign_in(aurora)
    for address in ("/plans", f"/plans/{runs[0].pk}", f"/plans/{runs[0].pk}/charts/flow"):
        assert len(reads_of(client, address)) <= MOST_READS


def test_signed_out_visitor_is_sent_to_the_login(client):
    assert client.get("/plans").headers["Location"] == "/login?next=/plans"


def test_plotly_is_a_static_file_of_ours_and_nothing_else_of_its_package_is():
    assert finders.find("plotly/plotly.min.js").endswith("plotly.min.js")
    assert finders.find("plotly/widgetbundle.js") is None
    ours = [f"{storage.prefix}/{path}" for path, storage in PlotlyFinder().list(None)]
    assert ours == ["plotly/plotly.min.js"]


def test_plan_of_several_organisations_is_a_page_without_its_parts(aurora):
    joint = joint_scenes.alone(aurora)["joint_id"]
    with aurora.acting():
        run = PlanRun.objects.get(joint=joint)
    client = sign_in(aurora)
    shown = text(page_of(client, f"/plans/{run.pk}").encode())
    assert "plan of several organisations" in shown and "Workbook" not in shown
    assert "of several organisations" in page_of(client, "/plans")
    client.post(f"/plans/{run.pk}/steps/cancel")
