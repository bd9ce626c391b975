"""Explanations over HTTP, as the worker left them; and plans held against each other."""

from uuid import uuid4

import pytest

from optimization import actions
from optimization.data import SolveOptions
from optimization.insight import insight_of
from optimization.instance_builder import build_instance
from optimization.outcome import outcome_of
from optimization.solver import solve
from tests.integration.optimization import documents

OPTIONS = SolveOptions(gap=0.0)


def solved(organisation, instance=None):
    """A run that has gone all the way but for the queue: its address."""
    document = instance or documents.small()
    with organisation.acting():
        run = actions.request_plan(name="May", instance=document, options={})
    with organisation.acting():
        attempt = actions.take_up(run_id=run.pk).attempt
    built = build_instance(document)
    result = solve(built, OPTIONS)
    outcome = outcome_of(built, result)
    insight = insight_of(built, OPTIONS, result, lambda: False)
    kept = {name: getattr(outcome, name) for name in type(outcome).__dataclass_fields__} | {"insight": insight}
    with organisation.acting():
        assert actions.finish(run_id=run.pk, attempt=attempt, outcome=type(outcome)(**kept), solver="test")
    return f"/api/v1/plans/{run.pk}"


def dearer():
    document = documents.small()
    document["mines"][0]["pc"] += 2.0
    return document


def test_cost_is_cut_three_ways_to_the_cent_and_rules_are_valued(aurora):
    client, url = aurora.client(), solved(aurora)
    body, plan = client.get(f"{url}/explanation").json(), client.get(url).json()
    assert body["cost"]["total_usd"] == round(plan["report"]["objective_usd"], 2)
    for cut in ("by_term", "by_mine", "by_period"):
        assert body["cost"][cut][-1]["end_usd"] == body["cost"]["total_usd"]
    assert any(rule["is_binding"] and rule["marginal_usd_per_unit"] for rule in body["rules"])
    assert body["words"][0].startswith("The plan costs ")


def test_instance_without_a_plan_has_its_shortage_and_repair_priced(aurora):
    url = solved(aurora, documents.infeasible())
    body = aurora.client().get(f"{url}/explanation").json()
    assert body["cost"] is None and body["diagnosis"]["tonnes_short"] > 0
    assert body["diagnosis"]["repairs"][0]["usd"] > 0
    assert any("cheapest repair" in words for words in body["words"])


def test_difference_tells_cost_flows_and_why(aurora):
    first, second = solved(aurora), solved(aurora, dearer())
    answer = aurora.client().get(f"{first}/difference", {"to": second.rpartition("/")[2]})
    body = answer.json()
    rise = body["after_usd"] - body["before_usd"]
    assert rise > 0 and sum(c["after"] - c["before"] for c in body["cost_by_term"]) == pytest.approx(rise, abs=0.05)
    assert [(c["what"], c["after"] - c["before"]) for c in body["data"]] == [("pc", 2.0)]
    assert body["old_plan_misses"] == [] and body["old_plan_cost_usd"] >= body["after_usd"] - 0.01
    assert "The cost rises by " in body["words"][0]


def test_what_is_not_solved_is_neither_explained_nor_compared(aurora):
    client, url = aurora.client(), solved(aurora)
    with aurora.acting():
        waiting = actions.request_plan(name="June", instance=documents.small(), options={})
    refused = client.get(f"/api/v1/plans/{waiting.pk}/explanation")
    assert (refused.status_code, "it is queued" in refused.json()["detail"]) == (409, True)
    assert client.get(f"{url}/difference", {"to": str(waiting.pk)}).status_code == 409
    without = client.get(f"{url}/difference")
    assert (without.status_code, without.json()["errors"][0]["pointer"]) == (422, "/to")


def test_plans_of_others_are_not_explained_nor_compared(aurora, cassia):
    own, foreign = solved(cassia), solved(aurora)
    client = cassia.client()
    assert client.get(f"{foreign}/explanation").status_code == 404
    assert client.get(f"{foreign}/difference", {"to": own.rpartition("/")[2]}).status_code == 404
    assert client.get(f"{own}/difference", {"to": foreign.rpartition("/")[2]}).status_code == 404
    assert client.get(f"{own}/difference", {"to": str(uuid4())}).status_code == 404
