"""One instance planned in different ways."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from optimization.data import Element, ElementGrade, SolveOptions, SupplyChainInstance
from optimization.experiments.cases import Size, Subject, drawn, generated, given, instance_of, scaled
from optimization.experiments.compare import (
    price_of_robustness,
    replanned,
    replanning,
    scenario_plan,
    silos,
    three_plans,
    violation_bound_frac,
)
from optimization.experiments.design import DEARER_MINING, budgets_of
from optimization.experiments.ledger import Ledger
from optimization.experiments.robustness import SHORT_T, blends_hold, shortage_t
from optimization.solver import solve
from tests.unit.optimization import tiny

OPTIONS = SolveOptions(gap=0.001, time_limit_s=20)
SMALL = Size.parse("1-2-2-2")


@pytest.fixture(scope="module")
def subject() -> Subject:
    return generated(SMALL, 3, 2)


@pytest.fixture(scope="module")
def instance(subject: Subject) -> SupplyChainInstance:
    return subject.instance


def test_protection_costs_more_from_nominal_over_scenarios_to_robust(subject: Subject) -> None:
    rows = three_plans(replace(subject, seed=1), OPTIONS, Ledger(), n_samples=4, n_judges=60)
    nominal, scenarios, robust = rows
    assert [row["way"] for row in rows] == ["nominal", "scenarios", "robust"]
    assert nominal["objective_usd"] < scenarios["objective_usd"]
    assert nominal["objective_usd"] < robust["objective_usd"]
    assert nominal["held_frac"] < scenarios["held_frac"] < 1
    assert nominal["held_frac"] < robust["held_frac"]
    assert nominal["met_frac"] <= robust["met_frac"] and nominal["short_t"] >= robust["short_t"]


def test_scenario_plan_falls_short_in_none_of_its_scenarios(instance: SupplyChainInstance) -> None:
    worlds = [drawn(instance, seed) for seed in range(5)]
    plan = scenario_plan(drawn(instance, 0), worlds, OPTIONS, Ledger()).plan
    assert plan is not None
    assert all(shortage_t(world, plan) <= SHORT_T for world in worlds)


def test_price_of_robustness_rises_with_the_budget_and_so_does_protection(subject: Subject) -> None:
    rows = price_of_robustness(subject, OPTIONS, Ledger(), [0, 1, 2, 3], n_judges=40)
    gap = OPTIONS.gap
    assert rows[0]["premium_frac"] == 0
    assert all(b["objective_usd"] >= a["objective_usd"] * (1 - gap) for a, b in pairwise(rows))
    assert rows[0]["objective_usd"] < rows[-1]["objective_usd"]
    assert rows[0]["held_frac"] < rows[-1]["held_frac"] == 1.0, "the box holds whatever the draw"
    chances = [row["missed_frac"] for row in rows]
    assert chances == sorted(chances, reverse=True) and chances[0] > 0.5 and chances[-1] == 0
    bounds = [row["violation_bound_frac"] for row in rows]
    assert bounds == sorted(bounds, reverse=True) and bounds[-1] == 0


@pytest.mark.parametrize(("n", "budget", "bound"), [(1, 0, 0.75), (2, 0, 0.75), (2, 2, 0.0), (4, 2, 5 / 16)])
def test_violation_bound_is_the_binomial_tail_computed_by_hand(n: int, budget: float, bound: float) -> None:
    """Half-way points: n = 1: nu = 0.5, (0.5·1 + 1)/2; n = 4, Γ = 2: nu = 3, (C(4,3) + C(4,4))/16."""
    assert violation_bound_frac(n, budget) == pytest.approx(bound)


def test_one_plan_for_all_is_never_dearer_than_silos(subject: Subject) -> None:
    apart, together = silos(subject, OPTIONS, Ledger())
    assert together["objective_usd"] <= apart["objective_usd"] * (1 + OPTIONS.gap)
    assert apart["saved_frac"] == pytest.approx(1 - together["objective_usd"] / apart["objective_usd"])
    assert sum(apart["cost_terms_usd"].values()) == pytest.approx(apart["objective_usd"])


def test_freedom_to_change_is_never_harmful_and_its_limit_is_kept(subject: Subject) -> None:
    rows = replanning(subject, OPTIONS, Ledger(), shares=(0.0, 0.3, 2.0))
    costs = [row["objective_usd"] for row in rows]
    assert all(b <= a * (1 + 2 * OPTIONS.gap) for a, b in pairwise(costs))
    after = scaled(subject.instance, *DEARER_MINING)
    assert costs[-1] == pytest.approx(solve(after, OPTIONS).report.objective_usd, rel=2 * OPTIONS.gap)
    old = solve(subject.instance, OPTIONS).plan
    assert old is not None
    plan = replanned(after, old, 0.3, OPTIONS, Ledger()).plan
    assert plan is not None
    moved = sum(abs(plan.v.get(k, 0.0) - old.v.get(k, 0.0)) for k in {*plan.v, *old.v})
    assert moved <= 0.3 * sum(old.v.values()) + 1e-3


def test_replanning_with_no_freedom_says_so_when_the_old_plan_no_longer_holds(subject: Subject) -> None:
    (row,) = replanning(subject, OPTIONS, Ledger(), shares=(0.0,))
    assert row["objective_usd"] is not None, "only prices changed: the old shipments still fit"
    (row,) = replanning(subject, OPTIONS, Ledger(), shares=(0.0,), change=("D", 1.02))
    assert (row["termination"], row["objective_usd"]) == ("infeasible", None)


def test_replanning_without_a_plan_to_keep_has_no_rows() -> None:
    hopeless = replace(instance_of(SMALL, 3, 2), demands=scaled(instance_of(SMALL, 3, 2), "D", 9.0).demands)
    assert replanning(given(hopeless, 1), OPTIONS, Ledger()) == []


def test_curve_over_many_locations_stays_readable() -> None:
    assert budgets_of(3) == [0, 0.5, 1, 1.5, 2, 2.5, 3]
    many = budgets_of(50)
    assert len(many) == 9 and (many[0], many[-1]) == (0, 50) and many == sorted(set(many))


def test_limits_of_further_elements_count_among_the_blends_that_hold() -> None:
    mine = tiny.instance().mines[0]
    silica = ElementGrade("SiO2", (0.04, 0.04), (0.02, 0.02))
    places = tuple(replace(i, cutoffs=tuple(replace(j, grades=(silica,)) for j in i.cutoffs)) for i in mine.locations)
    dirty = replace(mine, locations=places, elements=(Element("SiO2", most=0.05),))
    instance = replace(tiny.instance(), mines=(dirty,))
    plan = solve(tiny.instance(), OPTIONS).plan
    assert plan is not None and blends_hold(instance, plan)
    worlds = [drawn(instance, seed) for seed in range(40)]
    assert not all(blends_hold(world, plan) for world in worlds)
    assert {0 <= c.grades[0].gamma[0] <= 0.06 + 1e-12 for w in worlds for c in w.cutoff_by_key.values()} == {True}
