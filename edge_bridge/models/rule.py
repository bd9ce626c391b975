"""Rules as people keep them, what trials of them showed, and which of them gateways judge by."""

from enum import StrEnum

from django.db import models
from django.db.models import F, Q

from edge_bridge.catalogue.data import (
    MAX_CLAUSE_CHARS,
    MAX_RULE_NAME_CHARS,
    MAX_STATUS_CHARS,
    MAX_WORDS_CHARS,
    warning_of,
)
from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, MAX_TEXT_CHARS
from tenants.api import TenantForeignKey, TenantModel


class Stage(StrEnum):
    """Of a rule: its newest version was never tried, was tried, or some version of it is in force."""

    DRAFT = "draft"
    BACKTESTED = "backtested"
    ENABLED = "enabled"
    RETIRED = "retired"


class KeptRule(TenantModel):
    """A rule of one site. `enabled_n` is the version that its gateways judge by; null: none. `switched_at`: since when.

    The state of a machine never silences the alarms of one that `is_safety`. An alarm that was acknowledged and stands
    `re_alarm_s` later is announced again; null: never.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    name = models.CharField(max_length=MAX_RULE_NAME_CHARS)
    enabled_n = models.IntegerField(null=True, blank=True)
    switched_at = models.DateTimeField(null=True, blank=True)
    is_safety = models.BooleanField(default=False)
    re_alarm_s = models.IntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "name"], condition=Q(retired_at=None), name="rule_name_once"
            ),
            models.CheckConstraint(condition=Q(retired_at=None) | Q(enabled_n=None), name="rule_retired_is_off"),
            models.CheckConstraint(
                condition=Q(re_alarm_s=None) | Q(re_alarm_s__gte=60, re_alarm_s__lte=86400),
                name="rule_re_alarms_within_a_day",
            ),
        ]
        indexes = [models.Index(fields=["site"], condition=Q(enabled_n__isnull=False), name="rule_in_force")]

    def __str__(self) -> str:
        return self.name

    @property
    def newest(self) -> "RuleVersion":
        """Of the versions fetched beforehand."""
        return max(self.versions.all(), key=lambda version: version.n)

    @property
    def in_force(self) -> "RuleVersion | None":
        return next((version for version in self.versions.all() if version.n == self.enabled_n), None)

    @property
    def stage(self) -> Stage:
        if self.retired_at is not None:
            return Stage.RETIRED
        if self.enabled_n is not None:
            return Stage.ENABLED
        return Stage.BACKTESTED if self.newest.was_tried else Stage.DRAFT


class RuleVersion(TenantModel):
    """What a rule says, for good: the database refuses any change.

    `settings` is the table that `edge_bridge.rules.kinds` reads, without the name. Of a rule made from a template the
    instrument's `clause` and the template's `status` are kept as they were then.
    """

    rule = TenantForeignKey("edge_bridge.KeptRule", models.CASCADE, related_name="versions")
    n = models.IntegerField()
    settings = models.JSONField()
    note = models.CharField(max_length=MAX_WORDS_CHARS, blank=True, default="")
    template = models.CharField(max_length=60, blank=True, default="")
    clause = models.CharField(max_length=MAX_CLAUSE_CHARS, blank=True, default="")
    template_status = models.CharField(max_length=MAX_STATUS_CHARS, blank=True, default="")
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    done_trials: list["RuleTrial"]  # of rows that `catalogue.queries.rules` fetched

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "rule", "n"], name="rule_version_once"),
            models.CheckConstraint(condition=Q(n__gte=1), name="rule_version_counts"),
        ]

    def __str__(self) -> str:
        return f"{self.rule} v{self.n}"

    @property
    def was_tried(self) -> bool:
        return bool(self.done_trials)

    @property
    def warning(self) -> str:
        """What must be shown wherever the rule or its alarm is shown; empty if nothing."""
        return warning_of(self.template_status) if self.template else ""


class TrialStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    FAILED = "failed"


STATUSES = choices_of(TrialStatus)
OPEN = (TrialStatus.QUEUED, TrialStatus.RUNNING)


class RuleTrial(TenantModel):
    """A backtest: one version over the readings stored from `since` to `until`, held against what was known.

    `asked`: labels, alarm types and the lead that count as known; `result`: see `catalogue.trials`.
    """

    version = TenantForeignKey("edge_bridge.RuleVersion", models.CASCADE, related_name="trials")
    since = models.DateTimeField()
    until = models.DateTimeField()
    asked = models.JSONField()
    status = models.CharField(max_length=10, choices=STATUSES, default=TrialStatus.QUEUED)
    done_frac = models.FloatField(default=0.0)
    message = models.CharField(max_length=MAX_WORDS_CHARS, blank=True, default="")
    result = models.JSONField(null=True, blank=True)
    asked_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "version"], condition=Q(status__in=["queued", "running"]), name="rule_trial_at_a_time"
            ),
            models.CheckConstraint(condition=Q(since__lt=F("until")), name="rule_trial_spans_time"),
            models.CheckConstraint(
                condition=Q(status="done", result__isnull=False) | (~Q(status="done") & Q(result__isnull=True)),
                name="rule_trial_done_has_result",
            ),
        ]
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status__in=["queued", "running"]), name="rule_trial_open")
        ]

    def __str__(self) -> str:
        return f"{self.version} {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class RulesInUse(TenantModel):
    """By which set of rules a gateway says that it judges, and which set it last refused, with its words."""

    device = TenantForeignKey("edge_bridge.Device", models.CASCADE, related_name="rules_in_use")
    edge = models.CharField(max_length=MAX_NAME_CHARS)
    digest = models.CharField(max_length=MAX_TEXT_CHARS, blank=True, default="")
    refused = models.CharField(max_length=MAX_TEXT_CHARS, blank=True, default="")
    detail = models.CharField(max_length=MAX_TEXT_CHARS, blank=True, default="")
    said_at = models.DateTimeField()
    is_current: bool

    class Meta:
        verbose_name_plural = "rules in use"
        constraints = [models.UniqueConstraint(fields=["tenant", "device", "edge"], name="rules_in_use_once")]

    def __str__(self) -> str:
        return f"{self.edge} {self.digest}"
