from django.contrib.postgres.fields import ArrayField, DateTimeRangeField
from django.db import models
from django.db.models import F, Q

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.roles import SITE_PERMISSIONS


class Agreement(TenantModel):
    """What one organisation (`tenant`, the owner) opens to another (`partner`); activation writes the grants."""

    class Status(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Active"
        SUSPENDED = "suspended", "Suspended"
        ENDED = "ended", "Ended"

    partner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    purpose = models.CharField(max_length=100)
    status = models.CharField(max_length=10, choices=Status, default=Status.DRAFT)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="agreement_newest"),
            models.Index(fields=["partner", "-id"], name="agreement_of_partner"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(partner=F("tenant")), name="agreement_between_two"),
            models.CheckConstraint(
                condition=Q(status__in=["draft", "active", "suspended", "ended"]), name="agreement_status_known"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Clause(TenantModel):
    """One line of an agreement: which permissions, on one site or one piece of equipment, in which window."""

    agreement = TenantForeignKey("tenants.Agreement", models.CASCADE, related_name="clauses")
    site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, blank=True, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="+")
    permissions = ArrayField(models.CharField(max_length=40, choices=list(SITE_PERMISSIONS.items())))
    during = DateTimeRangeField()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(site__isnull=True) ^ Q(equipment__isnull=True), name="clause_on_one_object"
            )
        ]

    def __str__(self) -> str:
        return f"{', '.join(self.permissions)} on {self.site or self.equipment}"
