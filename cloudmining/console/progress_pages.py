"""How far all contracts of a firm are, together: what was to be accepted by when, and what was, with its evidence."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.contract_charts import progress_of_all
from marketplace.contracts.api import progress_of_firm
from optimization.api import DARK, Chart


class OfFirm(MemberPage):
    needs = {"GET": "view_tasks"}

    def charts(self) -> list[Chart]:
        """One for each currency that the firm is paid in."""
        return progress_of_all(progress_of_firm(), datetime.now(UTC))


class ProgressPage(OfFirm):
    def get(self, request: HttpRequest) -> TemplateResponse:
        shown = [drawn(each, reverse("console-progress-figure", args=[each.name]), DARK) for each in self.charts()]
        return self.page("console/progress.html", tab="console-contracts", charts=shown)


class ProgressFigure(OfFirm):
    """One chart alone."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return alone(request, chart.title, chart.figure)


class ProgressCsv(OfFirm):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return as_csv(chart.name, chart.headers, chart.rows)
