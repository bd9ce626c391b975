"""Work that is owed to somebody: who asked, which worker has it in hand, and where it stands."""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from optimization.outcome import PlanStatus
from tenants.api import TenantModel
from tenants.data import Actor

STATUSES = [(status.value, status.value) for status in PlanStatus]


class Requested(TenantModel):
    """`attempt` is the fencing token: a worker writes only while the row still carries the attempt it took up.

    `owed_at` is when the sweep should send it to a worker again; every sign of life puts it off.
    """

    # What it is called in events and where it is sent.
    noun: ClassVar[str]

    name = models.CharField(max_length=200)
    options = models.JSONField()
    requested_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    requested_via = models.CharField(max_length=100)
    requested_roles = ArrayField(models.CharField(max_length=40))
    requested_scopes = ArrayField(models.CharField(max_length=40), null=True)
    created_at = models.DateTimeField()

    status = models.CharField(max_length=10, choices=STATUSES, default=PlanStatus.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    owed_at = models.DateTimeField()
    cancel_requested_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    progress = models.JSONField(null=True)
    message = models.TextField(blank=True)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"

    @property
    def facts(self) -> dict[str, Any]:
        """What every event about it says."""
        return {self.noun: str(self.pk), "name": self.name, "status": self.status}

    @property
    def standing(self) -> dict[str, Any]:
        """The facts with how far it has come, and its last words."""
        progress = (self.progress or {}) if self.status == PlanStatus.RUNNING else {}
        known = {key: value for key, value in progress.items() if value is not None}
        return self.facts | known | ({"message": self.message} if self.message else {})

    @property
    def requester(self) -> Actor:
        """Who asked, as they were when they asked; a worker that takes the work up again acts for them."""
        scopes = None if self.requested_scopes is None else frozenset(self.requested_scopes)
        return Actor(self.tenant_id, self.requested_by_id, frozenset(self.requested_roles), self.requested_via, scopes)
