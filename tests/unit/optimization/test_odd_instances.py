"""Bound <= optimum <= plan where stocks, lanes, limits and demands are odd, by every road to a plan."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from optimization.checker import check_plan
from optimization.data import SolveOptions, SolveReport, SupplyChainInstance, Termination
from optimization.decomposition import run
from optimization.formulation.program import build_program
from optimization.generator import generate
from optimization.solver import minimise, solve
from tests.unit.optimization.odd_instances import odd_instances, plain_program

EXACT = SolveOptions(gap=0.0, time_limit_s=30)


def optimum_of(instance: SupplyChainInstance) -> SolveReport:
    report = minimise(plain_program(instance), EXACT)
    assert report.termination in (Termination.OPTIMAL, Termination.INFEASIBLE)
    return report


def assert_holds(instance: SupplyChainInstance, gap: float) -> None:
    """Same verdict as the plain program; a bound below its optimum, a checked plan above it, both within the gap."""
    whole, result = optimum_of(instance), solve(instance, SolveOptions(gap=gap, time_limit_s=30))
    report = result.report
    assert (whole.objective_usd is None) == (report.termination is Termination.INFEASIBLE)
    if whole.objective_usd is None:
        return
    assert report.termination is Termination.OPTIMAL and result.plan is not None
    assert report.dual_bound_usd is not None and report.objective_usd is not None
    rounding = 1e-6 * whole.objective_usd + 0.01
    assert report.dual_bound_usd <= whole.objective_usd + rounding
    assert whole.objective_usd - rounding <= report.objective_usd <= whole.objective_usd / (1 - gap) + rounding
    assert check_plan(instance, result.plan, objective_usd=report.objective_usd).violations == ()


@settings(max_examples=24, deadline=None)
@given(odd_instances())
def test_bound_is_below_and_plan_above_the_optimum_of_an_odd_instance(instance: SupplyChainInstance) -> None:
    assert_holds(instance, gap=0.0)


@settings(max_examples=14, deadline=None)
@given(odd_instances())
def test_prices_hold_for_odd_instances_too(instance: SupplyChainInstance) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "MOST_AS_ONE", 0)
        assert_holds(instance, gap=0.02)


@settings(max_examples=16, deadline=None)
@given(odd_instances())
def test_bounds_and_stock_cuts_lose_no_optimum(instance: SupplyChainInstance) -> None:
    plain, tight = optimum_of(instance), minimise(build_program(instance), EXACT)
    assert tight.termination is plain.termination
    if plain.objective_usd is not None:
        assert tight.objective_usd == pytest.approx(plain.objective_usd, rel=1e-6, abs=0.01)


def test_room_for_each_mine_but_not_for_all_leaves_no_plan() -> None:
    """Opening stocks that no user takes fill the room twice: the prices' split is beyond it, no plan comes of it."""
    made = generate(6, 1, 1, 2, 1, 1, seed=3)
    (centre,) = made.centres
    lanes = tuple(
        replace(lane, w0=made.demand_by_key[lane.mine, "user 1"].D[0] + centre.V[0] / 3) for lane in made.mill_lanes
    )
    result = solve(replace(made, mill_lanes=lanes), SolveOptions(gap=0.02, time_limit_s=30))
    assert (result.plan, result.report.termination) == (None, Termination.INFEASIBLE)
