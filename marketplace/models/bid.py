import json

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketplace.bids.data import BidContent
from marketplace.bids.lifecycle import BidState, ComplaintState
from marketplace.bids.sealing import commitment_of
from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel
from tenants.data import Invalid

BID_STATES = [(state.value, state.value.capitalize()) for state in BidState]
COMPLAINT_STATES = [(state.value, state.value.capitalize()) for state in ComplaintState]
HEX_CHARS = 64


class Bid(TenantModel):
    """What a firm (`tenant`) offers for a task of `owner`; its newest version counts.

    Written only in the owner's name (`on_behalf_of`), since a bid lets its firm read the task. `reason` says why it
    won, lost or was disqualified, `outcome` how it was scored then, as marketplace.bids.queries.outcome_of has it.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    task = TenantForeignKey(ServiceTask, models.PROTECT, tenant_field="owner", related_name="bids")
    firm_name = models.CharField(max_length=200, help_text="The name under which the firm bid.")
    state = models.CharField(max_length=12, choices=BID_STATES, default=BidState.DRAFT.value)
    number = models.PositiveIntegerField(default=0, help_text="How many versions there are.")
    reason = models.TextField(blank=True)
    outcome = models.JSONField(null=True)
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    decided_at = models.DateTimeField(null=True, help_text="When it won, lost or was disqualified.")

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="bid_newest"),
            models.Index(fields=["owner", "task"], name="bid_of_task"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "task"],
                condition=~Q(state="withdrawn"),
                name="bid_one_live",
                violation_error_message="Your organisation has a bid on this task; send a new version of it.",
            ),
            models.UniqueConstraint(
                fields=["owner", "task"],
                condition=Q(state="won"),
                name="bid_one_won",
                violation_error_message="Another bid has won this task.",
            ),
            models.CheckConstraint(condition=Q(state__in=[value for value, _ in BID_STATES]), name="bid_state_known"),
            models.CheckConstraint(condition=~Q(tenant=F("owner")), name="bid_between_two"),
        ]

    all_versions: list["BidVersion"]

    def __str__(self) -> str:
        return f"{self.firm_name}: {self.state}"

    @property
    def newest(self) -> "BidVersion | None":
        """The version that counts; needs `marketplace.bids.queries.bids()`."""
        return self.all_versions[-1] if self.all_versions else None

    @property
    def fault(self) -> str:
        return self.newest.fault if self.newest else ""

    @property
    def content(self) -> BidContent | None:
        return self.newest.content if self.newest else None


class BidVersion(TenantModel):
    """One version of a bid, never changed. `text` is the receipt that the firm has, `commitment` its SHA-256.

    In a tender `text` is empty until the opening, and `sealed` holds it: see marketplace.bids.sealing. `fault` says
    what the opening found wrong; then the text stays empty.
    """

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    bid = TenantForeignKey(Bid, models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    submitted_at = models.DateTimeField(db_default=Now(), help_text="By the database's clock.")
    commitment = models.CharField(max_length=HEX_CHARS)
    text = models.TextField(blank=True)
    sealed = models.JSONField(null=True)
    fault = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "bid", "number"], name="bid_version_once"),
            models.CheckConstraint(condition=~Q(text="") | Q(sealed__isnull=False), name="bid_version_says_something"),
        ]

    def __str__(self) -> str:
        return f"version {self.number}"

    @property
    def is_opened(self) -> bool:
        return bool(self.text or self.fault)

    @property
    def content(self) -> BidContent | None:
        """What it says; None while it is sealed, or if the text is no bid, or not what the firm committed itself to."""
        if not self.text or self.fault or commitment_of(self.text) != self.commitment:
            return None
        try:
            return BidContent.from_document(json.loads(self.text)["content"])
        except (Invalid, LookupError, RecursionError, TypeError, ValueError):
            return None


class BidScore(TenantModel):
    """The points that the owner (`tenant`) gives a bid of `firm` by a criterion of its own, and why."""

    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+")
    bid = TenantForeignKey(Bid, models.CASCADE, tenant_field="firm", related_name="scores")
    criterion = models.CharField(max_length=80)
    points = models.PositiveSmallIntegerField()
    reason = models.TextField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "bid", "criterion"], name="bid_score_once"),
            models.CheckConstraint(condition=Q(points__range=(0, 100)), name="bid_score_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.criterion}: {self.points}"


class Complaint(TenantModel):
    """A firm (`tenant`) whose bid lost says, within the standstill, why the award of `owner` is wrong."""

    owner = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    task = TenantForeignKey(ServiceTask, models.PROTECT, tenant_field="owner", related_name="complaints")
    bid = TenantForeignKey(Bid, models.PROTECT, related_name="complaints")
    text = models.TextField()
    state = models.CharField(max_length=10, choices=COMPLAINT_STATES, default=ComplaintState.OPEN.value)
    made_at = models.DateTimeField(db_default=Now())
    decision = models.TextField(blank=True, help_text="Why it was upheld or rejected.")
    decided_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [models.Index(fields=["owner", "task"], name="complaint_of_task")]
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "bid"],
                condition=Q(state="open"),
                name="complaint_one_open",
                violation_error_message="A complaint of yours about this award waits for its decision.",
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True)
                | Q(state__in=["upheld", "rejected"], decided_at__isnull=False),
                name="complaint_open_or_decided",
            ),
        ]

    def __str__(self) -> str:
        return f"complaint, {self.state}"
