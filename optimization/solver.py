"""The one door to the solver: the only module that names HiGHS (highspy 1.15).

`solve` builds the Pyomo program, hands its matrix to HiGHS, watches it from callbacks (progress, cancellation), and
then solves the linear program left when the whole decisions are fixed, so that the plan is exact rather than within
HiGHS's integrality tolerance.
"""

from __future__ import annotations

import math
import resource
import threading
import time
from dataclasses import dataclass, field, replace
from functools import partial

import highspy
import numpy as np
import pyomo.environ as pyo

from optimization.data import (
    OnProgress,
    ShouldStop,
    SolveOptions,
    SolveProgress,
    SolveReport,
    SolveResult,
    SupplyChainInstance,
    Termination,
)
from optimization.decomposition import run as fast_path
from optimization.explain import explain_infeasibility
from optimization.explain.elastic import diagnose, diagnosis_words
from optimization.formulation.matrix import Floats, Matrix, matrix_of
from optimization.formulation.program import build_program, plan_from_program

SOLVER = f"HiGHS {highspy.Highs().version()}"  # type: ignore[no-untyped-call]
# Tonnes below this are rounding noise of the linear programs: nobody ships a tenth of a gram.
NOISE_T = 1e-7
SHARED_OR_TIMED = (
    "no single limit of a mine explains it: several rules together, such as the shared room at the centres (11), or "
    "stocks and lanes period by period, leave no plan"
)
LEAST_USE = 1e-7
ROUNDING = 1e-9
MANY_BINARIES = 1_000
EXPLAIN_S = 20.0
MANY_TO_EXPLAIN = 50_000
PROGRESS_INTERVAL_S = 0.25
POLL_INTERVAL_S = 0.05
GRACE_S = 0.5
ROUNDING_FRAC = 1e-9

Status = highspy.HighsModelStatus
Event = highspy.highs.HighsCallbackEvent


def solve(
    instance: SupplyChainInstance,
    options: SolveOptions,
    *,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
) -> SolveResult:
    """Solve to the relative gap or the time limit; a plan whenever one was found, a proven bound always.

    `on_progress` is called a few times a second and `should_stop` polled twenty times a second, on the calling thread;
    an exception they raise ends the solve and comes out here. Never raises for an infeasible instance.
    """
    clock = _Clock()
    if reasons := explain_infeasibility(instance):
        proven = _closed_form_report(clock, reasons)
        return SolveResult(None, _with_repair(instance, proven, options, clock, should_stop))
    if fast_path.supports(instance):
        outcome = fast_path.FastPath(instance, options).run(on_progress, should_stop)
        report = _fast_report(outcome, options, clock)
        return SolveResult(outcome.plan, _with_repair(instance, report, options, clock, should_stop))
    return _solve_whole(instance, options, clock, on_progress, should_stop)


def _solve_whole(
    instance: SupplyChainInstance,
    options: SolveOptions,
    clock: _Clock,
    on_progress: OnProgress | None,
    should_stop: ShouldStop | None,
) -> SolveResult:
    """The program of `formulation` as one: for instances that the reduced program does not know."""
    program = build_program(instance)
    matrix = matrix_of(program)
    clock.lap_build()
    start = _start(matrix, options, clock, should_stop) if matrix.is_binary.sum() >= MANY_BINARIES else None
    run = _Run(_loaded(matrix, options, options.time_limit_s - clock.elapsed_s), matrix, clock, options.time_limit_s)
    run.watch(on_progress, should_stop, start)
    values = run.best_values()
    objective = None if values is None else _set_values(values, matrix, program, options)
    plan = None if objective is None else plan_from_program(program, instance)
    return SolveResult(plan, _with_repair(instance, _report(run, options, objective), options, clock, should_stop))


def _with_repair(
    instance: SupplyChainInstance,
    report: SolveReport,
    options: SolveOptions,
    clock: _Clock,
    should_stop: ShouldStop | None,
) -> SolveReport:
    """Where no plan exists, the shortage and the cheapest repair are told too, if the time left allows."""
    left_s = min(EXPLAIN_S, options.time_limit_s - clock.elapsed_s)
    lanes = len(instance.cutoff_by_key) + len(instance.mill_lanes) + len(instance.routes)
    is_small = lanes * len(instance.periods) <= MANY_TO_EXPLAIN
    if report.termination is not Termination.INFEASIBLE or left_s <= 0 or not is_small:
        return report
    door = partial(minimise, should_stop=should_stop)
    words = diagnosis_words(diagnose(instance, door, replace(options, time_limit_s=left_s)))
    solve_s = clock.elapsed_s - report.build_s
    return replace(report, explanation=(*report.explanation, *words), solve_s=solve_s, elapsed_s=clock.elapsed_s)


