"""The solved plan against plans made by hand and by exhaustion, and the promises of the door to the solver."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import SolveOptions, SolveProgress, SolveReport, SupplyChainInstance, Termination
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import solve
from optimization.whole_program import MANY_BINARIES
from tests.unit.optimization import tiny
from tests.unit.optimization.exhaustion import cheapest_cost_usd

EXACT = SolveOptions(gap=0.0, time_limit_s=30)


def cost_of(instance: SupplyChainInstance) -> float:
    result = solve(instance, EXACT)
    assert result.plan is not None and result.report.objective_usd is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
    return result.report.objective_usd


def test_nominal_plan_is_the_one_made_by_hand() -> None:
    """Both weeks' 40 t need 80 t of ore, mined and shipped in week 1 (one start-up each, 20 t held at the port: 4 $).

    Grade: 0.6 A + 0.3 B >= 0.4 (A + B), so B <= 2 A; B is cheaper: A = 26 2/3, B = 53 1/3.
    2 A + B = 106 2/3, K = 15, processing 80, lane 40 + 30, holding 4, delivery 40 + 2·2: 319 2/3 $.
    """
    result = solve(tiny.instance(), EXACT)
    assert result.plan is not None
    assert result.report.objective_usd == pytest.approx(319 + 2 / 3)
    assert result.plan.x["Aurora North", "A", "0.5", "week 1"] == pytest.approx(26 + 2 / 3)
    assert result.plan.x["Aurora North", "B", "0.2", "week 1"] == pytest.approx(53 + 1 / 3)
    assert result.plan.w == {("Aurora North", "Port", "week 1"): pytest.approx(20.0)}
    assert result.plan.p == {("Aurora North", "Port", "week 1"): 1.0}


@pytest.mark.parametrize(
    ("uncertainty", "cost"),
    [
        ({"kind": "budget", "Gamma": 0}, 319 + 2 / 3),
        ({"kind": "budget", "Gamma": 0.5}, 325),  # 0.55 A + 0.3 B >= 0.4 y: B = 1.5 A, A = 32, 2 A + B = 112
        ({"kind": "budget", "Gamma": 1}, 333),  # 0.5 A + 0.3 B >= 0.4 y: B = A = 40, 2 A + B = 120
        ({"kind": "box"}, 333),  # B can't fall, so one falling location is all of the box
        ({"kind": "paper", "Pi": -10, "pi": -4}, 313),  # 0.4 y >= 0.4 y always: A = 20 fills up B = 60, 2 A + B = 100
    ],
)
def test_robust_plan_costs_what_was_computed_by_hand(uncertainty: dict[str, object], cost: float) -> None:
    assert cost_of(tiny.instance(uncertainty)) == pytest.approx(cost)


@pytest.mark.parametrize("seed", range(4))
def test_plan_is_as_cheap_as_the_best_of_all_plans(seed: int) -> None:
    """Every choice of open locations, cut-offs and shipments, with row (4) written for every vertex of the set."""
    instance = generate(1, 1, 1, 2, 2, 2, seed)
    assert cost_of(instance) == pytest.approx(cheapest_cost_usd(instance), rel=1e-6)


def test_opening_stock_that_is_dear_to_keep_may_move_to_the_centre() -> None:
    """30 t at the mill, 10 t needed: shipping all at once (1 $/t + 30 $) beats holding 20 t at 20 $/t."""
    document = tiny.document(u0=30, h=20)
    document["demands"][0]["D"] = [10, 0]
    assert cost_of(build_instance(document)) == pytest.approx(30 * 1 + 30 + 20 * 0.2 * 2 + 10 * 1 + 2)


def test_same_options_give_the_same_plan() -> None:
    instance = generate(2, 2, 2, 2, 2, 2, seed=5)
    assert solve(instance, EXACT).plan == solve(instance, EXACT).plan


def test_report_says_optimal_only_within_the_asked_gap() -> None:
    report = solve(generate(2, 2, 2, 3, 2, 2, seed=1), SolveOptions(gap=0.01, time_limit_s=30)).report
    assert report.termination is Termination.OPTIMAL
    assert report.relative_gap is not None and 0 <= report.relative_gap <= 0.01
    assert_consistent(report)


def assert_consistent(report: SolveReport) -> None:
    assert report.objective_usd is not None and report.dual_bound_usd is not None and report.relative_gap is not None
    gap = (report.objective_usd - report.dual_bound_usd) / report.objective_usd
    assert report.relative_gap == pytest.approx(max(0.0, gap), abs=1e-12)
    assert report.elapsed_s >= report.build_s + report.solve_s - 1e-3
    assert report.solver.startswith("HiGHS 1.") and report.peak_memory_mb > 10


def hard() -> SupplyChainInstance:
    """No machine closes its last gap in seconds."""
    return generate(4, 3, 3, 5, 3, 3, seed=1)


class StopAtFirstPlan:
    """Listener and wish to stop in one: asks to stop once there is a plan."""

    def __init__(self) -> None:
        self.told: list[SolveProgress] = []
        self.asked_at: float | None = None

    def on_progress(self, progress: SolveProgress) -> None:
        self.told.append(progress)

    def should_stop(self) -> bool:
        if self.asked_at is None and self.told and self.told[-1].incumbent_usd is not None:
            self.asked_at = time.perf_counter()
        return self.asked_at is not None


def test_wish_to_stop_is_granted_within_a_second_with_the_best_plan_so_far() -> None:
    stop, instance = StopAtFirstPlan(), hard()
    options = SolveOptions(gap=0.0, time_limit_s=60)
    result = solve(instance, options, on_progress=stop.on_progress, should_stop=stop.should_stop)
    assert stop.asked_at is not None and time.perf_counter() - stop.asked_at < 1.5
    assert result.report.termination is Termination.CANCELLED
    assert_consistent(result.report)
    assert result.plan is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).is_valid


def test_wish_to_stop_before_any_plan_gives_no_plan_but_a_bound() -> None:
    slow_to_begin = generate(30, 5, 20, 10, 3, 3, seed=1)
    result = solve(slow_to_begin, SolveOptions(gap=0.0, time_limit_s=60), should_stop=lambda: True)
    assert (result.plan, result.report.termination) == (None, Termination.CANCELLED)
    assert result.report.relative_gap is None and result.report.dual_bound_usd is not None


def test_time_limit_gives_a_plan_with_a_proven_gap_and_no_claim_of_optimality() -> None:
    stop, instance = StopAtFirstPlan(), hard()
    solve(instance, SolveOptions(gap=0.0), on_progress=stop.on_progress, should_stop=stop.should_stop)
    limit_s = 1.0 + 2 * stop.told[-1].elapsed_s
    report = solve(instance, SolveOptions(gap=0.0, time_limit_s=limit_s)).report
    assert report.termination is Termination.TIME_LIMIT
    assert report.elapsed_s < limit_s + 1.5
    assert_consistent(report)


def test_time_limit_without_a_plan_says_so_and_still_gives_a_bound() -> None:
    result = solve(generate(30, 5, 20, 10, 3, 3, seed=1), SolveOptions(gap=0.0, time_limit_s=0.05))
    assert result.plan is None
    assert result.report.termination is Termination.NO_PLAN
    assert result.report.relative_gap is None and result.report.objective_usd is None
    assert result.report.dual_bound_usd is not None and result.report.dual_bound_usd >= 0


def test_progress_is_told_on_the_calling_thread_and_only_improves() -> None:
    told: list[SolveProgress] = []
    solve(hard(), SolveOptions(gap=0.0, time_limit_s=2), on_progress=told.append)
    assert len(told) >= 3
    assert [p.dual_bound_usd for p in told] == sorted(p.dual_bound_usd for p in told)
    incumbents = [p.incumbent_usd for p in told if p.incumbent_usd is not None]
    assert incumbents == sorted(incumbents, reverse=True)
    assert all((p.relative_gap is None) == (p.incumbent_usd is None) for p in told)


def test_exception_of_the_progress_listener_comes_out() -> None:
    def fail(_: SolveProgress) -> None:
        raise RuntimeError("the screen is gone")

    with pytest.raises(RuntimeError, match="the screen is gone"):
        solve(hard(), SolveOptions(gap=0.0, time_limit_s=20), on_progress=fail)


def test_infeasible_by_one_mine_is_explained_by_its_grade() -> None:
    result = solve(tiny.instance({"kind": "box"}, alpha=0.55), EXACT)
    assert result.plan is None
    assert result.report.termination is Termination.INFEASIBLE
    assert result.report.dual_bound_usd is None
    assert "Aurora North: best worst-case grade 0.500 < 0.550" in result.report.explanation[0]


def test_infeasible_by_what_is_shared_is_reported_with_the_suspect_named() -> None:
    """Week 2's demand exceeds the lane, so stock must wait at a port that has no room: no mine alone shows it."""
    document = tiny.document()
    document["demands"][0]["D"], document["centres"][0]["V"] = [20, 60], [0, 0]
    report = solve(build_instance(document), EXACT).report
    assert report.termination is Termination.INFEASIBLE
    assert "centres (11)" in report.explanation[0]


