"""From acceptance to the last payment: receipt, invoice, three-way match, payment, retention.

Who holds `settle` in the buyer's organisation receives, pays and releases; in the firm's, they send the invoice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models.functions import Now

from marketplace.contracts import journal, queries
from marketplace.contracts.access import refuse_but_firm, refuse_but_owner
from marketplace.contracts.data import AMOUNT_MINOR, MOST_MILESTONES, NUMBER_CHARS, TAX_BP, TOLERANCE_BP, Matched
from marketplace.contracts.lifecycle import ContractEvent, ContractState, MilestoneEvent, MilestoneState
from marketplace.contracts.posting import post
from marketplace.contracts.steps import add, bounded, move_along, move_contract, move_milestone, take_turn, tell
from marketplace.models import Contract, Invoice, InvoiceLine, Milestone, Receipt
from marketplace.sweeping import in_turn
from tenants.api import as_platform, on_behalf_of
from tenants.data import Conflict, FieldError, Invalid

SWEEP_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Billed:
    """One line of an invoice, in minor units of the contract's currency."""

    milestone_id: UUID
    net_minor: int
    tax_minor: int = 0


def set_terms(*, contract: Contract, tax_bp: int, tolerance_bp: int) -> None:
    """The tax rate, and how far an invoice may be from its receipt; Conflict once something was received."""
    refuse_but_owner(contract, "settle")
    for name, given, most in (("tax_bp", tax_bp, TAX_BP), ("tolerance_bp", tolerance_bp, TOLERANCE_BP)):
        if not 0 <= given <= most:
            limit = FieldError(f"/{name}", f"give 0 to {most} basis points, {most / 100:g} %")
            raise Invalid("These terms won't do.", (limit,))
    if Receipt.objects.filter(contract=contract).exists():
        raise Conflict("Something was received under these terms already.")
    take_turn(contract, tax_bp=tax_bp, tolerance_bp=tolerance_bp)
    tell("contract.terms_set", contract, tax_bp=tax_bp, tolerance_bp=tolerance_bp)


def receive_milestone(*, milestone: Milestone, amount_minor: int | None = None, note: str = "") -> Receipt:
    """The buyer owes what was accepted: all of it, unless a smaller amount is named. It is accrued in the books."""
    contract = milestone.contract
    refuse_but_owner(contract, "settle")
    amount = milestone.amount_minor if amount_minor is None else amount_minor
    if not 0 <= amount <= milestone.amount_minor:
        limit = f"give 0 to {milestone.amount_minor} minor units, the amount of the contract"
        raise Invalid("More was received than agreed.", (FieldError("/amount_minor", limit),))
    words = bounded(note, "note")
    move_milestone(milestone, MilestoneEvent.RECEIVE)
    receipt: Receipt = add(Receipt, contract, milestone=milestone, amount_minor=amount, note=words)
    post("accrual", milestone, journal.accrual(amount))
    tell("milestone.receipted", contract, milestone, amount_minor=amount, currency=contract.currency)
    return receipt


def send_invoice(*, contract: Contract, number: str, lines: Sequence[Billed]) -> Invoice:
    """The firm asks for its money; contract, receipt and invoice are matched at once, line by line.

    If all agree it is payable, less the retention. If not, the invoice says why, and the buyer returns it.
    """
    refuse_but_firm(contract, "settle")
    billed = _billed(contract, lines)
    take_turn(contract)
    invoice = _invoice(contract, number.strip(), [found for _, found in billed.values()])
    for milestone, found in billed.values():
        move_along(milestone, MilestoneEvent.INVOICE)
        sums: dict[str, Any] = {"net_minor": found.invoiced_minor, "tax_minor": found.tax_minor}
        add(InvoiceLine, contract, invoice=invoice, milestone=milestone, findings=found.mismatches(), **sums)
        tell("milestone.invoiced", contract, milestone, invoice=invoice.number, currency=contract.currency, **sums)
    if invoice.state == Invoice.State.MATCHED:
        for milestone, found in billed.values():
            _match(milestone, found)
    return invoice


def _billed(contract: Contract, lines: Sequence[Billed]) -> dict[UUID, tuple[Milestone, Matched]]:
    """Each milestone once, with the three amounts that are to agree; Invalid says which line won't do."""
    if not 1 <= len(lines) <= MOST_MILESTONES:
        raise Invalid("An invoice has lines.", (FieldError("/lines", f"give 1 to {MOST_MILESTONES}"),))
    known = {milestone.pk: milestone for milestone in queries.milestones_of(contract)}
    found: dict[UUID, tuple[Milestone, Matched]] = {}
    for n, line in enumerate(lines):
        milestone = known.get(line.milestone_id)
        if milestone is None or line.milestone_id in found:
            raise Invalid("A line names no milestone.", (FieldError(f"/lines/{n}/milestone", "each one once"),))
        if not (0 <= line.net_minor <= AMOUNT_MINOR and 0 <= line.tax_minor <= AMOUNT_MINOR):
            raise Invalid("A line won't do.", (FieldError(f"/lines/{n}", f"give 0 to {AMOUNT_MINOR} minor units"),))
        if milestone.state != MilestoneState.RECEIPTED:
            raise Conflict(f"'{milestone.title}' is {milestone.state}; only what was received can be invoiced.")
        milestone.contract = contract
        found[milestone.pk] = milestone, _three(contract, milestone, line)
    return found


