"""Reasons in closed form: each is checked against the program itself."""

from __future__ import annotations

from dataclasses import replace

import highspy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.data import BoxSet, BudgetSet, Mine, NominalSet, PaperSet, UncertaintySet
from optimization.explain import best_worst_case_grade_frac, explain_infeasibility
from optimization.generator import generate
from tests.unit.optimization import tiny

INSTANCE = generate(1, 1, 1, 1, 3, 2, seed=3)
MINE = INSTANCE.mines[0]


def best_grade_by_linear_program(mine: Mine, budget: float) -> float:
    """max theta over every choice of cut-offs and blends, with the counterpart of the budget set."""
    best = 0.0
    for choice in range(2**3):
        cutoffs = [i.cutoffs[(choice >> k) & 1] for k, i in enumerate(mine.locations)]
        lp = highspy.Highs()
        lp.silent()
        share = [lp.addVariable(0, 1, obj=-c.gamma[0]) for c in cutoffs]
        mu = lp.addVariable(0, highspy.kHighsInf, obj=budget)
        nu = [lp.addVariable(0, highspy.kHighsInf, obj=1.0) for _ in cutoffs]
        lp.addConstr(sum(share[1:], share[0]) == 1)
        for c, x, n in zip(cutoffs, share, nu, strict=True):
            lp.addConstr(mu + n - c.delta[0] * x >= 0)
        lp.run()
        best = max(best, -lp.getInfo().objective_function_value)
    return best


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 3).map(lambda g: round(g, 2)))
def test_best_worst_case_grade_is_that_of_the_linear_programs(budget: float) -> None:
    instance = replace(INSTANCE, uncertainty=BudgetSet((budget,)))
    found = best_worst_case_grade_frac(instance, MINE, 0)
    assert found == pytest.approx(best_grade_by_linear_program(MINE, budget), abs=1e-6)


@pytest.mark.parametrize(
    ("uncertainty", "grade"),
    [(NominalSet(), 0.6), (BoxSet(), 0.5), (BudgetSet((1.0,)), 0.5), (BudgetSet((0.0,)), 0.6), (PaperSet(), 0.3)],
)
def test_best_worst_case_grade_of_the_mine_made_by_hand(uncertainty: UncertaintySet, grade: float) -> None:
    instance = replace(tiny.instance(), uncertainty=uncertainty)
    assert best_worst_case_grade_frac(instance, instance.mines[0], 0) == pytest.approx(grade)


def test_feasible_mine_has_nothing_to_explain() -> None:
    assert explain_infeasibility(tiny.instance()) == ()


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        ({"alpha": 0.7}, "best worst-case grade 0.600 < 0.700"),
        ({"P": 10}, "can have 5.0 t of product by week 1, 20.0 t needed"),
        ({"Q": [100, 0], "P": [60, 0]}, "can have 30.0 t of product by week 2, 40.0 t needed"),
        ({"Umin": 40}, "can have 50.0 t of product by week 1, 60.0 t needed"),
    ],
)
def test_short_mine_is_named_with_period_and_amounts(mine: dict[str, object], words: str) -> None:
    (sentence,) = explain_infeasibility(tiny.instance(**mine))
    assert sentence.startswith("Aurora North: ") and words in sentence


def test_lane_too_small_is_named() -> None:
    instance = tiny.instance()
    narrow = replace(instance, mill_lanes=(replace(instance.mill_lanes[0], R=(20.0, 5.0)),))
    (sentence,) = explain_infeasibility(narrow)
    assert sentence == "Aurora North: its lanes carry at most 25.0 t by week 2, its users need 40.0 t"
