from django.db import models

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.models.shared import SharedModel
from tenants.roles import SITE_PERMISSIONS


class Equipment(SharedModel, TenantModel):
    """A machine or sensor carrier at a site; only one in service can be booked."""

    class Status(models.TextChoices):
        IN_SERVICE = "in_service", "In service"
        OUT_OF_SERVICE = "out_of_service", "Out of service"
        RETIRED = "retired", "Retired"

    shared_place = ("site_id", "id")
    maskable = ("name", "kind")

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="equipment")
    process = TenantForeignKey("tenants.Process", models.PROTECT, null=True, blank=True, related_name="equipment")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40, help_text="Type name, such as gas_sensor, fan, haul_truck, pump.")
    status = models.CharField(max_length=14, choices=Status, default=Status.IN_SERVICE)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "equipment"
        default_permissions = ()
        permissions = list(SITE_PERMISSIONS.items())
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"],
                name="equipment_code_once",
                violation_error_message="This equipment code is taken.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