def minimise(
    program: pyo.ConcreteModel, options: SolveOptions, *, should_stop: ShouldStop | None = None
) -> SolveReport:
    """Solve a program made from `build_program` and changed since; the best values are put into its variables."""
    clock, matrix = _Clock(), matrix_of(program)
    clock.lap_build()
    run = _Run(_loaded(matrix, options, options.time_limit_s - clock.elapsed_s), matrix, clock, options.time_limit_s)
    run.watch(None, should_stop)
    values = run.best_values()
    return _report(run, options, None if values is None else _set_values(values, matrix, program, options))


def marginal_values(program: pyo.ConcreteModel) -> list[float] | None:
    """What one more unit on the right of each active row adds to the cost, binaries staying at their present values.

    $ per unit of the row, in the order of the program's rows; None where no plan has those binaries.
    """
    matrix = matrix_of(program)
    wanted = np.array([round(v.value or 0.0) for v in matrix.variables], dtype=float)[matrix.is_binary]
    highs = _with_binaries_at(matrix, wanted, SolveOptions())
    if highs.getModelStatus() != Status.kOptimal:
        return None
    duals = np.array(highs.getSolution().row_dual) * matrix.cost_scale / matrix.row_scale
    return [float(dual) for dual in duals]


def _start(matrix: Matrix, options: SolveOptions, clock: _Clock, should_stop: ShouldStop | None) -> Floats | None:
    """A first plan where HiGHS by itself has none for minutes: run the shipments that the relaxation uses and no other.

    It takes at most half of the time; None when that choice of shipments leads to no plan.
    """
    half_s = options.time_limit_s / 2
    shipments = np.flatnonzero(matrix.is_shipment).astype(np.int32)
    relaxed = _relaxed(matrix, options, half_s)
    relaxation = _Run(relaxed, matrix, clock, half_s)
    relaxation.watch(None, should_stop)
    values = relaxation.best_values()
    if values is None:
        return None
    used = (values[shipments] > LEAST_USE).astype(np.float64)
    restricted = _loaded(matrix, options, half_s - clock.elapsed_s)
    restricted.changeColsBounds(len(shipments), shipments, used, used)
    restricted.setOptionValue("mip_max_improving_sols", 1)
    run = _Run(restricted, matrix, clock, half_s)
    run.watch(None, should_stop)
    return run.best_values()


# From Pyomo to HiGHS ------------------------------------------------------------------------------------------------


def _loaded(matrix: Matrix, options: SolveOptions, limit_s: float) -> highspy.Highs:
    highs = highspy.Highs()  # type: ignore[no-untyped-call]
    highs.silent()
    settings = {
        "mip_rel_gap": options.gap,
        "time_limit": max(0.0, limit_s),
        "threads": options.threads,
        "random_seed": options.seed,
    }
    for name, value in settings.items():
        highs.setOptionValue(name, value)
    highs.passModel(_lp(matrix))
    return highs


def _relaxed(matrix: Matrix, options: SolveOptions, limit_s: float) -> highspy.Highs:
    highs, columns = _loaded(matrix, options, limit_s), np.flatnonzero(matrix.is_binary).astype(np.int32)
    continuous = np.full(len(columns), highspy.HighsVarType.kContinuous.value, dtype=np.uint8)
    highs.changeColsIntegrality(len(columns), columns, continuous)
    return highs


def _lp(matrix: Matrix) -> highspy.HighsLp:
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(matrix.cost), len(matrix.row_lower)
    lp.col_cost_, lp.offset_ = matrix.cost, matrix.offset
    lp.col_lower_, lp.col_upper_ = matrix.lower, matrix.upper
    lp.row_lower_, lp.row_upper_ = matrix.row_lower, matrix.row_upper
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.start, matrix.index, matrix.value
    kinds = highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger
    lp.integrality_ = [kinds[int(binary)] for binary in matrix.is_binary]
    return lp


# Running ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Clock:
    started: float = field(default_factory=time.perf_counter)
    build_s: float = 0.0

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def lap_build(self) -> None:
        self.build_s = self.elapsed_s


