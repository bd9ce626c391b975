"""What machines of a site did, drawn: their time by category, tonnes against the plan hour by hour, why they stood."""

from datetime import timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from edge_bridge.production import api as producing
from optimization.api import Chart

MINUTE: Final = timedelta(minutes=1)
WORDS: Final = {
    producing.Category.PRODUCTIVE: "productive",
    producing.Category.NON_PRODUCTIVE: "other work",
    producing.Category.OPERATING_DELAY: "operating delay",
    producing.Category.STANDBY: "standby",
    producing.Category.PLANNED_MAINTENANCE: "planned maintenance",
    producing.Category.UNPLANNED_MAINTENANCE: "unplanned maintenance",
    producing.Category.UNSCHEDULED: "unscheduled",
    producing.Category.NO_DATA: "no data",
}


def charts_of(found: producing.Report) -> list[Chart]:
    """None for a site without machines."""
    if not found.machines:
        return []
    return [_time_usage(found), _hour_strip(found), *([_stops(found)] if found.causes else [])]


def _time_usage(found: producing.Report) -> Chart:
    codes = [machine.equipment.code for machine in found.machines]
    hours = {
        words: [machine.figures.in_(category) / producing.HOUR for machine in found.machines]
        for category, words in WORDS.items()
    }
    bars = [{"type": "bar", "name": words, "x": codes, "y": spent} for words, spent in hours.items() if any(spent)]
    layout = _layout(f"Time of machines at {_name(found)}", "machine", "hours") | {"barmode": "stack"}
    rows = list(zip(codes, *hours.values(), strict=True))
    headers = ("Machine", *(f"{words} (h)" for words in hours))
    return Chart("time-usage", "production", {"data": bars, "layout": layout}, headers, rows)


def _hour_strip(found: producing.Report) -> Chart:
    """Plan against actual, each hour of the site's clock."""
    zone = ZoneInfo(found.span.site.time_zone)
    begin = [f"{begins_at.astimezone(zone):%d %b %H:%M}" for begins_at, _ in found.hours]
    hauled = [figures.hauled_t for _, figures in found.hours]
    planned = [figures.planned_t for _, figures in found.hours]
    data: list[dict[str, Any]] = [{"type": "bar", "name": "hauled", "x": begin, "y": hauled}]
    if any(planned):
        data.append({"type": "scatter", "mode": "lines", "name": "planned", "x": begin, "y": planned})
    figure = {"data": data, "layout": _layout(f"Tonnes an hour at {_name(found)}", "hour", "t")}
    rows = list(zip(begin, hauled, planned, strict=True))
    return Chart("hour-strip", "production", figure, ("Hour", "Hauled (t)", "Planned (t)"), rows)


def _stops(found: producing.Report) -> Chart:
    """A Pareto chart: the causes for which machines stood, the longest first, and the share of all up to each."""
    names, spent = [_cause(each) for each in found.causes], [each.duration / MINUTE for each in found.causes]
    through = [100 * each.through_frac for each in found.causes]
    bars = {"type": "bar", "name": "minutes", "x": names, "y": spent}
    line: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "name": "share up to here",
        "x": names,
        "y": through,
    }
    line |= {"marker": {"size": 6}, "yaxis": "y2"}
    right = {"title": {"text": "% of all"}, "overlaying": "y", "side": "right", "range": [0, 105], "showgrid": False}
    layout = _layout(f"Why machines stood at {_name(found)}", "cause", "minutes") | {"yaxis2": right}
    counted = [(WORDS[each.category], each.n) for each in found.causes]
    rows = [(*row, *of) for row, of in zip(zip(names, spent, through, strict=True), counted, strict=True)]
    headers = ("Cause", "Minutes", "Share up to here (%)", "Counts as", "Times")
    return Chart("stops", "production", {"data": [bars, line], "layout": layout}, headers, rows)


def _cause(cause: producing.Cause) -> str:
    """Another for each cause: where somebody said what a stop was, with that."""
    state = "silent" if cause.state is None else cause.state.name.lower()
    reason = f", {cause.stop_reason.name.lower()}" if cause.stop_reason else ""
    is_said = cause.category is not producing.categorise(cause.state, cause.stop_reason)
    return f"{state}{reason}".replace("_", " ") + (f" as {WORDS[cause.category]}" if is_said else "")


def _layout(title: str, across: str, up: str) -> dict[str, Any]:
    return {
        "title": {"text": title},
        "xaxis": {"title": {"text": across}},
        "yaxis": {"title": {"text": up}},
        "template": "plotly_white",
    }


def _name(found: producing.Report) -> str:
    """The code where an agreement hides the name."""
    return found.span.site.name or found.span.site.code
