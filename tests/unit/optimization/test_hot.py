"""Hot solves against cold ones: bounds, plans, endings, and what they may depend on."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import BudgetSet, SolveOptions, SolveResult, SupplyChainInstance, Termination
from optimization.decomposition.reduced import blocks_of
from optimization.decomposition.stock_cuts import separated, with_data_of
from optimization.decomposition.value_function import value_functions
from optimization.experiments.cases import drawn, scaled
from optimization.experiments.ledger import Ledger
from optimization.generator import generate
from optimization.highs import LiveProgram, stacked_rows
from optimization.hot import Solver
from optimization.solver import solve
from tests.unit.optimization import tiny

LOOSE, EXACT = SolveOptions(gap=0.03, time_limit_s=30), SolveOptions(gap=0.0, time_limit_s=30)
PARAMETERS = ("P", "Q", "alpha", "delta", "D", "V", "R", "c", "K", "pc", "f", "F", "e", "G", "h", "xmax", "Umax")


def disturbed(instance: SupplyChainInstance, seed: int) -> SupplyChainInstance:
    """Some parameters a little off, perhaps an outage of a lane or a demand that falls away, perhaps other grades."""
    rng = random.Random(seed)
    for parameter in rng.sample(PARAMETERS, rng.randint(1, 4)):
        instance = scaled(instance, parameter, rng.uniform(0.93, 1.08))
    if rng.random() < 0.3:
        lane = rng.randrange(len(instance.mill_lanes))
        out = replace(instance.mill_lanes[lane], R=(0.0, *instance.mill_lanes[lane].R[1:]))
        lanes = (*instance.mill_lanes[:lane], out, *instance.mill_lanes[lane + 1 :])
        instance = replace(instance, mill_lanes=lanes)
    if rng.random() < 0.3:
        gone = rng.randrange(len(instance.demands))
        demand = replace(instance.demands[gone], D=(*instance.demands[gone].D[:-1], 0.0))
        instance = replace(instance, demands=(*instance.demands[:gone], demand, *instance.demands[gone + 1 :]))
    return drawn(instance, seed) if rng.random() < 0.4 else instance


def same(a: SolveResult, b: SolveResult) -> bool:
    return a.plan == b.plan and a.report.dual_bound_usd == b.report.dual_bound_usd


@settings(max_examples=10, deadline=None)
@given(
    sizes=st.tuples(st.integers(2, 3), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)),
    seed=st.integers(0, 10_000),
    is_anchored=st.booleans(),
)
def test_hot_bound_is_below_and_hot_plan_above_the_cold_optimum(
    sizes: tuple[int, int, int, int], seed: int, is_anchored: bool
) -> None:
    first, solver = generate(*sizes, 2, 2, seed), Solver(LOOSE, is_anchored=is_anchored)
    assert not solver.solve(first).report.is_hot
    for k in range(4):
        instance = disturbed(first, seed + k)
        hot, cold = solver.solve(instance), solve(instance, EXACT)
        assert (hot.plan is None) == (cold.plan is None)
        if hot.plan is None or cold.report.objective_usd is None:
            assert hot.report.termination is Termination.INFEASIBLE
            continue
        assert hot.report.is_hot and hot.report.termination is Termination.OPTIMAL
        assert check_plan(instance, hot.plan, objective_usd=hot.report.objective_usd).violations == ()
        optimum = cold.report.objective_usd
        assert hot.report.objective_usd is not None and hot.report.dual_bound_usd is not None
        assert hot.report.dual_bound_usd <= optimum * (1 + 1e-6)
        assert hot.report.objective_usd >= (cold.report.dual_bound_usd or 0.0) * (1 - 1e-6)


def test_anchored_result_does_not_depend_on_the_solves_before() -> None:
    first = generate(6, 2, 3, 4, 2, 2, 1)
    worlds = [drawn(first, seed) for seed in range(3)]
    forth, back = Solver(LOOSE, is_anchored=True), Solver(LOOSE, is_anchored=True)
    forth.solve(first), back.solve(first)
    told = [forth.solve(world) for world in worlds]
    assert all(same(a, b) for a, b in zip(told, reversed([back.solve(w) for w in reversed(worlds)]), strict=True))


def test_study_that_goes_on_finds_what_it_would_have_found_in_one_go() -> None:
    base = generate(5, 2, 2, 3, 2, 2, 3)
    worlds = [drawn(base, seed) for seed in range(2)]
    whole, resumed = Ledger(), Ledger()
    told = [whole.solve_near(base, world, LOOSE) for world in worlds]
    assert told[-1].report.is_hot and same(told[-1], resumed.solve_near(base, worlds[-1], LOOSE))


def test_same_order_gives_the_same_hot_plans() -> None:
    first = generate(6, 2, 3, 4, 2, 2, 2)
    worlds = [first, *(scaled(first, "P", factor) for factor in (1.02, 1.1, 0.97))]
    runs = [[solver.solve(world) for world in worlds] for solver in (Solver(LOOSE), Solver(LOOSE))]
    assert all(same(a, b) for a, b in zip(*runs, strict=True))


def test_other_names_lanes_or_periods_are_solved_cold() -> None:
    first = generate(2, 2, 2, 2, 2, 2, 1)
    solver = Solver(LOOSE)
    solver.solve(first)
    assert solver.solve(scaled(first, "D", 0.98)).report.is_hot
    assert not solver.solve(replace(first, user_lanes=first.user_lanes[:-1])).report.is_hot
    assert not solver.solve(generate(2, 2, 2, 3, 2, 2, 1)).report.is_hot
    assert not solver.solve(tiny.instance()).report.is_hot


def test_data_out_of_the_scale_of_the_first_are_solved_cold() -> None:
    first, solver = generate(2, 1, 2, 2, 2, 2, 1), Solver(LOOSE)
    solver.solve(first)
    large = first
    for parameter in ("P", "Q", "D", "xmax", "R", "V", "Umax"):
        large = scaled(large, parameter, 100.0)
    result = solver.solve(large)
    assert result.plan is not None and not result.report.is_hot


def test_infeasible_data_between_do_no_harm() -> None:
    first, solver = generate(3, 2, 2, 3, 2, 2, 1), Solver(LOOSE)
    solver.solve(first)
    assert solver.solve(scaled(first, "P", 0.6)).report.termination is Termination.INFEASIBLE
    result = solver.solve(scaled(first, "P", 1.01))
    assert result.report.is_hot and result.report.termination is Termination.OPTIMAL


def test_wish_to_stop_a_hot_solve_is_granted() -> None:
    first = generate(6, 2, 3, 5, 3, 2, 1)
    solver = Solver(LOOSE)
    solver.solve(first)
    solver.options = EXACT
    result = solver.solve(drawn(first, 1), should_stop=lambda: True)
    assert result.report.termination is Termination.CANCELLED


@pytest.mark.parametrize("seed", range(8))
def test_cuts_with_other_data_are_the_cuts_that_would_be_made_of_them(seed: int) -> None:
    """They are valid: no plan of the new data, here the best one with all cuts of its own, violates them."""
    first = generate(1, 2, 3, 5, 2, 2, seed)
    other = disturbed(replace(first, uncertainty=BudgetSet((0.0,))), seed)
    (old,), (new,) = (blocks_of(instance, value_functions(instance)) for instance in (first, other))
    live = LiveProgram(old.linear, relaxed=True)
    found = []
    for _ in range(4):
        values = live.solve().values
        assert values is not None
        found.append(separated(old, values))
        live.add_rows(found[-1])
    cuts = with_data_of(new, stacked_rows(found))
    plan = LiveProgram(new.program, relaxed=False).solve(gap=0.0).values
    if plan is not None:
        sums = np.bincount(cuts.row, cuts.value * plan[cuts.column], len(cuts.lower))
        assert (sums <= cuts.upper + 1e-6).all()
    again = with_data_of(old, cuts)
    assert np.allclose(again.value, stacked_rows(found).value) and np.allclose(again.upper, stacked_rows(found).upper)
