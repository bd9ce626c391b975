"""Contracts as a list: in which state, what waits for us, what is late."""

from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.contract_pages import TAB, row_of
from cloudmining.console.paging import page_of
from marketplace.contracts import api as contracting
from marketplace.contracts.api import ContractState
from tenants.api import feed_head

MOST_MEDIATIONS: Final = 50
NO_TURN: Final = contracting.Turn()


class ContractList(MemberPage):
    """As buyer or as firm, newest first; `?state=`, `?waits=1` and `?late=1` narrow."""

    needs = {"GET": "view_tasks"}
    template = "console/contracts.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, asked = feed_head(), request.GET
        chosen = {name: "1" if asked.get(name) else "" for name in ("waits", "late")}
        chosen["state"] = asked.get("state", "")
        found = page_of(request, _narrowed(chosen))
        turns = contracting.turns_of(found["rows"])
        found["rows"] = [
            {**row_of(contract, self.actor), "turn": turns.get(contract.pk, NO_TURN)} for contract in found["rows"]
        ]
        sitting = contracting.mediations().order_by("-pk")[:MOST_MEDIATIONS]
        context: dict[str, Any] = {"states": list(ContractState), "mediations": sitting, "chosen": chosen}
        return self.page(self.template, tab=TAB, head=head, **context, **found)


class ContractRows(ContractList):
    """The inside of the list, as it stands now."""

    template = "console/_contracts.html"


def _narrowed(chosen: dict[str, str]) -> QuerySet[Any]:
    found = contracting.contracts_taken_part_in()
    found = found.filter(state=chosen["state"]) if chosen["state"] in list(ContractState) else found
    return contracting.narrowed(found, waits=bool(chosen["waits"]), is_late=bool(chosen["late"]))
