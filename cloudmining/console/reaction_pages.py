"""What the system does by itself: which reactions are on, for which site, and what came of them."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import uuid_of
from marketplace.reactions.api import reactions, set_reaction, switches
from tenants.api import sites

MOST_SITES: Final = 100
MOST_SHOWN: Final = 50
TONES: Final = {"done": "good", "known": "medium", "nothing": "low", "refused": "bad", "failed": "bad"}


class Reactions(MemberPage):
    needs = {"GET": "view_tasks", "POST": "manage"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self.page(
            "console/reactions.html",
            tab="console-reactions",
            switches=switches(),
            rows=[(row, TONES[row.outcome]) for row in reactions().order_by("-pk")[:MOST_SHOWN]],
            sites=sites().filter(tenant=self.actor.tenant_id).order_by("name")[:MOST_SITES],
            may_manage=self.actor.can("manage"),
        )

    def post(self, request: HttpRequest) -> HttpResponse:
        given = request.POST
        site = uuid_of(given["site"]) if given.get("site") else None
        set_reaction(reaction=given.get("reaction", ""), is_on=given.get("is_on") == "on", site_id=site)
        return redirect("console-reactions")
