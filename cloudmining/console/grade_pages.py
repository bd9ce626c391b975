"""Grades for planners and geologists: sets in versions, and one with the samples it was fitted to."""

from collections import defaultdict
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import Drawn, alone, as_csv, drawn, one_of
from cloudmining.console.paging import page_of
from optimization import api as optimization
from optimization.api import DARK, MIDDLE, Chart
from tenants.api import feed_head

SAMPLES = "samples"
MOST_BATCHES, MOST_RETESTS, MOST_CHARTS = 10, 20, 24


class GradeList(MemberPage):
    needs = {"GET": "view_plans"}
    template = "console/grades.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head = feed_head()
        page = page_of(request, optimization.grade_sets())
        held: defaultdict[UUID, list[Any]] = defaultdict(list)
        for retest in optimization.grade_retests().filter(grade_set__in=page["rows"]):
            held[retest.grade_set_id].append(retest)
        page["rows"] = [(each, held[each.pk]) for each in page["rows"]]
        batches = optimization.grade_batches().order_by("-pk")[:MOST_BATCHES]
        return self.page(self.template, head=head, tab="console-grades", batches=batches, **page)


class GradeRows(GradeList):
    template = "console/_grades.html"


class GradePage(MemberPage):
    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, set_id: UUID) -> TemplateResponse:
        head = feed_head()
        grade_set = optimization.get_grade_set(set_id)
        found = optimization.grade_charts(grade_set)
        charts = [_drawn(grade_set, chart) for chart in found[:MOST_CHARTS]]
        retests = optimization.grade_retests(grade_set=grade_set)[:MOST_RETESTS]
        context = {"grade_set": grade_set, "evidence": grade_set.evidence, "retests": retests}
        more = max(0, len(found) - MOST_CHARTS)
        return self.page("console/grade_set.html", head=head, tab="console-grades", charts=charts, more=more, **context)


class GradeFigure(MemberPage):
    """One figure alone, for zooming and saving it."""

    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, set_id: UUID, name: str) -> HttpResponse:
        chart = _chart(set_id, name)
        return alone(request, chart.title, chart.figure)


class GradeFigureCsv(MemberPage):
    needs = {"GET": "view_plans"}

    def get(self, request: HttpRequest, set_id: UUID, name: str) -> HttpResponse:
        chart = _chart(set_id, name)
        return as_csv(f"{name}-{set_id}", chart.headers, chart.rows)


def _drawn(grade_set: Any, chart: Chart) -> Drawn:
    """Samples of many places take the whole width, a test of one does not."""
    is_test = not any(row[0] == SAMPLES for row in chart.rows)
    place = reverse("console-grade-figure", args=[grade_set.pk, chart.name])
    return drawn(chart, place, MIDDLE if is_test else DARK)


def _chart(set_id: UUID, name: str) -> Chart:
    return one_of(optimization.grade_charts(optimization.get_grade_set(set_id)), name)
