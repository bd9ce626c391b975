from django.db import models
from django.db.models import F, Q

from marketplace.lifecycle import ClaimState
from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel

CLAIM_STATES = [(state.value, state.value.capitalize()) for state in ClaimState]


class Claim(TenantModel):
    """A firm (`tenant`) has taken on a task of `owner`; while it is live the lease runs and `agreement` opens the data.

    Written only in the owner's name (`on_behalf_of`), since it is the owner's task that a claim opens to the firm.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    task = TenantForeignKey(ServiceTask, models.PROTECT, tenant_field="owner", related_name="claims")
    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, tenant_field="owner", related_name="+")
    firm_name = models.CharField(max_length=200, help_text="The name under which the firm claimed.")
    state = models.CharField(max_length=10, choices=CLAIM_STATES, default=ClaimState.LIVE.value)
    token = models.PositiveIntegerField(help_text="Rises with each claim of the task; an older one is refused.")
    claimed_at = models.DateTimeField()
    lease_until = models.DateTimeField()
    answer_until = models.DateTimeField(
        null=True, help_text="Until when the owner answers work that was handed in; who says nothing has accepted it."
    )
    ended_at = models.DateTimeField(null=True)
    was_shut = models.BooleanField(
        default=False, help_text="Whether a party had ended or suspended the agreement when the claim ended."
    )
    evidence = models.JSONField(
        null=True, help_text="What stored readings said of the rule of acceptance, when it was submitted."
    )
    work_note = models.TextField(blank=True)
    rework_note = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="claim_newest"),
            models.Index(fields=["lease_until"], condition=Q(state="live"), name="claim_lease"),
            models.Index(fields=["answer_until"], condition=Q(state="live"), name="claim_to_be_answered"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "task"], condition=Q(state="live"), name="claim_one_live"),
            models.UniqueConstraint(fields=["owner", "task", "token"], name="claim_token_once"),
            models.CheckConstraint(condition=~Q(tenant=F("owner")), name="claim_between_two"),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True)
                | Q(state__in=["released", "lapsed", "rejected", "completed"], ended_at__isnull=False),
                name="claim_ended_or_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.firm_name}: claim {self.token}"
