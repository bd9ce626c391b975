from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from marketplace.contracts.data import AMOUNT_MINOR, NUMBER_CHARS, WORDS_CHARS
from marketplace.contracts.journal import ACCOUNTS, KINDS
from marketplace.models.contract import ContractRow, Milestone
from tenants.api import TenantForeignKey

AMOUNT = (0, AMOUNT_MINOR)


class Receipt(ContractRow):
    """What the buyer has received of a milestone, and therefore owes; without tax."""

    milestone = TenantForeignKey(Milestone, models.PROTECT, related_name="receipts")
    amount_minor = models.BigIntegerField()
    note = models.TextField(blank=True, max_length=WORDS_CHARS)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "milestone"], name="receipt_once"),
            models.CheckConstraint(condition=Q(amount_minor__range=AMOUNT), name="receipt_amount_bounded"),
        ]

    def __str__(self) -> str:
        return f"receipt of {self.milestone_id}"


class Invoice(ContractRow):
    """What the firm asks for, under a `number` of its own; matched as a whole or not at all."""

    class State(models.TextChoices):
        MATCHED = "matched", "Matched"
        MISMATCHED = "mismatched", "Mismatched"
        RETURNED = "returned", "Returned"

    number = models.CharField(max_length=NUMBER_CHARS)
    state = models.CharField(max_length=10, choices=State)
    reason = models.TextField(blank=True, max_length=WORDS_CHARS, help_text="Why it was returned.")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "firm", "number"], name="invoice_number_once"),
            models.CheckConstraint(
                condition=Q(state__in=["matched", "mismatched", "returned"]), name="invoice_state_known"
            ),
        ]

    def __str__(self) -> str:
        return self.number


class InvoiceLine(ContractRow):
    """One milestone in an invoice; `findings` say in words what does not agree."""

    invoice = TenantForeignKey(Invoice, models.PROTECT, related_name="lines")
    milestone = TenantForeignKey(Milestone, models.PROTECT, related_name="invoice_lines")
    net_minor = models.BigIntegerField()
    tax_minor = models.BigIntegerField()
    findings = ArrayField(models.TextField(), default=list)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["tenant", "invoice", "milestone"], name="invoice_line_once"),
            models.CheckConstraint(
                condition=Q(net_minor__range=AMOUNT, tax_minor__range=AMOUNT), name="invoice_line_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.invoice_id}: {self.net_minor}"


class JournalEntry(ContractRow):
    """One double entry in the buyer's books. The platform's fee is between the buyer and the platform: no `firm`."""

    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, null=True, related_name="+", db_index=False)
    milestone = TenantForeignKey(Milestone, models.PROTECT, null=True, related_name="journal")
    kind = models.CharField(max_length=10, choices=list(KINDS.items()))
    reference = models.CharField(max_length=NUMBER_CHARS, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(kind__in=list(KINDS)), name="journal_entry_kind_known"),
            models.CheckConstraint(condition=Q(kind="fee") ^ Q(firm__isnull=False), name="journal_fee_has_no_firm"),
        ]

    def __str__(self) -> str:
        return self.kind


class JournalLine(ContractRow):
    """An amount on an account: debit above zero, credit below; those of an entry sum to zero in each currency."""

    user = None
    firm = models.ForeignKey("tenants.Tenant", models.PROTECT, null=True, related_name="+", db_index=False)
    entry = TenantForeignKey(JournalEntry, models.PROTECT, related_name="lines")
    account = models.CharField(max_length=20, choices=list(ACCOUNTS.items()))
    amount_minor = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(account__in=list(ACCOUNTS)), name="journal_account_known"),
            models.CheckConstraint(condition=~Q(amount_minor=0), name="journal_line_of_something"),
        ]

    def __str__(self) -> str:
        return f"{self.account}: {self.amount_minor} {self.currency}"
