from django.db import models

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.models.shared import SharedModel


class Process(SharedModel, TenantModel):
    """One kind of work at a site, such as its ventilation; equipment may belong to one of its own site."""

    class Kind(models.TextChoices):
        DRILLING = "drilling", "Drilling"
        CHARGING = "charging", "Charging and blasting"
        LOADING = "loading", "Loading"
        HAULAGE = "haulage", "Haulage"
        HOISTING = "hoisting", "Hoisting"
        VENTILATION = "ventilation", "Ventilation"
        DRAINAGE = "drainage", "Drainage"
        BACKFILL = "backfill", "Backfill"
        POWER = "power", "Power supply"
        CRUSHING = "crushing", "Crushing"
        MILLING = "milling", "Milling"
        FLOTATION = "flotation", "Flotation"
        TAILINGS = "tailings", "Tailings"
        STOCKPILING = "stockpiling", "Stockpiling"
        TRANSPORT = "transport", "Transport"
        SAFETY = "safety", "Safety monitoring"
        OTHER = "other", "Other"

    shared_place = ("site_id",)
    maskable = ("name",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="processes")
    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        verbose_name_plural = "processes"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "code"],
                name="process_code_once",
                violation_error_message="This process code is taken at the site.",
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.get_kind_display()})"
