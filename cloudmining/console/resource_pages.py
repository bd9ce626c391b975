"""People and stock: who can do what and who is missing, papers that run out, what is there, and who is booked when."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from cloudmining.console.base import MemberPage
from cloudmining.console.resource_forms import FORMS, USE, ResourceForm
from tenants.api import feed_head, require, sites, tenants
from tenants.data import Invalid, NotFound, Refusal
from tenants.resources import api as resources
from tenants.resources.api import Cell
from tenants.units import shown

VIEW = "view_resources"
SOON_DAYS, MOST_PAPERS, MOST_LEVELS, MOST_BOOKINGS = 90, 50, 200, 300
WEEK = re.compile(r"(20\d\d)-W(\d\d)")
BANDS = {
    "expired": ("bad", "expired"),
    "within_30": ("high", "30 days or less"),
    "within_90": ("medium", "90 days or less"),
}


@dataclass
class Line:
    """One booked person or machine; for each of the seven days its bookings, each with its hours of that day.

    The last of the three is whether the booking has not stood on a day of the week before.
    """

    name: str
    days: list[list[tuple[Any, str, bool]]] = field(default_factory=lambda: [[] for _ in range(7)])


class ResourcePage(MemberPage):
    """`?week=2026-W47` chooses the week of the bookings. A post is one of the forms, named by its field `form`."""

    needs = {"GET": VIEW, "POST": VIEW}
    template = "console/resources.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        return self._shown()

    def post(self, request: HttpRequest) -> HttpResponse:
        kind = FORMS.get(request.POST.get("form", ""))
        if kind is None:
            raise NotFound
        require(kind.needs)
        form = self._form(kind, request.POST, request.FILES)
        if not form.is_valid() or not _done(form):
            return self._shown(status=422, given=form)
        return redirect("console-resources")

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(tenants().get(pk=self.actor.tenant_id).time_zone)

    def _form(self, kind: type[ResourceForm], *data: Any) -> ResourceForm:
        return kind(*data, actor=self.actor, time_zone=str(self.zone))

    def _shown(self, status: int = 200, given: ResourceForm | None = None) -> TemplateResponse:
        head = feed_head()
        today = datetime.now(self.zone).date()
        forms = {kind.name: self._form(kind) for kind in FORMS.values() if self.actor.can(kind.needs)}
        if given is not None:
            forms[given.name] = given
        context = {**_people(today), **_stock(), **self._week(today), "may_use": self.actor.can(USE)}
        response = self.page(
            self.template, head=head, tab="console-resources", forms=forms.values(), given=given, **context
        )
        response.status_code = status
        return response

    def _week(self, today: date) -> dict[str, Any]:
        monday = _monday(self.request.GET.get("week"), today)
        zone, end = self.zone, monday + timedelta(days=7)
        booked = resources.bookings(from_at=_midnight(monday, zone), to_at=_midnight(end, zone))
        found = list(booked.order_by("during", "pk")[: MOST_BOOKINGS + 1])
        return {
            "days": [monday + timedelta(days=n) for n in range(7)],
            "today": today,
            "lines": _lines(found[:MOST_BOOKINGS], monday, zone),
            "more_bookings": len(found) > MOST_BOOKINGS,
            "week": _name(monday),
            "week_before": _name(monday - timedelta(days=7)),
            "week_after": _name(end),
        }


class ResourceRows(ResourcePage):
    """The inside of the page, as it stands now."""

    needs = {"GET": VIEW}
    template = "console/_resources.html"


class CancelBooking(MemberPage):
    needs = {"POST": USE}

    def post(self, request: HttpRequest, booking_id: UUID) -> HttpResponse:
        reason = request.POST.get("reason", "").strip()
        if not reason or len(reason) > 200 or not reason.isprintable():
            raise Invalid("Say in a line why the booking is cancelled.")
        resources.cancel_booking(booking=resources.get_booking(booking_id, needs=USE), reason=reason)
        return redirect("console-resource-rows" if request.htmx else "console-resources")


def _done(form: ResourceForm) -> bool:
    """Carry it out, or put the refusal's words beside the fields they speak of; then nothing of it is kept."""
    try:
        with transaction.atomic():
            form.carry_out()
    except Refusal as refusal:
        form.add_error(None, refusal.detail)
        for error in refusal.errors:
            place = error.pointer.strip("/")
            words = error.message if place in form.fields else f"{place.replace('/', ' ')}: {error.message}"
            form.add_error(place if place in form.fields else None, words)
    return form.is_valid()