class _Run:
    """HiGHS on a thread of its own; its callbacks only copy numbers out and pass the wish to stop in.

    HiGHS asks whether to stop at irregular moments, up to several seconds apart. So the caller waits no longer than
    GRACE_S after the wish or the limit and goes on with the best plan copied out; the thread ends a little later.
    """

    def __init__(self, highs: highspy.Highs, matrix: Matrix, clock: _Clock, time_limit_s: float) -> None:
        self.highs, self.matrix, self.clock, self.time_limit_s = highs, matrix, clock, time_limit_s
        self.is_cancelled = self.ask_to_end = self.is_finished = False
        self.incumbent: Floats | None = None
        self.primal, self.bound = math.inf, 0.0

    def watch(
        self, on_progress: OnProgress | None, should_stop: ShouldStop | None, start: Floats | None = None
    ) -> None:
        """Run to the end, the limit or the wish to stop; `start` is a plan to begin with, in scaled units."""
        if start is not None:
            self.highs.setSolution(_solution(start))
            self.incumbent = start
        for event in (self.highs.cbMipInterrupt, self.highs.cbSimplexInterrupt, self.highs.cbIpmInterrupt):
            event.subscribe(self._answer)
        self.highs.cbMipLogging.subscribe(self._note)
        self.highs.cbMipImprovingSolution.subscribe(self._keep)
        thread = threading.Thread(target=self.highs.run, name="highs")
        thread.start()
        try:
            self._wait(thread, on_progress, should_stop)
        finally:
            self.ask_to_end, self.is_finished = True, not thread.is_alive()

    def best_values(self) -> Floats | None:
        """Column values of the incumbent in scaled units, or None."""
        solution = self.highs.getSolution() if self.is_finished else None
        if (
            solution is not None
            and solution.value_valid
            and math.isfinite(self.highs.getInfo().objective_function_value)
        ):
            return np.array(solution.col_value)
        return self.incumbent

    @property
    def dual_bound_usd(self) -> float:
        """No cost is negative, so 0 is proven while HiGHS has no bound."""
        bound = self.highs.getInfo().mip_dual_bound if self.is_finished else self.bound
        return max(0.0, bound * self.matrix.cost_scale) if math.isfinite(bound) else 0.0

    def _wait(self, thread: threading.Thread, on_progress: OnProgress | None, should_stop: ShouldStop | None) -> None:
        deadline, next_progress = self.time_limit_s + GRACE_S, 0.0
        while thread.is_alive() and self.clock.elapsed_s < deadline:
            thread.join(POLL_INTERVAL_S)
            if not self.is_cancelled and should_stop is not None and should_stop():
                self.is_cancelled = self.ask_to_end = True
                deadline = min(deadline, self.clock.elapsed_s + GRACE_S)
            if on_progress is not None and self.clock.elapsed_s >= next_progress:
                next_progress = self.clock.elapsed_s + PROGRESS_INTERVAL_S
                on_progress(self._progress())

    def _progress(self) -> SolveProgress:
        incumbent = self.primal * self.matrix.cost_scale if math.isfinite(self.primal) else None
        bound = max(0.0, self.bound * self.matrix.cost_scale)
        return SolveProgress(self.clock.elapsed_s, incumbent, bound, relative_gap(incumbent, bound))

    def _answer(self, event: Event) -> None:
        self._note(event)
        event.interrupt(self.ask_to_end)

    def _note(self, event: Event) -> None:
        """HiGHS reports infinities until it has a plan or a bound."""
        self.primal = min(self.primal, event.data_out.mip_primal_bound)
        if math.isfinite(event.data_out.mip_dual_bound):
            self.bound = max(self.bound, event.data_out.mip_dual_bound)

    def _keep(self, event: Event) -> None:
        self._note(event)
        self.incumbent = np.array(event.data_out.mip_solution)


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """(objective - bound) / objective, a fraction; None without both."""
    if objective is None or bound is None:
        return None
    return max(0.0, objective - bound) / objective if objective > 0 else 0.0


# From HiGHS to the plan -----------------------------------------------------------------------------------------------


def _set_values(values: Floats, matrix: Matrix, program: pyo.ConcreteModel, options: SolveOptions) -> float:
    """Put the incumbent, made exact, into the program's variables; its cost in $."""
    values = _exact(matrix, values, options) * matrix.column_scale
    values[~matrix.is_binary & (np.abs(values) < NOISE_T)] = 0.0
    for variable, value in zip(matrix.variables, values.tolist(), strict=True):
        variable.set_value(value, skip_validation=True)
    _close_unused(program)
    return float(pyo.value(program.c1_cost))


def _solution(values: Floats) -> highspy.HighsSolution:
    solution = highspy.HighsSolution()
    solution.col_value = values.tolist()
    return solution


def _exact(matrix: Matrix, values: Floats, options: SolveOptions) -> Floats:
    """The linear program with the binaries fixed where they round to; the values as given if it fails."""
    rounded = np.round(values[matrix.is_binary])
    highs = _with_binaries_at(matrix, rounded, options)
    if highs.getModelStatus() != Status.kOptimal:
        return values
    exact = np.array(highs.getSolution().col_value)
    exact[matrix.is_binary] = rounded
    return exact


