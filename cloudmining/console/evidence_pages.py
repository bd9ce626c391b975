"""What was frozen when a task was posted, drawn: each measured series with its values and the limit of the alarm."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import Drawn, alone, as_csv, drawn, one_of
from marketplace import api as marketplace
from optimization.api import SMALL, Chart

BLUE, RED = "#1f77b4", "#d62728"
HEADERS: Final = ("At (UTC)", "Value", "Quality")


def drawn_evidence(task: Any) -> list[Drawn]:
    """A small chart for each series of the snapshot that has readings."""
    return [
        drawn(chart, reverse("console-evidence-figure", args=[task.pk, chart.name]), SMALL)
        for chart in evidence_charts(task)
    ]


def evidence_charts(task: Any) -> list[Chart]:
    """Named by the id of their series; the alarm's own series is the first."""
    evidence = task.snapshot["evidence"] or {}
    readings, alarm = evidence.get("readings") or [], evidence.get("alarm") or {}
    found = [
        _chart(task, series, [row for row in readings if row[0] == series["id"]], alarm)
        for series in sorted(evidence.get("series") or [], key=lambda each: each["tag"] != alarm.get("tag"))
    ]
    return [chart for chart in found if chart.rows]


class EvidenceFigure(MemberPage):
    """One series alone."""

    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, task_id: UUID, series_id: UUID) -> HttpResponse:
        chart = one_of(evidence_charts(marketplace.get_task(task_id)), str(series_id))
        return alone(request, chart.title, chart.figure)


class EvidenceCsv(MemberPage):
    needs = {"GET": "view_tasks"}

    def get(self, request: HttpRequest, task_id: UUID, series_id: UUID) -> HttpResponse:
        chart = one_of(evidence_charts(marketplace.get_task(task_id)), str(series_id))
        return as_csv(f"evidence-{series_id}", chart.headers, chart.rows)


def _chart(task: Any, series: dict[str, Any], readings: list[list[Any]], alarm: dict[str, Any]) -> Chart:
    """Minutes before the last reading across; the title says how far the readings went."""
    points = [(datetime.fromisoformat(at), value, quality) for _, at, value, quality in readings]
    limit = alarm.get("limit") if alarm.get("tag") == series["tag"] else None
    values = [value for _, value, _ in points]
    place = f"{series['tag'] or 'A series'} of {task.snapshot['equipment_code']}"
    span = f", from {min(values):g} to {max(values):g} {series['unit']}".rstrip() if values else ""
    layout = {
        "title": {"text": place + span},
        "xaxis": {"title": {"text": f"minutes before {points[-1][0]:%d %b %H:%M} UTC" if points else "minutes"}},
        "yaxis": {"title": {"text": series["unit"]}},
        "template": "plotly_white",
    }
    rows = [(f"{at:%Y-%m-%d %H:%M:%S}", value, quality) for at, value, quality in points]
    return Chart(series["id"], "evidence", {"data": [*_lines(points, limit)], "layout": layout}, HEADERS, rows)


def _lines(points: list[tuple[datetime, float, str]], limit: float | None) -> Iterator[dict[str, Any]]:
    if not points:
        return
    x = [round((at - points[-1][0]) / timedelta(minutes=1), 3) for at, _, _ in points]
    look = {"type": "scatter", "mode": "lines"}
    yield {**look, "name": "measured", "x": x, "y": [value for _, value, _ in points], "line": {"color": BLUE}}
    if limit is not None:
        ends, line = [min(x[0], -1.0), 0.0], {"color": RED, "dash": "dash"}
        yield {**look, "name": "limit of the alarm", "x": ends, "y": [limit, limit], "line": line}
