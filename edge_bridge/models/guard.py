"""Which limits rules hold, or held, against the readings of each sensor."""

from django.db import models
from django.db.models import Q

from edge_bridge.catalogue.data import MAX_CLAUSE_CHARS, MAX_RULE_NAME_CHARS, MAX_WORDS_CHARS
from edge_bridge.protocol import MAX_NAME_CHARS
from tenants.api import SharedModel, TenantForeignKey, TenantModel


class Guard(SharedModel, TenantModel):
    """One limit of a rule on one sensor, from when a version came into force until it no longer was.

    What the rule said then is copied, since partners of the place see these rows and no rules. `limit` is in the unit
    of what is judged, null where the kind of rule has none. Once it has ended the database refuses any change.
    """

    shared_by = "view_alarms"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = ("tag", "limit", "rule")

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+", db_index=False)
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    kept_rule = TenantForeignKey("edge_bridge.KeptRule", models.CASCADE, related_name="guards")
    n = models.IntegerField(help_text="Which version of the rule.")
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    rule = models.CharField(max_length=MAX_RULE_NAME_CHARS)
    kind = models.CharField(max_length=20)
    alarm_type = models.CharField(max_length=MAX_NAME_CHARS)
    limit = models.FloatField(null=True, blank=True)
    clause = models.CharField(max_length=MAX_CLAUSE_CHARS, blank=True, default="")
    is_safety = models.BooleanField(default=False)
    began_at = models.DateTimeField()
    begun_by = models.CharField(max_length=200, blank=True, default="")
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True, default="")
    end_reason = models.CharField(max_length=MAX_WORDS_CHARS, blank=True, default="")

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "site", "-began_at"], name="guard_of_site_newest"),
            models.Index(fields=["site", "rule", "alarm_type"], name="guard_by_what_it_raises"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kept_rule", "equipment", "tag", "alarm_type"],
                condition=Q(ended_at=None),
                name="guard_in_force_once",
            ),
            models.CheckConstraint(
                condition=Q(ended_at=None, ended_by="", end_reason="") | Q(ended_at__isnull=False),
                name="guard_ended_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.rule} on {self.tag}"
