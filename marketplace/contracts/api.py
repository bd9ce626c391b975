"""The public door of contracts for the rest of the marketplace, the composition root and its console."""

from marketplace.contracts.access import get_contract, get_invoice, get_mediation, get_milestone
from marketplace.contracts.actions import (
    accept_milestone,
    extend_access,
    request_milestone_rework,
    submit_milestone,
    write_contract,
)
from marketplace.contracts.data import part_of
from marketplace.contracts.disputes import add_note, open_dispute, terminate_contract, withdraw_dispute
from marketplace.contracts.journal import ACCOUNTS
from marketplace.contracts.lifecycle import ContractState, MilestoneState
from marketplace.contracts.mediation import (
    agree_to_mediator,
    decline_mediator,
    mediators,
    propose_mediator,
    recommend,
    step_down,
)
from marketplace.contracts.queries import (
    balances_of,
    contract_of,
    contracts_taken_part_in,
    disputes_of,
    invoices_of,
    journal_of,
    mediations,
    milestones_of,
    progress,
    ratings_of,
)
from marketplace.contracts.ratings import rate
from marketplace.contracts.references import show_due
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
from marketplace.contracts.turns import Payment, Turn, narrowed, payments, turns_of

__all__ = [
    "ACCOUNTS",
    "Billed",
    "ContractState",
    "MilestoneState",
    "Payment",
    "Turn",
    "accept_milestone",
    "add_note",
    "agree_to_mediator",
    "balances_of",
    "contract_of",
    "contracts_taken_part_in",
    "decline_mediator",
    "disputes_of",
    "extend_access",
    "get_contract",
    "get_invoice",
    "get_mediation",
    "get_milestone",
    "invoices_of",
    "journal_of",
    "mediations",
    "mediators",
    "milestones_of",
    "narrowed",
    "open_dispute",
    "part_of",
    "pay_milestone",
    "payments",
    "progress",
    "propose_mediator",
    "rate",
    "ratings_of",
    "receive_milestone",
    "recommend",
    "release_due",
    "release_retention",
    "request_milestone_rework",
    "return_invoice",
    "send_invoice",
    "set_terms",
    "show_due",
    "statement_of",
    "step_down",
    "submit_milestone",
    "terminate_contract",
    "turns_of",
    "withdraw_dispute",
    "write_contract",
]
