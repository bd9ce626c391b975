"""The forms of agreements: a new draft, an amendment, a call-off, a revised draft or a counter-offer."""

from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from cloudmining.console.agreement_forms import (
    ClauseForms,
    HeadingForm,
    initial_of,
    places_for,
    show_refusal,
)
from cloudmining.console.agreement_words import in_lines
from cloudmining.console.base import MemberPage
from cloudmining.console.paging import uuid_of
from tenants.agreements import api as agreeing
from tenants.agreements.data import Heading
from tenants.api import feed_head, tenants
from tenants.data import Invalid

MORE, PREVIEW = "more", "preview"


class FormPage(MemberPage):
    """A heading and clauses. `more` adds an empty clause and `preview` says what they open; neither keeps anything."""

    needs = {"GET": "manage_agreements", "POST": "manage_agreements"}
    title = ""
    given: Any = None

    def heading(self, data: Any) -> Any:
        old = self.given
        initial = {"title": old.title, "purpose": old.purpose, "ends_at": old.ends_at} if old else {}
        return HeadingForm(data, initial=initial | self.more(), actor=self.actor, is_bound_to_another=old is not None)

    def more(self) -> dict[str, Any]:
        """What else the heading begins with."""
        return {}

    def take(self, heading: dict[str, Any], clauses: list[dict[str, Any]]) -> UUID:
        """Carry out what was filled in; the id of the agreement."""
        raise NotImplementedError

    def get(self, request: HttpRequest, **place: Any) -> HttpResponse:
        self.given = self.agreement_of(request, **place)
        return self.shown(self.heading(None), self.clauses(None))

    def post(self, request: HttpRequest, **place: Any) -> HttpResponse:
        self.given = self.agreement_of(request, **place)
        wanted = request.POST.get("press", "")
        if wanted == MORE:
            return self.shown(self.heading(request.POST), self.clauses(_one_more(request.POST)))
        heading, clauses = self.heading(request.POST), self.clauses(request.POST)
        if not (heading.is_valid() & clauses.is_valid()):
            return self.shown(heading, clauses, status=422)
        wishes = [form.clause for form in clauses.forms]
        try:
            if wanted == PREVIEW:
                return self.shown(heading, clauses, previews=self.previewed(wishes))
            with transaction.atomic():  # a refusal keeps nothing, and the form is shown again
                return redirect("console-agreement", self.take(heading.cleaned_data, wishes))
        except Invalid as refusal:
            show_refusal(refusal, heading, clauses)
            return self.shown(heading, clauses, status=422)

    def agreement_of(self, request: HttpRequest, **place: Any) -> Any:
        """What the form goes on from, if anything."""
        raise NotImplementedError

    def clauses(self, data: Any) -> Any:
        owner = tenants().filter(pk=self.given.tenant_id if self.given else self.actor.tenant_id).first()
        currency = str(owner.currency) if owner else ""  # one that is not listed tells nobody its currency
        initial = [initial_of(row, currency) for row in agreeing.current_clauses(self.given)] if self.given else []
        options = {"places": places_for(self.actor, self.given), "currency": currency}
        return ClauseForms(data, initial=initial, prefix="clauses", form_kwargs=options)

    def previewed(self, wishes: list[dict[str, Any]]) -> list[Any]:
        rows = agreeing.clauses_from(agreeing.with_places(wishes, self.given))
        for row in rows:
            row.tenant_id = self.given.tenant_id if self.given else self.actor.tenant_id
        zone = ZoneInfo(tenants().get(pk=self.actor.tenant_id).time_zone)
        return [(preview, in_lines(preview.clause, "", zone)) for preview in agreeing.preview_of(rows)]

    def shown(self, heading: Any, clauses: Any, status: int = 200, **more: Any) -> HttpResponse:
        context = {
            "head": feed_head(),
            "heading": heading,
            "clauses": clauses,
            "title": self.title,
            "given": self.given,
            **more,
        }
        page = self.page("console/agreement_form.html", tab="console-agreements", **context)
        page.status_code = status
        return page


class Draft(FormPage):
    """`?supersedes=` amends an agreement in force, `?framework=` calls one off."""

    role = ""

    def agreement_of(self, request: HttpRequest, **place: Any) -> Any:
        self.title = "Draft an agreement"
        for role, title in (("supersedes", "Amend an agreement"), ("framework", "Call off")):
            if key := request.GET.get(role):
                self.role, self.title = role, title
                return agreeing.get_agreement(uuid_of(key))
        return None

    def take(self, heading: dict[str, Any], clauses: list[dict[str, Any]]) -> UUID:
        about = {name: heading[name] for name in ("title", "purpose", "ends_at", "terms")}
        placed = agreeing.with_places(clauses, self.given)
        if self.role == "framework":
            return agreeing.call_off(framework=self.given, clauses=placed, **about).pk
        partner = tenants().get(pk=self.given.partner_id if self.given else heading["partner"])
        kind = self.given.kind if self.given else heading["kind"]
        made = agreeing.draft_agreement(partner=partner, kind=kind, supersedes=self.given, clauses=placed, **about)
        return made.pk


class Propose(FormPage):
    """Another version of a draft, or a counter-offer."""

    title = "Propose another version"

    def agreement_of(self, request: HttpRequest, **place: Any) -> Any:
        return agreeing.get_agreement(place["agreement_id"])

    def more(self) -> dict[str, Any]:
        return {"terms": agreeing.versions(self.given).get(number=self.given.version).terms}

    def take(self, heading: dict[str, Any], clauses: list[dict[str, Any]]) -> UUID:
        agreeing.propose_version(
            agreement=self.given,
            answers=_number(self.request.POST.get("answers", "")),
            terms=heading.pop("terms"),
            clauses=agreeing.with_places(clauses, self.given),
            heading=_changed(heading, self.given),
        )
        return self.given.pk


def _changed(heading: dict[str, Any], given: Any) -> Heading:
    """The form shows whole minutes: an end that still says the same minute was not touched."""
    shown = given.ends_at and given.ends_at.replace(second=0, microsecond=0)
    found = Heading(title=heading["title"], purpose=heading["purpose"])
    return found if heading["ends_at"] == shown else found | {"ends_at": heading["ends_at"]}


def _one_more(posted: Any) -> Any:
    """The posted clauses and an empty one."""
    data = posted.copy()
    data["clauses-TOTAL_FORMS"] = str(_number(data.get("clauses-TOTAL_FORMS", "")) + 1)
    return data


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise Invalid("The form was not sent whole; open it again.")
    return int(text)
