"""Agreements between organisations: the list, one with its versions side by side, and the steps that one may take."""

from collections.abc import Callable
from typing import Any, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.agreement_costs import costs_of
from cloudmining.console.agreement_words import beside, in_lines, said_beside
from cloudmining.console.base import MemberPage
from cloudmining.console.paging import page_of
from tenants.agreements import api as agreeing
from tenants.agreements.data import REASON_CHARS
from tenants.api import feed_head, tenants
from tenants.data import Actor, FieldError, Invalid, NotFound

TONES = {"active": "good", "suspended": "medium", "offered": "going", "countered": "going", "agreed": "going"}
MOST_BESIDE = 3
STEP_WORDS = {
    "offer": "Offer it",
    "accept": "Accept this version",
    "sign": "Sign",
    "suspend": "Suspend",
    "resume": "Open it again",
}


class AgreementList(MemberPage):
    needs = {"GET": "view_agreements"}
    template = "console/agreements.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        status = request.GET.get("status", "")
        if status and status not in set(agreeing.State):
            raise NotFound
        page = page_of(request, agreeing.agreements(status=status))
        page["rows"] = [_card_of(row, self.actor) for row in page["rows"]]
        may_draft = self.actor.can("manage_agreements")
        context = {"states": list(agreeing.State), "status": status, "may_draft": may_draft, **page}
        return self.page(self.template, tab="console-agreements", head=head, **context)


class AgreementRows(AgreementList):
    """The inside of the list, as it stands now."""

    template = "console/_agreements.html"


class AgreementPage(MemberPage):
    needs = {"GET": "view_agreements"}
    template = "console/agreement.html"

    def get(self, request: HttpRequest, agreement_id: UUID) -> TemplateResponse:
        head = feed_head()
        agreement = _one(agreement_id)
        found = list(agreeing.versions(agreement).order_by("-number")[:MOST_BESIDE])[::-1]
        organisation = tenants().get(pk=self.actor.tenant_id)
        currency = organisation.currency if agreement.tenant_id == organisation.pk else ""
        zone = ZoneInfo(organisation.time_zone)
        heading, terms = said_beside(found, zone)
        clauses = agreeing.current_clauses(agreement)
        context = {
            **_card_of(agreement, self.actor),
            "heading": heading,
            "terms": terms,
            "steps": _steps(agreement, self.actor),
            "current": next((version for version in found if version.number == agreement.version), None),
            "versions": found,
            "rows": beside(found, currency, zone),
            "previews": [
                (preview, in_lines(preview.clause, currency, zone)) for preview in agreeing.preview_of(clauses)
            ],
            "costs": costs_of(agreement, clauses),
        }
        return self.page(self.template, tab="console-agreements", head=head, **context)


class AgreementBody(AgreementPage):
    template = "console/_agreement_body.html"


class TakeStep(MemberPage):
    """One step, for the version that the person has before them."""

    needs = {"POST": "manage_agreements"}
    steps: ClassVar[dict[str, Callable[..., Any]]] = {
        "offer": agreeing.offer_agreement,
        "suspend": agreeing.suspend_agreement,
        "resume": agreeing.resume_agreement,
    }

    def post(self, request: HttpRequest, agreement_id: UUID, step: str) -> HttpResponse:
        agreement = agreeing.get_agreement(agreement_id)
        if step in self.steps:
            self.steps[step](agreement=agreement)
        elif step == "terminate":
            agreeing.terminate_agreement(agreement=agreement, reason=_reason(request))
        elif step == "accept":
            agreeing.accept_agreement(agreement=agreement, version=_version(request))
        elif step == "sign":
            text_hash = request.POST.get("text_hash", "")
            agreeing.sign_agreement(agreement=agreement, version=_version(request), text_hash=text_hash)
        else:
            raise NotFound
        return redirect("console-agreement-body" if request.htmx else "console-agreement", agreement_id)


def _one(agreement_id: UUID) -> Any:
    found = agreeing.agreements().filter(pk=agreement_id).first()
    if found is None:
        raise NotFound
    return found


def _card_of(agreement: Any, actor: Actor) -> dict[str, Any]:
    """An agreement seen from one side."""
    is_owner = agreement.tenant_id == actor.tenant_id
    state = agreeing.standing(agreement)
    return {
        "agreement": agreement,
        "is_owner": is_owner,
        "other": agreement.partner_name if is_owner else agreement.owner_name,
        "state": state,
        "tone": TONES.get(state, "low"),
    }


def _steps(agreement: Any, actor: Actor) -> dict[str, Any]:
    """The buttons, and the forms that a person may open."""
    possible = agreeing.steps_of(agreement) if actor.can("manage_agreements") else []
    is_owner, state = agreement.tenant_id == actor.tenant_id, agreeing.standing(agreement)
    may = actor.can("manage_agreements")
    was_in_force = agreement.activated_at is not None and state in ("active", "suspended", "expired")
    return {
        "buttons": [(str(step), STEP_WORDS[step]) for step in possible if step in STEP_WORDS],
        "may_propose": bool({"revise", "counter"}.intersection(possible)),
        "may_terminate": "terminate" in possible,
        "may_amend": may and is_owner and was_in_force and agreement.kind in ("bilateral", "framework"),
        "may_call_off": may and agreement.kind == "framework" and state == "active",
    }


def _version(request: HttpRequest) -> int:
    try:
        return int(request.POST.get("version", ""))
    except ValueError:
        raise Invalid("Say which version.", (FieldError("/version", "give its number"),)) from None


def _reason(request: HttpRequest) -> str:
    reason = request.POST.get("reason", "").strip()
    if not 1 <= len(reason) <= REASON_CHARS:
        raise Invalid("Say why.", (FieldError("/reason", f"give 1 to {REASON_CHARS} characters"),))
    return reason
