"""A request for a plan: what was asked, where it stands and what came out."""

from typing import ClassVar

from django.db import models

from optimization.models.grade import GradeSet
from optimization.models.joint import JointPlan
from optimization.models.requested import Requested
from optimization.models.scenario import ScenarioVersion
from optimization.outcome import OWED
from tenants.api import TenantForeignKey


class PlanRun(Requested):
    """What was asked never changes, and nothing changes once it is finished: two triggers see to both.

    `instance` is what is solved. Of a plan of several organisations it is empty and `parts` names the versions, with
    their digests, of the parts it is put together from; then `plan` is empty too and each organisation has its
    `PlanShare`. `insight` is what explains the plan, made beside it.
    """

    noun: ClassVar[str] = "plan"

    instance = models.JSONField()
    scenario_version = TenantForeignKey(ScenarioVersion, models.PROTECT, null=True, related_name="runs")
    grade_set = TenantForeignKey(GradeSet, models.PROTECT, null=True, related_name="runs")
    joint = TenantForeignKey(JointPlan, models.PROTECT, null=True, related_name="runs")
    parts = models.JSONField(null=True)

    solver = models.CharField(max_length=40, blank=True)
    plan = models.JSONField(null=True)
    report = models.JSONField(null=True)
    cost_terms_usd = models.JSONField(null=True)
    violations = models.JSONField(default=list)
    explanation = models.JSONField(default=list)
    insight = models.JSONField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["owed_at"], condition=models.Q(status__in=[s.value for s in OWED]), name="plan_run_owed"
            ),
            models.Index(fields=["tenant", "-id"], name="plan_run_newest"),
            models.Index(fields=["tenant", "scenario_version"], name="plan_run_scenario"),
        ]
