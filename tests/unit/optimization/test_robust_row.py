"""Row (4): the counterpart in the program, the worst case in the checker and the vertices of the set say the same."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan, worst_case_useful_ore_t
from optimization.data import BoxSet, BudgetSet, NominalSet, Plan, SolveOptions, SupplyChainInstance, UncertaintySet
from optimization.generator import generate
from optimization.solver import solve
from tests.unit.optimization.exhaustion import vertices
from tests.unit.optimization.robust import best_left_side_t

I3 = replace(generate(1, 1, 1, 1, 3, 2, seed=11), periods=("now",))
MINE, KEYS = I3.mines[0], list(I3.cutoff_by_key)
budgets = st.floats(0, 3).map(lambda g: round(g, 2))
tonnes = st.lists(st.floats(0, 5_000), min_size=3, max_size=3)
chosen = st.lists(st.integers(0, 1), min_size=3, max_size=3)


def with_set(uncertainty: UncertaintySet) -> SupplyChainInstance:
    return replace(I3, uncertainty=uncertainty)


def mined(x: list[float], cutoff: list[int]) -> Plan:
    """One cut-off a location, as (7) asks."""
    names = [(MINE.name, i.name, i.cutoffs[j].name, "now") for i, j in zip(MINE.locations, cutoff, strict=True)]
    return Plan(x=dict(zip(names, x, strict=True)))


def useful_at(plan: Plan, xi: tuple[float, ...]) -> float:
    fall = {i.name: share for i, share in zip(MINE.locations, xi, strict=True)}
    grade = {(m, i, j): c.gamma[0] - fall[i] * c.delta[0] for (m, i, j), c in I3.cutoff_by_key.items()}
    return sum(grade[key[:3]] * x for key, x in plan.x.items())  # type: ignore[index]


@settings(max_examples=100, deadline=None)
@given(tonnes, chosen, budgets)
def test_worst_case_of_the_checker_is_the_worst_vertex(x: list[float], cutoff: list[int], budget: float) -> None:
    instance, plan = with_set(BudgetSet((budget,))), mined(x, cutoff)
    worst = min(useful_at(plan, xi) for xi in vertices(instance, MINE))
    assert worst_case_useful_ore_t(instance, plan, MINE, "now") == pytest.approx(worst, rel=1e-9, abs=1e-6)


@settings(max_examples=15, deadline=None)
@given(tonnes, chosen, budgets)
def test_counterpart_of_the_program_is_the_worst_case_of_the_checker(
    x: list[float], cutoff: list[int], budget: float
) -> None:
    instance, plan = with_set(BudgetSet((budget,))), mined(x, cutoff)
    worst = worst_case_useful_ore_t(instance, plan, MINE, "now")
    assert best_left_side_t(instance, plan) == pytest.approx(worst, rel=1e-7, abs=1e-5)


EXACT = SolveOptions(gap=1e-6, time_limit_s=20)
SMALL = generate(1, 1, 1, 2, 3, 2, seed=2)


def cost_under(uncertainty: UncertaintySet) -> float:
    result = solve(replace(SMALL, uncertainty=uncertainty), EXACT)
    assert result.report.objective_usd is not None
    return result.report.objective_usd


def test_budget_of_zero_costs_what_the_nominal_plan_costs() -> None:
    assert cost_under(BudgetSet((0.0,))) == pytest.approx(cost_under(NominalSet()), rel=3e-6)


def test_budget_of_all_locations_costs_what_the_box_costs() -> None:
    assert cost_under(BudgetSet((3.0,))) == pytest.approx(cost_under(BoxSet()), rel=3e-6)


def test_larger_budget_is_never_cheaper_and_protection_has_a_price() -> None:
    costs = [cost_under(BudgetSet((budget,))) for budget in (0.0, 0.5, 1.0, 1.5, 3.0)]
    assert all(later >= earlier * (1 - 3e-6) for earlier, later in itertools.pairwise(costs))
    assert costs[-1] > costs[0] * 1.0005


def test_nominal_plan_breaks_the_row_once_grades_may_fall() -> None:
    nominal = solve(replace(SMALL, uncertainty=NominalSet()), EXACT)
    assert nominal.plan is not None
    broken = check_plan(replace(SMALL, uncertainty=BoxSet()), nominal.plan).violations
    assert {violation.constraint for violation in broken} == {"(4) blended grade, worst case"}
