"""Permission is how you get the object: these fetch and authorise in one step, or raise.

A contract between others and one that doesn't exist answer alike; a step of the other party is refused in words.
"""

from typing import TypeVar
from uuid import UUID

from marketplace.contracts import queries
from marketplace.models import Contract, Invoice, Mediation, Milestone
from tenants.api import require
from tenants.data import Forbidden, NotFound

Row = TypeVar("Row")


def get_contract(contract_id: UUID, *, needs: str = "view_tasks") -> Contract:
    """A contract that the actor's organisation is a party to."""
    require(needs)
    return _found(queries.contracts().filter(pk=contract_id).first())


def get_milestone(milestone_id: UUID, *, needs: str = "view_tasks") -> Milestone:
    require(needs)
    return _found(queries.milestones().filter(pk=milestone_id).first())


def get_invoice(invoice_id: UUID, *, needs: str = "view_tasks") -> Invoice:
    require(needs)
    return _found(queries.invoices().filter(pk=invoice_id).first())


def get_mediation(mediation_id: UUID, *, needs: str = "view_tasks") -> Mediation:
    """One in which the actor's organisation sits, while the dispute is open."""
    require(needs)
    return _found(queries.mediations().filter(pk=mediation_id).first())


def refuse_but_owner(contract: Contract, needs: str) -> None:
    if require(needs).tenant_id != contract.tenant_id:
        raise Forbidden("That is the buyer's step.")


def refuse_but_firm(contract: Contract, needs: str) -> None:
    if require(needs).tenant_id != contract.firm_id:
        raise Forbidden("That is the firm's step.")


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row
