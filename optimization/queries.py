"""The reads of optimization, under the open identity."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from optimization.models import PlanRun, Requested
from optimization.outcome import PlanStatus, figures_of
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


def told_plans() -> Iterator[dict[str, Any]]:
    """As the bodies of their last events, newest first."""
    for run in plans().order_by("-pk").iterator(chunk_size=100):
        yield run.standing | figures_of(run.report)


def solved_plans() -> QuerySet[PlanRun]:
    """Newest first; a plan of several organisations is in their shares."""
    return plans().filter(status=PlanStatus.SOLVED, joint=None).order_by("-pk")
