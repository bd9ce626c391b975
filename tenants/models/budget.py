from decimal import Decimal

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantModel


class Budget(TenantModel):
    """What the organisation means to spend in a calendar month (UTC), in minor units of its currency.

    At `warn_frac` of it its people are told, and at the cap again; if it `stops`, the cap ends new paid work of its
    own asking. `warned_for` and `reached_for` are the months in which that was told.
    """

    cap_minor = models.PositiveBigIntegerField()
    warn_frac = models.DecimalField(max_digits=3, decimal_places=2, default=Decimal("0.80"))
    stops = models.BooleanField(default=True)
    set_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    set_at = models.DateTimeField(db_default=Now())
    warned_for = models.DateField(null=True, editable=False)
    reached_for = models.DateField(null=True, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant"], name="budget_once"),
            models.CheckConstraint(condition=Q(warn_frac__gt=0, warn_frac__lte=1), name="budget_warns_before_cap"),
        ]

    def __str__(self) -> str:
        return f"{self.cap_minor} a month"


class Statement(TenantModel):
    """A month's usage (UTC) with its prices. While it is open its lines are computed; once closed nothing changes.

    Made when the first usage of the month is rolled up.
    """

    month = models.DateField()
    currency = models.CharField(max_length=3)
    plan = models.ForeignKey("tenants.RatePlan", models.PROTECT, null=True, related_name="+")
    lines = models.JSONField(default=list, encoder=DjangoJSONEncoder)
    total_minor = models.BigIntegerField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "month"], name="statement_once"),
            models.CheckConstraint(condition=Q(month__day=1), name="statement_of_whole_month"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, total_minor__isnull=True)
                | Q(closed_at__isnull=False, total_minor__isnull=False),
                name="statement_closed_with_total",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m}"
