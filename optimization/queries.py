"""The reads of optimization, under the open identity."""

from django.db.models import QuerySet

from optimization.models import PlanRun
from optimization.outcome import PlanStatus
from tenants.api import actor


def plans() -> QuerySet[PlanRun]:
    """The organisation's plans; their two large documents are fetched only when they are touched."""
    return PlanRun.objects.filter(tenant=actor().tenant_id).defer("instance", "plan")


def solved_plans() -> QuerySet[PlanRun]:
    """Newest first."""
    return plans().filter(status=PlanStatus.SOLVED).order_by("-pk")
