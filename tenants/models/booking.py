from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, DateTimeRangeField, RangeOperators
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from tenants.models.base import TenantForeignKey, TenantModel
from tenants.models.person import KIND_CHARS

ONE_OF_BOTH = Q(person__isnull=True) ^ Q(equipment__isnull=True)


def booked_once(resource: str) -> ExclusionConstraint:
    """No two bookings in force of one resource share a moment, whoever writes them."""
    return ExclusionConstraint(
        name=f"booking_of_{resource}_once",
        expressions=[
            ("tenant", RangeOperators.EQUAL),
            (resource, RangeOperators.EQUAL),
            ("during", RangeOperators.OVERLAPS),
        ],
        condition=Q(cancelled_at__isnull=True),
        violation_error_message="It is booked already in this window.",
    )


class Booking(TenantModel):
    """A person or a piece of equipment is wanted at a site for a while; without one, at another organisation's.

    `skill` is what a person is booked for, `certificates` the kinds that were asked of them for the whole window.
    """

    person = TenantForeignKey("tenants.Person", models.PROTECT, null=True, blank=True, related_name="bookings")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="bookings")
    site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, blank=True, related_name="+")
    during = DateTimeRangeField()
    purpose = models.CharField(max_length=200)
    reference = models.CharField(max_length=100, blank=True, default="")
    skill = TenantForeignKey("tenants.Skill", models.PROTECT, null=True, blank=True, related_name="+")
    certificates = ArrayField(models.CharField(max_length=KIND_CHARS), default=list, blank=True)
    booked_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    booked_at = models.DateTimeField(db_default=Now())
    cancelled_at = models.DateTimeField(null=True, blank=True)
    cancelled_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    cancel_reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="booking_newest"),
            models.Index(fields=["tenant", "site"], name="booking_of_site"),
        ]
        constraints = [
            booked_once("person"),
            booked_once("equipment"),
            models.CheckConstraint(condition=ONE_OF_BOTH, name="booking_of_one_resource"),
            models.CheckConstraint(
                condition=Q(during__isempty=False, during__lower_inf=False, during__upper_inf=False),
                name="booking_window_has_both_ends",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person or self.equipment} for {self.purpose}"


class Relocation(TenantModel):
    """A person's change of home site, or a machine's change of site; never changed."""

    person = TenantForeignKey("tenants.Person", models.PROTECT, null=True, blank=True, related_name="relocations")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="relocations")
    from_site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, related_name="+")
    to_site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, related_name="+")
    reason = models.CharField(max_length=200, blank=True, default="")
    moved_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    moved_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="relocation_newest"),
            models.Index(fields=["equipment", "from_site"], name="relocation_of_equipment"),
        ]
        constraints = [models.CheckConstraint(condition=ONE_OF_BOTH, name="relocation_of_one_resource")]

    def __str__(self) -> str:
        return f"{self.from_site} → {self.to_site}"
