"""Generated instances: the same seed gives the same one, they can be planned, and real grade curves work."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from optimization.checker import check_plan
from optimization.data import BoxSet, SolveOptions
from optimization.explain import explain_infeasibility
from optimization.generator import generate, read_grade_tonnage
from optimization.instance_builder import instance_from_json
from optimization.solver import solve

REAL_CURVES = Path(__file__).parents[4] / "shared/data/grade_tonnage/grade_tonnage.csv"
needs_real_curves = pytest.mark.skipif(not REAL_CURVES.exists(), reason=f"real data not at {REAL_CURVES}")


def test_same_seed_gives_the_same_instance_and_another_seed_another() -> None:
    assert generate(2, 2, 3, 4, 2, 2, seed=7) == generate(2, 2, 3, 4, 2, 2, seed=7)
    assert generate(2, 2, 3, 4, 2, 2, seed=7) != generate(2, 2, 3, 4, 2, 2, seed=8)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1, 1, 1), (1, 2, 3, 2, 1, 3), (2, 1, 1, 3, 3, 1), (3, 2, 2, 2, 2, 2)])
@pytest.mark.parametrize("seed", range(3))
def test_generated_instance_has_a_plan_even_if_every_grade_falls(sizes: tuple[int, ...], seed: int) -> None:
    instance = replace(generate(*sizes, seed), uncertainty=BoxSet())
    result = solve(instance, SolveOptions(gap=0.2, time_limit_s=20))
    assert result.plan is not None
    assert check_plan(instance, result.plan).is_valid


@pytest.mark.parametrize("seed", range(20))
def test_no_mine_of_a_large_generated_instance_is_short_by_itself(seed: int) -> None:
    assert explain_infeasibility(replace(generate(8, 5, 12, 10, 3, 3, seed), uncertainty=BoxSet())) == ()


@needs_real_curves
@pytest.mark.parametrize("deposit", ["A072391_all", "A072391_CBS10", "core_skills_iron_ore", "babbitt:Cu"])
def test_real_grade_tonnage_curves_make_an_instance_that_is_planned(deposit: str) -> None:
    curve = read_grade_tonnage(REAL_CURVES, deposit)
    instance = generate(2, 2, 2, 2, 2, 3, seed=1, grade_tonnage=curve)
    assert instance_from_json(instance.to_json()) == instance
    means = {row.mean_grade_above_frac for row in curve}
    cutoffs = instance.mines[0].locations[0].cutoffs
    assert all(any(0.93 < cutoff.gamma[0] / mean < 1.07 for mean in means) for cutoff in cutoffs)
    assert [cutoff.gamma[0] for cutoff in cutoffs] == sorted(cutoff.gamma[0] for cutoff in cutoffs)
    result = solve(instance, SolveOptions(gap=0.01, time_limit_s=20))
    assert result.plan is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).is_valid


@needs_real_curves
def test_deposit_that_is_not_there_or_is_two_metals_is_refused() -> None:
    with pytest.raises(ValueError, match="not in the file"):
        read_grade_tonnage(REAL_CURVES, "Eldorado")
    with pytest.raises(ValueError, match="several commodities"):
        read_grade_tonnage(REAL_CURVES, "babbitt")


def test_size_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="1 or more"):
        generate(0, 1, 1, 1, 1, 1, seed=1)


def test_sparse_instance_has_that_share_of_lanes_and_demands_and_a_plan() -> None:
    instance = generate(3, 4, 8, 2, 2, 2, seed=3, density=0.25)
    assert len(instance.mill_lanes) == 3 * 1 and len(instance.demands) == 3 * 2
    result = solve(instance, SolveOptions(gap=0.05, time_limit_s=20))
    assert result.plan is not None and check_plan(instance, result.plan).is_valid


def test_density_that_is_no_share_is_refused() -> None:
    with pytest.raises(ValueError, match="density must be above 0"):
        generate(1, 1, 1, 1, 1, 1, seed=1, density=0.0)