# People and stock ----------------------------------------------------------------------------------------------------


def _people(today: date) -> dict[str, Any]:
    cells = resources.matrix(today=today)
    names = {site.pk: site.name for site in sites()}
    columns = [skill for skill in resources.skills() if any(cell.skill_id == skill.pk for cell in cells)]
    places: dict[UUID, dict[UUID, Cell]] = {}
    for cell in cells:
        places.setdefault(cell.site_id, {})[cell.skill_id] = cell
    table = [(names[site_id], [row.get(skill.pk) for skill in columns]) for site_id, row in places.items()]
    papers = list(resources.expiring(today=today, within_days=SOON_DAYS)[: MOST_PAPERS + 1])
    return {
        "skills": columns,
        "matrix": sorted(table, key=lambda row: row[0]),
        "gaps": sum(cell.gap for cell in cells),
        "papers": [(paper, *BANDS[resources.expiry_band(paper.expires_on, today)]) for paper in papers[:MOST_PAPERS]],
        "more_papers": len(papers) > MOST_PAPERS,
    }


def _stock() -> dict[str, Any]:
    levels = list(resources.stock_levels().order_by("site__name", "material__code")[: MOST_LEVELS + 1])
    rows = [(level, *_in_units_of_the_site(level)) for level in levels]
    return {"levels": rows[:MOST_LEVELS], "more_levels": len(rows) > MOST_LEVELS}


def _in_units_of_the_site(level: Any) -> tuple[str, str, str]:
    """Figure and unit as its site shows them, and what is stored where that is something else."""
    stored = f"{level.quantity.normalize():,f}", str(resources.UNITS[level.material.unit])
    found = shown(level.quantity, level.material.unit, level.site.units)
    return (*stored, "") if found is None else (f"{found[0].normalize():,f}", found[1], " ".join(stored))


# The week ------------------------------------------------------------------------------------------------------------


def _monday(week: str | None, today: date) -> date:
    if week is None:
        return today - timedelta(days=today.weekday())
    found = WEEK.fullmatch(week)
    if found is None:
        raise NotFound
    try:
        return date.fromisocalendar(int(found[1]), int(found[2]), 1)
    except ValueError:  # most years have 52 weeks
        raise NotFound from None


def _name(monday: date) -> str:
    year, week, _ = monday.isocalendar()
    return f"{year}-W{week:02}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time.min, zone)


def _lines(found: Iterable[Any], monday: date, zone: ZoneInfo) -> Sequence[Line]:
    """By name, people before machines."""
    lines: dict[tuple[bool, str], Line] = {}
    for booking in found:
        name = str(booking.person or booking.equipment)
        line = lines.setdefault((booking.person is None, name), Line(name))
        first, last = resources.Window(booking.during.lower, booking.during.upper).days(str(zone))
        shown = range(max(0, (first - monday).days), min(6, (last - monday).days) + 1)
        for n in shown:
            line.days[n].append((booking, _hours(booking, monday + timedelta(days=n), zone), n == shown[0]))
    return [lines[key] for key in sorted(lines)]


def _hours(booking: Any, day: date, zone: ZoneInfo) -> str:
    begins, ends = booking.during.lower.astimezone(zone), booking.during.upper.astimezone(zone)
    begins_now, ends_now = begins.date() == day, ends <= _midnight(day + timedelta(days=1), zone)
    match begins_now, ends_now:
        case True, True:
            return f"{begins:%H:%M} – {ends:%H:%M}"
        case True, False:
            return f"from {begins:%H:%M}"
        case False, True:
            return f"until {ends:%H:%M}"
        case _:
            return "all day"