def _with_binaries_at(matrix: Matrix, rounded: Floats, options: SolveOptions) -> highspy.Highs:
    # HiGHS keeps one scheduler a thread of ours and fails if a later solve there asks for another number of threads.
    highs = _loaded(matrix, replace(options, threads=1), limit_s=math.inf)
    columns = np.flatnonzero(matrix.is_binary).astype(np.int32)
    continuous = np.full(len(columns), highspy.HighsVarType.kContinuous.value, dtype=np.uint8)
    highs.changeColsIntegrality(len(columns), columns, continuous)
    highs.changeColsBounds(len(columns), columns, rounded, rounded)
    highs.run()
    return highs


def _close_unused(program: pyo.ConcreteModel) -> None:
    """Nothing flows: don't pay the start-up. Always allowed, because a binary only opens."""
    for binary, flow in ((program.d, program.x), (program.p, program.v), (program.q, program.z)):
        for key, data in binary.items():
            data.set_value(1.0 if flow[key].value > 0 else 0.0)


def _report(run: _Run, options: SolveOptions, objective: float | None) -> SolveReport:
    bound, clock, matrix = run.dual_bound_usd, run.clock, run.matrix
    gap = relative_gap(objective, bound)
    termination = _termination(run, gap, options.gap)
    is_infeasible = termination is Termination.INFEASIBLE
    return SolveReport(
        termination=termination,
        objective_usd=objective,
        dual_bound_usd=None if is_infeasible else _without_rounding(bound, objective),
        relative_gap=gap,
        build_s=clock.build_s,
        solve_s=clock.elapsed_s - clock.build_s,
        elapsed_s=clock.elapsed_s,
        solver=SOLVER,
        peak_memory_mb=_peak_memory_mb(),
        rows=len(matrix.row_lower),
        columns=len(matrix.cost),
        binaries=int(matrix.is_binary.sum()),
        nodes=max(0, int(run.highs.getInfo().mip_node_count)) if run.is_finished else 0,
        explanation=(SHARED_OR_TIMED,) if is_infeasible else (),
    )


def _termination(run: _Run, gap: float | None, asked_gap: float) -> Termination:
    status = run.highs.getModelStatus() if run.is_finished else Status.kTimeLimit
    if run.is_cancelled:
        return Termination.CANCELLED
    if gap is not None and (status == Status.kOptimal or gap <= asked_gap):
        return Termination.OPTIMAL
    if status in (Status.kInfeasible, Status.kUnboundedOrInfeasible):
        return Termination.INFEASIBLE
    if status == Status.kTimeLimit:
        return Termination.NO_PLAN if gap is None else Termination.TIME_LIMIT
    return Termination.FAILED


def _without_rounding(bound: float, objective: float | None) -> float:
    """A bound above the plan's cost by no more than rounding is that cost; one further above would be a mistake."""
    is_rounding = objective is not None and objective < bound <= objective * (1 + ROUNDING_FRAC)
    return objective if is_rounding and objective is not None else bound


def _fast_report(outcome: fast_path.Outcome, options: SolveOptions, clock: _Clock) -> SolveReport:
    gap = relative_gap(outcome.objective_usd, outcome.bound_usd)
    termination = _fast_termination(outcome, gap, options.gap)
    is_infeasible = termination is Termination.INFEASIBLE
    return SolveReport(
        termination=termination,
        objective_usd=outcome.objective_usd,
        dual_bound_usd=None if is_infeasible else _without_rounding(outcome.bound_usd, outcome.objective_usd),
        relative_gap=gap,
        build_s=outcome.build_s,
        solve_s=clock.elapsed_s - outcome.build_s,
        elapsed_s=clock.elapsed_s,
        solver=SOLVER,
        peak_memory_mb=_peak_memory_mb(),
        rows=outcome.rows,
        columns=outcome.columns,
        binaries=outcome.binaries,
        nodes=outcome.nodes,
        explanation=(SHARED_OR_TIMED,) if is_infeasible else (),
    )


def _fast_termination(outcome: fast_path.Outcome, gap: float | None, asked_gap: float) -> Termination:
    """HiGHS's tolerances and the exact plan may differ by rounding: 1e-9 of the gap is no reason to say less."""
    if outcome.is_cancelled:
        return Termination.CANCELLED
    if gap is not None and gap <= asked_gap + ROUNDING:
        return Termination.OPTIMAL
    if outcome.is_infeasible:
        return Termination.INFEASIBLE
    return Termination.NO_PLAN if gap is None else Termination.TIME_LIMIT


def _closed_form_report(clock: _Clock, reasons: tuple[str, ...]) -> SolveReport:
    return SolveReport(
        termination=Termination.INFEASIBLE,
        objective_usd=None,
        dual_bound_usd=None,
        relative_gap=None,
        build_s=0.0,
        solve_s=clock.elapsed_s,
        elapsed_s=clock.elapsed_s,
        solver="closed form",
        peak_memory_mb=_peak_memory_mb(),
        rows=0,
        columns=0,
        binaries=0,
        nodes=0,
        explanation=reasons,
    )


def _peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
