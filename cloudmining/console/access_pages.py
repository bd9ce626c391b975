"""Who may see what, why and until when; why one object is seen or not; and who of us uses what was opened to us."""

from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import page_of, uuid_of
from tenants.data import NotFound
from tenants.people import api as people
from tenants.rest.files import CSV, file_answer
from tenants.roles import ROLES, SITE_PERMISSIONS
from tenants.sharing import api as sharing

SIDES: Final = {"given": "What we open", "received": "What is opened to us"}
STATES: Final = {"in_force": "in force", "not_in_force": "not in force", "all": "all"}
# Of `tenants.roles.SITE_PERMISSIONS`, as narrow as a column.
COLUMNS: Final = {
    "view_production": "Production",
    "view_telemetry": "Readings",
    "view_alarms": "Alarms",
    "acknowledge_alarms": "Acknowledge",
    "send_commands": "Commands",
    "view_plans": "Plans",
    "comment": "Comment",
    "manage": "Manage",
}
MOST_MEMBERS: Final = 200


class AccessPage(MemberPage):
    """`?side=`, `?state=`, `?permission=` and `?q=` choose the rows."""

    needs = {"GET": "view_agreements"}

    @property
    def asked(self) -> dict[str, Any]:
        asked: dict[str, Any] = {"side": "given", "state": "in_force", "permission": "", "q": ""}
        asked |= {name: self.request.GET[name][:100] for name in asked if name in self.request.GET}
        if asked["side"] not in SIDES or asked["state"] not in STATES or asked["permission"] not in ("", *COLUMNS):
            raise NotFound
        return asked


class AccessList(AccessPage):
    def get(self, request: HttpRequest) -> TemplateResponse:
        asked = self.asked
        page = page_of(request, sharing.clauses(**asked))
        rows = [_row(clause) for clause in page.pop("rows")]
        page |= {"rows": rows, "query": urlencode({key: value for key, value in asked.items() if value})}
        choices = {"sides": SIDES, "states": STATES, "columns": COLUMNS, "permissions": SITE_PERMISSIONS}
        return self.page("console/access.html", tab="console-access", asked=asked, **choices, **page)


class AccessCsv(AccessPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        return file_answer(sharing.as_csv(sharing.clauses(**self.asked)), CSV, f"access-{self.asked['side']}.csv")


class ExplainPage(MemberPage):
    """`?object=<kind>:<id>`, as the API has it; or `?kind=` and `?id=` of the form."""

    needs = {"GET": "view_agreements"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        name = request.GET.get("object") or f"{request.GET.get('kind', '')}:{request.GET.get('id', '').strip()}"
        found = sharing.explain(name[:100])
        context = {"name": name, "found": found, "summary": sharing.summary_of(found), "ways": _said(found.ways)}
        return self.page("console/access_explain.html", tab="console-access", **context)


class DelegationPage(MemberPage):
    """Who of the organisation uses what an agreement opens to it."""

    needs = {"GET": "view_agreements", "POST": "manage_members"}

    def get(self, request: HttpRequest, agreement_id: UUID) -> TemplateResponse:
        agreement = sharing.get_received_agreement(agreement_id, needs="view_agreements")
        context = {
            "agreement": agreement,
            "delegation": sharing.delegation_of(agreement),
            "all_roles": list(ROLES),
            "all_members": people.members().order_by("pk")[:MOST_MEMBERS],
            "may_delegate": self.actor.can("manage_members"),
        }
        return self.page("console/access_delegation.html", tab="console-access", **context)

    def post(self, request: HttpRequest, agreement_id: UUID) -> HttpResponse:
        agreement = sharing.get_received_agreement(agreement_id, needs="manage_members")
        if "everyone" in request.POST:
            sharing.clear_delegation(agreement=agreement)
        else:
            members = [uuid_of(text) for text in request.POST.getlist("members")[: MOST_MEMBERS + 1]]
            sharing.delegate(agreement=agreement, roles=request.POST.getlist("roles"), members=members)
        return redirect("console-delegation", agreement_id)


def _row(clause: Any) -> dict[str, Any]:
    """A clause with a cell for each permission."""
    ways = sharing.ways_of([clause])
    return {
        "clause": clause,
        "agreement": clause.agreement,
        "place": f"site:{clause.site_id}" if clause.site_id else f"equipment:{clause.equipment_id}",
        "cells": [name in clause.permissions for name in COLUMNS],
        "ends_at": ways[0].ends_at,
        "in_force": ways[0].in_force,
        "because": [sharing.WORDS[reason] for reason in ways[0].why_not],
        "narrowed": sharing.narrowing_of(clause),
    }


def _said(ways: list[Any]) -> list[dict[str, Any]]:
    return [{"way": way, "words": sharing.words_of(way)} for way in ways]
