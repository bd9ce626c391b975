"""The statement of a contract: each line with what it rests on, down to the evidence, the ledger and each use."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.contract_pages import TAB
from cloudmining.console.money import in_words
from marketplace.contracts import api as contracting
from tenants.metering.api import METERS

AMOUNTS = ("agreed", "received", "tax", "accrued", "payable", "retained", "paid")


class ContractStatementPage(MemberPage):
    """Each party sees its own ledger's entries and its own uses."""

    needs = {"GET": "view_usage"}

    def get(self, request: HttpRequest, contract_id: UUID) -> TemplateResponse:
        statement = contracting.statement_of(contracting.get_contract(contract_id))
        context = {
            "statement": statement,
            "amounts": AMOUNTS,
            "lines": [(line, _sums(line, statement.currency)) for line in statement.lines],
            "totals": [in_words(statement.total(name), statement.currency) for name in AMOUNTS],
            "uses": [(use, METERS[use.meter], f"{use.quantity.normalize():f}") for use in statement.uses],
            "may_prove": self.actor.can("view_ledger"),
        }
        return self.page("console/contract_statement.html", tab=TAB, **context)


def _sums(line: Any, currency: str) -> list[str]:
    return [in_words(getattr(line, f"{name}_minor"), currency) for name in AMOUNTS]
