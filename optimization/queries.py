"""The reads of optimization, under the open identity."""

from uuid import UUID

from django.db.models import QuerySet

from optimization.models import PlanRun, Requested
from optimization.outcome import PlanStatus
from tenants.api import actor


def plans() -> QuerySet[PlanRun]:
    """The organisation's plans; their large documents are fetched only when they are touched."""
    return PlanRun.objects.filter(tenant=actor().tenant_id).defer("instance", "plan", "insight")


def plans_with_scenarios() -> QuerySet[PlanRun]:
    """With the scenario versions that they are of."""
    of = "scenario_version"
    found = plans().select_related(f"{of}__scenario", "grade_set", "requested_by")
    return found.defer(
        *("instance", "plan", "insight", f"{of}__instance", f"{of}__variations", "grade_set__evidence"),
        "grade_set__document",
    )


def is_wanted(run_id: UUID, attempt: int, model: type[Requested] = PlanRun) -> bool:
    """False once a cancellation is asked for, or another worker has taken the run over."""
    held = model.objects.filter(pk=run_id, status=PlanStatus.RUNNING, attempt=attempt)
    return held.filter(cancel_requested_at=None).exists()


def solved_plans() -> QuerySet[PlanRun]:
    """Newest first; a plan of several organisations is in their shares."""
    return plans().filter(status=PlanStatus.SOLVED, joint=None).order_by("-pk")
