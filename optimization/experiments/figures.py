"""Figures as Plotly specifications, plain dictionaries: any Plotly, in Python or in the browser, draws them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optimization.experiments.store import Row
from optimization.explain.waterfall import Step

Figure = dict[str, Any]


def boxes(rows: Sequence[Row]) -> Figure:
    """Rows of `robustness`, one meaning: a box for each size and case."""
    traces = [
        {"type": "box", "name": f"{row['size']}, case {row['case']}", "y": row["values"], "boxpoints": "all"}
        for row in rows
    ]
    is_cost = not rows or rows[0]["meaning"] == "replan"
    what = ("Cost when planned anew, $", "$") if is_cost else ("Tonnes short when the plan is kept", "t")
    return _figure(traces, what[0], "", what[1])


def lines(rows: Sequence[Row]) -> Figure:
    """Rows of `sensitivity` of one size: a line a case, its linear trend dashed, reversals marked."""
    traces: list[Figure] = []
    for row in rows:
        points = [p for p in row["points"] if p["objective_usd"] is not None]
        xs, name = [p["ability"] for p in points], f"case {row['case']}"
        ys = [p["objective_usd"] for p in points]
        traces.append({"type": "scatter", "mode": "lines+markers", "name": name, "x": xs, "y": ys})
        if "slope" in row:
            ends = [min(xs), max(xs)]
            trend = [row["intercept"] + row["slope"] * x for x in ends]
            label = f"{name}: R² {row['r_squared']:.2f}"
            traces.append(_line(ends, trend, label))
        marked = {r["ability"] for r in row["reversals"]} & set(xs)
        if marked:
            at = sorted(marked)
            traces.append(_marks(at, [ys[xs.index(x)] for x in at], f"{name}: reversal within the gap"))
    title = f"Cost against mining ability, {rows[0]['size']}" if rows else "Cost against mining ability"
    return _figure(traces, title, "share of the mining ability", "$")


def tornado_bars(rows: Sequence[Row]) -> Figure:
    """Rows of `tornado`: bars about the base, the widest on top; a side without a plan has no bar."""
    rows = [row for row in reversed(rows) if row["base_usd"] is not None]
    names = [row["parameter"] for row in rows]
    change = f"{rows[0]['change_frac']:.0%}" if rows else ""
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": f"{sign}{change}",
            "y": names,
            "x": [None if row[side] is None else row[side] - row["base_usd"] for row in rows],
        }
        for side, sign in (("low_usd", "−"), ("high_usd", "+"))
    ]
    figure = _figure(traces, "Cost against each parameter", "change of the cost, $", "")
    figure["layout"]["barmode"] = "overlay"
    return figure


def protection(rows: Sequence[Row]) -> Figure:
    """Rows of `price_of_robustness`: what protection costs, and what it gives, over Γ."""
    known = [row for row in rows if row["premium_frac"] is not None]
    xs = [row["budget"] for row in known]
    traces = [
        _curve(xs, [100 * row["premium_frac"] for row in known], "premium over Γ = 0, %"),
        _curve(xs, [100 * row["held_frac"] for row in known], "draws that hold, %") | {"yaxis": "y2"},
    ]
    figure = _figure(traces, "Price of robustness", "Γ, locations that may fall at once", "premium, %")
    figure["layout"]["yaxis2"] = {"title": {"text": "draws that hold, %"}, "overlaying": "y", "side": "right"}
    return figure


def bars(rows: Sequence[Row], title: str) -> Figure:
    """Rows with `way` and `objective_usd`: a bar a way."""
    ways, costs = [row["way"] for row in rows], [row["objective_usd"] for row in rows]
    return _figure([{"type": "bar", "x": ways, "y": costs, "name": "cost"}], title, "", "$")


def waterfall(steps: Sequence[Step], title: str = "Cost") -> Figure:
    """One cut of `explain.waterfall.cost_waterfall`, and the total at its end."""
    trace = {
        "type": "waterfall",
        "x": [*(step.name.replace("_", " ") for step in steps), "total"],
        "y": [*(step.usd for step in steps), None],
        "measure": [*("relative" for _ in steps), "total"],
    }
    return _figure([trace], title, "", "$")


def _curve(xs: Sequence[float], ys: Sequence[float], name: str) -> Figure:
    return {"type": "scatter", "mode": "lines+markers", "x": list(xs), "y": list(ys), "name": name}


def _line(xs: Sequence[float], ys: Sequence[float], name: str) -> Figure:
    return {"type": "scatter", "mode": "lines", "line": {"dash": "dash"}, "x": list(xs), "y": list(ys), "name": name}


def _marks(xs: Sequence[float], ys: Sequence[float], name: str) -> Figure:
    marker = {"symbol": "x", "size": 12}
    return {"type": "scatter", "mode": "markers", "marker": marker, "x": list(xs), "y": list(ys), "name": name}


def _figure(traces: Sequence[Figure], title: str, x: str, y: str) -> Figure:
    axes = {"xaxis": {"title": {"text": x}}, "yaxis": {"title": {"text": y}}}
    return {"data": list(traces), "layout": {"title": {"text": title}, **axes}}
