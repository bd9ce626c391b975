"""What a finished solve means for the one who asked: a status, words, and only such plans as the checker passed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from optimization.checker import CheckResult, Violation, check_plan
from optimization.data import SolveReport, SolveResult, SupplyChainInstance, Termination

MAX_VIOLATIONS_KEPT = 100


class PlanStatus(StrEnum):
    """Where a requested plan stands; `QUEUED` and `RUNNING` are still owed, the others are final."""

    QUEUED = "queued"
    RUNNING = "running"
    SOLVED = "solved"
    INFEASIBLE = "infeasible"
    NO_PLAN = "no_plan"
    CANCELLED = "cancelled"
    FAILED = "failed"


OWED = (PlanStatus.QUEUED, PlanStatus.RUNNING)
STATUS_OF: dict[Termination, PlanStatus] = {
    Termination.OPTIMAL: PlanStatus.SOLVED,
    Termination.TIME_LIMIT: PlanStatus.SOLVED,
    Termination.NO_PLAN: PlanStatus.NO_PLAN,
    Termination.INFEASIBLE: PlanStatus.INFEASIBLE,
    Termination.CANCELLED: PlanStatus.CANCELLED,
    Termination.FAILED: PlanStatus.FAILED,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Documents as they are stored. A cancelled solve keeps the best plan it had, if that passed the checker."""

    status: PlanStatus
    message: str
    report: dict[str, Any] | None = None
    plan: dict[str, Any] | None = None
    cost_terms_usd: dict[str, float] | None = None
    violations: list[dict[str, Any]] = field(default_factory=list)
    explanation: list[str] = field(default_factory=list)
    insight: dict[str, Any] | None = None


def figures_of(report: dict[str, Any] | None) -> dict[str, float]:
    """What events say of a stored report: `objective` and `bound` in USD, `gap`, `elapsed_s`; only what is known."""
    known = report or {}
    names = {"objective": "objective_usd", "bound": "dual_bound_usd", "gap": "relative_gap", "elapsed_s": "elapsed_s"}
    return {told: known[name] for told, name in names.items() if known.get(name) is not None}


def outcome_of(instance: SupplyChainInstance, result: SolveResult) -> Outcome:
    """Judge a result by the independent checker; a plan that misses any rule, or its stated cost, is not released."""
    report = result.report
    if result.plan is None:
        reasons = list(report.explanation)
        return Outcome(STATUS_OF[report.termination], _words(report), _document(report), explanation=reasons)
    check = check_plan(instance, result.plan, objective_usd=report.objective_usd)
    if not check.is_valid:
        return _refused(report, check)
    return Outcome(
        STATUS_OF[report.termination],
        _words(report),
        _document(report),
        plan=result.plan.to_document(),
        cost_terms_usd=dict(check.cost_terms_usd),
    )


def _refused(report: SolveReport, check: CheckResult) -> Outcome:
    first, count = check.violations[0], len(check.violations)
    where = f" at {', '.join(first.indices)}" if first.indices else ""
    words = f"The solver's plan misses {count} rule(s) and is not released; first {first.constraint}{where}."
    kept = [_violation(each) for each in check.violations[:MAX_VIOLATIONS_KEPT]]
    return Outcome(PlanStatus.FAILED, words, _document(report), violations=kept)


def _violation(violation: Violation) -> dict[str, Any]:
    """JSON has no infinity: an amount that is not a number is null."""
    return asdict(violation) | {"amount": violation.amount if math.isfinite(violation.amount) else None}


def _document(report: SolveReport) -> dict[str, Any]:
    document = report.to_document()
    del document["explanation"]
    return document


def _words(report: SolveReport) -> str:
    match report.termination:
        case Termination.OPTIMAL:
            return f"Solved: {_cost(report)}."
        case Termination.TIME_LIMIT:
            return f"Stopped at the time limit with the best plan found: {_cost(report)}."
        case Termination.NO_PLAN:
            return f"No plan was found in {report.elapsed_s:.0f} s, and none was ruled out; give it more time."
        case Termination.INFEASIBLE:
            return "No plan exists: " + "; ".join(report.explanation) + "."
        case Termination.CANCELLED:
            return f"Cancelled after {report.elapsed_s:.0f} s" + (
                f": {_cost(report)}." if report.objective_usd else "."
            )
        case Termination.FAILED:
            return "The solver stopped with an error; the worker's log has it."


def _cost(report: SolveReport) -> str:
    gap = "" if report.relative_gap is None else f", proven within {report.relative_gap:.2%}"
    return f"cost {report.objective_usd:,.0f} $" + gap
