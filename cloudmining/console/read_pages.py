"""Who was given what of whose data, under which agreement: the list, by day, and as CSV."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.paging import page_of
from optimization.api import Chart
from tenants.api import read_rows_by_day, shared_reads, shared_reads_csv
from tenants.data import NotFound
from tenants.rest.files import CSV, file_answer

MOST_DAYS: Final = 31
SIDES: Final = {"given": "Read by partners", "taken": "Read by us"}


class ReadPage(MemberPage):
    """`?side=` tells whose reads: `given`, of own data by partners, or `taken`, by the own organisation."""

    needs = {"GET": "view_agreements"}

    @property
    def side(self) -> str:
        side: str = self.request.GET.get("side", "given")
        if side not in SIDES:
            raise NotFound
        return side


class ReadList(ReadPage):
    def get(self, request: HttpRequest) -> TemplateResponse:
        found = shared_reads(side=self.side)
        chart = _by_day(self.side)
        place = f"{reverse('console-reads-chart')}?side={self.side}"
        return self.page(
            "console/reads.html",
            tab="console-reads",
            side=self.side,
            sides=SIDES,
            chart=drawn(chart, place) if chart.rows else None,
            **page_of(request, found),
        )


class ReadChart(ReadPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        chart = _by_day(self.side)
        return alone(request, chart.title, chart.figure)


class ReadChartCsv(ReadPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        chart = _by_day(self.side)
        return as_csv(f"rows-by-day-{self.side}", chart.headers, chart.rows)


class ReadCsv(ReadPage):
    """The newest records in full."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return file_answer(shared_reads_csv(shared_reads(side=self.side)), CSV, f"reads-{self.side}.csv")


def _by_day(side: str) -> Chart:
    rows = read_rows_by_day(shared_reads(side=side), MOST_DAYS)
    days = sorted({row["day"].isoformat() for row in rows})
    titles = sorted({row["agreement__title"] for row in rows})
    n = {(row["agreement__title"], row["day"].isoformat()): row["n"] for row in rows}
    traces = [
        {"type": "bar", "name": title, "x": days, "y": [n.get((title, day), 0) for day in days]} for title in titles
    ]
    total = sum(n.values())
    layout = {
        "title": {"text": f"{SIDES[side]}: {total} rows on {len(days)} {'day' if len(days) == 1 else 'days'}"},
        "barmode": "stack",
        "xaxis": {"title": {"text": "Day (UTC)"}, "type": "category"},
        "yaxis": {"title": {"text": "Rows"}},
    }
    table = [(row["day"].isoformat(), row["agreement__title"], row["n"]) for row in rows]
    return Chart("rows-by-day", "reads", {"data": traces, "layout": layout}, ("Day (UTC)", "Agreement", "Rows"), table)
