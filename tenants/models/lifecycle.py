from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantModel


class Export(TenantModel):
    """An archive of everything that the organisation owns, made by a worker, to be fetched once until `expires_at`."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        READY = "ready", "Ready"
        FETCHED = "fetched", "Fetched"
        CANCELLED = "cancelled", "Cancelled"
        FAILED = "failed", "Failed"

    status = models.CharField(max_length=10, choices=Status, default=Status.QUEUED)
    requested_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    n_files = models.PositiveIntegerField(default=0)
    n_rows = models.PositiveBigIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(null=True)
    sha256 = models.CharField(max_length=64, blank=True, default="")
    message = models.CharField(max_length=300, blank=True, default="")
    finished_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["tenant", "-id"], name="export_newest")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant"], condition=Q(status__in=["queued", "running"]), name="export_one_at_a_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} of {self.requested_at}"


class Closure(TenantModel):
    """The wish to close the organisation: until `purge_after` its owner may take it back; then its rows are deleted.

    `receipt` says of each table how many rows were deleted and kept, and why.
    """

    reason = models.CharField(max_length=200)
    was_listed = models.BooleanField()
    requested_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=Now())
    purge_after = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    purged_at = models.DateTimeField(null=True)
    receipt = models.JSONField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], condition=Q(withdrawn_at=None), name="closure_one_at_a_time"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(purged_at__isnull=True), name="closure_withdrawn_or_purged"
            ),
        ]

    def __str__(self) -> str:
        return self.reason
