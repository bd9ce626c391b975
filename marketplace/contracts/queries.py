"""The reads of contracts, under the open identity: their parties see them, and of a dispute its mediator."""

from datetime import datetime
from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet, Sum
from django.db.models.functions import Now

from marketplace.contracts.lifecycle import NOT_ACCEPTED, ContractState, MilestoneState
from marketplace.models import (
    Contract,
    Dispute,
    Inspection,
    Invoice,
    InvoiceLine,
    JournalEntry,
    JournalLine,
    Mediation,
    Milestone,
    Rating,
    Receipt,
    RemoteSession,
    ServiceTask,
    Submission,
)
from marketplace.models.mediation import LIVE, SITTING
from marketplace.sessions.lifecycle import UNSETTLED
from tenants.api import actor
from tenants.data import Conflict

MOST_CONTRACTS = 500
DONE = Q(state=MilestoneState.SETTLED) | Q(state=MilestoneState.PAID, retained_until__isnull=True)


def contracts() -> QuerySet[Contract]:
    return Contract.objects.select_related("task", "agreement")


def contract_of(task: ServiceTask) -> Contract | None:
    """That of a task, for its parties."""
    return contracts().filter(task=task).first()


def contracts_taken_part_in() -> QuerySet[Contract]:
    """Of the actor's organisation, as buyer or as firm."""
    me = actor().tenant_id
    return contracts().filter(Q(tenant=me) | Q(firm=me))


def milestones() -> QuerySet[Milestone]:
    return Milestone.objects.select_related("contract__task", "contract__agreement")


def milestones_of(contract: Contract) -> QuerySet[Milestone]:
    """By number, with what was said and decided of each, oldest first."""
    return Milestone.objects.filter(contract=contract).prefetch_related(
        Prefetch("submissions", Submission.objects.order_by("pk")),
        Prefetch("inspections", Inspection.objects.order_by("pk")),
        Prefetch("receipts", Receipt.objects.order_by("pk")),
        Prefetch("invoice_lines", InvoiceLine.objects.select_related("invoice").order_by("pk")),
    )


def progress(side: str) -> list[Milestone]:
    """The priced milestones of the newest contracts in which the actor's organisation is the `firm` or, as `side` says,
    the `tenant` that ordered, with their submissions; without those that were terminated."""
    found = contracts().filter(**{side: actor().tenant_id}).exclude(state=ContractState.TERMINATED)
    newest = list(found.order_by("-pk")[:MOST_CONTRACTS])
    submissions = Prefetch("submissions", Submission.objects.order_by("pk"))
    rows = milestones().filter(contract__in=newest, share_bp__gt=0).prefetch_related(submissions)
    return list(rows.order_by("due_at", "pk"))


def unaccepted(contract: Contract) -> int:
    return Milestone.objects.filter(contract=contract, state__in=NOT_ACCEPTED).count()


def submitted(contract: Contract) -> bool:
    """Whether something waits for the buyer to accept it."""
    return Milestone.objects.filter(contract=contract, state=MilestoneState.SUBMITTED).exists()


def rework_asked_at(contract: Contract) -> datetime | None:
    """When the buyer last asked for rework that the firm has not handed in; None if it waits for none."""
    asked = Inspection.objects.filter(contract=contract, outcome=Inspection.Outcome.REWORK)
    waiting = asked.filter(milestone__state=MilestoneState.REWORK).order_by("-pk")
    return waiting.values_list("created_at", flat=True).first()


def unsettled(contract: Contract) -> int:
    """Milestones of which something is still to be paid, and sessions whose minutes are not agreed."""
    running = RemoteSession.objects.filter(contract=contract, state__in=UNSETTLED).count()
    return running + Milestone.objects.filter(contract=contract).exclude(DONE).count()


def newest_submission(milestone: Milestone) -> Submission:
    return Submission.objects.filter(milestone=milestone).latest("pk")


def receipt_of(milestone: Milestone) -> Receipt:
    return Receipt.objects.get(milestone=milestone)


def invoices() -> QuerySet[Invoice]:
    return Invoice.objects.select_related("contract__task", "contract__agreement")


def invoices_of(contract: Contract) -> QuerySet[Invoice]:
    lines = InvoiceLine.objects.select_related("milestone").order_by("milestone__number")
    return Invoice.objects.filter(contract=contract).prefetch_related(Prefetch("lines", lines))


def journal_of(contract: Contract) -> QuerySet[JournalEntry]:
    """The books of a contract; the platform's fee only for the buyer."""
    return JournalEntry.objects.filter(contract=contract).prefetch_related(
        Prefetch("lines", JournalLine.objects.order_by("account"))
    )


def balances_of(contract: Contract) -> dict[str, int]:
    """Account → what the books say, in the contract's currency; debit above zero."""
    lines = JournalLine.objects.filter(contract=contract, currency=contract.currency)
    return dict(lines.values_list("account").annotate(Sum("amount_minor")).order_by("account"))


def balances_by_milestone(contract: Contract) -> dict[tuple[object, str], int]:
    """(Milestone's id, account) → its balance."""
    lines = JournalLine.objects.filter(contract=contract, entry__milestone__isnull=False)
    sums = lines.values_list("entry__milestone", "account").annotate(Sum("amount_minor")).order_by()
    return {(milestone, account): amount for milestone, account, amount in sums}


def balance(milestone: Milestone, account: str) -> int:
    lines = JournalLine.objects.filter(contract=milestone.contract_id, entry__milestone=milestone, account=account)
    return lines.aggregate(sum=Sum("amount_minor"))["sum"] or 0


def open_dispute(contract: Contract) -> Dispute | None:
    return Dispute.objects.filter(contract=contract, resolved_at=None).first()


def dispute_now(contract: Contract) -> Dispute:
    """The open one; Conflict without."""
    dispute = open_dispute(contract)
    if dispute is None:
        raise Conflict("There is no dispute about this contract.")
    return dispute


def disputes_of(contract: Contract) -> QuerySet[Dispute]:
    """Oldest first, with what was said and who mediated."""
    mediations = Prefetch("mediations", Mediation.objects.order_by("pk"))
    return Dispute.objects.filter(contract=contract).prefetch_related("notes", mediations).order_by("pk")


def was_recommended(dispute: Dispute) -> bool:
    """Whether a mediator has said how it should end."""
    return Mediation.objects.filter(dispute=dispute).exclude(recommended_at=None).exists()


def live_mediation(dispute: Dispute) -> Mediation | None:
    return Mediation.objects.filter(dispute=dispute, state__in=LIVE).first()


def sitting_mediators(dispute: Dispute) -> frozenset[UUID]:
    found = Mediation.objects.filter(dispute=dispute, state__in=SITTING)
    return frozenset(found.values_list("mediator", flat=True))


def mediations() -> QuerySet[Mediation]:
    """In which the actor's organisation sits now."""
    return Mediation.objects.filter(mediator=actor().tenant_id).select_related("contract", "dispute")


def ratings_of(contract: Contract) -> QuerySet[Rating]:
    """One's own, and the other's once both are given or the time for it is over."""
    return Rating.objects.filter(contract=contract)


def retained_beyond_warranty() -> QuerySet[Milestone]:
    """Paid milestones whose warranty is over by the database's clock, of contracts that are not in dispute."""
    over = milestones().filter(state=MilestoneState.PAID, retained_until__lte=Now())
    return over.exclude(contract__state=ContractState.DISPUTED)
