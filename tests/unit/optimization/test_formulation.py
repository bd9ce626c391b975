"""The program against its text, against the judge with one constraint left out at a time, and over its parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pyomo.environ as pyo
import pytest
from pyomo.contrib.solver.solvers.highs import Highs

from optimization.checker import check_plan
from optimization.data import BoxSet, BudgetSet, Mine, SolveOptions, SupplyChainInstance
from optimization.decomposition.run import supports
from optimization.formulation.program import build_program, plan_from_program
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import minimise, solve
from tests.golden.renew import GOLDEN, program_text
from tests.unit.optimization import tiny
from tests.unit.optimization.test_robust_oracles import SETS, continuous_instance

Change = Callable[[pyo.ConcreteModel], object]


def test_program_of_the_golden_instance_is_the_committed_text() -> None:
    assert program_text() == GOLDEN.read_text(encoding="utf-8"), "wanted? python -m tests.golden.renew"


def tight_instance() -> SupplyChainInstance:
    """Every limit binds somewhere: mine 1 is short of mining ability, mine 2 of milling, the end of tonnes in stock."""
    made = generate(2, 1, 2, 3, 2, 2, seed=463)
    return replace(
        made,
        mines=tuple(map(_tight_mine, made.mines)),
        centres=tuple(replace(c, V=tuple(0.1 * v for v in c.V)) for c in made.centres),
        demands=tuple(replace(d, D=(*d.D[:2], 0.9 * max(d.D))) for d in made.demands),
        mill_lanes=tuple(
            replace(lane, g=lane.g / 20, F=tuple(3 * f for f in lane.F), w_end=50.0) for lane in made.mill_lanes
        ),
    )


def _tight_mine(mine: Mine) -> Mine:
    most = 0.15 * mine.Umax[0]
    if mine.name == "mine 2":
        mine = replace(mine, P=tuple(3 * p for p in mine.P), Q=tuple(0.7 * q for q in mine.Q))
    return replace(mine, u0=0.0, Umin=(0.0, 0.3 * most, 0.0), Umax=(most,) * 3, h=mine.h / 20)


def without(*rows: str, upper: str = "", lower: str = "", real: str = "") -> Change:
    """Leave rows out, and bounds or whole numbers of a variable; -1,000 t are enough below 0."""

    def change(program: pyo.ConcreteModel) -> None:
        for name in rows:
            getattr(program, name).deactivate()
        for variable in getattr(program, upper).values() if upper else ():
            variable.setub(None)
        for variable in getattr(program, lower).values() if lower else ():
            variable.domain = pyo.Reals
            variable.setlb(-1000.0)
        for variable in getattr(program, real).values() if real else ():
            variable.domain = pyo.UnitInterval

    return change


LEFT_OUT: dict[str, tuple[Change, str]] = {
    "(2)": (without("c2_mining_ability"), "(2) mining ability"),
    "(3)": (without(upper="y"), "(3) processing ability"),
    "(4)": (without("c4_blended_grade"), "(4) blended grade, worst case"),
    "(5)": (without("c5_blend"), "(5) all ore is blended"),
    "(6)": (without("c6_open_location", upper="x"), "(6) ore of an open location"),
    "(7)": (without("c7_one_cutoff"), "(7) one cut-off a location"),
    "(8)": (without("c8_mill_stock"), "(8) stock at the mill"),
    "(9)": (without("c9_centre_stock"), "(9) stock at the centre"),
    "(9) at the end": (without(lower="w"), "(9) closing stock at the centre"),
    "(10) least": (without(lower="u"), "(10) least stock at the mill"),
    "(10) largest": (without(upper="u"), "(10) largest stock at the mill"),
    "(11)": (without("c11_centre_room", upper="w"), "(11) room at the centre"),
    "(12)": (without("c12_shipment_runs"), "(12) shipment to the centre"),
    "(13)": (without("c13_delivery_runs"), "(13) delivery to the user"),
    "(14)": (without("c14_demand"), "(14) demand"),
    "(15) stock at the mill": (without(lower="u"), "(15) u is not negative"),
    "(15) stock at the centre": (without(lower="w"), "(15) w is not negative"),
    "(16) locations": (without(real="d"), "(16) d is 0 or 1"),
    "(16) shipments": (without(real="p"), "(16) p is 0 or 1"),
    "(17)(18) protection": (without("c4_protection"), "(4) blended grade, worst case"),
    "(19) prices": (without(lower="nu"), "(4) blended grade, worst case"),
}


def violated(change: Change) -> set[str]:
    """What the judge says of the cheapest plan by Pyomo's own road to HiGHS, which rounds and repairs nothing."""
    instance = tight_instance()
    program = build_program(instance, cuts=False)
    change(program)
    Highs().solve(program)
    return {violation.constraint for violation in check_plan(instance, plan_from_program(program, instance)).violations}


