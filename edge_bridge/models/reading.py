"""What was measured."""

from datetime import UTC, datetime

from django.db import models

from edge_bridge.data import CLOCKS_DIFFER
from edge_bridge.protocol import MAX_NAME_CHARS
from tenants.api import SharedModel, TenantForeignKey, TenantModel


class Series(SharedModel, TenantModel):
    """One measured tag of one piece of equipment while it stands at one site; elsewhere it has another series.

    `unit` is a UCUM code, empty until a birth names it. Where a later birth names another one, readings measured from
    then on are converted as they come; `sent_units` are those changes, as `edge_bridge.readings.naming` has them.
    """

    shared_by = "view_telemetry"
    shared_place = ("site_id", "equipment_id")
    maskable = ("tag",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="series")
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    unit = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
    sent_units = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = "series"
        constraints = [models.UniqueConstraint(fields=["tenant", "equipment", "site", "tag"], name="series_tag_once")]

    def __str__(self) -> str:
        return f"{self.tag} [{self.unit}]"


class Quality(models.IntegerChoices):
    """As stored; the wire has the names."""

    GOOD = 0, "good"
    UNCERTAIN = 1, "uncertain"
    BAD = 2, "bad"


class Latest(SharedModel, TenantModel):
    """The newest reading of a series by its time of measurement; one that `is_ahead` gives way to the next."""

    shared_by = "view_telemetry"
    shared_through = "series"
    shared_singly = True
    maskable = ("value",)

    series = TenantForeignKey("edge_bridge.Series", models.CASCADE, db_index=False, related_name="latest")
    value = models.FloatField()
    quality = models.SmallIntegerField(choices=Quality)
    measured_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, blank=True)  # by our clock; not known of what came before it was kept

    class Meta:
        verbose_name_plural = "latest"
        constraints = [models.UniqueConstraint(fields=["tenant", "series"], name="latest_once")]

    @property
    def is_ahead(self) -> bool:
        """Its stamp lies in the future, as by a clock that is wrong: it says nothing of now."""
        return self.measured_at > datetime.now(UTC) + CLOCKS_DIFFER

    @property
    def heard_at(self) -> datetime:
        """When it was measured, or when it came where its clock was ahead of that."""
        return min(self.measured_at, self.received_at or self.measured_at)


class Reading(SharedModel):
    """A sample. The table is partitioned by day and made by SQL in the migration (`edge_bridge.partitions`).

    Nothing is unique in it: repeated batches are stopped by the watermark, and two samples may share their time.
    """

    shared_by = "view_telemetry"
    shared_through = "series"
    shared_singly = True
    maskable = ("value",)

    pk = models.CompositePrimaryKey("series_id", "measured_at")
    tenant = models.ForeignKey("tenants.Tenant", models.DO_NOTHING, related_name="+", db_constraint=False)
    series = TenantForeignKey("edge_bridge.Series", models.DO_NOTHING, related_name="readings")
    measured_at = models.DateTimeField()
    value = models.FloatField()
    quality = models.SmallIntegerField(choices=Quality)

    class Meta:
        managed = False
        db_table = "edge_bridge_reading"
