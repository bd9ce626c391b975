"""Stock that must be there at the end: w_end at a centre, Umin of the last period at the mill."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from optimization.checker import check_plan
from optimization.data import InstanceError, Plan, SolveOptions, SupplyChainInstance, Termination
from optimization.decomposition.run import supports
from optimization.explain.named_rules import CLOSING
from optimization.explain.rules import rules_of_plan
from optimization.formulation.limits import limits_of
from optimization.formulation.program import build_program
from optimization.instance_builder import build_instance
from optimization.solver import minimise, solve
from optimization.workbook import read_instance, workbook_bytes
from tests.unit.optimization import tiny
from tests.unit.optimization.odd_instances import odd_instances, plain_program

EXACT = SolveOptions(gap=0.0, time_limit_s=30)
LANE = ("Aurora North", "Port")


def closing_at(w_end: float, room: float = 50) -> SupplyChainInstance:
    document = tiny.document()
    document["mill_lanes"][0]["w_end"], document["centres"][0]["V"] = w_end, room
    return build_instance(document)


def solved(instance: SupplyChainInstance) -> tuple[Plan, float]:
    result = solve(instance, EXACT)
    assert result.plan is not None and result.report.objective_usd is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
    return result.plan, result.report.objective_usd


def test_closing_stock_costs_what_was_computed_by_hand() -> None:
    """50 t of product are 100 t of ore, all that week 1 can mine: B = 60, A = 40, so 2 A + B = 140 and K = 15.

    Processing 100, lane 50 + 30, holding 30 t and then 10 t at 0.2 $, delivery 40 + 2 · 2.
    """
    plan, cost = solved(closing_at(10))
    assert cost == pytest.approx(140 + 15 + 100 + 80 + 8 + 44)
    assert plan.w[*LANE, "week 2"] == pytest.approx(10)


def test_closing_stock_at_the_mill_is_the_least_stock_of_the_last_period() -> None:
    """The same tonnes, none of them shipped: 40 t on the lane, 10 t held at the mill at 0.5 $ for two weeks."""
    plan, cost = solved(tiny.instance(Umin=[0, 10]))
    assert cost == pytest.approx(140 + 15 + 100 + 70 + 4 + 10 + 44)
    assert plan.u["Aurora North", "week 2"] == pytest.approx(10)


def test_closing_stock_is_wanted_like_a_demand_after_the_last_period() -> None:
    """20 t are wanted in week 2, and 10 t more at the end; 0.5 t of product a tonne of ore."""
    without, with_stock = limits_of(closing_at(0)), limits_of(closing_at(10))
    assert [limits.v[LANE] for limits in (without, with_stock)] == [(40, 20), (50, 30)]
    assert [limits.y["Aurora North"] for limits in (without, with_stock)] == [(80, 40), (100, 60)]


def test_instance_with_a_closing_stock_takes_the_road_of_the_whole_program() -> None:
    assert supports(closing_at(0)) and not supports(closing_at(10))


def test_plan_without_the_closing_stock_is_rejected_by_name() -> None:
    plan, _ = solved(closing_at(0))
    (violation,) = check_plan(closing_at(10), plan).violations
    assert (violation.constraint, violation.indices) == ("(9) closing stock at the centre", (*LANE, "week 2"))
    assert violation.amount == pytest.approx(10)


def test_closing_stock_is_among_the_rules_that_bind() -> None:
    instance = closing_at(10)
    (rule,) = [r for r in rules_of_plan(instance, solved(instance)[0]) if r.rule == CLOSING]
    assert rule.is_binding and (rule.place, rule.period, rule.limit) == (LANE, "week 2", 10)


def test_closing_stock_out_of_reach_is_repaired_by_asking_for_less() -> None:
    """100 t of ore are 50 t of product, 40 t are wanted: 10 t of the 20 t can be left."""
    document = tiny.document(P=[100, 0])
    document["mill_lanes"][0]["w_end"], document["mill_lanes"][0]["R"] = 20, 60
    report = solve(build_instance(document), EXACT).report
    assert report.termination is Termination.INFEASIBLE
    assert any(
        "10.0 t less closing stock required at the centre at Aurora North, Port" in w for w in report.explanation
    )


def test_closing_stocks_beyond_the_room_are_refused_with_the_place() -> None:
    with pytest.raises(InstanceError) as refusal:
        closing_at(60, room=50)
    assert refusal.value.path == "/centres/0/V" and "below the 60 t" in refusal.value.message


def test_workbook_keeps_closing_stocks_and_an_empty_cell_is_none(tmp_path: Path) -> None:
    path = tmp_path / "w.xlsx"
    path.write_bytes(workbook_bytes(closing_at(12.5)))
    assert read_instance(path)[0] == closing_at(12.5)
    book = load_workbook(path)
    assert book["Mill lanes"]["F2"].value == 12.5
    book["Mill lanes"]["F2"].value = None
    book.save(path)
    assert read_instance(path)[0] == closing_at(0)


@settings(max_examples=40, deadline=None)
@given(odd_instances(), st.integers(0, 1000))
def test_closing_stock_loses_no_optimum_to_bounds_and_cuts(made: SupplyChainInstance, seed: int) -> None:
    dice, room = random.Random(seed), {centre.name: centre.V[-1] / len(made.mines) for centre in made.centres}
    lanes = tuple(replace(lane, w_end=room[lane.centre] * dice.choice((0.0, 0.3))) for lane in made.mill_lanes)
    instance = replace(made, mill_lanes=lanes)
    plain, tight = minimise(plain_program(instance), EXACT), minimise(build_program(instance), EXACT)
    assert tight.termination is plain.termination
    if plain.objective_usd is not None:
        assert tight.objective_usd == pytest.approx(plain.objective_usd, rel=1e-6, abs=0.01)
