"""Scenarios and comparisons as planners see them, without a browser."""

import csv
import io
import re
from uuid import uuid4

import pytest

from tenants.roles import ROLES
from tests.functional.console.plan_scenes import explained, reads_of
from tests.functional.console.scenes import HOSTILE, sign_in
from tests.functional.console.test_console import text
from tests.functional.console.test_plan_pages import page_of
from tests.integration.optimization.scenes import colleague, founded, released, solved

MOST_READS = 14


LESS = [{"kind": "demand", "factor": 0.9, "periods": ["period 1"]}]


def pair(owner):
    """A base and a variation of it, both solved."""
    base = founded(owner, "Quarter")
    varied = founded(owner, "Less demand", base=base, variations=LESS)
    return [
        explained(owner, f"{name}, solved", version=version) for name, version in (("Base", base), ("Less", varied))
    ]


def test_list_tells_versions_their_changes_in_words_and_their_newest_solved_plan(aurora):
    base, less = pair(aurora)
    shown = text(page_of(sign_in(aurora), "/scenarios").encode())
    assert "upon Quarter, version 1" in shown and "instance of its own" in shown
    assert "demand" in shown and "Base, solved" in shown and "Less, solved" in shown
    for run in (base, less):
        assert f"{run.report['objective_usd']:,.0f}" in shown
    assert "No plan is in force" in shown


def test_release_in_force_is_told_and_its_predecessor_is_superseded(aurora):
    version = founded(aurora, "Quarter")
    first, second = released(aurora, version), released(aurora, version)
    page = page_of(sign_in(aurora), "/scenarios")
    in_force = page.split('id="scenarios"')[0]
    assert str(second.run_id) in in_force and str(first.run_id) not in in_force
    assert "in force" in page and "release 2" in page


@pytest.mark.parametrize("role", sorted(ROLES))
def test_role_has_the_buttons_it_may_press(aurora, role):
    run_id = solved(aurora, founded(aurora))
    client = sign_in(colleague(aurora, role))
    page = page_of(client, "/scenarios")
    may = "approve_plans" in ROLES[role]
    assert (f'id="approve-{run_id}"' in page) == may
    if may:
        answer = client.post(f"/plans/{run_id}/steps/approve", {"back": "scenarios"})
        assert answer.headers["Location"] == "/scenarios"
        assert f'id="release-{run_id}"' in page_of(client, "/scenarios")


def test_who_asked_for_a_plan_is_told_to_have_it_approved(aurora):
    run_id = solved(aurora, founded(aurora))
    page = page_of(sign_in(aurora), "/scenarios")
    assert "a colleague has to approve it" in page and f"approve-{run_id}" not in page


def test_comparison_holds_plans_against_the_first(aurora):
    base, less = pair(aurora)
    client = sign_in(aurora)
    page = page_of(client, f"/scenarios/compare?run={base.pk}&run={less.pk}")
    shown = text(page.encode())
    change = less.report["objective_usd"] - base.report["objective_usd"]
    assert change < 0 and f"−{-change:,.0f}" in shown
    assert "Less, solved against Base, solved" in shown and "Data that changed" in shown
    assert page.count("<svg ") == 1 and re.search(r"(\d+ cut-offs? changed|No cut-off changed)", shown)
    place = re.search(r'href="(/scenarios/compare/bridge\.csv\?[^"]+)"', page)[1].replace("&amp;", "&")
    rows = list(csv.reader(io.StringIO(client.get(place).content.decode("utf-8-sig"))))
    assert float(rows[-1][3]) == pytest.approx(change, abs=0.02)
    alone = client.get(place.replace("bridge.csv", "bridge"))
    assert alone.headers["Content-Security-Policy"].startswith("sandbox allow-scripts")


@pytest.mark.parametrize("n", [0, 1, 5])
def test_wrong_number_of_plans_is_refused_in_words(aurora, n):
    chosen = "&".join(f"run={uuid4()}" for _ in range(n))
    answer = sign_in(aurora).get(f"/scenarios/compare?{chosen}")
    assert answer.status_code == 422 and f"{n} are chosen" in text(answer.content)


def test_outsider_sees_and_compares_nothing(aurora, cassia):
    base, less = pair(aurora)
    outsider = sign_in(cassia)
    assert "No scenario was made yet" in page_of(outsider, "/scenarios")
    for place in ("compare", "compare/bridge", "compare/bridge.csv"):
        foreign, absent = (
            outsider.get(f"/scenarios/{place}?run={a}&run={b}") for a, b in ((base.pk, less.pk), (uuid4(), uuid4()))
        )
        assert (foreign.status_code, absent.status_code) == (404, 404) and foreign.content == absent.content
    assert outsider.get("/scenarios/compare?run=x&run=y").status_code == 404


def test_names_are_inert(aurora):
    version = founded(aurora, HOSTILE)
    runs = [explained(aurora, HOSTILE, version=version) for _ in range(2)]
    client = sign_in(aurora)
    for address in ("/scenarios", f"/scenarios/compare?run={runs[0].pk}&run={runs[1].pk}"):
        page = page_of(client, address)
        assert "<script>window" not in page and "&lt;script&gt;" in page


def test_pages_take_few_queries(aurora):
    base, less = pair(aurora)
    client = sign_in(aurora)
    for address in ("/scenarios", f"/scenarios/compare?run={base.pk}&run={less.pk}"):
        assert len(reads_of(client, address)) <= MOST_READS
