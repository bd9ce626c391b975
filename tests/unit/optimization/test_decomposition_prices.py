"""Many mines: the bound of the prices against the joint relaxation and the optimum, plans against the checker."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import BudgetSet, SolveOptions, SolveProgress, SupplyChainInstance, Termination
from optimization.decomposition import run
from optimization.decomposition.prices import priced
from optimization.decomposition.recover import cost_usd, exact, plan_of
from optimization.decomposition.reduced import blocks_of, joined
from optimization.decomposition.search import Search
from optimization.decomposition.value_function import value_functions
from optimization.formulation.program import build_program
from optimization.generator import generate
from optimization.highs import LiveProgram
from optimization.solver import minimise, solve


def crowded(instance: SupplyChainInstance, share: float) -> SupplyChainInstance:
    """The same with that share of the room at the centres."""
    centres = tuple(replace(centre, V=tuple(share * v for v in centre.V)) for centre in instance.centres)
    return replace(instance, centres=centres)


@pytest.mark.parametrize("share", [1.0, 0.05, 0.0])
@pytest.mark.parametrize("seed", range(3))
def test_prices_prove_nearly_what_the_joint_relaxation_proves_and_the_mix_fits(seed: int, share: float) -> None:
    instance = crowded(generate(6, 2, 3, 4, 2, 2, seed), share)
    blocks = blocks_of(instance, value_functions(instance))
    room = np.array([centre.V for centre in instance.centres]) / blocks[0].units.t
    search = Search(SolveOptions(time_limit_s=60))
    pricing = priced(search, blocks, room)
    assert search.bound > 0 and np.all(sum(pricing.split) <= room + 1e-6)
    plain = LiveProgram(joined(blocks, [block.relaxation for block in blocks], room), relaxed=True).solve()
    assert search.bound >= plain.objective * (1 - 2e-3)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from([1.0, 0.2, 0.0]), budget=st.sampled_from([0.0, 0.5, 2.0]))
def test_bound_of_the_prices_is_below_and_the_plan_above_the_optimum(seed: int, share: float, budget: float) -> None:
    made = crowded(generate(2, 1, 2, 2, 2, 2, seed), share)
    instance = replace(made, uncertainty=BudgetSet((budget, budget)))
    exact = SolveOptions(gap=0.0, time_limit_s=30)
    whole = minimise(build_program(instance, cuts=False), exact)
    patched = pytest.MonkeyPatch()
    with patched.context() as patch:
        patch.setattr(run, "MOST_AS_ONE", 0)
        result = solve(instance, SolveOptions(gap=0.01, time_limit_s=5))
    assert (whole.objective_usd is None) == (result.report.termination is Termination.INFEASIBLE)
    if whole.objective_usd is not None:
        assert result.report.dual_bound_usd is not None and result.report.objective_usd is not None
        assert result.report.dual_bound_usd <= whole.objective_usd * (1 + 1e-6)
        assert result.report.objective_usd >= whole.objective_usd * (1 - 1e-6)
        assert result.plan is not None
        assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()


def test_many_mines_reach_the_asked_gap_in_stages() -> None:
    instance, told = generate(8, 3, 4, 5, 2, 2, seed=1), list[SolveProgress]()
    result = solve(instance, SolveOptions(gap=0.015, time_limit_s=60), on_progress=told.append)
    assert result.report.termination is Termination.OPTIMAL and result.plan is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
    assert [p.dual_bound_usd for p in told] == sorted(p.dual_bound_usd for p in told)


@pytest.mark.parametrize(("stage", "mines"), [("prices", 60), ("first plan", 12), ("bounds", 12)])
def test_wish_to_stop_is_granted_within_a_second_at_every_stage(stage: str, mines: int) -> None:
    """With as many mines as it takes for the stage to last longer than the interval between two words of progress."""
    told: list[SolveProgress] = []
    asked: list[float] = []

    def should_stop() -> bool:
        if not asked and told and told[-1].stage == stage:
            asked.append(time.perf_counter())
        return bool(asked)

    instance = generate(mines, 4, 8, 8, 3, 3, seed=1)
    result = solve(instance, SolveOptions(gap=0.0, time_limit_s=60), on_progress=told.append, should_stop=should_stop)
    assert asked and time.perf_counter() - asked[0] < 1.5
    assert result.report.termination is Termination.CANCELLED
    if result.plan is not None:
        assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()


def test_location_that_mines_nothing_is_not_paid_for() -> None:
    """On a mode that is too large for its tonnage: the plan takes the cheapest mode of that tonnage instead."""
    instance = generate(1, 1, 1, 1, 3, 2, seed=1)
    (block,) = blocks_of(instance, value_functions(instance))
    room = np.array([[centre.V[0] for centre in instance.centres]]) / block.units.t
    values = LiveProgram(joined([block], [block.program], room), relaxed=False).solve().values
    assert values is not None
    best = float(block.program.cost @ values)
    (running,) = np.flatnonzero(values[block.theta] > 0.5)
    for other in range(len(block.theta)):
        ore, columns = values[block.ys].sum(), block.ys[block.ys_theta == other]
        if other == running or block.length[block.ys_theta == other].sum() < ore:
            continue
        worse = values.copy()
        worse[block.theta], worse[block.ys] = 0.0, 0.0
        worse[block.theta[other]] = 1.0
        ends = np.cumsum(block.length[block.ys_theta == other])
        worse[columns] = np.clip(ore - (ends - block.length[block.ys_theta == other]), 0, np.diff(ends, prepend=0.0))
        made = exact(block, worse, worse[block.w])
        assert float(block.program.cost @ made) == pytest.approx(best)
        check = check_plan(instance, plan_of([block], [made], instance.periods), objective_usd=cost_usd(block, made))
        assert check.violations == ()