def test_larger_mining_ability_lowers_the_cost_of_generated_instances() -> None:
    instance = generate(1, 2, 2, 3, 2, 2, seed=3)
    roomy = replace(instance, mines=tuple(replace(m, P=tuple(1.3 * p for p in m.P)) for m in instance.mines))
    assert cost_of(roomy) < 0.999 * cost_of(instance)


def test_large_instance_begins_with_a_plan_that_the_checker_accepts() -> None:
    """Above a thousand binaries HiGHS is given a first plan; here it is asked for no more than that one."""
    instance = generate(4, 3, 9, 8, 2, 2, seed=1)
    result = solve(instance, SolveOptions(gap=0.5, time_limit_s=60))
    assert result.report.binaries >= MANY_BINARIES
    assert result.plan is not None
    assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).is_valid


@pytest.mark.parametrize("factor", [1e-3, 1e3])
def test_unit_of_the_tonnes_does_not_change_the_cost(factor: float) -> None:
    """Everything in tonnes times the factor, everything in $/t divided by it: the same plan in other units."""
    document = tiny.document(pc=1 / factor, h=0.5 / factor, P=100 * factor, Q=100 * factor, Umax=100 * factor)
    for location in document["mines"][0]["locations"]:
        location["cutoffs"][0]["c"] /= factor
        location["cutoffs"][0]["xmax"] *= factor
    lane = document["mill_lanes"][0]
    lane.update(f=lane["f"] / factor, g=lane["g"] / factor, R=lane["R"] * factor)
    document["user_lanes"][0]["e"] /= factor
    document["centres"][0]["V"] *= factor
    document["demands"][0]["D"] = [20 * factor, 20 * factor]
    assert cost_of(build_instance(document)) == pytest.approx(319 + 2 / 3)


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_zeros_anywhere_give_a_plan_or_a_reason(data: st.DataObject) -> None:
    document = tiny.document({"kind": "budget", "Gamma": data.draw(st.sampled_from([0, 1, 2]))})
    rows = [document["mines"][0], document["mill_lanes"][0], document["user_lanes"][0], document["centres"][0]]
    rows += [location["cutoffs"][0] for location in document["mines"][0]["locations"]] + [document["demands"][0]]
    places = [(row, key) for row in rows for key, value in row.items() if isinstance(value, int | float | list)]
    for row, key in places:
        if key not in ("beta", "gamma", "locations") and data.draw(st.booleans(), label=key):
            row[key] = 0
    instance = build_instance(document)
    result = solve(instance, EXACT)
    if result.plan is None:
        assert result.report.termination is Termination.INFEASIBLE and result.report.explanation
    else:
        assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
