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
    """What is to come, and the address: a new one is shown once, in the answer to its making."""

    needs = {"GET": "view_tasks", "POST": "view_tasks"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("form") == "revoke":
            calendars.revoke_address()
            return redirect(TAB)
        return self._shown(made=request.build_absolute_uri(reverse("calendar-feed", args=[calendars.make_address()])))

    def _shown(self, made: str = "") -> TemplateResponse:
        rows = sorted(calendars.appointments(), key=lambda row: row.begins_at)
        address = calendars.own_address()
        return self.page("console/calendar.html", tab=TAB, head=feed_head(), rows=rows, address=address, made=made)


class CalendarFeed(View):
    """The file itself. Who has the address is the member: it opens nothing else."""

    def get(self, request: HttpRequest, secret: str) -> HttpResponse:
        try:
            with acting_as(calendars.reader_of_calendar(secret)) as current:
                body = self._body(current.tenant_id)
        except Refusal:
            return HttpResponse("There is no such calendar, or its address was revoked.", status=404)
        return HttpResponse(body, content_type=KIND, headers={"Cache-Control": "private, no-store"})

    def _body(self, tenant_id: object) -> bytes:
        name = f"{tenants().get(pk=tenant_id).name}, cloudmining"
        return calendars.calendar_of(name, calendars.appointments(), datetime.now(UTC))
