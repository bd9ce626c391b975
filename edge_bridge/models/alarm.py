"""Which alarms stand, and their history."""

from datetime import UTC, datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from edge_bridge.alarm import State, next_state, returned
from edge_bridge.catalogue.data import MAX_CLAUSE_CHARS, MAX_STATUS_CHARS, MAX_WORDS_CHARS, warning_in
from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, MAX_TEXT_CHARS, Severity
from tenants.api import OF_OTHERS, SharedModel, TenantForeignKey, TenantModel, names_others

# What the words of a rule may say.
IN_WORDS = ("tag", "value", "limit", "rule")
# Steps in whose words a field of the alarm is said.
SAID_IN: dict[str, str] = {
    **dict.fromkeys(("shelved", "suppressed", "taken_out_of_service"), "silenced_reason"),
    "assigned": "assigned_to",
    "escalated": "escalated_to",
}


class Alarm(SharedModel, TenantModel):
    """An alarm of one type on one piece of equipment, from its raising to its return to NORM.

    One without equipment is of a gateway, or without that too of the site itself: the cloud raised it. Its condition
    stands while `cleared_at` is null, whatever the state. `annunciated_at` is since when it waits for an
    acknowledgement, by our clock: escalation counts from there. `re_alarm_at`: when operators are called again, unless
    it has cleared by then.
    Where a version of a kept rule raised it, that and the clause of its limit are kept as they were then.
    """

    shared_by = "view_alarms"
    shared_place = ("site_id", "equipment_id")
    shared_singly = True
    maskable = (*IN_WORDS, "acknowledged_by", "assigned_to", "escalated_to", "silenced_reason")
    tells: ClassVar = {
        **dict.fromkeys(("rule_version", "clause", "clause_status", "clause_source"), ("rule",)),
        "clause_words": ("rule", "limit"),
        "detail": (*IN_WORDS, OF_OTHERS),
    }

    # Found by indexes of more columns, which begin with these.
    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+", db_index=False)
    equipment = TenantForeignKey(
        "tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="alarms", db_index=False
    )
    device = TenantForeignKey("edge_bridge.Device", models.PROTECT, null=True, blank=True, related_name="+")
    alarm_type = models.CharField(max_length=MAX_NAME_CHARS)
    severity = models.CharField(max_length=10, choices=choices_of(Severity))
    state = models.CharField(max_length=5, choices=choices_of(State))
    tag = models.CharField(max_length=MAX_NAME_CHARS)
    value = models.FloatField()
    limit = models.FloatField()
    rule = models.CharField(max_length=MAX_NAME_CHARS)
    rule_version = models.IntegerField(null=True, blank=True, help_text="Null: no kept rule of this name is known.")
    clause = models.CharField(max_length=MAX_CLAUSE_CHARS, blank=True, default="", help_text="Of its limit.")
    clause_words = models.CharField(max_length=MAX_WORDS_CHARS, blank=True, default="")
    clause_status = models.CharField(max_length=MAX_STATUS_CHARS, blank=True, default="")
    clause_source = models.CharField(max_length=MAX_WORDS_CHARS, blank=True, default="")
    detail = models.CharField(
        max_length=MAX_TEXT_CHARS, blank=True, default="", help_text="Why, in the words of what judged; of its value."
    )
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
    changed_at = models.DateTimeField(
        null=True, blank=True, help_text="When it last took a step or was noted upon since it was raised, by our clock."
    )
    annunciated_at = models.DateTimeField(null=True, blank=True)
    silenced_reason = models.CharField(max_length=300, blank=True, default="")
    shelved_until = models.DateTimeField(null=True, blank=True)
    assigned_to = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    escalation_step = models.SmallIntegerField(default=0, help_text="How many steps of its policy were taken.")
    escalated_to = models.CharField(max_length=60, blank=True, default="", help_text="`role:<name>` or `user:<id>`.")
    re_alarm_at = models.DateTimeField(null=True, blank=True)
    n_re_alarms = models.SmallIntegerField(default=0, help_text="How often it was announced again while it stood.")
    folded_into = TenantForeignKey(
        "edge_bridge.Alarm", models.PROTECT, null=True, blank=True, related_name="folded", db_index=False
    )
    n_folded = models.IntegerField(default=0, help_text="Of a flood: how many alarms were folded into it.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "equipment", "site", "alarm_type"],
                condition=~Q(state="NORM"),
                name="alarm_active_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "site", "device", "alarm_type"],
                condition=~Q(state="NORM") & Q(equipment=None),
                nulls_distinct=False,
                name="alarm_of_site_active_once",
            ),
            models.CheckConstraint(condition=Q(state__in=[str(state) for state in State]), name="alarm_state_known"),
            models.CheckConstraint(
                condition=Q(equipment=None) | Q(device__isnull=False), name="alarm_of_equipment_has_gateway"
            ),
            models.CheckConstraint(
                condition=Q(state="SHLVD", shelved_until__isnull=False) | (~Q(state="SHLVD") & Q(shelved_until=None)),
                name="alarm_shelf_has_end",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=["SHLVD", "DSUPR", "OOSRV"]) | ~Q(silenced_reason=""),
                name="alarm_silenced_with_reason",
            ),
            models.CheckConstraint(
                condition=(~Q(state__in=["UNACK", "ACKED"]) | Q(cleared_at=None))
                & (~Q(state__in=["RTNUN", "NORM"]) | Q(cleared_at__isnull=False)),
                name="alarm_cleared_as_state_says",
            ),
            models.CheckConstraint(condition=~Q(folded_into=F("id")), name="alarm_not_folded_into_itself"),
            models.CheckConstraint(condition=Q(re_alarm_at=None) | Q(state="ACKED"), name="alarm_re_alarms_if_acked"),
        ]
        indexes = [
            models.Index(fields=["tenant", "-id"], condition=~Q(state="NORM"), name="alarm_active_newest"),
            models.Index(fields=["site", "-id"], name="alarm_of_site_newest"),
            models.Index(fields=["equipment", "-id"], name="alarm_of_equipment_newest"),
            models.Index(
                fields=["tenant", "annunciated_at"], condition=Q(state__in=["UNACK", "RTNUN"]), name="alarm_waiting"
            ),
            models.Index(fields=["shelved_until"], condition=Q(shelved_until__isnull=False), name="alarm_shelf_ending"),
            models.Index(
                fields=["tenant", "re_alarm_at"], condition=Q(re_alarm_at__isnull=False), name="alarm_re_alarming"
            ),
            models.Index(fields=["folded_into"], condition=Q(folded_into__isnull=False), name="alarm_folded"),
        ]

    def __str__(self) -> str:
        return f"{self.alarm_type} {self.severity} {self.state}"

    def _telling(self, hidden: tuple[str, ...]) -> list[str]:
        if OF_OTHERS in hidden and not names_others(self.detail):
            hidden = tuple(name for name in hidden if name != OF_OTHERS)
        return super()._telling(hidden)

    @property
    def stands(self) -> bool:
        """Whether the condition does, heard or not."""
        return self.cleared_at is None

    @property
    def warning(self) -> str:
        """What must be shown wherever the alarm is, of the rule that raised it."""
        return warning_in(self.rule or "")

    @property
    def state_now(self) -> State:
        return self.state_at(datetime.now(UTC))

    def state_at(self, now: datetime) -> State:
        """The state, or that to which a shelf returns whose time is over: a sweep writes it a little later."""
        state = State(self.state)
        if self.shelved_until is None or self.shelved_until > now:
            return state
        return next_state(state, returned(standing=self.stands))


class AlarmChange(SharedModel, TenantModel):
    """One step in an alarm's history, or a note that changes no state; rows are never changed or removed.

    `comment`: what a person said, or where nobody did the words of what judged; hidden with what it says.
    """

    shared_by = "view_alarms"
    shared_through = "alarm"
    shared_singly = True
    maskable = ("value", "by_user", "comment")
    tells: ClassVar = {"comment": (*IN_WORDS, *SAID_IN.values(), OF_OTHERS)}

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

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "recorded_at"], condition=Q(to_state="UNACK"), name="alarm_change_called")
        ]

    def _telling(self, hidden: tuple[str, ...]) -> list[str]:
        said = {SAID_IN.get(self.event), *(() if self.by_user_id else IN_WORDS)}
        if OF_OTHERS in hidden and not self.by_user_id and names_others(self.comment):
            said.add(OF_OTHERS)
        return [] if said.isdisjoint(hidden) else ["comment"]
