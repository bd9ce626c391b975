"""What an organisation decided about its alarms beforehand: which one makes another pointless, who is called next."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, Severity
from tenants.api import TenantForeignKey, TenantModel

_NONE_OF_STATES = Q(rule=None, tag="", equipment=None)
_BY_CAUSE = Q(states=[]) & ~Q(cause="") & ~Q(effect="") & ~Q(cause=F("effect")) & _NONE_OF_STATES
_OF_RULE_OR_TAG = Q(equipment=None, rule__isnull=False, tag="") | (Q(rule=None) & ~Q(tag=""))
_IN_STATES = ~Q(states=[]) & Q(cause="", effect="") & _OF_RULE_OR_TAG


class SuppressionRule(TenantModel):
    """Which alarms of a site are suppressed by design, and while what lasts.

    Either while an alarm of type `cause` stands there, those of type `effect`; or while a machine is in one of
    `states` (words of `edge_bridge.alarms.data.STATES`), those on it that the kept `rule` raised, or any on the `tag`,
    of one piece of equipment if that is named.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    cause = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
    effect = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
    states = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    rule = TenantForeignKey("edge_bridge.KeptRule", models.PROTECT, null=True, blank=True, related_name="+")
    tag = models.CharField(max_length=MAX_NAME_CHARS, blank=True, default="")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, blank=True, related_name="+")
    reason = models.CharField(max_length=300)
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "cause", "effect"],
                condition=Q(ended_at=None, states=[]),
                name="suppression_rule_once",
            ),
            models.UniqueConstraint(
                fields=["tenant", "site", "rule", "tag", "equipment"],
                condition=Q(ended_at=None) & ~Q(states=[]),
                nulls_distinct=False,
                name="suppression_in_states_once",
            ),
            models.CheckConstraint(condition=_BY_CAUSE | _IN_STATES, name="suppression_by_cause_or_states"),
        ]

    def __str__(self) -> str:
        return f"{self.while_words} suppresses {self.what_words}"

    @property
    def while_words(self) -> str:
        return f"a machine that is {' or '.join(self.states)}" if self.states else self.cause

    @property
    def what_words(self) -> str:
        if not self.states:
            return self.effect
        what = f"alarms of the rule {self.rule.name}" if self.rule else f"alarms on {self.tag}"
        return f"{what} of {self.equipment.code}" if self.equipment else what


class EscalationStep(TenantModel):
    """An alarm of this severity that waits `after_s` for its acknowledgement goes to the role, or to the member.

    Steps without a site hold where a site has none of its own for the severity.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, null=True, blank=True, related_name="+")
    severity = models.CharField(max_length=10, choices=choices_of(Severity))
    after_s = models.IntegerField()
    role = models.CharField(max_length=20, blank=True, default="")
    user = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "severity", "after_s"], nulls_distinct=False, name="escalation_step_once"
            ),
            models.CheckConstraint(condition=Q(after_s__gte=10, after_s__lte=86400), name="escalation_within_a_day"),
            models.CheckConstraint(
                condition=(Q(role="") & Q(user__isnull=False)) | (~Q(role="") & Q(user=None)),
                name="escalation_to_role_or_user",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.severity} after {self.after_s} s: {self.target}"

    @property
    def target(self) -> str:
        """As alarms and events name it."""
        return f"role:{self.role}" if self.role else f"user:{self.user_id}"
