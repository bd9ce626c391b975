"""Charts on pages: drawn here as a still picture with its numbers beside it; alone, they are drawn by plotly.js."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.safestring import SafeString, mark_safe

from optimization.api import DARK, Chart, Look, csv_bytes, svg_of
from tenants.data import NotFound

MOST_ROWS = 200
# plotly.js writes style attributes, which the console's own policy refuses. Its page is therefore shut off from
# everything else: without an origin it has no cookies, and it may load nothing but our scripts.
SHUT_OFF = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'self'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True, slots=True)
class Drawn:
    """A chart as `console/_chart.html` shows it; `place` is the address under which it is found alone."""

    title: str
    picture: SafeString
    headers: Sequence[str]
    rows: Sequence[Sequence[Any]]
    n_rows: int
    place: str
    is_broad: bool

    @property
    def csv_place(self) -> str:
        path, mark, query = self.place.partition("?")
        return f"{path}.csv{mark}{query}"


def drawn(chart: Chart, place: str, look: Look = DARK) -> Drawn:
    look = replace(look, height_px=chart.figure["layout"].get("height", look.height_px))
    picture = mark_safe(svg_of(chart.figure, look))
    is_broad = look.width_px >= DARK.width_px
    return Drawn(chart.title, picture, chart.headers, chart.rows[:MOST_ROWS], len(chart.rows), place, is_broad)


def one_of(charts: Sequence[Chart], name: str) -> Chart:
    """The chart of this name; NotFound if there is none."""
    found = next((chart for chart in charts if chart.name == name), None)
    if found is None:
        raise NotFound
    return found


def alone(request: HttpRequest, title: str, figure: dict[str, Any]) -> TemplateResponse:
    """A page of its own on which the figure can be zoomed, read and saved as a picture."""
    response = TemplateResponse(request, "console/figure.html", {"title": title, "figure": figure})
    response.headers["Content-Security-Policy"] = SHUT_OFF
    return response


def as_csv(name: str, headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> HttpResponse:
    answer = HttpResponse(csv_bytes(headers, rows), content_type="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer
