"""One instance planned in different ways; figures of the results."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from optimization.data import SolveOptions, SupplyChainInstance
from optimization.experiments import figures
from optimization.experiments.cases import Size, drawn, instance_of, scaled
from optimization.experiments.compare import (
    price_of_robustness,
    replanned,
    replanning,
    scenario_plan,
    silos,
    three_plans,
    violation_bound_frac,
)
from optimization.experiments.robustness import SHORT_T, robustness, shortage_t
from optimization.experiments.sensitivity import sensitivity, tornado
from optimization.experiments.store import Store
from optimization.explain.waterfall import Step
from optimization.solver import solve

OPTIONS = SolveOptions(gap=0.001, time_limit_s=20)
SMALL = Size.parse("1-2-2-2")


@pytest.fixture(scope="module")
def instance() -> SupplyChainInstance:
    return instance_of(SMALL, 3, 2)


def test_protection_costs_more_from_nominal_over_scenarios_to_robust(instance: SupplyChainInstance) -> None:
    rows = three_plans(instance, 1, OPTIONS, n_samples=4, n_judges=60)
    nominal, scenarios, robust = rows
    assert [row["way"] for row in rows] == ["nominal", "scenarios", "robust"]
    assert nominal["objective_usd"] < scenarios["objective_usd"]
    assert nominal["objective_usd"] < robust["objective_usd"]
    assert nominal["held_frac"] < scenarios["held_frac"] < 1
    assert nominal["held_frac"] < robust["held_frac"]
    assert nominal["met_frac"] <= robust["met_frac"] and nominal["short_t"] >= robust["short_t"]


def test_scenario_plan_falls_short_in_none_of_its_scenarios(instance: SupplyChainInstance) -> None:
    worlds = [drawn(instance, seed) for seed in range(5)]
    plan = scenario_plan(drawn(instance, 0), worlds, OPTIONS).plan
    assert plan is not None
    assert all(shortage_t(world, plan) <= SHORT_T for world in worlds)


def test_price_of_robustness_rises_with_the_budget_and_so_does_protection(instance: SupplyChainInstance) -> None:
    rows = price_of_robustness(instance, [0, 1, 2, 3], 1, OPTIONS, n_judges=40)
    gap = OPTIONS.gap
    assert rows[0]["premium_frac"] == 0
    assert all(b["objective_usd"] >= a["objective_usd"] * (1 - gap) for a, b in pairwise(rows))
    assert rows[0]["objective_usd"] < rows[-1]["objective_usd"]
    assert rows[0]["held_frac"] < rows[-1]["held_frac"] == 1.0, "the box holds whatever the draw"
    bounds = [row["violation_bound_frac"] for row in rows]
    assert bounds == sorted(bounds, reverse=True) and bounds[-1] == 0


@pytest.mark.parametrize(("n", "budget", "bound"), [(1, 0, 0.75), (2, 0, 0.75), (2, 2, 0.0), (4, 2, 5 / 16)])
def test_violation_bound_is_the_binomial_tail_computed_by_hand(n: int, budget: float, bound: float) -> None:
    """Half-way points: n = 1: nu = 0.5, (0.5·1 + 1)/2; n = 4, Γ = 2: nu = 3, (C(4,3) + C(4,4))/16."""
    assert violation_bound_frac(n, budget) == pytest.approx(bound)


def test_one_plan_for_all_is_never_dearer_than_silos(instance: SupplyChainInstance) -> None:
    apart, together = silos(instance, OPTIONS)
    assert together["objective_usd"] <= apart["objective_usd"] * (1 + OPTIONS.gap)
    assert apart["saved_frac"] == pytest.approx(1 - together["objective_usd"] / apart["objective_usd"])
    assert sum(apart["cost_terms_usd"].values()) == pytest.approx(apart["objective_usd"])


def test_freedom_to_change_is_never_harmful_and_its_limit_is_kept(instance: SupplyChainInstance) -> None:
    after = scaled(scaled(instance, "F", 0.5), "c", 1.3)
    rows = replanning(instance, after, OPTIONS, shares=(0.0, 0.3, 2.0))
    costs = [row["objective_usd"] for row in rows]
    assert all(b <= a * (1 + 2 * OPTIONS.gap) for a, b in pairwise(costs))
    assert costs[-1] == pytest.approx(solve(after, OPTIONS).report.objective_usd, rel=2 * OPTIONS.gap)
    old = solve(instance, OPTIONS).plan
    assert old is not None
    plan = replanned(after, old, 0.3, OPTIONS).plan
    assert plan is not None
    moved = sum(abs(plan.v.get(k, 0.0) - old.v.get(k, 0.0)) for k in {*plan.v, *old.v})
    assert moved <= 0.3 * sum(old.v.values()) + 1e-3


def test_replanning_with_no_freedom_says_so_when_the_old_plan_no_longer_holds(instance: SupplyChainInstance) -> None:
    (row,) = replanning(instance, scaled(instance, "c", 1.3), OPTIONS, shares=(0.0,))
    assert row["objective_usd"] is not None, "only prices changed: the old shipments still fit"
    wanted = tuple(replace(d, D=tuple(1.02 * v for v in d.D)) for d in instance.demands)
    (row,) = replanning(instance, replace(instance, demands=wanted), OPTIONS, shares=(0.0,))
    assert (row["termination"], row["objective_usd"]) == ("infeasible", None)


def test_figures_are_plain_data_with_the_numbers_of_the_rows(instance: SupplyChainInstance) -> None:
    store, size = Store(), Size.parse("1-1-1-2")
    table_1 = robustness([size], [1], 1, OPTIONS, store, n_draws=3)
    table_2 = sensitivity([size], [1], 1, OPTIONS, store, abilities=(1.0, 1.5))
    sides = tornado(size, 1, 1, OPTIONS, store, parameters=("c", "K"))
    steps = (Step("exploitation", 2.0, 0.0, 2.0), Step("processing", 1.0, 2.0, 3.0))
    made = [
        figures.boxes(table_1[:1]),
        figures.lines(table_2),
        figures.tornado_bars(sides),
        figures.bars([{"way": "silos", "objective_usd": 3.0}], "Cost"),
        figures.waterfall(steps),
        figures.protection(price_of_robustness(instance, [0, 1], 1, OPTIONS, n_judges=5)),
    ]
    for figure in made:
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        assert figure["data"] and figure["layout"]["title"]["text"]
    assert made[0]["data"][0]["y"] == table_1[0]["values"]
    assert made[1]["data"][0]["y"] == [p["objective_usd"] for p in table_2[0]["points"]]
    assert made[1]["data"][1]["y"] == pytest.approx(made[1]["data"][0]["y"]), "two points lie on their trend"
    assert made[2]["data"][1]["x"][-1] == pytest.approx(sides[0]["high_usd"] - sides[0]["base_usd"])
    assert made[4]["data"][0]["measure"] == ["relative", "relative", "total"]
