"""The door to the solver: the fast path where it knows the instance, else the program as a whole.

Only this folder's `whole_program` and `highs` name HiGHS (highspy 1.15).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pyomo.environ as pyo

from optimization.data import (
    OnProgress,
    Plan,
    ShouldStop,
    SolveOptions,
    SolveReport,
    SolveResult,
    SupplyChainInstance,
    Termination,
)
from optimization.decomposition import run as fast_path
from optimization.decomposition.parts import Pool
from optimization.explain import explain_infeasibility
from optimization.explain.elastic import diagnose, diagnosis_words
from optimization.formulation.matrix import matrix_of
from optimization.highs import SOLVER
from optimization.report import Clock, closed_form_report, fast_report, relative_gap
from optimization.whole_program import Run, Status, loaded, report_of, set_values, solve_whole, with_binaries_at

__all__ = ["SOLVER", "marginal_values", "minimise", "relative_gap", "solve"]
EXPLAIN_S = 20.0
MANY_TO_EXPLAIN = 50_000


def solve(
    instance: SupplyChainInstance,
    options: SolveOptions,
    *,
    on_progress: OnProgress | None = None,
    should_stop: ShouldStop | None = None,
    pool: Pool | None = None,
) -> SolveResult:
    """Solve to the relative gap or the time limit; a plan whenever one was found, a proven bound always.

    `pool` says where mine-wise parts are solved, by default on `options.threads` threads here; the plan is the same.
    `on_progress` is called a few times a second and `should_stop` polled twenty times a second, on the calling thread;
    an exception they raise ends the solve and comes out here. Never raises for an infeasible instance.
    """
    clock = Clock()
    if reasons := explain_infeasibility(instance):
        return _told(instance, None, closed_form_report(clock, reasons), options, clock, should_stop)
    if fast_path.supports(instance):
        return solved_by(fast_path.FastPath(instance, options, pool, clock.started), clock, on_progress, should_stop)
    plan, report = solve_whole(instance, options, clock, on_progress, should_stop)
    return _told(instance, plan, report, options, clock, should_stop)


def solved_by(
    path: fast_path.FastPath, clock: Clock, on_progress: OnProgress | None, should_stop: ShouldStop | None
) -> SolveResult:
    """What a search of the fast path comes to."""
    outcome, options = path.run(on_progress, should_stop), path.search.options
    return _told(path.instance, outcome.plan, fast_report(outcome, options, clock), options, clock, should_stop)


def _told(
    instance: SupplyChainInstance,
    plan: Plan | None,
    report: SolveReport,
    options: SolveOptions,
    clock: Clock,
    should_stop: ShouldStop | None,
) -> SolveResult:
    """Where no plan exists, the shortage and the cheapest repair are told too, if the time left allows."""
    left_s = min(EXPLAIN_S, options.time_limit_s - clock.elapsed_s)
    lanes = len(instance.cutoff_by_key) + len(instance.mill_lanes) + len(instance.routes)
    is_small = lanes * len(instance.periods) <= MANY_TO_EXPLAIN
    if report.termination is not Termination.INFEASIBLE or left_s <= 0 or not is_small:
        return SolveResult(plan, report)
    found = diagnose(instance, partial(minimise, should_stop=should_stop), replace(options, time_limit_s=left_s))
    explanation = (*report.explanation, *diagnosis_words(found))
    solve_s = clock.elapsed_s - report.build_s
    told = replace(report, explanation=explanation, solve_s=solve_s, elapsed_s=clock.elapsed_s)
    return SolveResult(plan, told, found)


def minimise(
    program: pyo.ConcreteModel, options: SolveOptions, *, should_stop: ShouldStop | None = None
) -> SolveReport:
    """Solve a program made from `build_program` and changed since; the best values are put into its variables."""
    clock, matrix = Clock(), matrix_of(program)
    clock.lap_build()
    run = Run(loaded(matrix, options, options.time_limit_s - clock.elapsed_s), matrix, clock, options.time_limit_s)
    run.watch(None, should_stop)
    values = run.best_values()
    return report_of(run, options, None if values is None else set_values(values, matrix, program, options))


def marginal_values(program: pyo.ConcreteModel) -> list[float] | None:
    """What one more unit on the right of each active row adds to the cost, binaries staying at their present values.

    $ per unit of the row, in the order of the program's rows; None where no plan has those binaries.
    """
    matrix = matrix_of(program)
    wanted = np.array([round(v.value or 0.0) for v in matrix.variables], dtype=float)[matrix.is_binary]
    highs = with_binaries_at(matrix, wanted, SolveOptions())
    if highs.getModelStatus() != Status.kOptimal:
        return None
    duals = np.array(highs.getSolution().row_dual) * matrix.cost_scale / matrix.row_scale
    return [float(dual) for dual in duals]
