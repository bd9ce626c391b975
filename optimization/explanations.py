"""What explains stored plans: what the worker kept beside one, and what changed from one to another."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from optimization.data import Plan, SupplyChainInstance
from optimization.drawing.chart import Chart
from optimization.explain.difference import Change, difference, difference_words
from optimization.explain.figures import charts_of
from optimization.instance_builder import build_instance, build_plan
from optimization.models import PlanRun
from tenants.data import Conflict

LISTS = ("cost_by_term", "flows", "cutoffs", "stocks", "data", "old_plan_misses")
MOST_OF_A_LIST = 500
MOST_WORDS = 20


def explanation_of(run: PlanRun) -> dict[str, Any]:
    """Its insight; Conflict while, or where, there is none."""
    if run.joint_id is not None:
        raise Conflict("A plan of several organisations is explained to each of them in its share.")
    if run.insight is None:
        raise Conflict(f"There is nothing to explain: it is {run.status}.")
    return dict(run.insight)


def plan_snapshot(run: PlanRun) -> dict[str, Any]:
    """A plan frozen as JSON, to show to others: its name, where it stands, its words, what is short and its repair.

    `repair_usd` is what the cheapest repair costs, `tonnes_short` what users lack without one; None where unknown.
    """
    insight, report = run.insight or {}, run.report or {}
    diagnosis = insight.get("diagnosis") or {}
    return {
        "id": str(run.pk),
        "name": run.name,
        "status": run.status,
        "taken_at": datetime.now(UTC).isoformat(),
        "words": (run.explanation or insight.get("words") or [])[:MOST_WORDS],
        "cost_usd": report.get("objective_usd"),
        "tonnes_short": diagnosis.get("tonnes_short"),
        "repair_usd": diagnosis.get("repair_usd"),
    }


def plan_charts(run: PlanRun) -> list[Chart]:
    """Everything there is to see of a plan of the organisation's own; none where there is no plan."""
    return [] if run.plan is None else charts_of(*_solved(run))


def difference_between(first: PlanRun, second: PlanRun) -> dict[str, Any]:
    """What the second does instead of the first, and why; of each list the largest changes. Conflict without plans."""
    found = difference(*_solved(first), *_solved(second))
    lists = {name: list(getattr(found, name)) for name in LISTS}
    left_out = {name: len(each) - MOST_OF_A_LIST for name, each in lists.items() if len(each) > MOST_OF_A_LIST}
    kept = {name: [*map(_document, _largest(each))] for name, each in lists.items()}
    figures = {name: getattr(found, name) for name in ("before_usd", "after_usd", "old_plan_cost_usd")}
    return {"words": list(difference_words(found)), **figures, **kept, "left_out": left_out}


def _solved(run: PlanRun) -> tuple[SupplyChainInstance, Plan]:
    if run.plan is None:
        raise Conflict(f"There is no plan to compare: {run.name!r} is {run.status}.")
    return build_instance(run.instance), build_plan(run.plan)


def _largest(changes: Sequence[Change | str]) -> list[Change | str]:
    """The largest of too many, in their own order."""
    by_size = sorted(range(len(changes)), key=lambda k: -_size(changes[k]))[:MOST_OF_A_LIST]
    return [changes[k] for k in sorted(by_size)]


def _size(change: Change | str) -> float:
    if isinstance(change, str):
        return 0.0
    before, after = (value if isinstance(value, int | float) else 0.0 for value in (change.before, change.after))
    return abs(before - after)


def _document(change: Change | str) -> dict[str, Any] | str:
    return change if isinstance(change, str) else asdict(change)
