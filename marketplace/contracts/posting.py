"""Entries in the books of a contract: the only place that writes them."""

from collections.abc import Mapping
from typing import Any

from marketplace.contracts import journal
from marketplace.contracts.steps import add
from marketplace.models import Contract, JournalEntry, JournalLine, Milestone
from tenants.api import on_behalf_of
from tenants.metering.api import price_of_next


def post(kind: str, milestone: Milestone, amounts: journal.Amounts, reference: str = "") -> None:
    """One entry about a milestone, in the currency of its contract; one that moves nothing is not written."""
    contract = milestone.contract
    _write(contract, amounts, contract.currency, {"kind": kind, "milestone": milestone, "reference": reference})


def charge_fee(contract: Contract) -> None:
    """What the platform asks of the buyer for a task that was accepted, at the rate of this moment."""
    with on_behalf_of(contract.tenant_id):
        fee_minor, currency = price_of_next(contract.tenant_id, "accepted_tasks")
    _write(contract, journal.fee(fee_minor), currency, {"kind": "fee", "firm_id": None})


def _write(contract: Contract, amounts: journal.Amounts, currency: str, about: Mapping[str, Any]) -> None:
    moved = {account: amount for account, amount in amounts.items() if amount}
    if not moved:
        return
    entry = add(JournalEntry, contract, **about)
    with on_behalf_of(contract.tenant_id):
        JournalLine.objects.bulk_create(
            JournalLine(
                tenant_id=contract.tenant_id,
                firm_id=entry.firm_id,
                contract=contract,
                entry=entry,
                account=account,
                amount_minor=amount,
                currency=currency,
            )
            for account, amount in moved.items()
        )
