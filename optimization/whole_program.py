"""The program of `formulation` as one, in HiGHS: for instances that the reduced program does not know.

HiGHS is watched from callbacks (progress, cancellation); then the linear program left when the whole decisions are
fixed is solved, so that the plan is exact rather than within HiGHS's integrality tolerance.
"""

from __future__ import annotations

import math
import threading
from dataclasses import replace

import highspy
import numpy as np
import pyomo.environ as pyo

from optimization.data import (
    OnProgress,
    Plan,
    ShouldStop,
    SolveOptions,
    SolveProgress,
    SolveReport,
    SupplyChainInstance,
    Termination,
)
from optimization.formulation.matrix import Floats, Matrix, matrix_of
from optimization.formulation.program import build_program, plan_from_program
from optimization.highs import SOLVER
from optimization.report import SHARED_OR_TIMED, Clock, peak_memory_mb, relative_gap, without_rounding

# Tonnes below this are rounding noise of the linear programs: nobody ships a tenth of a gram.
NOISE_T = 1e-7
LEAST_USE = 1e-7
EXACT_SLACK = 1e-5
MANY_BINARIES = 1_000
PROGRESS_INTERVAL_S = 0.25
POLL_INTERVAL_S = 0.05
GRACE_S = 0.5

Status = highspy.HighsModelStatus
Event = highspy.highs.HighsCallbackEvent


def solve_whole(
    instance: SupplyChainInstance,
    options: SolveOptions,
    clock: Clock,
    on_progress: OnProgress | None,
    should_stop: ShouldStop | None,
) -> tuple[Plan | None, SolveReport]:
    """The best plan within gap and time, and what was reached."""
    program = build_program(instance)
    matrix = matrix_of(program)
    clock.lap_build()
    start = _start(matrix, options, clock, should_stop) if matrix.is_binary.sum() >= MANY_BINARIES else None
    run = Run(loaded(matrix, options, options.time_limit_s - clock.elapsed_s), matrix, clock, options.time_limit_s)
    run.watch(on_progress, should_stop, start)
    values = run.best_values()
    objective = None if values is None else set_values(values, matrix, program, options)
    plan = None if objective is None else plan_from_program(program, instance)
    return plan, report_of(run, options, objective)


def _start(matrix: Matrix, options: SolveOptions, clock: Clock, should_stop: ShouldStop | None) -> Floats | None:
    """A first plan where HiGHS by itself has none for minutes: run the shipments that the relaxation uses and no other.

    It takes at most half of the time; None when that choice of shipments leads to no plan.
    """
    half_s = options.time_limit_s / 2
    shipments = np.flatnonzero(matrix.is_shipment).astype(np.int32)
    relaxation = Run(relaxed(matrix, options, half_s), matrix, clock, half_s)
    relaxation.watch(None, should_stop)
    values = relaxation.best_values()
    if values is None:
        return None
    used = (values[shipments] > LEAST_USE).astype(np.float64)
    restricted = loaded(matrix, options, half_s - clock.elapsed_s)
    restricted.changeColsBounds(len(shipments), shipments, used, used)
    restricted.setOptionValue("mip_max_improving_sols", 1)
    run = Run(restricted, matrix, clock, half_s)
    run.watch(None, should_stop)
    return run.best_values()


def loaded(matrix: Matrix, options: SolveOptions, limit_s: float) -> highspy.Highs:
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


def relaxed(matrix: Matrix, options: SolveOptions, limit_s: float) -> highspy.Highs:
    highs, columns = loaded(matrix, options, limit_s), np.flatnonzero(matrix.is_binary).astype(np.int32)
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


class Run:
    """HiGHS on a thread of its own; its callbacks only copy numbers out and pass the wish to stop in.

    HiGHS asks whether to stop at irregular moments, up to several seconds apart. So the caller waits no longer than
    GRACE_S after the wish or the limit and goes on with the best plan copied out; the thread ends a little later.
    """

    def __init__(self, highs: highspy.Highs, matrix: Matrix, clock: Clock, time_limit_s: float) -> None:
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


def set_values(values: Floats, matrix: Matrix, program: pyo.ConcreteModel, options: SolveOptions) -> float:
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
    highs = with_binaries_at(matrix, rounded, options)
    if highs.getModelStatus() != Status.kOptimal:
        return values
    exact = np.array(highs.getSolution().col_value)
    exact[matrix.is_binary] = rounded
    return exact


def with_binaries_at(matrix: Matrix, rounded: Floats, options: SolveOptions) -> highspy.Highs:
    # HiGHS keeps one scheduler a thread of ours and fails if a later solve there asks for another number of threads.
    highs = loaded(matrix, replace(options, threads=1), limit_s=math.inf)
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


def report_of(run: Run, options: SolveOptions, objective: float | None) -> SolveReport:
    bound, clock, matrix = run.dual_bound_usd, run.clock, run.matrix
    gap = relative_gap(objective, bound)
    termination = _termination(run, gap, options.gap)
    is_infeasible = termination is Termination.INFEASIBLE
    return SolveReport(
        termination=termination,
        objective_usd=objective,
        dual_bound_usd=None if is_infeasible else without_rounding(bound, objective),
        relative_gap=gap,
        build_s=clock.build_s,
        solve_s=clock.elapsed_s - clock.build_s,
        elapsed_s=clock.elapsed_s,
        solver=SOLVER,
        peak_memory_mb=peak_memory_mb(),
        rows=len(matrix.row_lower),
        columns=len(matrix.cost),
        binaries=int(matrix.is_binary.sum()),
        nodes=max(0, int(run.highs.getInfo().mip_node_count)) if run.is_finished else 0,
        explanation=(SHARED_OR_TIMED,) if is_infeasible else (),
    )


def _termination(run: Run, gap: float | None, asked_gap: float) -> Termination:
    status = run.highs.getModelStatus() if run.is_finished else Status.kTimeLimit
    if run.is_cancelled:
        return Termination.CANCELLED
    # What HiGHS takes for optimal is told as such only if the exact plan is: rounding aside, the gap is what counts.
    if gap is not None and gap <= asked_gap + (EXACT_SLACK if status == Status.kOptimal else 0.0):
        return Termination.OPTIMAL
    if status in (Status.kInfeasible, Status.kUnboundedOrInfeasible):
        return Termination.INFEASIBLE
    if status == Status.kTimeLimit or gap is not None:
        return Termination.NO_PLAN if gap is None else Termination.TIME_LIMIT
    return Termination.FAILED
