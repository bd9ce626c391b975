"""The tables of the marketplace: what is needed, and who has taken it on."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketplace.data import ACCESS_H, CATEGORIES, FEE_MINOR, TITLE_CHARS
from marketplace.lifecycle import ClaimState, State
from tenants.api import TenantForeignKey, TenantModel
from tenants.roles import SITE_PERMISSIONS

STATES = [(state.value, state.value.capitalize()) for state in State]
CLAIM_STATES = [(state.value, state.value.capitalize()) for state in ClaimState]


class ServiceTask(TenantModel):
    """A need that `tenant` (the owner) posts; while `open`, every organisation may read it and one may claim it.

    `snapshot` is what other organisations learn about the site, the equipment and the alarm: frozen at posting.
    `opens` is what a claim opens to the firm, for at most `access_h` hours. `token` counts the claims so far.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, related_name="+")
    alarm = TenantForeignKey("edge_bridge.Alarm", models.PROTECT, null=True, related_name="+")
    title = models.CharField(max_length=TITLE_CHARS)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=30, choices=list(CATEGORIES.items()))
    snapshot = models.JSONField()
    opens = ArrayField(models.CharField(max_length=40, choices=list(SITE_PERMISSIONS.items())), default=list)
    access_h = models.PositiveIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    state = models.CharField(max_length=10, choices=STATES, default=State.DRAFT.value)
    token = models.PositiveIntegerField(default=0)
    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey("tenants.User", models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True)

    current_claims: list["Claim"]

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="task_newest"),
            models.Index(fields=["-id"], condition=Q(state="open"), name="task_market_newest"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[value for value, _ in STATES]), name="task_state_known"),
            models.CheckConstraint(condition=Q(category__in=list(CATEGORIES)), name="task_category_known"),
            models.CheckConstraint(condition=Q(opens__contained_by=list(SITE_PERMISSIONS)), name="task_opens_known"),
            models.CheckConstraint(condition=Q(access_h__range=(1, ACCESS_H)), name="task_access_bounded"),
            models.CheckConstraint(condition=Q(fee_minor__range=(0, FEE_MINOR)), name="task_fee_bounded"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def claim(self) -> "Claim | None":
        """The live or completed claim, where the reader is a party to it; needs `queries.tasks()`."""
        return self.current_claims[0] if self.current_claims else None


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
    ended_at = models.DateTimeField(null=True)
    work_note = models.TextField(blank=True)
    rework_note = models.TextField(blank=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="claim_newest"),
            models.Index(fields=["lease_until"], condition=Q(state="live"), name="claim_lease"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["owner", "task"], condition=Q(state="live"), name="claim_one_live"),
            models.UniqueConstraint(fields=["owner", "task", "token"], name="claim_token_once"),
            models.CheckConstraint(condition=~Q(tenant=F("owner")), name="claim_between_two"),
            models.CheckConstraint(
                condition=Q(state="live", ended_at__isnull=True)
                | Q(state__in=["released", "lapsed", "completed"], ended_at__isnull=False),
                name="claim_ended_or_live",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.firm_name}: claim {self.token}"
