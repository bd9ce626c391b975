"""Shapes of contracts over HTTP. Amounts are minor units of the contract's currency, shares basis points."""

from typing import Any

from django.db.models import QuerySet
from rest_framework import serializers

from marketplace.contracts.data import (
    AMOUNT_MINOR,
    MOST_MILESTONES,
    NUMBER_CHARS,
    STARS,
    TAX_BP,
    TOLERANCE_BP,
    WORDS_CHARS,
)
from marketplace.contracts.lifecycle import ContractState
from marketplace.contracts.turns import narrowed
from marketplace.models import (
    Contract,
    Dispute,
    DisputeNote,
    Inspection,
    Invoice,
    InvoiceLine,
    JournalEntry,
    JournalLine,
    Mediation,
    Milestone,
    Rating,
    Receipt,
    Submission,
)


class ContractFilterSerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField([*ContractState], required=False)
    waits = serializers.BooleanField(default=False, help_text="True: those whose next step is our organisation's.")
    late = serializers.BooleanField(default=False, help_text="True: those with a milestone not handed in by its day.")

    def narrowed(self, found: QuerySet[Contract]) -> QuerySet[Contract]:
        asked = self.validated_data
        found = found.filter(state=asked["state"]) if "state" in asked else found
        return narrowed(found, waits=asked["waits"], is_late=asked["late"])


class ContractSerializer(serializers.ModelSerializer[Contract]):
    """`version` rises with every step of the contract and its milestones, and is also the ETag."""

    owner = serializers.UUIDField(source="tenant_id")
    firm = serializers.UUIDField(source="firm_id")
    task = serializers.UUIDField(source="task_id")
    agreement = serializers.UUIDField(source="agreement_id")

    class Meta:
        model = Contract
        fields = [
            *["id", "owner", "owner_name", "firm", "firm_name", "task", "agreement", "state", "version", "title"],
            *["price_minor", "currency", "tax_bp", "tolerance_bp", "retention_bp", "warranty_d"],
            *["access_until", "written_at", "fulfilled_at", "closed_at"],
        ]


class SubmissionSerializer(serializers.ModelSerializer[Submission]):
    class Meta:
        model = Submission
        fields = ["id", "note", "evidence", "created_at"]


class InspectionSerializer(serializers.ModelSerializer[Inspection]):
    submission = serializers.UUIDField(source="submission_id")

    class Meta:
        model = Inspection
        fields = ["id", "submission", "outcome", "reason", "created_at"]


class ReceiptSerializer(serializers.ModelSerializer[Receipt]):
    class Meta:
        model = Receipt
        fields = ["id", "amount_minor", "note", "created_at"]


class ContractMilestoneSerializer(serializers.ModelSerializer[Milestone]):
    """With what was said and decided of it, oldest first. Without a share it is what a remote session came to."""

    submissions = SubmissionSerializer(many=True)
    inspections = InspectionSerializer(many=True)
    receipts = ReceiptSerializer(many=True)

    class Meta:
        model = Milestone
        fields = [
            *["id", "number", "title", "share_bp", "amount_minor", "due_at", "state", "submitted_at", "accepted_at"],
            *["retained_until", "submissions", "inspections", "receipts"],
        ]


class InvoiceLineSerializer(serializers.ModelSerializer[InvoiceLine]):
    """`findings` say in words what does not agree."""

    milestone = serializers.UUIDField(source="milestone_id")
    findings = serializers.ListField(child=serializers.CharField())

    class Meta:
        model = InvoiceLine
        fields = ["milestone", "net_minor", "tax_minor", "findings"]


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    lines = InvoiceLineSerializer(many=True)

    class Meta:
        model = Invoice
        fields = ["id", "number", "state", "reason", "created_at", "lines"]


class DisputeNoteSerializer(serializers.ModelSerializer[DisputeNote]):
    by = serializers.UUIDField(source="by_id")

    class Meta:
        model = DisputeNote
        fields = ["id", "by", "words", "created_at"]


class MediationSerializer(serializers.ModelSerializer[Mediation]):
    """`by`: the party that proposed the mediator."""

    by = serializers.UUIDField(source="by_id")
    mediator = serializers.UUIDField(source="mediator_id")

    class Meta:
        model = Mediation
        fields = [
            *["id", "by", "mediator", "mediator_name", "state", "recommendation", "created_at", "recommended_at"],
        ]


class DisputeRecordSerializer(serializers.ModelSerializer[Dispute]):
    by = serializers.UUIDField(source="by_id")
    notes = DisputeNoteSerializer(many=True)

    class Meta:
        model = Dispute
        fields = ["id", "by", "reason", "outcome", "created_at", "resolved_at", "notes"]


class DisputeSerializer(DisputeRecordSerializer):
    mediations = MediationSerializer(many=True)

    class Meta(DisputeRecordSerializer.Meta):
        fields = [*DisputeRecordSerializer.Meta.fields, "mediations"]


class MediatedMilestoneSerializer(serializers.ModelSerializer[Milestone]):
    submissions = SubmissionSerializer(many=True)

    class Meta:
        model = Milestone
        fields = ["id", "number", "title", "share_bp", "amount_minor", "due_at", "state", "submissions"]


class MediationDetailSerializer(MediationSerializer):
    """What a mediator reads while the dispute is open: the terms, what was submitted, and what both say."""

    contract = ContractSerializer()
    milestones = MediatedMilestoneSerializer(many=True)
    dispute = DisputeRecordSerializer()

    class Meta(MediationSerializer.Meta):
        fields = [*MediationSerializer.Meta.fields, "contract", "milestones", "dispute"]


class RatingSerializer(serializers.ModelSerializer[Rating]):
    by = serializers.UUIDField(source="tenant_id")

    class Meta:
        model = Rating
        fields = ["by", "stars", "words", "is_named", "given_at", "revealed_at"]


