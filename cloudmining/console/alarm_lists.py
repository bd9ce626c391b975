"""Alarms of now and of before, found by what they are, when they were raised and whom they went to; as a table in CSV;
and those that wait for a machine that is not registered."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.dateparse import parse_date

from cloudmining.console.base import MemberPage
from cloudmining.console.paging import page_of, uuid_of
from cloudmining.console.panels import SEVERITIES, STATE_WORDS
from edge_bridge.alarms import api as alarming
from tenants.api import sites, tenants
from tenants.data import FieldError, Invalid, NotFound
from tenants.rest.files import CSV, file_answer

WHICH: Final = {"all": "Now and before", "active": "Now", "past": "Past"}
WHOSE: Final = {"own": "Ours", "shared": "Opened to us"}
WHOM: Final = {"anybody": "anybody", "me": "me, by name", "called": "me or my role, escalated"}
MOST_SITES: Final = 100
MOST_WAITING: Final = 50


class AlarmsAsked(MemberPage):
    """`?which=past&whose=own&type=…&severity=…&site=…&whom=me&from=2026-11-01&to=2026-11-30`, days of the
    organisation's time zone, the last one included."""

    needs = {"GET": "view_alarms"}

    def found(self) -> Any:
        given, exact = self.request.GET, dict[str, Any]()
        if severity := given.get("severity"):
            exact["severity"] = _one_of(SEVERITIES, severity)
        if alarm_type := given.get("type", "").strip():
            exact["alarm_type"] = alarm_type[:64]
        if site := given.get("site"):
            exact["site"] = uuid_of(site)
        whom = _one_of(WHOM, given.get("whom", "anybody"))
        is_shared = _one_of(WHOSE, given.get("whose", "own")) == "shared"
        if whom == "me":
            exact["assigned_to"] = self.actor.user_id
        active = {"all": None, "active": True, "past": False}[_one_of(WHICH, given.get("which", "all"))]
        since, until = self._span()
        return alarming.alarms_where(
            shared=is_shared and whom == "anybody",
            active=active,
            escalated_to_me=whom == "called",
            since=since,
            until=until,
            **exact,
        )

    def _span(self) -> tuple[datetime | None, datetime | None]:
        zone = ZoneInfo(tenants().get(pk=self.actor.tenant_id).time_zone)
        first, last = (_day(self.request.GET.get(name, ""), name) for name in ("from", "to"))
        since = datetime.combine(first, time(), zone).astimezone(UTC) if first else None
        until = datetime.combine(last + timedelta(days=1), time(), zone).astimezone(UTC) if last else None
        return since, until


class AlarmList(AlarmsAsked):
    def get(self, request: HttpRequest) -> TemplateResponse:
        shown = page_of(request, self.found())
        for alarm in shown["rows"]:
            alarm.state_words = STATE_WORDS[alarm.state_now]
        given = {name: value for name, value in request.GET.items() if name != "before" and value}
        return self.page(
            "console/alarms.html",
            tab="console-alarms",
            given=given,
            asked=urlencode(given),
            choices={"which": WHICH, "whose": WHOSE, "whom": WHOM},
            severities=SEVERITIES,
            sites=list(sites().filter(tenant=self.actor.tenant_id).order_by("name")[:MOST_SITES]),
            waiting=list(alarming.set_aside_where(waits=True).order_by("-pk")[:MOST_WAITING]),
            may_dismiss=self.actor.can("manage_rules"),
            **shown,
        )


class AlarmCsv(AlarmsAsked):
    def get(self, request: HttpRequest) -> HttpResponse:
        return file_answer(alarming.as_csv(self.found()), CSV, "alarms.csv")


class DismissSetAside(MemberPage):
    needs = {"POST": "manage_rules"}

    def post(self, request: HttpRequest, entry_id: UUID) -> HttpResponse:
        reason = request.POST.get("reason", "")
        alarming.dismiss_set_aside(entry=alarming.get_set_aside(entry_id), reason=reason)
        return redirect("console-alarms")


def _one_of(choices: Any, given: str) -> str:
    if given not in choices:
        raise NotFound
    return given


def _day(text: str, name: str) -> date | None:
    try:
        day = parse_date(text) if text else None
    except ValueError:
        day = None
    if text and (day is None or not 1970 <= day.year <= 2200):
        raise Invalid("That is no day.", (FieldError(f"/{name}", "a day such as 2026-11-01"),))
    return day
