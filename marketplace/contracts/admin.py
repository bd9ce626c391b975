"""What the two administrations show of contracts."""

from marketplace import models
from tenants.admin_sites import ReadOnly, show


class ContractAdmin(ReadOnly):
    list_display = ("title", "owner_name", "firm_name", "state", "price_minor", "currency", "written_at")
    list_filter = ("state",)
    search_fields = ("title", "firm_name", "owner_name")


class MilestoneAdmin(ReadOnly):
    list_display = ("contract", "number", "title", "state", "amount_minor", "due_at", "accepted_at")
    list_filter = ("state",)


class SubmissionAdmin(ReadOnly):
    list_display = ("milestone", "created_at", "user")


class InspectionAdmin(ReadOnly):
    list_display = ("milestone", "outcome", "created_at", "user")
    list_filter = ("outcome",)


class ReceiptAdmin(ReadOnly):
    list_display = ("milestone", "amount_minor", "created_at", "user")


class InvoiceAdmin(ReadOnly):
    list_display = ("number", "contract", "state", "created_at")
    list_filter = ("state",)


class InvoiceLineAdmin(ReadOnly):
    list_display = ("invoice", "milestone", "net_minor", "tax_minor", "findings")


class JournalEntryAdmin(ReadOnly):
    list_display = ("contract", "kind", "milestone", "reference", "created_at")
    list_filter = ("kind",)


class JournalLineAdmin(ReadOnly):
    list_display = ("entry", "account", "amount_minor", "currency")
    list_filter = ("account",)


class DisputeAdmin(ReadOnly):
    list_display = ("contract", "by", "outcome", "created_at", "resolved_at")
    list_filter = ("outcome",)


class DisputeNoteAdmin(ReadOnly):
    list_display = ("dispute", "by", "words", "created_at")


class RatingAdmin(ReadOnly):
    list_display = ("contract", "about", "stars", "given_at", "revealed_at")


class ReferenceAdmin(ReadOnly):
    list_display = ("category", "stars", "buyer_name", "shown_at")
    list_filter = ("category",)


class MediationAdmin(ReadOnly):
    list_display = ("dispute", "mediator_name", "state", "created_at", "recommended_at")
    list_filter = ("state",)


class RemoteSessionAdmin(ReadOnly):
    list_display = ("contract", "number", "subject", "state", "from_at", "rate_minor", "currency", "measured_min")
    list_filter = ("state",)


class SessionEntryAdmin(ReadOnly):
    list_display = ("session", "kind", "minutes", "looked_at", "created_at", "user")
    list_filter = ("kind",)


show(
    {
        models.Contract: ContractAdmin,
        models.Milestone: MilestoneAdmin,
        models.Submission: SubmissionAdmin,
        models.Inspection: InspectionAdmin,
        models.Receipt: ReceiptAdmin,
        models.Invoice: InvoiceAdmin,
        models.InvoiceLine: InvoiceLineAdmin,
        models.JournalEntry: JournalEntryAdmin,
        models.JournalLine: JournalLineAdmin,
        models.Dispute: DisputeAdmin,
        models.DisputeNote: DisputeNoteAdmin,
        models.Rating: RatingAdmin,
        models.Reference: ReferenceAdmin,
        models.Mediation: MediationAdmin,
        models.RemoteSession: RemoteSessionAdmin,
        models.SessionEntry: SessionEntryAdmin,
    }
)
