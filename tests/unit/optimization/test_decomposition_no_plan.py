"""Many mines without a plan: the prices prove it or hand over to the joint program, and never end as want of time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optimization.checker import check_plan
from optimization.data import Cutoff, Location, Mine, SolveOptions, SupplyChainInstance, Termination
from optimization.generator import generate
from optimization.solver import solve

OPTIONS = SolveOptions(gap=0.02, time_limit_s=60)


def able(mine: Mine) -> Mine:
    """Three times the abilities, so that two periods can mine for three."""

    def more(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(3 * value for value in values)

    def richer(location: Location) -> Location:
        cutoffs: tuple[Cutoff, ...] = tuple(replace(j, xmax=more(j.xmax)) for j in location.cutoffs)
        return replace(location, cutoffs=cutoffs)

    locations = tuple(richer(location) for location in mine.locations)
    return replace(mine, P=more(mine.P), Q=more(mine.Q), Umax=more(mine.Umax), locations=locations)


def must_wait_at_the_centre(share: float, *, mines: int = 6) -> SupplyChainInstance:
    """The lanes of the first mines are closed in the last period, so what they sell then must lie at the only centre.

    It has room for `share` of all that is sold then.
    """
    made = generate(6, 1, 2, 3, 2, 2, seed=1)
    last_t = sum(demand.D[-1] for demand in made.demands)
    lanes = tuple(
        replace(lane, R=(4 * lane.R[0], 4 * lane.R[1], 0.0 if m < mines else lane.R[2]))
        for m, lane in enumerate(made.mill_lanes)
    )
    centres = tuple(replace(centre, V=(share * last_t,) * 3) for centre in made.centres)
    return replace(made, mines=tuple(map(able, made.mines)), mill_lanes=lanes, centres=centres)


@pytest.mark.parametrize(("share", "mines"), [(0.9, 6), (0.5, 6), (0.01, 1)])
def test_too_little_room_ends_as_infeasible_whether_it_is_for_one_mine_or_for_all(share: float, mines: int) -> None:
    report = solve(must_wait_at_the_centre(share, mines=mines), OPTIONS).report
    assert report.termination is Termination.INFEASIBLE and report.dual_bound_usd is None
    assert "centres (11)" in report.explanation[0]


@pytest.mark.parametrize(("share", "mines"), [(1.01, 6), (0.9, 1)])
def test_room_that_just_suffices_gives_a_plan(share: float, mines: int) -> None:
    instance = must_wait_at_the_centre(share, mines=mines)
    result = solve(instance, OPTIONS)
    assert result.report.termination is Termination.OPTIMAL and result.plan is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
