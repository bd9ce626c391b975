from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from tenants.metering.pricing import METERS
from tenants.models.base import TenantForeignKey, TenantModel

METER_CHOICES = [(meter, words.label) for meter, words in METERS.items()]


class UsageEvent(TenantModel):
    """Something that `tenant` pays for, written with its effect and never changed.

    `event_id` is the effect's own name, so that a repeat doesn't count twice. `hour` is where it is counted: that of
    `at`, or the present one if the month of `at` is closed. `agreement` is one of `counterpart`, with whom it was used.
    """

    source = models.CharField(max_length=20)
    event_id = models.CharField(max_length=100)
    meter = models.CharField(max_length=20, choices=METER_CHOICES)
    quantity = models.DecimalField(max_digits=20, decimal_places=3)
    at = models.DateTimeField()
    hour = models.DateTimeField()
    subject_kind = models.CharField(max_length=20)
    subject_id = models.CharField(max_length=80)
    counterpart = models.ForeignKey("tenants.Tenant", models.PROTECT, null=True, related_name="+", db_index=False)
    agreement = TenantForeignKey(
        "tenants.Agreement", models.PROTECT, tenant_field="counterpart", null=True, related_name="+", db_index=False
    )
    written_in = models.IntegerField(db_default=0, editable=False, help_text="The round; a trigger sets it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "source", "event_id"], name="usage_event_once"),
            models.CheckConstraint(condition=Q(quantity__gt=0), name="usage_event_of_something"),
            models.CheckConstraint(
                condition=Q(agreement__isnull=True) | Q(counterpart__isnull=False), name="usage_agreement_has_owner"
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "meter", "hour"], name="usage_event_of_hour"),
            models.Index(fields=["written_in"], name="usage_event_written_in"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter}"


class UsageHour(TenantModel):
    """The sum of the events of one hour that were rolled up; `UsageMark` says which were."""

    meter = models.CharField(max_length=20, choices=METER_CHOICES)
    hour = models.DateTimeField()
    quantity = models.DecimalField(max_digits=20, decimal_places=3)
    n_events = models.PositiveBigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "hour", "meter"], name="usage_hour_once")]

    def __str__(self) -> str:
        return f"{self.quantity} {self.meter}"


class UsageMark(models.Model):
    """One row for all: events are written into `round`; those of rounds up to `through` are in the hours.

    A writer holds the lock of its round until its transaction ends. A round whose lock is free is over.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    round = models.IntegerField(default=1)
    through = models.IntegerField(default=0)
    moved_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(pk=1), name="usage_mark_alone"),
            models.CheckConstraint(
                condition=Q(through=F("round") - 1) | Q(through=F("round") - 2), name="usage_mark_near_round"
            ),
        ]

    def __str__(self) -> str:
        return f"round {self.round}"