class ContractDetailSerializer(ContractSerializer):
    """Ratings: one's own, and the other's once both are given or 14 days have passed."""

    milestones = ContractMilestoneSerializer(many=True)
    invoices = InvoiceSerializer(many=True)
    disputes = DisputeSerializer(many=True)
    ratings = RatingSerializer(many=True)

    class Meta(ContractSerializer.Meta):
        fields = [*ContractSerializer.Meta.fields, "milestones", "invoices", "disputes", "ratings"]


class JournalLineSerializer(serializers.ModelSerializer[JournalLine]):
    class Meta:
        model = JournalLine
        fields = ["account", "amount_minor", "currency"]


class JournalEntrySerializer(serializers.ModelSerializer[JournalEntry]):
    """A double entry: debits above zero, credits below; `milestone` is null for the platform's fee."""

    milestone = serializers.UUIDField(source="milestone_id", allow_null=True)
    lines = JournalLineSerializer(many=True)

    class Meta:
        model = JournalEntry
        fields = ["id", "kind", "milestone", "reference", "created_at", "lines"]


class JournalSerializer(serializers.Serializer[Any]):
    """`balances`: account → balance in the contract's currency."""

    balances = serializers.DictField(child=serializers.IntegerField())
    entries = JournalEntrySerializer(many=True)


class StatementUseSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    meter = serializers.CharField()
    quantity = serializers.DecimalField(max_digits=20, decimal_places=3)
    at = serializers.DateTimeField()


class StatementSessionSerializer(serializers.Serializer[Any]):
    """Minutes times rate is what the line agreed; `log` and `uses` are what they rest on."""

    session = serializers.UUIDField()
    number = serializers.IntegerField()
    minutes = serializers.IntegerField()
    rate_minor = serializers.IntegerField()
    log = serializers.ListField(child=serializers.UUIDField())
    uses = serializers.ListField(child=serializers.UUIDField())
    ledger_entries = serializers.ListField(child=serializers.UUIDField())


class StatementLineSerializer(serializers.Serializer[Any]):
    """`ledger_entries` are those of the reader's own ledger."""

    milestone = serializers.UUIDField()
    number = serializers.IntegerField()
    title = serializers.CharField()
    state = serializers.CharField()
    due_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    agreed_minor = serializers.IntegerField()
    received_minor = serializers.IntegerField()
    tax_minor = serializers.IntegerField()
    accrued_minor = serializers.IntegerField()
    payable_minor = serializers.IntegerField()
    retained_minor = serializers.IntegerField()
    paid_minor = serializers.IntegerField()
    invoice = serializers.CharField(allow_blank=True)
    submission = serializers.UUIDField(allow_null=True)
    evidence = serializers.DictField(allow_null=True)
    ledger_entries = serializers.ListField(child=serializers.UUIDField())
    session = StatementSessionSerializer(allow_null=True)


class ContractStatementSerializer(serializers.Serializer[Any]):
    """`uses` are usage events of the reader's own organisation."""

    contract = serializers.UUIDField()
    task = serializers.UUIDField()
    agreement = serializers.UUIDField()
    title = serializers.CharField()
    state = serializers.CharField()
    owner_name = serializers.CharField()
    firm_name = serializers.CharField()
    currency = serializers.CharField()
    price_minor = serializers.IntegerField()
    lines = StatementLineSerializer(many=True)
    totals = serializers.DictField(child=serializers.IntegerField())
    ledger_entries = serializers.ListField(child=serializers.UUIDField())
    uses = StatementUseSerializer(many=True)
    has_more_uses = serializers.BooleanField(help_text="There are older ones than these.")


def _words(**options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=WORDS_CHARS, **options)


class ContractNoteSerializer(serializers.Serializer[Any]):
    note = _words(required=False, allow_blank=True, default="")


class ContractReasonSerializer(serializers.Serializer[Any]):
    reason = _words()


class ContractWordsSerializer(serializers.Serializer[Any]):
    words = _words()


class ProposeMediatorSerializer(serializers.Serializer[Any]):
    mediator = serializers.UUIDField(source="mediator_id")


class ContractTermsSerializer(serializers.Serializer[Any]):
    tax_bp = serializers.IntegerField(min_value=0, max_value=TAX_BP)
    tolerance_bp = serializers.IntegerField(min_value=0, max_value=TOLERANCE_BP)


class ReceiveMilestoneSerializer(ContractNoteSerializer):
    """Without an amount all of the milestone was received."""

    amount_minor = serializers.IntegerField(min_value=0, max_value=AMOUNT_MINOR, required=False, allow_null=True)


class BilledSerializer(serializers.Serializer[Any]):
    milestone = serializers.UUIDField()
    net_minor = serializers.IntegerField(min_value=0, max_value=AMOUNT_MINOR)
    tax_minor = serializers.IntegerField(min_value=0, max_value=AMOUNT_MINOR, required=False, default=0)


class SendInvoiceSerializer(serializers.Serializer[Any]):
    number = serializers.CharField(max_length=NUMBER_CHARS)
    lines = serializers.ListField(child=BilledSerializer(), min_length=1, max_length=MOST_MILESTONES)


class PayMilestoneSerializer(serializers.Serializer[Any]):
    """`reference`: how the bank knows the payment."""

    reference = serializers.CharField(max_length=NUMBER_CHARS, required=False, allow_blank=True, default="")


class RateContractSerializer(serializers.Serializer[Any]):
    """`is_named`: the buyer agrees that third parties read its name beside what it says of the firm."""

    stars = serializers.IntegerField(min_value=STARS[0], max_value=STARS[1])
    words = _words(required=False, allow_blank=True, default="")
    is_named = serializers.BooleanField(required=False, default=False)
