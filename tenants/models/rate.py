from django.db import models
from django.db.models import Q

from tenants.models.base import TenantModel, new_id
from tenants.models.tenant import Tenant
from tenants.models.usage import METER_CHOICES

FIRST_OF_MONTH = Q(from_month__day=1)


class RatePlan(models.Model):
    """What usage costs in one currency, from a month on. A standard one holds for organisations of its kind ('': any)
    without an assignment; the newest one counts. Its rates never change: prices change by another plan.
    """

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    name = models.CharField(max_length=100)
    currency = models.CharField(max_length=3)
    kind = models.CharField(max_length=20, choices=Tenant.Kind, blank=True, default="")
    is_standard = models.BooleanField(default=False)
    from_month = models.DateField(help_text="The first day of a month.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=FIRST_OF_MONTH, name="rate_plan_from_first_of_month"),
            models.UniqueConstraint(
                fields=["currency", "kind", "from_month"], condition=Q(is_standard=True), name="rate_plan_standard_once"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.currency})"


class Rate(models.Model):
    """`price_minor` for each `per` of the month's quantity `above` this much, up to the next rate of the meter."""

    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    plan = models.ForeignKey(RatePlan, models.PROTECT, related_name="rates")
    meter = models.CharField(max_length=20, choices=METER_CHOICES)
    above = models.PositiveBigIntegerField(default=0)
    price_minor = models.PositiveBigIntegerField(help_text="In the plan's currency, in minor units such as cents.")
    per = models.PositiveBigIntegerField(default=1)

    class Meta:
        ordering = ["meter", "above"]
        constraints = [
            models.UniqueConstraint(fields=["plan", "meter", "above"], name="rate_once"),
            models.CheckConstraint(condition=Q(per__gt=0), name="rate_per_something"),
        ]

    def __str__(self) -> str:
        return f"{self.price_minor} per {self.per} {self.meter} above {self.above}"


class RateAssignment(TenantModel):
    """The plan that holds for one organisation from a month on, instead of the standard one."""

    plan = models.ForeignKey(RatePlan, models.PROTECT, related_name="+")
    from_month = models.DateField(help_text="The first day of a month.")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=FIRST_OF_MONTH, name="rate_assignment_from_first_of_month"),
            models.UniqueConstraint(fields=["tenant", "from_month"], name="rate_assignment_once"),
        ]

    def __str__(self) -> str:
        return f"{self.plan} from {self.from_month:%Y-%m}"
