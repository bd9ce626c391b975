"""A member's calendar: what stands in it, its secret address, and the file that calendar programs fetch from there."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.views import View

from cloudmining.console.base import MemberPage
from marketplace.calendars import api as calendars
from tenants.api import acting_as, feed_head, tenants
from tenants.data import Refusal

TAB = "console-calendar"
KIND = "text/calendar; charset=utf-8"


class CalendarPage(MemberPage):
    """What is to come, `?crew=1` for all of the organisation's people; and the address of one's own calendar: a new
    one is shown once, in the answer to its making."""

    needs = {"GET": "view_tasks", "POST": "view_tasks"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown(of_crew=bool(request.GET.get("crew")))

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("form") == "revoke":
            calendars.revoke_address()
            return redirect(TAB)
        return self._shown(made=request.build_absolute_uri(reverse("calendar-feed", args=[calendars.make_address()])))

    def _shown(self, made: str = "", of_crew: bool = False) -> TemplateResponse:
        context = {
            "rows": sorted(calendars.appointments(of_crew=of_crew), key=lambda row: row.begins_at),
            "of_crew": of_crew,
            "sees_crew": self.actor.can("view_resources"),
            "address": calendars.own_address(),
            "made": made,
        }
        return self.page("console/calendar.html", tab=TAB, head=feed_head(), **context)


class CalendarFeed(View):
    """The file itself; with `?crew=1` of all the organisation's people, where the member may see them. Who has the
    address is the member: it opens nothing else."""

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        try:
            with acting_as(calendars.reader_of_calendar(secret)) as current:
                body = self._body(current.tenant_id, of_crew=bool(request.GET.get("crew")))
        except Refusal:
            return HttpResponse("There is no such calendar, or its address was revoked.", status=404)
        return HttpResponse(body, content_type=KIND, headers={"Cache-Control": "private, no-store"})

    def _body(self, tenant_id: object, of_crew: bool) -> bytes:
        name = f"{tenants().get(pk=tenant_id).name}, cloudmining"
        return calendars.calendar_of(name, calendars.appointments(of_crew=of_crew), datetime.now(UTC))
