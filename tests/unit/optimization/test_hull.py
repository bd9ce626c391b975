"""The hull of phi in linear programs: the same optimum as with all modes, and columns of modes that prove it."""

from __future__ import annotations

import numpy as np
import pytest

from optimization.decomposition.hull import hull_of
from optimization.decomposition.reduced import Block, blocks_of
from optimization.decomposition.value_function import value_functions
from optimization.generator import generate
from optimization.highs import Floats, LiveProgram, Program
from tests.unit.optimization import tiny


def excess(program: Program, values: Floats) -> float:
    """By how much the values miss a row or a bound at most."""
    sums = np.bincount(program.rows.row, program.rows.value * values[program.rows.column], len(program.rows.lower))
    rows = np.maximum(sums - program.rows.upper, program.rows.lower - sums)
    return float(max(rows.max(), (values - program.upper).max(), (program.lower - values).max()))


def blocks(seed: int, n_locations: int = 3) -> list[Block]:
    instance = generate(2, 2, 3, 4, n_locations, 1 + seed % 3, seed)
    return blocks_of(instance, value_functions(instance))


@pytest.mark.parametrize("seed", range(10))
def test_program_on_the_hull_costs_what_the_program_with_all_modes_costs(seed: int) -> None:
    for block in blocks(seed):
        on_hull, with_modes = (LiveProgram(p, relaxed=True).solve() for p in (block.linear, block.relaxation))
        assert on_hull.objective == pytest.approx(with_modes.objective, rel=1e-9)
        assert on_hull.values is not None
        unfolded = block.unfolded(on_hull.values)
        assert block.relaxation.cost @ unfolded == pytest.approx(with_modes.objective, rel=1e-9)
        assert excess(block.relaxation, unfolded) < 1e-6


@pytest.mark.parametrize("seed", range(10))
def test_hull_is_below_every_mode_and_touches_them_at_its_ends(seed: int) -> None:
    for block in blocks(seed, n_locations=2):
        hull = hull_of(block.phis)
        cost = np.cumsum(hull.slope * hull.length, axis=1)
        assert (np.diff(hull.slope, axis=1)[hull.length[:, 1:] > 0] >= 0).all()
        for t, phi in enumerate(block.phis):
            for mode in phi:
                at_breakpoints = np.interp(mode.y, np.append(0.0, hull.y[t]), np.append(0.0, cost[t]))
                assert (at_breakpoints <= (mode.K + mode.f) * (1 + 1e-9) + 1e-6).all()
            for y, reached, mode in zip(hull.y[t], cost[t], hull.mode[t].tolist(), strict=True):
                if mode >= 0:
                    assert phi[block.phis.order[mode]].cost_at(y) == pytest.approx(reached)


def test_mine_that_can_mine_nothing_has_a_hull_of_no_length() -> None:
    instance = tiny.instance({"kind": "box"}, alpha=0.55)
    (block,) = blocks_of(instance, value_functions(instance))
    assert block.hull.length.max() == 0
    assert block.unfolded(np.zeros(len(block.linear.cost))).max() == 0
