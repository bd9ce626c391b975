"""What came from a gateway, number by number: how far, what was left out, what could not be placed."""

from django.db import models
from django.db.models import Q

from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, Lane
from tenants.api import TenantForeignKey, TenantModel


class Watermark(TenantModel):
    """Through which number one stream (edge, boot epoch, lane) is stored, and its counts up to there.

    It belongs to the site and not to the device, so that a gateway goes on where it was after its credential changed.
    `readings_produced` and `readings_through` are the last heartbeat's words about lane p2, kept in lane p1's row.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    device = TenantForeignKey("edge_bridge.Device", models.PROTECT, related_name="streams")
    edge = models.CharField(max_length=MAX_NAME_CHARS)
    boot = models.UUIDField()
    lane = models.CharField(max_length=2, choices=choices_of(Lane))
    through = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    missing = models.BigIntegerField(default=0)
    readings_produced = models.BigIntegerField(null=True, blank=True)
    readings_through = models.BigIntegerField(null=True, blank=True)
    born_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    died_at = models.DateTimeField(null=True, blank=True)
    ahead_s = models.FloatField(null=True, blank=True, help_text="By how much its clock was before ours, at the last.")
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site", "edge", "boot", "lane"], name="watermark_stream_once")
        ]

    def __str__(self) -> str:
        return f"{self.edge} {self.lane} through {self.through}"


class StreamHour(TenantModel):
    """What a stream brought in an hour of our clock.

    `sent` are its numbers: each is stored, quarantined (it has no place here), or stands for readings that are not
    there: `filtered`, `thinned` for want of disk, `refused` by the cloud, or `lost`. Lane p1 tells how many readings
    were `produced`, and `off_by` how many were missing when the counts of both lanes were last held together.
    """

    watermark = TenantForeignKey("edge_bridge.Watermark", models.PROTECT, related_name="hours", db_index=False)
    begins_at = models.DateTimeField()
    sent = models.BigIntegerField(default=0)
    stored = models.BigIntegerField(default=0)
    quarantined = models.BigIntegerField(default=0)
    filtered = models.BigIntegerField(default=0)
    thinned = models.BigIntegerField(default=0)
    refused = models.BigIntegerField(default=0)
    lost = models.BigIntegerField(default=0)
    produced = models.BigIntegerField(default=0)
    off_by = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "watermark", "begins_at"], name="stream_hour_once"),
        ]
        indexes = [models.Index(fields=["tenant", "begins_at"], name="stream_hour_oldest")]

    def __str__(self) -> str:
        return f"{self.watermark} {self.begins_at:%Y-%m-%d %H} h"


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
        indexes = [
            models.Index(fields=["watermark", "seq"], name="gap_of_stream"),
            models.Index(fields=["watermark", "reason", "to_at"], name="gap_by_reason"),
        ]


class Quarantine(TenantModel):
    """An entry the cloud could not place, as it came, with the reason: nothing is lost and nothing is held up.

    `waits`: an alarm that takes its place once its machine stands at the site; False after that, or if it was
    dismissed. None: what is no alarm.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    watermark = TenantForeignKey("edge_bridge.Watermark", models.PROTECT, related_name="+")
    seq = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    entry = models.JSONField()
    received_at = models.DateTimeField()
    waits = models.BooleanField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], condition=Q(waits__isnull=False), name="set_aside_alarms_newest"),
            models.Index(fields=["site", "received_at"], condition=Q(waits=True), name="set_aside_alarms_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.seq}: {self.reason}"
