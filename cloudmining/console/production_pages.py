"""What a site's machines did in a day or a shift: time by category, tonnes by the hour, why they stood, hand-overs."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.paging import uuid_of
from cloudmining.console.panels import STATE_WORDS
from cloudmining.console.production_charts import charts_of
from edge_bridge.production import api as producing
from optimization.api import DARK, Chart
from tenants.api import feed_head, get_equipment, get_site, granted, sites
from tenants.data import FieldError, Invalid, NotFound
from tenants.organisation.api import own_sites
from tenants.people.api import members

MOST_SITES: Final = 100
MOST_HANDOVERS: Final = 14
MOST_STOPS: Final = 200
OF_STOPS: Final = sorted(str(each) for each in producing.OF_STOPS)


class OfProduction(MemberPage):
    """`?site=…&day=2026-03-02&shift=night`; the first site and today unless given."""

    needs = {"GET": "view_production"}

    def places(self) -> list[Any]:
        """Own sites, then those whose production partners opened."""
        own = own_sites().order_by("name")[:MOST_SITES]
        opened = sites().filter(pk__in=granted("sites", "view_production")).order_by("name")[:MOST_SITES]
        return [*own, *opened]

    def report(self, places: Sequence[Any] = ()) -> producing.Report:
        asked = self.request.GET
        if not asked.get("site") and not places:
            raise NotFound
        site = get_site(uuid_of(asked["site"]), needs="view_production") if asked.get("site") else places[0]
        day = _day(asked.get("day", ""))
        return producing.report(producing.span_of(site, day=day, shift=asked.get("shift", "")))


class ProductionPage(OfProduction):
    def get(self, request: HttpRequest) -> HttpResponse:
        head, places = feed_head(), self.places()
        if not places and "site" not in request.GET:
            return self.page("console/production.html", tab="console-production", head=head, sites=[])
        found = self.report(places)
        span = found.span
        is_own = span.site.tenant_id == self.actor.tenant_id
        context = {"site": span.site, "sites": places, "span": span, "figures": found.figures}
        context |= {"machines": found.machines, "shifts": producing.calendar(span.site).shifts(span.day)}
        context |= {"charts": [drawn(chart, self.place(chart, found), DARK) for chart in charts_of(found)]}
        context |= {"handovers": list(producing.handovers_of(span.site).order_by("-begins_at")[:MOST_HANDOVERS])}
        context |= {"may_hand_over": is_own and self.actor.can("acknowledge_alarms")}
        return self.page("console/production.html", tab="console-production", head=head, **context)

    def place(self, chart: Chart, found: producing.Report) -> str:
        span = found.span
        asked = f"site={span.site.pk}&day={span.day}&shift={span.shift}"
        return f"{reverse('console-production-figure', args=[chart.name])}?{asked}"


class ProductionFigure(OfProduction):
    """One chart alone."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(charts_of(self.report(self.places())), name)
        return alone(request, chart.title, chart.figure)


class ProductionFigureCsv(OfProduction):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(charts_of(self.report(self.places())), name)
        return as_csv(chart.name, chart.headers, chart.rows)


class MachineProduction(OfProduction):
    """When one machine stood, and what of it; its owner says what a stop was."""

    needs = {"GET": "view_production", "POST": "acknowledge_alarms"}

    def get(self, request: HttpRequest, equipment_id: UUID) -> HttpResponse:
        head, machine = feed_head(), get_equipment(equipment_id, needs="view_production")
        asked = request.GET
        span = producing.span_of(machine.site, day=_day(asked.get("day", "")), shift=asked.get("shift", ""))
        (found,) = producing.report(span, [machine]).machines
        is_own = machine.tenant_id == self.actor.tenant_id
        corrections = producing.corrections_of(machine).filter(ends_at__gt=span.since, begins_at__lt=span.until)
        context = {"machine": machine, "span": span, "zone": machine.site.time_zone, "masked": found.masked}
        context |= {"figures": found.figures, "stops": producing.stops(found, span)[:MOST_STOPS]}
        context |= {"corrections": list(corrections.order_by("-pk")[:MOST_STOPS])}
        context |= {"may_correct": is_own and self.actor.can("acknowledge_alarms"), "categories": OF_STOPS}
        return self.page("console/machine_production.html", tab="console-production", head=head, **context)

    def post(self, request: HttpRequest, equipment_id: UUID) -> HttpResponse:
        given, machine = request.POST, get_equipment(equipment_id, needs="acknowledge_alarms")
        begins_at, ends_at = _stop(given.get("stop", ""))
        reason = given.get("reason", "").strip()[: producing.MAX_CORRECTION_CHARS]
        if not reason:
            raise Invalid("Say why.", (FieldError("/reason", "is missing"),))
        producing.correct_stop(
            equipment=machine, begins_at=begins_at, ends_at=ends_at, category=given.get("category", ""), reason=reason
        )
        place = {name: given.get(name, "") for name in ("day", "shift")}
        return redirect(f"{reverse('console-machine-production', args=[machine.pk])}?{urlencode(place)}")


class HandoverDraft(MemberPage):
    needs = {"POST": "acknowledge_alarms"}

    def post(self, request: HttpRequest) -> HttpResponse:
        given = request.POST
        site = get_site(uuid_of(given.get("site", "")), needs="acknowledge_alarms")
        row = producing.draft_handover(
            site=site,
            shift=given.get("shift", ""),
            day=_day(given.get("day", "")),
            notes=given.get("notes", "").strip()[: producing.MAX_NOTES_CHARS],
        )
        return redirect("console-handover", row.pk)


class HandoverPage(MemberPage):
    """One hand-over as it was drafted, and who signed it."""

    needs = {"GET": "view_production", "POST": "acknowledge_alarms"}

    def get(self, request: HttpRequest, handover_id: UUID) -> HttpResponse:
        head, row = feed_head(), producing.get_handover(handover_id)
        may_sign = self.actor.can("acknowledge_alarms") and row.incoming_at is None
        may_sign = may_sign and row.outgoing_id != self.actor.user_id
        context = {"handover": row, "said": row.said, "may_sign": may_sign, "site": row.site, "states": STATE_WORDS}
        signed = members().filter(user__in=[each for each in (row.outgoing_id, row.incoming_id) if each])
        context |= {"people": {str(each.user_id): each.user.name or each.user.email for each in signed}}
        return self.page("console/handover.html", tab="console-production", head=head, **context)

    def post(self, request: HttpRequest, handover_id: UUID) -> HttpResponse:
        row = producing.get_handover(handover_id, needs="acknowledge_alarms")
        producing.sign_handover(handover=row)
        return redirect("console-handover", row.pk)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise Invalid("That is no day.", (FieldError("/day", "such as 2026-03-02"),)) from None


def _stop(text: str) -> tuple[datetime, datetime]:
    """An interval as ISO 8601 has it, such as 2026-03-02T14:00:00Z/2026-03-02T15:00:00Z."""
    begins, _, ends = text.partition("/")
    try:
        begins_at, ends_at = datetime.fromisoformat(begins), datetime.fromisoformat(ends)
    except ValueError:
        begins_at = ends_at = datetime.min
    if begins_at.tzinfo is None or ends_at.tzinfo is None:
        raise Invalid("That is no stop.", (FieldError("/stop", "its beginning and its end with a slash between"),))
    return begins_at, ends_at
