"""What was reached, as the report of a solve: its clock, its gap, why it ended."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass, field

from optimization.data import SolveOptions, SolveReport, Termination
from optimization.decomposition.run import Outcome
from optimization.highs import SOLVER

SHARED_OR_TIMED = (
    "no single limit of a mine explains it: several rules together, such as the shared room at the centres (11), or "
    "stocks and lanes period by period, leave no plan"
)
# HiGHS's tolerances and the exact plan may differ by rounding.
ROUNDING_FRAC = 1e-9


@dataclass(slots=True)
class Clock:
    started: float = field(default_factory=time.perf_counter)
    build_s: float = 0.0

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    def lap_build(self) -> None:
        self.build_s = self.elapsed_s


def relative_gap(objective: float | None, bound: float | None) -> float | None:
    """(objective - bound) / objective, a fraction; None without both."""
    if objective is None or bound is None:
        return None
    return max(0.0, objective - bound) / objective if objective > 0 else 0.0


def without_rounding(bound: float, objective: float | None) -> float:
    """A bound above the plan's cost by no more than rounding is that cost; one further above would be a mistake."""
    is_rounding = objective is not None and objective < bound <= objective * (1 + ROUNDING_FRAC)
    return objective if is_rounding and objective is not None else bound


def fast_report(outcome: Outcome, options: SolveOptions, clock: Clock) -> SolveReport:
    gap = relative_gap(outcome.objective_usd, outcome.bound_usd)
    termination = _fast_termination(outcome, gap, options.gap)
    is_infeasible = termination is Termination.INFEASIBLE
    return SolveReport(
        termination=termination,
        objective_usd=outcome.objective_usd,
        dual_bound_usd=None if is_infeasible else without_rounding(outcome.bound_usd, outcome.objective_usd),
        relative_gap=gap,
        build_s=outcome.build_s,
        solve_s=clock.elapsed_s - outcome.build_s,
        elapsed_s=clock.elapsed_s,
        solver=SOLVER,
        peak_memory_mb=peak_memory_mb(),
        rows=outcome.rows,
        columns=outcome.columns,
        binaries=outcome.binaries,
        nodes=outcome.nodes,
        explanation=(SHARED_OR_TIMED,) if is_infeasible else (),
    )


def _fast_termination(outcome: Outcome, gap: float | None, asked_gap: float) -> Termination:
    if outcome.is_cancelled:
        return Termination.CANCELLED
    if gap is not None and gap <= asked_gap + ROUNDING_FRAC:
        return Termination.OPTIMAL
    if outcome.is_infeasible:
        return Termination.INFEASIBLE
    return Termination.NO_PLAN if gap is None else Termination.TIME_LIMIT


def closed_form_report(clock: Clock, reasons: tuple[str, ...]) -> SolveReport:
    return SolveReport(
        termination=Termination.INFEASIBLE,
        objective_usd=None,
        dual_bound_usd=None,
        relative_gap=None,
        build_s=0.0,
        solve_s=clock.elapsed_s,
        elapsed_s=clock.elapsed_s,
        solver="closed form",
        peak_memory_mb=peak_memory_mb(),
        rows=0,
        columns=0,
        binaries=0,
        nodes=0,
        explanation=reasons,
    )


def peak_memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
