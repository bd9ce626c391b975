"""A dispute of two others, as its mediator sees it while it is open."""

from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.money import in_words
from marketplace.contracts import api as contracting
from tenants.api import feed_head
from tenants.data import NotFound

TAB: Final = "console-contracts"


class MediationPage(MemberPage):
    """The terms, what was submitted with its evidence, and what both say; a post recommends or steps down."""

    needs = {"GET": "view_tasks", "POST": "manage_agreements"}
    template = "console/mediation.html"

    def get(self, request: HttpRequest, mediation_id: UUID) -> TemplateResponse:
        head, mediation = feed_head(), contracting.get_mediation(mediation_id)
        contract: Any = mediation.contract
        milestones = [
            (each, in_words(each.amount_minor, contract.currency)) for each in contracting.milestones_of(contract)
        ]
        about = {"mediation": mediation, "contract": contract, "milestones": milestones}
        may_speak = self.actor.can("manage_agreements")
        price = in_words(contract.price_minor, contract.currency)
        return self.page(self.template, tab=TAB, head=head, price=price, may_speak=may_speak, **about)

    def post(self, request: HttpRequest, mediation_id: UUID) -> HttpResponse:
        mediation = contracting.get_mediation(mediation_id)
        match request.POST.get("form"):
            case "recommend":
                contracting.recommend(mediation=mediation, words=request.POST.get("words", ""))
                return redirect("console-mediation", mediation_id)
            case "step-down":
                contracting.step_down(mediation=mediation)
                return redirect(TAB)
        raise NotFound


class MediationBody(MediationPage):
    """The inside of the page, as it stands now."""

    needs = {"GET": "view_tasks"}
    template = "console/_mediation.html"
