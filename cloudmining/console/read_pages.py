"""Who was given what of whose data, under which agreement: the list, by day, and as CSV."""

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.paging import page_of
from optimization.api import Chart
from tenants.api import read_rows_by_day, shared_reads
from tenants.data import Actor, NotFound

MOST_CSV_ROWS: Final = 10_000
MOST_DAYS: Final = 31
SIDES: Final = {"given": "Read by partners", "taken": "Read by us"}
CSV_COLUMNS: Final = {
    "When (UTC)": "read_at",
    "Owner": "agreement.owner_name",
    "Reader": "agreement.partner_name",
    "Person": "user_name",
    "Via": "via",
    "Agreement": "agreement.title",
    "Clause": "clause_id",
    "Permission": "permission",
    "Purpose": "purpose",
    "Kind": "kind",
    "Rows": "n_rows",
    "First": "first_id",
    "Last": "last_id",
    "SHA-256 of the ids": "ids_hash",
}


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
        chart = _by_day(self.side, self.actor)
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
        chart = _by_day(self.side, self.actor)
        return alone(request, chart.title, chart.figure)


class ReadChartCsv(ReadPage):
    def get(self, request: HttpRequest) -> HttpResponse:
        chart = _by_day(self.side, self.actor)
        return as_csv(f"rows-by-day-{self.side}", chart.headers, chart.rows)


class ReadCsv(ReadPage):
    """The newest records in full."""

    def get(self, request: HttpRequest) -> HttpResponse:
        newest = shared_reads(side=self.side).order_by("-pk")[:MOST_CSV_ROWS]
        return as_csv(f"reads-{self.side}", tuple(CSV_COLUMNS), [_csv_row(read) for read in newest])


def _csv_row(read: Any) -> list[str]:
    row = []
    for path in CSV_COLUMNS.values():
        value = read
        for name in path.split("."):
            value = getattr(value, name)
        row.append(value.isoformat() if path == "read_at" else str(value))
    return row


def _by_day(side: str, actor: Actor) -> Chart:
    rows = read_rows_by_day(shared_reads(side=side), MOST_DAYS)
    days = sorted({row["day"].isoformat() for row in rows})
    titles = sorted({row["agreement__title"] for row in rows})
    n = {(row["agreement__title"], row["day"].isoformat()): row["n"] for row in rows}
    traces = [
        {"type": "bar", "name": title, "x": days, "y": [n.get((title, day), 0) for day in days]} for title in titles
    ]
    total = sum(n.values())
    layout = {
        "title": {"text": f"{total} rows were {SIDES[side].lower()} on {len(days)} days"},
        "barmode": "stack",
        "xaxis": {"title": {"text": "Day (UTC)"}, "type": "category"},
        "yaxis": {"title": {"text": "Rows"}},
    }
    table = [(row["day"].isoformat(), row["agreement__title"], row["n"]) for row in rows]
    return Chart("rows-by-day", "reads", {"data": traces, "layout": layout}, ("Day (UTC)", "Agreement", "Rows"), table)
