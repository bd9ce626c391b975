from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from marketplace.data import ACCESS_H, CATEGORIES, FEE_MINOR, RETENTION_BP, TITLE_CHARS, VISIBILITIES
from marketplace.lifecycle import Mode, State
from tenants.api import TenantForeignKey, TenantModel
from tenants.data import LATEST
from tenants.roles import SITE_PERMISSIONS

if TYPE_CHECKING:
    from marketplace.models.claim import Claim

MODES = [(mode.value, mode.value.capitalize()) for mode in Mode]
STATES = [(state.value, state.value.replace("_", " ").capitalize()) for state in State]
CATEGORY_CHOICES = list(CATEGORIES.items())
VISIBILITY_CHOICES = list(VISIBILITIES.items())


class ServiceTask(TenantModel):
    """A need that `tenant` (the owner) posts; while `open`, those to whom it is visible may claim it or bid.

    `mode`: the first firm that claims it has it, or firms bid until `bids_until`, unread by the owner in a tender.
    `snapshot` is what other organisations learn about the site, the equipment and the alarm: frozen at posting.
    `opens` is what a claim or contract opens to the firm; a claim for at most `access_h` hours. `token` counts the
    claims so far. `acceptance`: a rule that stored readings are to keep, as marketplace.acceptance reads it.
    `milestones`: [{title, share_bp, due_d}], shares in basis points that sum to 10,000, days from the contract.
    `criteria`: by what bids are judged, as marketplace.bids.data reads them.
    `standstill_h`: between award and contract. `retention_bp` of each payment is kept back for `warranty_d` days.
    """

    site = TenantForeignKey("tenants.Site", models.PROTECT, related_name="+")
    equipment = TenantForeignKey("tenants.Equipment", models.PROTECT, null=True, related_name="+")
    alarm = TenantForeignKey("edge_bridge.Alarm", models.PROTECT, null=True, related_name="+")
    title = models.CharField(max_length=TITLE_CHARS)
    description = models.TextField(blank=True)
    category = models.CharField(max_length=30, choices=CATEGORY_CHOICES)
    snapshot = models.JSONField()
    opens = ArrayField(models.CharField(max_length=40, choices=list(SITE_PERMISSIONS.items())), default=list)
    access_h = models.PositiveIntegerField()
    fee_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    mode = models.CharField(max_length=10, choices=MODES, default=Mode.CLAIM.value)
    visibility = models.CharField(max_length=10, choices=VISIBILITY_CHOICES, default="public")
    bids_until = models.DateTimeField(null=True)
    openers_needed = models.PositiveSmallIntegerField(
        default=1, help_text="How many persons open sealed bids together."
    )
    standstill_h = models.PositiveIntegerField(default=0)
    milestones = models.JSONField(default=list)
    retention_bp = models.PositiveIntegerField(default=0)
    warranty_d = models.PositiveIntegerField(default=0)
    acceptance = models.JSONField(null=True)
    criteria = models.JSONField(default=list)
    framework = TenantForeignKey("tenants.Agreement", models.PROTECT, null=True, related_name="+")
    is_offered = models.BooleanField(default=False, help_text="Whether the market was told last that it is open.")
    state = models.CharField(max_length=20, choices=STATES, default=State.DRAFT.value)
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
            models.Index(
                fields=["id"],
                condition=Q(is_offered=True) & ~Q(state="open") | Q(is_offered=False, state="open"),
                name="task_market_outdated",
            ),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=[value for value, _ in STATES]), name="task_state_known"),
            models.CheckConstraint(condition=Q(category__in=list(CATEGORIES)), name="task_category_known"),
            models.CheckConstraint(condition=Q(opens__contained_by=list(SITE_PERMISSIONS)), name="task_opens_known"),
            models.CheckConstraint(condition=Q(access_h__range=(1, ACCESS_H)), name="task_access_bounded"),
            models.CheckConstraint(condition=Q(fee_minor__range=(0, FEE_MINOR)), name="task_fee_bounded"),
            models.CheckConstraint(condition=Q(mode__in=[value for value, _ in MODES]), name="task_mode_known"),
            models.CheckConstraint(condition=Q(visibility__in=list(VISIBILITIES)), name="task_visibility_known"),
            models.CheckConstraint(condition=Q(retention_bp__range=(0, RETENTION_BP)), name="task_retention_bounded"),
            models.CheckConstraint(
                condition=Q(mode="claim") ^ Q(bids_until__isnull=False), name="task_bids_have_a_deadline"
            ),
            models.CheckConstraint(condition=Q(bids_until__lt=LATEST), name="task_deadline_bounded"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def claim(self) -> "Claim | None":
        """The live or completed claim, where the reader is a party to it; needs `queries.tasks()`."""
        return self.current_claims[0] if self.current_claims else None
