"""How one gets a plan: fetched and authorised in one step, or refused."""

from collections.abc import Sequence
from uuid import UUID

from optimization import queries
from optimization.models import PlanRun
from tenants.api import require
from tenants.data import NotFound


def get_plan(plan_id: UUID, *, needs: str = "view_plans") -> PlanRun:
    """A plan of the actor's own organisation."""
    require(needs)
    run = queries.plans().filter(pk=plan_id).first()
    if run is None:
        raise NotFound
    return run


def whole_plan(plan_id: UUID) -> PlanRun:
    """A plan with its documents, and the scenario and grades that it was made with."""
    return whole_plans([plan_id])[0]


def whole_plans(plan_ids: Sequence[UUID]) -> list[PlanRun]:
    """In the order asked for; NotFound if one of them is not there."""
    require("view_plans")
    unread = ("scenario_version__instance", "grade_set__evidence", "grade_set__document")
    rows = queries.plans_with_scenarios().defer(None).defer(*unread).in_bulk(list(plan_ids))
    if not all(plan_id in rows for plan_id in plan_ids):
        raise NotFound
    return [rows[plan_id] for plan_id in plan_ids]


def latest_plan() -> PlanRun | None:
    """The organisation's newest solved plan."""
    require("view_plans")
    return queries.solved_plans().first()
