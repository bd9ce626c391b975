"""What is kept beside a plan to explain it: bounded, in JSON, and as exact as the plan."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from optimization.data import Plan, SolveOptions, SolveResult, SupplyChainInstance, Termination
from optimization.explain.rules import Rule, rules_of_plan
from optimization.generator import generate
from optimization.insight import MOST_OF_A_KIND, Insight, insight_of
from optimization.instance_builder import build_instance
from optimization.solver import marginal_values, solve
from optimization.versions import versions
from tests.unit.optimization import tiny

OPTIONS = SolveOptions(gap=0.0, time_limit_s=20.0)


def never() -> bool:
    return False


def explained(document: dict[str, Any], *, stop: bool = False) -> tuple[Insight, SolveResult]:
    instance = build_instance(document)
    result = solve(instance, OPTIONS)
    insight = insight_of(instance, OPTIONS, result, lambda: stop)
    assert insight is not None
    return json.loads(json.dumps(insight, allow_nan=False)), result


def test_cost_sums_to_the_objective_to_the_cent_and_rules_have_their_values() -> None:
    insight, result = explained(tiny.document())
    assert insight["cost"]["total_usd"] == round(result.report.objective_usd or 0.0, 2)
    for cut in ("by_term", "by_mine", "by_period"):
        assert sum(round(100 * step["usd"]) for step in insight["cost"][cut]) == round(
            100 * insight["cost"]["total_usd"]
        )
    demand = next(rule for rule in insight["rules"] if rule["rule"] == "(14) demand")
    assert demand["is_binding"] and demand["marginal_usd_per_unit"] > 0
    assert insight["words"][0].startswith("The plan costs ") and insight["diagnosis"] is None


def valued(instance: SupplyChainInstance, plan: Plan) -> tuple[Rule, ...]:
    return rules_of_plan(instance, plan, marginal_values)


def test_wish_to_stop_leaves_out_the_marginal_values_alone() -> None:
    insight, _ = explained(tiny.document(), stop=True)
    assert insight["cost"] and insight["rules"]
    assert {rule["marginal_usd_per_unit"] for rule in insight["rules"]} == {None}


def test_no_kind_of_rule_hides_the_others_and_what_is_left_out_is_counted() -> None:
    instance = generate(3, 2, 6, 8, 2, 2, seed=1)
    result = solve(instance, SolveOptions(gap=0.05))
    insight = insight_of(instance, SolveOptions(), result, lambda: True)
    assert insight is not None
    kept = [rule["rule"] for rule in insight["rules"]]
    assert max(map(kept.count, kept)) == MOST_OF_A_KIND and len(set(kept)) >= 8
    assert insight["rules_left_out"]["(14) demand"] == 3 * 6 * 8 - MOST_OF_A_KIND


def test_lanes_on_which_nothing_runs_change_no_value() -> None:
    instance = generate(2, 6, 2, 2, 2, 2, seed=3)
    result = solve(instance, SolveOptions(gap=0.02))
    insight = insight_of(instance, OPTIONS, result, never)
    assert insight is not None and result.plan is not None
    assert len({key[:2] for key in result.plan.p}) < len(instance.mill_lanes)
    kept = {(r["rule"], r["place"], r["period"]): r["marginal_usd_per_unit"] for r in insight["rules"]}
    whole = {(r.rule, r.place, r.period): r.marginal_usd_per_unit for r in valued(instance, result.plan)}
    assert kept == {key: pytest.approx(whole[key], abs=1e-6) for key in kept}


def test_shortage_and_repair_are_told_as_data_and_in_words() -> None:
    insight, result = explained(tiny.document(P=38))
    found = insight["diagnosis"]
    assert result.plan is None and insight["cost"] is None
    assert found["tonnes_short"] == pytest.approx(sum(each["tonnes"] for each in found["shortages"]))
    assert found["repair_usd"] == pytest.approx(sum(each["usd"] for each in found["repairs"])) and found["is_fewest"]
    assert insight["words"] == list(result.report.explanation)


def test_search_that_ran_out_of_time_is_told_that_a_plan_exists() -> None:
    instance = generate(2, 1, 2, 2, 2, 2, seed=1)
    result = solve(instance, SolveOptions())
    timed = SolveResult(None, replace(result.report, termination=Termination.NO_PLAN))
    insight = insight_of(instance, OPTIONS, timed, never)
    assert insight is not None and insight["diagnosis"]["shortages"] == []
    assert "a plan exists" in insight["words"][0]


def test_versions_name_everything_that_worked_on_a_plan() -> None:
    assert versions().keys() >= {"cloudmining", "python", "highspy", "pyomo"}
    assert all(versions().values())
