"""Commands: what may be set at a mine, who asked for it and who allowed it, and what became of it."""

from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from edge_bridge.commands.data import (
    LONGEST_LIFE_S,
    LONGEST_SETTLING_S,
    MAX_DETAIL_CHARS,
    MAX_INTERLOCKS,
    MAX_REASON_CHARS,
    SHORTEST_LIFE_S,
    Zone,
)
from edge_bridge.commands.life import NOT_SENT_STATES, OPEN_STATES, State
from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS
from tenants.api import SharedModel, TenantForeignKey, TenantModel

OPEN = sorted(map(str, OPEN_STATES))


class CommandType(TenantModel):
    """What may be set on machines of one kind, how far, and under which conditions. Never changed, only retired.

    Refused while an alarm of `interlock_alarms` is open in the zone. What is read at `read_back_tag` within `settles_s`
    says what became of a command that nobody spoke of.
    """

    name = models.CharField(max_length=MAX_NAME_CHARS)
    equipment_kind = models.CharField(max_length=40)
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    unit = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="", help_text="A UCUM code.")
    min_value = models.FloatField()
    max_value = models.FloatField()
    needs_two_persons = models.BooleanField(default=True)
    interlock_alarms = ArrayField(models.CharField(max_length=MAX_NAME_CHARS), size=MAX_INTERLOCKS, default=list)
    interlock_zone = models.CharField(max_length=10, choices=choices_of(Zone), default=str(Zone.SITE))
    read_back_tag = models.CharField(max_length=MAX_NAME_CHARS)
    tolerance = models.FloatField(default=0.0)
    settles_s = models.IntegerField(default=60)
    expires_s = models.IntegerField(default=300)
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "equipment_kind", "name"],
                condition=Q(retired_at=None),
                name="command_type_once",
                violation_error_message="There is such a type already; retire it first.",
            ),
            models.CheckConstraint(condition=Q(min_value__lte=F("max_value")), name="command_type_range"),
            models.CheckConstraint(condition=Q(tolerance__gte=0), name="command_type_tolerance"),
            models.CheckConstraint(
                condition=Q(expires_s__gte=SHORTEST_LIFE_S, expires_s__lte=LONGEST_LIFE_S), name="command_type_life"
            ),
            models.CheckConstraint(
                condition=Q(settles_s__gte=0, settles_s__lte=LONGEST_SETTLING_S), name="command_type_settling"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.equipment_kind}"


class CommandRoute(TenantModel):
    """By which epoch of which gateway a machine is reached: that whose birth named it last."""

    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, db_index=False, related_name="+")
    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    edge = models.CharField(max_length=MAX_NAME_CHARS)
    boot = models.UUIDField()
    born_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "equipment"], name="command_route_once")]

    def __str__(self) -> str:
        return f"by {self.edge}"


class Command(SharedModel, TenantModel):
    """A value to be set, once. What was asked for never changes, and the state moves by `commands.life`.

    `boot` fences it: under another epoch of the gateway it is not sent. `settles_at` is until when a command that
    nobody spoke of is judged by what is read back.
    """

    shared_by = "send_commands"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = ("reason", "requested_by", "approved_by")

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, related_name="commands")
    type = TenantForeignKey("edge_bridge.CommandType", models.PROTECT, related_name="+")
    type_name = models.CharField(max_length=MAX_NAME_CHARS)
    edge = models.CharField(max_length=MAX_NAME_CHARS)
    boot = models.UUIDField()
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    unit = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
    value = models.FloatField()
    reason = models.CharField(max_length=MAX_REASON_CHARS)
    needs_two_persons = models.BooleanField()
    not_after = models.DateTimeField()
    requested_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    requested_for = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=choices_of(State), default=str(State.REQUESTED))
    approved_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    approved_at = models.DateTimeField(null=True, blank=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    changed_at = models.DateTimeField()
    detail = models.CharField(max_length=MAX_DETAIL_CHARS, blank=True, default="")
    read_back = models.FloatField(null=True, blank=True)
    settles_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "equipment", "tag"],
                condition=Q(state__in=OPEN),
                name="command_open_once",
                violation_error_message="Another command for this is open; wait for its end, or withdraw it.",
            ),
            models.CheckConstraint(
                condition=Q(needs_two_persons=False) | Q(approved_by=None) | ~Q(approved_by=F("requested_by")),
                name="command_by_two_persons",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["requested", "rejected", "withdrawn", "refused", "expired"])
                | Q(approved_at__isnull=False),
                name="command_acts_when_approved",
            ),
            models.CheckConstraint(
                condition=Q(needs_two_persons=False) | Q(approved_at=None) | Q(approved_by__isnull=False),
                name="command_approved_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["sent", "delivered", "done", "failed", "unknown"]) | Q(sent_at__isnull=False),
                name="command_acts_when_sent",
            ),
        ]
        indexes = [
            models.Index(
                fields=["tenant", "site", "edge", "boot"],
                condition=Q(state__in=["approved", "sent"]),
                name="command_waiting",
            ),
            models.Index(fields=["not_after"], condition=Q(state__in=OPEN), name="command_ending"),
            models.Index(fields=["settles_at"], condition=Q(settles_at__isnull=False), name="command_settling"),
            models.Index(fields=["site", "-id"], name="command_of_site_newest"),
            models.Index(fields=["equipment", "-id"], name="command_of_machine_newest"),
        ]

    def __str__(self) -> str:
        return f"{self.type_name} {self.state}"

    @property
    def is_not_sent(self) -> bool:
        return self.state in NOT_SENT_STATES

    @property
    def settling(self) -> timedelta:
        """How long what is set takes to show."""
        return timedelta(seconds=self.type.settles_s)


class CommandChange(SharedModel, TenantModel):
    """One step in a command's life, or a word that changed no state; rows are never changed or removed."""

    shared_by = "send_commands"
    shared_through = "command"
    shared_singly = True
    maskable = ("by_user",)

    command = TenantForeignKey("edge_bridge.Command", models.PROTECT, db_index=False, related_name="changes")
    event = models.CharField(max_length=10)
    from_state = models.CharField(max_length=10, choices=choices_of(State))
    to_state = models.CharField(max_length=10, choices=choices_of(State))
    detail = models.CharField(max_length=MAX_DETAIL_CHARS, blank=True, default="")
    value = models.FloatField(null=True, blank=True)
    occurred_at = models.DateTimeField(help_text="By the edge's clock where it is its word.")
    recorded_at = models.DateTimeField()
    by_user = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    by_tenant = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    via = models.CharField(max_length=100)

    class Meta:
        indexes = [models.Index(fields=["command", "id"], name="command_change_in_order")]

    def __str__(self) -> str:
        return f"{self.event}: {self.from_state} to {self.to_state}"
