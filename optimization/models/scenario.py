"""Scenarios: a base, named variations of it, each in versions; the decisions on their plans, and what was released."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.api import TenantForeignKey, TenantModel


class Scenario(TenantModel):
    """A named line of planning; what it says is in its versions. `version` is the newest one's number."""

    name = models.CharField(max_length=200)
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    archived_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="scenario_newest")]
        constraints = [models.UniqueConstraint(fields=["tenant", "name"], name="scenario_name_once")]

    def __str__(self) -> str:
        return self.name


class ScenarioVersion(TenantModel):
    """Never changes. A base has an `instance`; a variation has a `base` version and `variations` on it, in order."""

    scenario = TenantForeignKey(Scenario, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    base = TenantForeignKey("optimization.ScenarioVersion", models.PROTECT, null=True, related_name="built_upon")
    instance = models.JSONField(null=True)
    variations = models.JSONField(default=list)
    note = models.CharField(max_length=500, blank=True)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "scenario", "number"], name="scenario_version_once"),
            models.CheckConstraint(
                condition=Q(base__isnull=True, instance__isnull=False) | Q(base__isnull=False, instance__isnull=True),
                name="scenario_base_or_instance",
            ),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"


class PlanDecision(TenantModel):
    """One person's word on a solved plan; never changed. Whoever asked for the plan does not approve it."""

    run = TenantForeignKey("optimization.PlanRun", models.PROTECT, related_name="decisions")
    is_approved = models.BooleanField()
    reason = models.TextField(blank=True)
    decided_by = models.ForeignKey("tenants.User", models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "run"], name="plan_decided_once")]

    def __str__(self) -> str:
        return "approved" if self.is_approved else "rejected"


class PlanRelease(TenantModel):
    """An approved plan that is in force, until the next release of the same scenario; never changed.

    `digest` is the SHA-256 of `queries.release_text`: what the ledger will hold.
    """

    run = TenantForeignKey("optimization.PlanRun", models.PROTECT, related_name="releases")
    scenario = TenantForeignKey(Scenario, models.PROTECT, null=True, related_name="releases")
    number = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    released_by = models.ForeignKey("tenants.User", models.PROTECT, related_name="+")
    released_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="plan_release_newest")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "run"], name="plan_released_once"),
            models.UniqueConstraint(fields=["tenant", "number"], name="plan_release_number"),
            models.CheckConstraint(condition=Q(number__gt=0), name="plan_release_counted"),
        ]

    def __str__(self) -> str:
        return f"release {self.number}"
