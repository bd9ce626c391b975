"""The reduced program against programs that share nothing with it: a small MILP a point, and the whole program."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from optimization.checker import check_plan
from optimization.data import (
    BoxSet,
    BudgetSet,
    Mine,
    NominalSet,
    PaperSet,
    PolyhedronSet,
    SolveOptions,
    SolveProgress,
    SupplyChainInstance,
    UncertaintySet,
)
from optimization.decomposition.run import supports
from optimization.decomposition.value_function import Phi, value_functions
from optimization.formulation.program import build_program
from optimization.generator import generate
from optimization.solver import minimise, solve
from tests.unit.optimization import tiny
from tests.unit.optimization.exhaustion import vertices

EXACT = SolveOptions(gap=0.0, time_limit_s=30)
SETS = (NominalSet(), BoxSet(), PaperSet(-10.0, -5.0))


def cheapest_mining_usd(instance: SupplyChainInstance, mine: Mine, t: int, y: float) -> float | None:
    """A MILP with the binaries of (6) and (7) and a row (4) for each vertex of the set; None when y can't be made."""
    options = [(i, j) for i, location in enumerate(mine.locations) for j in location.cutoffs]
    n = len(options)
    rows = [[j.a[t] for _, j in options] + [0.0] * n, [1.0] * n + [0.0] * n]
    low, high = [-np.inf, y], [mine.P[t], y]
    if y > mine.Q[t]:
        return None
    for k, (_, j) in enumerate(options):
        rows.append([float(c == k) for c in range(n)] + [-j.xmax[t] * (c == k) for c in range(n)])
        low.append(-np.inf)
        high.append(0.0)
    for i in range(len(mine.locations)):
        rows.append([0.0] * n + [float(at == i) for at, _ in options])
        low.append(0.0)
        high.append(1.0)
    for grades in grade_rows(instance, mine, t, options):
        rows.append([grade - mine.alpha for grade in grades] + [0.0] * n)
        low.append(0.0)
        high.append(np.inf)
    answer = milp(
        [j.c for _, j in options] + [j.K[t] for _, j in options],
        constraints=LinearConstraint(np.array(rows), low, high),
        integrality=[0] * n + [1] * n,
        bounds=Bounds(0, [np.inf] * n + [1] * n),
        options={"mip_rel_gap": 0.0},
    )
    return float(answer.fun) if answer.status == 0 else None


def grade_rows(instance: SupplyChainInstance, mine: Mine, t: int, options: list) -> list[list[float]]:
    if isinstance(instance.uncertainty, PaperSet):
        return [[instance.uncertainty.floor_frac] * len(options)]
    return [[j.gamma[t] - xi[i] * j.delta[t] for i, j in options] for xi in vertices(instance, mine)]


def phi_at(phi: Phi, y: float) -> float:
    reaching = [mode for mode in phi if mode.y[-1] >= y * (1 - 1e-9)]
    return min(mode.K + float(np.interp(y, mode.y, mode.f)) for mode in reaching)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("budget", [0.0, 0.5, 1.0, 1.7, 3.0])
def test_value_function_is_the_cheapest_mining_cost_at_every_tonnage(seed: int, budget: float) -> None:
    instance = replace(generate(2, 1, 1, 2, 3, 1 + seed % 3, seed), uncertainty=BudgetSet((budget, budget)))
    for mine, phis in zip(instance.mines, value_functions(instance), strict=True):
        for t, phi in enumerate(phis):
            most = max(mode.y[-1] for mode in phi)
            for share in (0.02, 0.31, 0.64, 0.83, 0.999):
                cost = cheapest_mining_usd(instance, mine, t, share * most)
                assert cost == pytest.approx(phi_at(phi, share * most), rel=1e-6)
            assert cheapest_mining_usd(instance, mine, t, 1.001 * most) is None


@pytest.mark.parametrize("uncertainty", SETS)
def test_value_function_holds_for_sets_without_a_budget(uncertainty: UncertaintySet) -> None:
    instance = replace(generate(2, 1, 1, 1, 3, 2, seed=4), uncertainty=uncertainty)
    for mine, (phi,) in zip(instance.mines, value_functions(instance), strict=True):
        most = max((mode.y[-1] for mode in phi), default=0.0)
        for share in (0.3, 0.7, 0.99):
            if phi:
                cost = cheapest_mining_usd(instance, mine, 0, share * most)
                assert cost == pytest.approx(phi_at(phi, share * most), rel=1e-6)
        assert cheapest_mining_usd(instance, mine, 0, 1.001 * most + 1.0) is None


@pytest.mark.parametrize("seed", range(5))
def test_ore_of_a_breakpoint_costs_what_the_mode_says(seed: int) -> None:
    instance = generate(1, 1, 1, 1, 4, 3, seed)
    for mode in value_functions(instance)[0][0]:
        for share in (0.2, 0.6, 1.0):
            y = share * float(mode.y[-1])
            ore, chosen = (
                mode.ore_at(y),
                [location.cutoffs[j] for location, j in zip(instance.mines[0].locations, mode.pattern, strict=True)],
            )
            assert ore.sum() == pytest.approx(y)
            assert sum(j.c * x for j, x in zip(chosen, ore, strict=True)) == pytest.approx(np.interp(y, mode.y, mode.f))


def test_mine_too_poor_for_its_grade_has_no_mode() -> None:
    assert [list(phi) for phi in value_functions(tiny.instance({"kind": "box"}, alpha=0.55))] == [[(), ()]]


@settings(max_examples=24, deadline=None)
@given(
    sizes=st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 2), st.integers(1, 3)),
    options=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    seed=st.integers(0, 10_000),
    budget=st.sampled_from([0.0, 0.5, 1.0, 1.5, 2.0]),
)
def test_bound_is_below_and_plan_above_the_optimum_of_the_whole_program(
    sizes: tuple[int, int, int, int], options: tuple[int, int], seed: int, budget: float
) -> None:
    made = generate(*sizes, *options, seed)
    instance = replace(made, uncertainty=BudgetSet((min(budget, float(options[0])),) * sizes[0]))
    assert supports(instance)
    whole = minimise(build_program(instance, cuts=False), EXACT)
    result = solve(instance, EXACT)
    assert whole.objective_usd is not None and result.report.dual_bound_usd is not None and result.plan is not None
    check = check_plan(instance, result.plan, objective_usd=result.report.objective_usd)
    assert check.violations == ()
    assert result.report.dual_bound_usd <= whole.objective_usd * (1 + 1e-6)
    assert whole.objective_usd == pytest.approx(result.report.objective_usd, rel=1e-5)


def test_set_whose_vertices_are_unknown_goes_to_the_whole_program() -> None:
    assert supports(tiny.instance())
    assert not supports(replace(tiny.instance(), uncertainty=PolyhedronSet(())))


def test_stages_of_the_search_are_told() -> None:
    told: list[SolveProgress] = []
    solve(generate(4, 3, 3, 5, 3, 3, seed=2), SolveOptions(gap=0.0, time_limit_s=3), on_progress=told.append)
    stages = {progress.stage for progress in told}
    assert "bounds" in stages and stages <= {"building", "prices", "first plan", "bounds", "passes", "joint"}
    assert [p.dual_bound_usd for p in told] == sorted(p.dual_bound_usd for p in told)
