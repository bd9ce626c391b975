"""Which alarms stand, and their history."""

from django.db import models
from django.db.models import Q

from edge_bridge.alarm import State
from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, Severity
from tenants.api import SharedModel, TenantForeignKey, TenantModel


class Alarm(SharedModel, TenantModel):
    """An alarm of one type on one piece of equipment, from its raising to its return to NORM."""

    shared_by = "view_alarms"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = ("tag", "value", "limit", "rule", "acknowledged_by")

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="alarms")
    device = TenantForeignKey("edge_bridge.Device", models.PROTECT, related_name="+")
    alarm_type = models.CharField(max_length=MAX_NAME_CHARS)
    severity = models.CharField(max_length=10, choices=choices_of(Severity))
    state = models.CharField(max_length=5, choices=choices_of(State))
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    value = models.FloatField()
    limit = models.FloatField()
    rule = models.CharField(max_length=MAX_NAME_CHARS)
    historical = models.BooleanField(help_text="Came late and no longer stood when sent: counted, without siren.")
    raised_at = models.DateTimeField(
        help_text="When it was raised, the last time if it came back, by the edge's clock."
    )
    occurred_at = models.DateTimeField(help_text="When the edge last spoke of it, by the edge's clock.")
    received_at = models.DateTimeField()
    cleared_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    acknowledged_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    acknowledged_for = models.ForeignKey("tenants.Tenant", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "equipment", "site", "alarm_type"],
                condition=~Q(state="NORM"),
                name="alarm_active_once",
            ),
            models.CheckConstraint(condition=Q(state__in=[str(state) for state in State]), name="alarm_state_known"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], condition=~Q(state="NORM"), name="alarm_active_newest"),
            models.Index(fields=["site", "-id"], name="alarm_of_site_newest"),
            models.Index(fields=["equipment", "-id"], name="alarm_of_equipment_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.alarm_type} {self.severity} {self.state}"


class AlarmChange(SharedModel, TenantModel):  # type: ignore[misc]
    """One step in an alarm's history; rows are never changed or removed."""

    shared_by = "view_alarms"
    shared_through = "alarm"
    shared_singly = True
    maskable = ("value", "by_user", "comment")

    alarm = TenantForeignKey("edge_bridge.Alarm", models.PROTECT, related_name="changes")
    event = models.CharField(max_length=30)
    from_state = models.CharField(max_length=5, choices=choices_of(State))
    to_state = models.CharField(max_length=5, choices=choices_of(State))
    severity = models.CharField(max_length=10, choices=choices_of(Severity))
    value = models.FloatField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by_user = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    by_tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    via = models.CharField(max_length=100)
    comment = models.CharField(max_length=1000, blank=True, default="")
