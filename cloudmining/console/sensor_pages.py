"""Sensors: the worst of yesterday, tags that nobody understands, all of them, and one series with its trend, gaps and
lineage."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from edge_bridge.api import get_series
from edge_bridge.readings import api as readings
from optimization.api import DARK, Chart
from tenants.api import feed_head
from tenants.data import NotFound

SPANS_H: Final = {"1": "an hour", "24": "a day", "168": "a week", "720": "a month"}
MOST_POINTS: Final = 600
MOST_SHOWN: Final = 30
MOST_LISTED: Final = 200
MOST_CHARS: Final = 64
DAYS_BACK: Final = 6
BLUE, PALE, GREY, RED = "#1f77b4", "rgba(31,119,180,0.2)", "#7f7f7f", "#d62728"


class Sensors(MemberPage):
    """`?name=` is part of a tag or of a machine's code."""

    needs = {"GET": "view_telemetry"}

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, day = feed_head(), datetime.now(UTC).date() - timedelta(days=1)
        name = request.GET.get("name", "")[:MOST_CHARS]
        found = readings.own_series(name).order_by("equipment__code", "tag")[: MOST_LISTED + 1]
        context = {"day": day, "worst": readings.worst(day, limit=MOST_SHOWN), "unknown": readings.unknown_tags()}
        context |= {"name": name, "series": found[:MOST_LISTED], "more": len(found) > MOST_LISTED}
        return self.page("console/sensors.html", tab="console-sensors", head=head, **context)


class SeriesPage(MemberPage):
    """`?hours=24`."""

    needs = {"GET": "view_telemetry"}

    def get(self, request: HttpRequest, series_id: UUID) -> HttpResponse:
        head, series = feed_head(), get_series(series_id)
        trend, chart = self.trend(series)
        place = f"{reverse('console-series-figure', args=[series.pk])}?hours={self.hours}"
        context = {"series": series, "trend": trend, "hours": self.hours, "spans": SPANS_H}
        context["chart"] = drawn(chart, place, DARK) if trend.points and not trend.masked else None
        if series.tenant_id == self.actor.tenant_id:
            today = datetime.now(UTC).date()
            days = readings.quality_by_day(series, first=today - timedelta(days=DAYS_BACK), last=today)
            context |= {"lineage": readings.lineage(series), "days": days[::-1]}
        return self.page("console/series.html", tab="console-sensors", head=head, **context)

    @property
    def hours(self) -> str:
        hours = self.request.GET.get("hours", "24")
        if hours not in SPANS_H:
            raise NotFound
        return hours

    def trend(self, series: Any) -> tuple[readings.Trend, Chart]:
        until = datetime.now(UTC)
        asked = readings.Asked(until - timedelta(hours=int(self.hours)), until, points=MOST_POINTS)
        found = readings.trend(series, asked)
        return found, _chart(found, readings.limits_of(series) if self.actor.can("view_alarms") else {})


class SeriesFigure(SeriesPage):
    """The trend alone."""

    def get(self, request: HttpRequest, series_id: UUID) -> HttpResponse:
        trend, chart = self.trend(get_series(series_id))
        if trend.masked or not trend.points:
            raise NotFound
        return alone(request, chart.title, chart.figure)


class SeriesCsv(SeriesPage):
    def get(self, request: HttpRequest, series_id: UUID) -> HttpResponse:
        chart = self.trend(get_series(series_id))[1]
        return as_csv("trend", chart.headers, chart.rows)


def _chart(trend: readings.Trend, limits: dict[str, float]) -> Chart:
    """Hours before the end across; the line is broken where readings are missing."""
    layout = {
        "title": {"text": f"{trend.series.tag or 'A series'} at {trend.series.equipment.code}"},
        "xaxis": {"title": {"text": f"hours before {trend.until:%d %b %H:%M} UTC"}},
        "yaxis": {"title": {"text": trend.series.unit}},
        "template": "plotly_white",
    }
    data = [*_lines(trend), *_gaps(trend), *_limits(trend, limits)]
    rows = readings.as_csv_rows(trend)
    headers = ("At (UTC)", "Mean", "Lowest", "Highest", "Readings", "Gap")
    return Chart("trend", "trends", {"data": data, "layout": layout}, headers, rows)


def _lines(trend: readings.Trend) -> Iterator[dict[str, Any]]:
    for k, points in enumerate(_unbroken(trend)):
        x, first = [_hours(trend, point.at) for point in points], k == 0
        ends = {"type": "scatter", "mode": "lines", "x": x, "showlegend": False, "line": {"color": GREY, "width": 0.5}}
        yield {**ends, "name": "lowest", "y": [point.lowest for point in points]}
        filled = {"fill": "tonexty", "fillcolor": PALE}
        yield {**ends, **filled, "name": "highest", "y": [point.highest for point in points]}
        line = {"type": "scatter", "mode": "lines", "x": x, "line": {"color": BLUE}, "showlegend": first}
        yield {**line, "name": "mean", "y": [point.value for point in points]}


def _unbroken(trend: readings.Trend) -> list[list[Any]]:
    """The points with a value, in stretches between missing spans."""
    starts = [gap.to_at for gap in trend.missing]
    stretches: dict[int, list[Any]] = {}
    for point in trend.points:
        if point.value is not None:
            stretches.setdefault(sum(point.at >= start for start in starts), []).append(point)
    return list(stretches.values())


def _gaps(trend: readings.Trend) -> Iterator[dict[str, Any]]:
    """Strokes along the foot, in one colour for each reason."""
    lowest = min((point.lowest for point in trend.points if point.lowest is not None), default=0.0)
    named: set[str] = set()
    for gap in trend.missing:
        x = [_hours(trend, gap.from_at), _hours(trend, gap.to_at)]
        line = {"color": RED if gap.reason in ("silent", "bad", "lost") else GREY, "width": 5}
        look = {"type": "scatter", "mode": "lines", "line": line, "showlegend": gap.reason not in named}
        yield {**look, "name": f"no readings: {gap.reason.replace('_', ' ')}", "x": x, "y": [lowest, lowest]}
        named.add(gap.reason)


def _limits(trend: readings.Trend, limits: dict[str, float]) -> Iterator[dict[str, Any]]:
    ends: Sequence[float] = [_hours(trend, trend.since), 0.0]
    for name, limit in limits.items():
        line = {"color": RED, "dash": "dash"}
        yield {
            "type": "scatter",
            "mode": "lines",
            "name": f"limit of {name}",
            "x": ends,
            "y": [limit] * 2,
            "line": line,
        }


def _hours(trend: readings.Trend, at: datetime) -> float:
    return round((at - trend.until) / timedelta(hours=1), 4)