def test_plan_of_the_whole_program_violates_nothing() -> None:
    assert violated(without()) == set()


@pytest.mark.parametrize("number", LEFT_OUT)
def test_constraint_left_out_lets_through_a_plan_that_breaks_it(number: str) -> None:
    """So the program has each numbered row, the row binds, and the judge sees to it."""
    change, constraint = LEFT_OUT[number]
    assert constraint in violated(change)


@pytest.mark.parametrize("name", SETS)
def test_counterpart_in_the_program_costs_what_the_fast_path_finds(name: str) -> None:
    instance = continuous_instance(SETS[name])
    options = SolveOptions(gap=0.0, time_limit_s=30)
    whole, found = minimise(build_program(instance), options), solve(instance, options).report
    assert supports(instance) == isinstance(SETS[name], BoxSet | BudgetSet)
    assert whole.objective_usd == pytest.approx(found.objective_usd, rel=1e-7)


FAR = 9e8


@pytest.mark.parametrize("wanted", [20.0, 0.5])
def test_limits_far_beyond_what_is_needed_change_nothing(wanted: float) -> None:
    """All but one at nearly the largest number allowed: the cost of the same instance with limits near by."""
    near, far = tiny.document(), tiny.document(P=FAR, Q=FAR, Umax=FAR)
    far["mines"][0]["locations"][0]["cutoffs"][0]["xmax"] = FAR
    far["mill_lanes"][0]["R"] = far["centres"][0]["V"] = FAR
    instances, options = [], SolveOptions(gap=0.0, time_limit_s=20)
    for document in (near, far):
        document["demands"][0]["D"] = [wanted, wanted]
        instances.append(build_instance(document))
    costs = [solve(instance, options).report.objective_usd for instance in instances]
    costs += [minimise(build_program(instances[1], cuts=cuts), options).objective_usd for cuts in (True, False)]
    assert costs == [pytest.approx(costs[0])] * 4


@pytest.mark.parametrize("cost", ["pc", "h"])
@pytest.mark.parametrize("factor", [1e-5, 1e5])
def test_costs_and_tonnes_of_very_different_size_are_planned_alike_by_both_roads(cost: str, factor: float) -> None:
    """Two mines, one of which is a hundred thousand times the other in that cost or in tonnes."""
    made = generate(2, 1, 2, 2, 2, 1, seed=6)
    first = replace(made.mines[0], **{cost: getattr(made.mines[0], cost) * factor})
    small = tuple(
        replace(d, D=tuple(v * min(factor, 1.0) for v in d.D)) if d.mine == first.name else d for d in made.demands
    )
    instance, options = replace(made, mines=(first, made.mines[1]), demands=small), SolveOptions(gap=1e-6)
    whole, result = minimise(build_program(instance), options), solve(instance, options)
    assert result.plan is not None and check_plan(instance, result.plan).is_valid
    assert whole.objective_usd == pytest.approx(result.report.objective_usd, rel=1e-5)


@pytest.mark.parametrize("capacity", ["P", "Q", "Umax"])
def test_more_of_a_capacity_never_costs_more(capacity: str) -> None:
    """Within the gap: a later cost may be above an earlier bound by no more than what was left unproven."""
    reports = []
    for share in (0.9, 0.95, 1.0, 1.1, 1.3, 1.6, 2.0):
        made = generate(2, 2, 2, 2, 2, 2, seed=3)
        mines = tuple(
            replace(mine, **{capacity: tuple(share * v for v in getattr(mine, capacity))}) for mine in made.mines
        )
        reports.append(solve(replace(made, mines=mines), SolveOptions(gap=1e-3, time_limit_s=20)).report)
    known = [(r.dual_bound_usd, r.objective_usd) for r in reports if r.objective_usd is not None]
    assert len(known) >= 5
    for (_, cost), (bound, _) in pairwise(known):
        assert bound is not None and cost is not None and bound <= cost * (1 + 1e-6)
