"""The parts of a plan's cost: each cut sums to the objective to the cent."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import cost_terms_usd
from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.explain.waterfall import Step, cost_waterfall, waterfall_words
from optimization.generator import generate
from optimization.solver import solve
from tests.unit.optimization import tiny


def planned(instance: SupplyChainInstance) -> tuple[Plan, float]:
    result = solve(instance, SolveOptions(gap=0.01, time_limit_s=30))
    assert result.plan is not None and result.report.objective_usd is not None
    return result.plan, result.report.objective_usd


def cents(steps: tuple[Step, ...]) -> int:
    return sum(round(step.usd * 100) for step in steps)


@pytest.mark.parametrize("seed", range(3))
def test_every_cut_sums_to_the_objective_to_the_cent(seed: int) -> None:
    instance = generate(2, 2, 2, 3, 2, 2, seed)
    plan, objective = planned(instance)
    waterfall = cost_waterfall(instance, plan)
    assert waterfall.total_usd == pytest.approx(objective, abs=0.0051)
    for steps in (waterfall.by_term, waterfall.by_mine, waterfall.by_period):
        assert cents(steps) == round(waterfall.total_usd * 100)
        assert steps[0].start_usd == 0 and steps[-1].end_usd == waterfall.total_usd
        assert all(a.end_usd == b.start_usd for a, b in pairwise(steps))
    exact = cost_terms_usd(instance, plan)
    assert all(abs(step.usd - exact[step.name]) < 0.01 for step in waterfall.by_term)


def test_parts_of_the_plan_made_by_hand() -> None:
    """All is mined and shipped in week 1; week 2 only delivers 20 t: 20 $ and its start-up of 2 $."""
    instance = tiny.instance()
    waterfall = cost_waterfall(instance, planned(instance)[0])
    assert {s.name: s.usd for s in waterfall.by_period} == {"week 1": 297.67, "week 2": 22.0}
    assert {s.name: s.usd for s in waterfall.by_mine} == {"Aurora North": 319.67}
    words = waterfall_words(waterfall)
    assert words[0] == "The plan costs 319.67 $."
    assert words[1].startswith("By kind: exploitation 106.67 $ (33%), processing 80.00 $ (25%)")
    assert words[3] == "By period: week 1 297.67 $ (93%), week 2 22.00 $ (7%)."


@settings(max_examples=100, deadline=None)
@given(st.lists(st.floats(0, 1e6), min_size=2, max_size=2), st.floats(0, 1e6))
def test_rounding_never_loses_a_cent(ore_t: list[float], stock_t: float) -> None:
    instance = tiny.instance(pc=1 / 3, h=1 / 7)
    plan = Plan(
        y={("Aurora North", week): ore for week, ore in zip(instance.periods, ore_t, strict=True)},
        u={("Aurora North", "week 2"): stock_t},
    )
    waterfall = cost_waterfall(instance, plan)
    assert cents(waterfall.by_term) == cents(waterfall.by_period) == round(waterfall.total_usd * 100)


def test_plan_of_nothing_costs_nothing_and_needs_no_parts() -> None:
    waterfall = cost_waterfall(tiny.instance(), Plan())
    assert waterfall.total_usd == 0
    assert waterfall_words(waterfall) == ("The plan costs 0.00 $.",)
