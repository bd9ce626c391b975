from django.core.exceptions import ValidationError
from django.db import models

from tenants.countries import countries
from tenants.models.base import TenantForeignKey, TenantModel
from tenants.models.shared import SharedModel
from tenants.roles import SITE_PERMISSIONS
from tenants.time_zones import time_zones


class Site(SharedModel, TenantModel):
    """A physical node of the network: a mine, its concentrating mill, a logistics centre, a customer's works."""

    class Kind(models.TextChoices):
        MINE = "mine", "Mine"
        CONCENTRATING_MILL = "concentrating_mill", "Concentrating mill"
        LOGISTICS_CENTRE = "logistics_centre", "Logistics centre"
        CUSTOMER_WORKS = "customer_works", "Customer works"

    class Units(models.TextChoices):
        METRIC = "metric", "Metric"
        IMPERIAL = "imperial", "Imperial"

    shared_place = ("id",)
    maskable = ("name",)

    code = models.SlugField(max_length=40)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, choices=Kind)
    mine = TenantForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="mills", help_text="The mine a mill belongs to."
    )
    company = TenantForeignKey("tenants.Company", models.PROTECT, null=True, blank=True, related_name="sites")
    time_zone = models.CharField(max_length=64, default="UTC")
    currency = models.CharField(max_length=3, default="USD")
    country = models.CharField(max_length=2, blank=True, default="", help_text="ISO 3166-1, such as CN; or nothing.")
    units = models.CharField(max_length=10, choices=Units, default=Units.METRIC, help_text="For display only.")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["code"]
        default_permissions = ()
        permissions = list(SITE_PERMISSIONS.items())
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "code"],
                name="site_code_once",
                violation_error_message="This site code is taken.",
            ),
            models.CheckConstraint(
                condition=models.Q(mine__isnull=True) | models.Q(kind="concentrating_mill"),
                name="site_only_mill_has_mine",
                violation_error_message="Only a concentrating mill belongs to a mine.",
            ),
            models.CheckConstraint(
                condition=models.Q(currency__regex=r"^[A-Z]{3}$"),
                name="site_currency_is_a_code",
                violation_error_message="Give the currency by its three capital letters, such as USD.",
            ),
            models.CheckConstraint(
                condition=models.Q(country__regex=r"^([A-Z]{2})?$"),
                name="site_country_is_a_code",
                violation_error_message="Give the country by its two capital letters, such as CN, or not at all.",
            ),
        ]

    def clean(self) -> None:
        if self.time_zone not in time_zones():
            raise ValidationError({"time_zone": "There is no such time zone: use an IANA name, such as Asia/Shanghai."})
        if self.country and self.country not in countries():
            raise ValidationError({"country": "There is no such country: use its two capital letters, such as CN."})

    def __str__(self) -> str:
        return f"{self.name} ({self.get_kind_display()})"
