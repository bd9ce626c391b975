from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from marketplace.contracts.data import TAX_BP, TITLE_CHARS, TOLERANCE_BP, WHOLE_BP
from marketplace.contracts.lifecycle import ContractState, MilestoneState
from marketplace.data import FEE_MINOR, RETENTION_BP
from marketplace.models.task import ServiceTask
from tenants.api import TenantForeignKey, TenantModel

CONTRACT_STATES = [(state.value, state.value.replace("_", " ").capitalize()) for state in ContractState]
MILESTONE_STATES = [(state.value, state.value.capitalize()) for state in MilestoneState]


class Contract(TenantModel):
    """What `firm` does for `tenant` (the buyer, who owns the task), for `price_minor` without tax.

    Written only in the buyer's name, as everything that hangs on it, after the firm's right to the step was verified.
    `agreement` opens the data until `access_until`, or until the work is done; a dispute stops that clock.
    `version` rises with every step of the contract and of its milestones.
    """

    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    task = TenantForeignKey(ServiceTask, models.PROTECT, related_name="contracts", db_index=False)
    agreement = TenantForeignKey("tenants.Agreement", models.PROTECT, related_name="+")
    owner_name = models.CharField(max_length=200, help_text="The names under which the two agreed.")
    firm_name = models.CharField(max_length=200)
    title = models.CharField(max_length=TITLE_CHARS)
    price_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    tax_bp = models.PositiveIntegerField(default=0)
    tolerance_bp = models.PositiveIntegerField(default=0, help_text="How far an invoice may be from the receipt.")
    retention_bp = models.PositiveIntegerField(default=0)
    warranty_d = models.PositiveIntegerField(default=0)
    access_until = models.DateTimeField()
    state = models.CharField(max_length=12, choices=CONTRACT_STATES, default=ContractState.IN_PROGRESS.value)
    version = models.PositiveIntegerField(default=1)
    written_at = models.DateTimeField(db_default=Now())
    fulfilled_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["tenant", "-id"], name="contract_newest"),
            models.Index(fields=["firm", "-id"], name="contract_of_firm"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "task"], name="contract_one_of_task"),
            models.UniqueConstraint(fields=["tenant", "firm", "id"], name="contract_between"),
            models.CheckConstraint(condition=~Q(firm=F("tenant")), name="contract_between_two"),
            models.CheckConstraint(
                condition=Q(state__in=[value for value, _ in CONTRACT_STATES]), name="contract_state_known"
            ),
            models.CheckConstraint(condition=Q(price_minor__range=(0, FEE_MINOR)), name="contract_price_bounded"),
            models.CheckConstraint(condition=Q(tax_bp__range=(0, TAX_BP)), name="contract_tax_bounded"),
            models.CheckConstraint(
                condition=Q(tolerance_bp__range=(0, TOLERANCE_BP)), name="contract_tolerance_bounded"
            ),
            models.CheckConstraint(
                condition=Q(retention_bp__range=(0, RETENTION_BP)), name="contract_retention_bounded"
            ),
        ]

    def __str__(self) -> str:
        return self.title


class ContractRow(TenantModel):
    """What hangs on a contract and is read by its two parties; `firm` is the contract's, by a key of three columns."""

    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, related_name="+", db_index=False)
    contract = TenantForeignKey(Contract, models.PROTECT, related_name="%(class)s_rows")
    user = models.ForeignKey(
        "tenants.User", models.PROTECT, null=True, related_name="+", help_text="Whose deed it was."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        abstract = True


class Milestone(ContractRow):
    """A part of the work with its part of the price. `retained_until`: when what is kept of it is to be released.

    Without a share it is beside the price: what a session came to, received when its minutes were accepted.
    """

    user = None
    number = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=TITLE_CHARS)
    share_bp = models.PositiveIntegerField()
    amount_minor = models.BigIntegerField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=MILESTONE_STATES, default=MilestoneState.PLANNED.value)
    submitted_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    retained_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["number"]
        indexes = [models.Index(fields=["retained_until"], condition=Q(state="paid"), name="milestone_retained")]
        constraints = [
            models.UniqueConstraint(fields=["tenant", "contract", "number"], name="milestone_number_once"),
            models.CheckConstraint(
                condition=Q(state__in=[value for value, _ in MILESTONE_STATES]), name="milestone_state_known"
            ),
            models.CheckConstraint(condition=Q(share_bp__range=(0, WHOLE_BP)), name="milestone_share_bounded"),
            models.CheckConstraint(condition=Q(amount_minor__range=(0, FEE_MINOR)), name="milestone_amount_bounded"),
        ]

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"
