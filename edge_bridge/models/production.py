"""What machines did, as rolled up from their readings, and what people said of it."""

from django.db import models
from django.db.models import F, Q

from edge_bridge.models.choices import choices_of
from edge_bridge.production.time_model import OF_STOPS, Category
from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from tenants.api import SharedModel, TenantForeignKey, TenantModel

MAX_SHIFT_NAME_CHARS = 40
MAX_CORRECTION_CHARS = 300
MAX_NOTES_CHARS = 4000


class StateInterval(SharedModel, TenantModel):
    """A machine in one state at a site, `begins_at` ≤ t < `ends_at`, within one UTC day. Unknown time has no row."""

    shared_by = "view_production"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in MachineState])
    stop_reason = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in StopReason])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "equipment", "site", "begins_at"], name="state_interval_once"),
            models.CheckConstraint(condition=Q(begins_at__lt=F("ends_at")), name="state_interval_lasts"),
        ]
        indexes = [models.Index(fields=["site", "begins_at"], name="state_interval_of_site")]


class HauledLoad(SharedModel, TenantModel):
    """A load that a truck dumped at `dumped_at`; `begins_at` is when it had dumped the one before."""

    shared_by = "view_production"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = ("payload_t",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    begins_at = models.DateTimeField(null=True, blank=True)
    dumped_at = models.DateTimeField()
    payload_t = models.FloatField(null=True, blank=True)
    kind = models.SmallIntegerField(choices=[(each.value, each.name.lower()) for each in LoadKind])

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "equipment", "site", "dumped_at"], name="hauled_load_once"),
            models.CheckConstraint(condition=Q(begins_at__lt=F("dumped_at")), name="hauled_load_takes_time"),
        ]
        indexes = [models.Index(fields=["site", "dumped_at"], name="hauled_load_of_site")]


class RolledDay(TenantModel):
    """How many readings of a machine's UTC day its intervals and loads were made from; more of them make it due."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    day = models.DateField()
    n_readings = models.IntegerField()
    rolled_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "equipment", "site", "day"], name="rolled_day_once")]


class StopCorrection(SharedModel, TenantModel):
    """What a person said of a span of a machine's time. The latest holds; an empty category withdraws the others."""

    shared_by = "view_production"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = ("reason", "made_by")

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    category = models.CharField(max_length=24, blank=True, choices=choices_of(Category))
    reason = models.CharField(max_length=MAX_CORRECTION_CHARS)
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(begins_at__lt=F("ends_at")), name="stop_correction_lasts"),
            models.CheckConstraint(condition=~Q(reason=""), name="stop_correction_with_reason"),
            models.CheckConstraint(
                condition=Q(category__in=["", *sorted(str(each) for each in OF_STOPS)]),
                name="stop_correction_makes_no_work",
            ),
        ]
        indexes = [models.Index(fields=["equipment", "begins_at"], name="stop_correction_of_machine")]


class ShiftRow(SharedModel, TenantModel):
    """A shift of a site by its wall clock. A site without any has `production.shifts.USUAL`."""

    shared_by = "view_production"
    shared_place = ("site_id",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    place = models.SmallIntegerField(help_text="The first shift's beginning is that of the production day.")
    name = models.CharField(max_length=MAX_SHIFT_NAME_CHARS)
    begins = models.TimeField()
    ends = models.TimeField()
    weekdays = models.JSONField(help_text="0 is Monday, when it begins.")

    class Meta:
        verbose_name = "shift"
        constraints = [models.UniqueConstraint(fields=["tenant", "site", "place"], name="shift_place_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.begins:%H:%M}–{self.ends:%H:%M}"


class PlannedRate(SharedModel, TenantModel):
    """Tonnes that a machine is to haul in an hour of scheduled time."""

    shared_by = "view_production"
    shared_place = ("site_id", "equipment_id")
    maskable = ("t_per_h",)

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="+")
    t_per_h = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "equipment", "site"], name="planned_rate_once"),
            models.CheckConstraint(condition=Q(t_per_h__gt=0, t_per_h__lte=100_000), name="planned_rate_in_bounds"),
        ]


class ShiftHandover(TenantModel):
    """What one shift leaves to the next. `said` is drafted from the figures; nothing changes once both have signed."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    shift = models.CharField(max_length=MAX_SHIFT_NAME_CHARS)
    begins_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    said = models.JSONField()
    notes = models.CharField(max_length=MAX_NOTES_CHARS, blank=True, default="")
    drafted_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    drafted_at = models.DateTimeField()
    outgoing = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    outgoing_at = models.DateTimeField(null=True, blank=True)
    incoming = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    incoming_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "site", "begins_at"], name="handover_of_shift_once"),
            models.CheckConstraint(condition=Q(begins_at__lt=F("ends_at")), name="handover_of_time"),
            models.CheckConstraint(
                condition=Q(outgoing=None, outgoing_at=None) | Q(outgoing__isnull=False, outgoing_at__isnull=False),
                name="handover_outgoing_signs_at",
            ),
            models.CheckConstraint(
                condition=Q(incoming=None, incoming_at=None)
                | Q(incoming__isnull=False, incoming_at__isnull=False, outgoing__isnull=False),
                name="handover_outgoing_first",
            ),
            models.CheckConstraint(condition=~Q(incoming=F("outgoing")), name="handover_by_two"),
        ]

    def __str__(self) -> str:
        return f"{self.shift} of {self.begins_at:%Y-%m-%d %H:%M}"
