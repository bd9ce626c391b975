"""What an organisation decided about its alarms beforehand: which one makes another pointless, who is called next."""

from django.db import models
from django.db.models import F, Q

from edge_bridge.models.choices import choices_of
from edge_bridge.protocol import MAX_NAME_CHARS, Severity
from tenants.api import TenantForeignKey, TenantModel


class SuppressionRule(TenantModel):
    """While an alarm of type `cause` stands at the site, those of type `effect` there are suppressed by design."""

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    cause = models.CharField(max_length=MAX_NAME_CHARS)
    effect = models.CharField(max_length=MAX_NAME_CHARS)
    reason = models.CharField(max_length=300)
    made_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "site", "cause", "effect"], condition=Q(ended_at=None), name="suppression_rule_once"
            ),
            models.CheckConstraint(condition=~Q(cause=F("effect")), name="suppression_of_another_type"),
        ]

    def __str__(self) -> str:
        return f"{self.cause} suppresses {self.effect}"


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
