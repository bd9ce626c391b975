"""A request for a plan: what was asked, by whom, where it stands and what came out."""

from django.contrib.postgres.fields import ArrayField
from django.db import models

from optimization.outcome import OWED, PlanStatus
from tenants.api import TenantModel
from tenants.data import Actor


class PlanRun(TenantModel):
    """What was asked never changes, and nothing changes once it is finished: two triggers see to both.

    `attempt` is the fencing token: a worker writes only while the row still carries the attempt it took up. `owed_at`
    is when the sweep should send it to a worker again; every sign of life puts it off.
    """

    name = models.CharField(max_length=200)
    instance = models.JSONField()
    options = models.JSONField()
    requested_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    requested_via = models.CharField(max_length=100)
    requested_roles = ArrayField(models.CharField(max_length=40))
    requested_scopes = ArrayField(models.CharField(max_length=40), null=True)
    created_at = models.DateTimeField()

    status = models.CharField(
        max_length=10, choices=[(s.value, s.value) for s in PlanStatus], default=PlanStatus.QUEUED
    )
    attempt = models.PositiveIntegerField(default=0)
    solver = models.CharField(max_length=40, blank=True)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    owed_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress = models.JSONField(null=True)

    plan = models.JSONField(null=True)
    report = models.JSONField(null=True)
    cost_terms_usd = models.JSONField(null=True)
    violations = models.JSONField(default=list)
    explanation = models.JSONField(default=list)
    message = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["owed_at"], condition=models.Q(status__in=[s.value for s in OWED]), name="plan_run_owed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    @property
    def requester(self) -> Actor:
        """Who asked, as they were when they asked; a worker that takes the plan up again acts for them."""
        scopes = None if self.requested_scopes is None else frozenset(self.requested_scopes)
        return Actor(self.tenant_id, self.requested_by_id, frozenset(self.requested_roles), self.requested_via, scopes)
