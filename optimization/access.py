"""How one gets a plan: fetched and authorised in one step, or refused."""

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
    require("view_plans")
    of = "scenario_version"
    rows = queries.plans_with_scenarios().defer(None)
    run = rows.defer(f"{of}__instance", "grade_set__evidence", "grade_set__document").filter(pk=plan_id).first()
    if run is None:
        raise NotFound
    return run


def latest_plan() -> PlanRun | None:
    """The organisation's newest solved plan."""
    require("view_plans")
    return queries.solved_plans().first()
