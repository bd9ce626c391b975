from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel


class Assignment(TenantModel):
    """A person of the firm (`tenant`) works on a task of `owner` from `from_at` to `to_at`.

    `booking` keeps the person from being in two places at once. `person_name` and `papers` (those asked for, with their
    expiry) are what the owner learns; they go when the person is erased.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    task = TenantForeignKey(ServiceTask, models.PROTECT, tenant_field="owner", related_name="assignments")
    person = TenantForeignKey("tenants.Person", models.PROTECT, related_name="+")
    booking = TenantForeignKey("tenants.Booking", models.PROTECT, related_name="+")
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()
    person_name = models.CharField(max_length=200)
    papers = models.JSONField(default=list)
    assigned_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    assigned_at = models.DateTimeField(db_default=Now())
    released_at = models.DateTimeField(null=True)
    release_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "booking"], name="assignment_of_booking_once"),
            models.CheckConstraint(condition=Q(to_at__gt=F("from_at")), name="assignment_ends_after_it_begins"),
            models.CheckConstraint(condition=~Q(tenant=F("owner")), name="assignment_between_two"),
        ]

    def __str__(self) -> str:
        return f"{self.person_name or self.person_id} for {self.task_id}"
