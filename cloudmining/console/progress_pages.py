"""How far all contracts of an organisation are, together: what was to be accepted by when, and what was, with its
evidence. Those that it works on, and those that it ordered."""

from datetime import UTC, datetime

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn, one_of
from cloudmining.console.contract_charts import progress_of_all
from marketplace.contracts.api import progress
from optimization.api import DARK, Chart

SIDES = {"worked": "firm", "ordered": "tenant"}


class OfContracts(MemberPage):
    needs = {"GET": "view_tasks"}

    def charts(self) -> list[Chart]:
        """One for each side and currency."""
        now = datetime.now(UTC)
        return [chart for kind, side in SIDES.items() for chart in progress_of_all(progress(side), kind, now)]


class ProgressPage(OfContracts):
    def get(self, request: HttpRequest) -> TemplateResponse:
        shown: dict[str, list[object]] = {kind: [] for kind in SIDES}
        for each in self.charts():
            shown[each.kind].append(drawn(each, reverse("console-progress-figure", args=[each.name]), DARK))
        return self.page("console/progress.html", tab="console-contracts", **shown)


class ProgressFigure(OfContracts):
    """One chart alone."""

    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return alone(request, chart.title, chart.figure)


class ProgressCsv(OfContracts):
    def get(self, request: HttpRequest, name: str) -> HttpResponse:
        chart = one_of(self.charts(), name)
        return as_csv(chart.name, chart.headers, chart.rows)
