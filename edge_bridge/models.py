"""Tables of the edge: who may send, what was measured, which alarms stand, and what could not be placed."""

from enum import StrEnum

from django.db import models
from django.db.models import Q

from edge_bridge.alarm import State
from edge_bridge.protocol import MAX_NAME_CHARS, Lane, Severity
from tenants.api import SharedModel, TenantForeignKey, TenantModel


def _choices(enum: type[StrEnum]) -> list[tuple[str, str]]:
    return [(str(member), str(member)) for member in enum]


class Device(TenantModel):
    """A gateway's credential for one site. Only the hash of the secret is kept."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    name = models.CharField(max_length=100)
    secret_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Watermark(TenantModel):
    """Through which number one stream (edge, boot epoch, lane) is stored, and its counts up to there.

    It belongs to the site and not to the device, so that a gateway goes on where it was after its credential changed.
    `readings_produced` and `readings_through` are the last heartbeat's words about lane p2, kept in lane p1's row.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    device = TenantForeignKey("edge_bridge.Device", models.PROTECT, related_name="streams")
    edge = models.CharField(max_length=MAX_NAME_CHARS)
    boot = models.UUIDField()
    lane = models.CharField(max_length=2, choices=_choices(Lane))
    through = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    missing = models.BigIntegerField(default=0)
    readings_produced = models.BigIntegerField(null=True, blank=True)
    readings_through = models.BigIntegerField(null=True, blank=True)
    born_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    died_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site", "edge", "boot", "lane"], name="watermark_stream_once")
        ]

    def __str__(self) -> str:
        return f"{self.edge} {self.lane} through {self.through}"


class Gap(TenantModel):
    """Numbers `first_seq` to `seq` of a stream, in whose place the gateway says why `count` readings are not there."""

    watermark = TenantForeignKey("edge_bridge.Watermark", models.PROTECT, related_name="gaps")
    first_seq = models.BigIntegerField()
    seq = models.BigIntegerField()
    reason = models.CharField(max_length=20)
    count = models.BigIntegerField()
    from_at = models.DateTimeField()
    to_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["watermark", "seq"], name="gap_of_stream")]


class Quarantine(TenantModel):
    """An entry the cloud could not place, as it came, with the reason: nothing is lost and nothing is held up."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    watermark = TenantForeignKey("edge_bridge.Watermark", models.PROTECT, related_name="+")
    seq = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    entry = models.JSONField()
    received_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.seq}: {self.reason}"


class Series(SharedModel, TenantModel):
    """One measured tag of one piece of equipment while it stands at one site; elsewhere it has another series.

    `unit` is a UCUM code, empty until a birth names it.
    """

    shared_by = "view_telemetry"
    shared_place = ("site_id", "equipment_id")
    maskable = ("tag",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="series")
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    unit = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
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
    """The newest reading of a series by its time of measurement."""

    shared_by = "view_telemetry"
    shared_through = "series"
    shared_singly = True
    maskable = ("value",)

    series = TenantForeignKey("edge_bridge.Series", models.CASCADE, db_index=False, related_name="latest")
    value = models.FloatField()
    quality = models.SmallIntegerField(choices=Quality)
    measured_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "latest"
        constraints = [models.UniqueConstraint(fields=["tenant", "series"], name="latest_once")]


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
    severity = models.CharField(max_length=10, choices=_choices(Severity))
    state = models.CharField(max_length=5, choices=_choices(State))
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
    from_state = models.CharField(max_length=5, choices=_choices(State))
    to_state = models.CharField(max_length=5, choices=_choices(State))
    severity = models.CharField(max_length=10, choices=_choices(Severity))
    value = models.FloatField()
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    by_user = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    by_tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    via = models.CharField(max_length=100)
    comment = models.CharField(max_length=1000, blank=True, default="")
