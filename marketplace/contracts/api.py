"""The public door of contracts for the rest of the marketplace, the composition root and its console."""

from marketplace.contracts.access import get_contract, get_invoice, get_milestone
from marketplace.contracts.actions import (
    accept_milestone,
    request_milestone_rework,
    submit_milestone,
    write_contract,
)
from marketplace.contracts.disputes import add_note, open_dispute, terminate_contract, withdraw_dispute
from marketplace.contracts.journal import ACCOUNTS
from marketplace.contracts.lifecycle import ContractState, MilestoneState
from marketplace.contracts.queries import (
    balances_of,
    contract_of,
    contracts_taken_part_in,
    disputes_of,
    invoices_of,
    journal_of,
    milestones_of,
    ratings_of,
)
from marketplace.contracts.ratings import rate
from marketplace.contracts.settlement import (
    Billed,
    pay_milestone,
    receive_milestone,
    release_due,
    release_retention,
    return_invoice,
    send_invoice,
    set_terms,
)
from marketplace.contracts.statement import statement_of

__all__ = [
    "ACCOUNTS",
    "Billed",
    "ContractState",
    "MilestoneState",
    "accept_milestone",
    "add_note",
    "balances_of",
    "contract_of",
    "contracts_taken_part_in",
    "disputes_of",
    "get_contract",
    "get_invoice",
    "get_milestone",
    "invoices_of",
    "journal_of",
    "milestones_of",
    "open_dispute",
    "pay_milestone",
    "rate",
    "ratings_of",
    "receive_milestone",
    "release_due",
    "release_retention",
    "request_milestone_rework",
    "return_invoice",
    "send_invoice",
    "set_terms",
    "statement_of",
    "submit_milestone",
    "terminate_contract",
    "withdraw_dispute",
    "write_contract",
]