def _three(contract: Contract, milestone: Milestone, line: Billed) -> Matched:
    return Matched(
        agreed_minor=milestone.amount_minor,
        received_minor=queries.receipt_of(milestone).amount_minor,
        invoiced_minor=line.net_minor,
        tax_minor=line.tax_minor,
        tax_bp=contract.tax_bp,
        tolerance_bp=contract.tolerance_bp,
    )


def _invoice(contract: Contract, number: str, matched: Sequence[Matched]) -> Invoice:
    if not 1 <= len(number) <= NUMBER_CHARS:
        raise Invalid("The invoice has no number.", (FieldError("/number", f"give 1 to {NUMBER_CHARS} characters"),))
    if Invoice.objects.filter(tenant=contract.tenant_id, firm=contract.firm_id, number=number).exists():
        raise Conflict(f"There is an invoice {number} of yours to this buyer already.")
    agrees = not any(found.mismatches() for found in matched)
    state = Invoice.State.MATCHED if agrees else Invoice.State.MISMATCHED
    made: Invoice = add(Invoice, contract, number=number, state=state)
    return made


def _match(milestone: Milestone, found: Matched) -> None:
    contract = milestone.contract
    amounts = journal.match(found, contract.retention_bp)
    days = timedelta(days=contract.warranty_d)
    until = milestone.accepted_at + days if milestone.accepted_at and amounts["retention"] else None
    move_along(milestone, MilestoneEvent.MATCH, retained_until=until)
    post("match", milestone, amounts)
    tell("milestone.matched", contract, milestone, payable_minor=-amounts["payable"], currency=contract.currency)


def return_invoice(*, invoice: Invoice, reason: str) -> None:
    """The buyer sends back an invoice that does not agree; the firm may send another."""
    contract = invoice.contract
    refuse_but_owner(contract, "settle")
    words = bounded(reason, "reason", is_needed=True)
    if invoice.state != Invoice.State.MISMATCHED:
        raise Conflict(f"The invoice is {invoice.state}; only one that does not agree is returned.")
    take_turn(contract)
    with on_behalf_of(contract.tenant_id):
        Invoice.objects.filter(pk=invoice.pk).update(state=Invoice.State.RETURNED, reason=words)
    for line in invoice.lines.select_related("milestone"):
        line.milestone.contract = contract
        move_along(line.milestone, MilestoneEvent.RETURN)
        tell("milestone.returned", contract, line.milestone, invoice=invoice.number, reason=words)


def pay_milestone(*, milestone: Milestone, reference: str = "") -> int:
    """The buyer has paid what is payable of a milestone now; returns how much. The last payment closes the contract."""
    contract = milestone.contract
    refuse_but_owner(contract, "settle")
    if len(reference) > NUMBER_CHARS:
        raise Invalid("The reference won't do.", (FieldError("/reference", f"at most {NUMBER_CHARS} characters"),))
    move_milestone(milestone, MilestoneEvent.PAY)
    payable_minor = -queries.balance(milestone, "payable")
    post("payment", milestone, journal.payment(payable_minor), reference)
    facts = {"paid_minor": payable_minor, "currency": contract.currency, "reference": reference}
    tell("milestone.paid", contract, milestone, **facts)
    close_if_settled(contract)
    return payable_minor


def close_if_settled(contract: Contract) -> None:
    """Within a turn that was taken: once the work is accepted and everything of it paid."""
    if contract.state == ContractState.FULFILLED and not queries.unsettled(contract):
        move_contract(contract, ContractEvent.CLOSE, closed_at=Now())
        tell("contract.closed", contract)


def release_retention(*, milestone: Milestone) -> None:
    """The buyer gives up the retention before the end of the warranty."""
    refuse_but_owner(milestone.contract, "settle")
    _release(milestone)


def _release(milestone: Milestone) -> None:
    contract = milestone.contract
    if milestone.retained_until is None:
        raise Conflict("Nothing of this milestone is retained.")
    move_milestone(milestone, MilestoneEvent.RELEASE)
    retained_minor = -queries.balance(milestone, "retention")
    post("release", milestone, journal.release(retained_minor))
    tell("milestone.released", contract, milestone, payable_minor=retained_minor, currency=contract.currency)


def release_due() -> int:
    """Release what is retained beyond its warranty; each in a transaction of its own. Returns how many."""
    with _sweeping() as sweep:
        due = list(queries.retained_beyond_warranty().values_list("pk", flat=True)[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(due)
    return in_turn("retentions", due, _release_due)


def _release_due(milestone_id: UUID) -> bool:
    with _sweeping():
        milestone = queries.retained_beyond_warranty().filter(pk=milestone_id).first()
        if milestone is not None:
            _release(milestone)
        return milestone is not None


def _sweeping() -> Any:
    return as_platform("sweep", "release what was retained until the end of a warranty")
