"""Gateways: which were heard, by which rules they judge, and whether what they sent is all here, hour by hour."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from cloudmining.console.base import MemberPage
from cloudmining.console.charts import alone, as_csv, drawn
from cloudmining.console.paging import page_of
from edge_bridge.api import get_device
from edge_bridge.counts import api as counts
from optimization.api import DARK, Chart
from tenants.api import feed_head
from tenants.data import NotFound

TAB: Final = "console-gateways"
SPANS_H: Final = {"24": "a day", "168": "a week", "744": "a month"}
# Within it the way to us is all that is seen of a clock.
CLOCK_S: Final = 5.0
HEARD_S: Final = 120.0
COLOURS: Final = {
    "stored": "#1f77b4",
    "filtered": "#7f7f7f",
    "thinned": "#bcbd22",
    "quarantined": "#ff7f0e",
    "refused": "#9467bd",
    "lost": "#d62728",
}
GREEN: Final = "#2ca02c"
HEADERS: Final = ("Hour (UTC)", "Lane", *(name.capitalize() for name in counts.COUNTED), "Off by")


class Gateways(MemberPage):
    needs = {"GET": "view_alarms"}
    template = "console/gateways.html"

    def get(self, request: HttpRequest) -> TemplateResponse:
        head, page = feed_head(), page_of(request, counts.devices())
        seen = counts.gateways_seen(page["rows"])
        page["rows"] = [(each, *_speech(each)) for each in seen]
        return self.page(self.template, tab=TAB, head=head, **page)


class GatewayRows(Gateways):
    """The inside of the list, as it stands now."""

    template = "console/_gateways.html"


class GatewayPage(MemberPage):
    """`?hours=24`."""

    needs = {"GET": "view_alarms"}
    template = "console/gateway.html"

    def get(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        head, device = feed_head(), get_device(device_id, needs="view_alarms")
        (seen,) = counts.gateways_seen([device])
        tone, words = _speech(seen)
        clock_tone, clock = _clock(seen)
        hours, chart = self.balance(device)
        place = f"{reverse('console-gateway-figure', args=[device.pk])}?hours={self.hours}"
        context = {"seen": seen, "tone": tone, "words": words, "clock_tone": clock_tone, "clock": clock}
        context |= {"spans": SPANS_H, "hours": self.hours}
        context |= {"chart": drawn(chart, place, DARK) if hours else None, "streams": counts.streams(device)}
        return self.page(self.template, tab=TAB, head=head, **context)

    @property
    def hours(self) -> str:
        hours = self.request.GET.get("hours", "24")
        if hours not in SPANS_H:
            raise NotFound
        return hours

    def balance(self, device: Any) -> tuple[list[counts.HourOfLane], Chart]:
        until = datetime.now(UTC)
        since = max(until - timedelta(hours=int(self.hours)), until - timedelta(days=31))
        found = counts.balance_of(device, since=since, until=until)
        return found, _chart(device.name, found)


class GatewayBody(GatewayPage):
    """The inside of the page, as it stands now."""

    template = "console/_gateway_body.html"


class GatewayFigure(GatewayPage):
    """The balance alone."""

    def get(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        hours, chart = self.balance(get_device(device_id, needs="view_alarms"))
        if not hours:
            raise NotFound
        return alone(request, chart.title, chart.figure)


class GatewayCsv(GatewayPage):
    def get(self, request: HttpRequest, device_id: UUID) -> HttpResponse:
        chart = self.balance(get_device(device_id, needs="view_alarms"))[1]
        return as_csv("balance", chart.headers, chart.rows)


def _speech(seen: counts.Seen) -> tuple[str, str]:
    """Whether it speaks: a tone, and words."""
    if seen.device.revoked_at is not None:
        return "low", "revoked"
    if seen.device.silent_at is not None:
        return "bad", "silent" if seen.device.first_heard_at else "silent, never heard"
    if seen.device.first_heard_at is None:
        return "medium", "never heard"
    is_heard = seen.heard_at is not None and (datetime.now(UTC) - seen.heard_at).total_seconds() < HEARD_S
    return ("good", "heard") if is_heard else ("medium", "quiet")


def _clock(seen: counts.Seen) -> tuple[str, str]:
    ahead_s = seen.session.ahead_s if seen.session else None
    if ahead_s is None:
        return "", "not known"
    if abs(ahead_s) <= CLOCK_S:
        return "", f"as ours, within {CLOCK_S:.0f} s"
    return "medium", f"{abs(ahead_s):,.0f} s {'before' if ahead_s > 0 else 'behind'} ours"


def _chart(name: str, hours: list[counts.HourOfLane]) -> Chart:
    """Readings that came to be known in each hour by what became of them; the line is what terminals gave."""
    known: defaultdict[datetime, dict[str, int]] = defaultdict(lambda: dict.fromkeys((*COLOURS, "produced"), 0))
    for hour in hours:
        named = ("produced",) if hour.lane == "p1" else COLOURS if hour.lane == "p2" else ()
        for each in named:
            known[hour.begins_at][each] += getattr(hour, each)
    x = [f"{at:%d %b %H:%M}" for at in known]
    bars = [
        {"type": "bar", "name": each, "x": x, "y": y, "marker": {"color": colour}}
        for each, colour in COLOURS.items()
        if any(y := [counted[each] for counted in known.values()])
    ]
    look = {"line": {"color": GREEN}, "marker": {"color": GREEN, "size": 6}}
    line = {"type": "scatter", "mode": "lines+markers", "name": "taken from terminals", **look}
    data = [*bars, {**line, "x": x, "y": [counted["produced"] for counted in known.values()]}]
    layout = {
        "title": {"text": f"Readings of {name} by the hour, and what became of them"},
        "xaxis": {"title": {"text": "hour (UTC)"}},
        "yaxis": {"title": {"text": "readings"}},
        "barmode": "stack",
        "template": "plotly_white",
    }
    rows = [_row(hour) for hour in reversed(hours)]
    return Chart("balance", "gateways", {"data": data, "layout": layout}, HEADERS, rows)


def _row(hour: counts.HourOfLane) -> tuple[Any, ...]:
    counted = (getattr(hour, name) for name in counts.COUNTED)
    return f"{hour.begins_at:%Y-%m-%d %H:%M}", hour.lane, *counted, hour.off_by
