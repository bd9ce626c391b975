"""Figures as Plotly specifications, plain dictionaries: any Plotly, in Python or in the browser, draws them.

Each title is a sentence that says what the rows show.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, groupby
from typing import Any

from optimization.drawing import COLOURS, GREY, Figure
from optimization.experiments.store import Row
from optimization.explain.waterfall import Step

NOTHING = "No plan was found, so there is nothing to show"
ACCEPTABLE_FRAC = 0.05
# Below half of what is shown as 0.1 %.
LEAST_FRAC = 0.0005
SMALL_CHANGE = 5.0
# A cost that rises is the bad news.
WATERFALL = {"increasing": COLOURS[1], "decreasing": COLOURS[2], "totals": COLOURS[0]}
NAMES = {
    "P": "mining ability", "Q": "milling ability", "Umax": "room at the mill", "alpha": "least grade",
    "pc": "processing cost", "h": "holding cost at the mill", "c": "mining cost", "K": "set-up of a location",
    "xmax": "ore in a location", "delta": "grade deviation", "R": "lane ability", "f": "freight to centres",
    "g": "holding cost at centres", "F": "shipment to a centre", "e": "freight to users", "G": "shipment to a user",
    "V": "room at centres", "D": "demand",
}  # fmt: skip


def title_of(figure: Figure) -> str:
    return str(figure["layout"]["title"]["text"])


def titled(figure: Figure, of_what: str) -> Figure:
    """With what it is a figure of before its title."""
    title = figure["layout"]["title"]
    return figure | {"layout": figure["layout"] | {"title": title | {"text": of_what + title["text"]}}}


# Table 1 -------------------------------------------------------------------------------------------------------------


def boxes(rows: Sequence[Row]) -> Figure:
    """Rows of `robustness`, one meaning: a box for each size and case; costs against the mean of their own box."""
    is_cost = not rows or rows[0]["meaning"] == "replan"
    traces = []
    for position, (case, part) in enumerate(_by(rows, _case_name)):
        points = [(_size_name(row), y) for row in part for y in _box_values(row, is_cost)]
        xs, ys = [x for x, _ in points], [y for _, y in points]
        traces.append({"type": "box", "name": case, "x": xs, "y": ys, "marker": {"color": _colour(position)}})
    unit = "cost against the mean of its case, %" if is_cost else "tonnes short in all periods, least stocks untouched"
    figure = _figure(traces, _replan_title(rows) if is_cost else _keep_title(rows), "mines-centres-users-periods", unit)
    figure["layout"]["boxmode"] = "group"
    return figure


def _box_values(row: Row, is_cost: bool) -> list[float]:
    return [100 * (value / row["mean"] - 1) for value in row["values"]] if is_cost else list(row["values"])


def _replan_title(rows: Sequence[Row]) -> str:
    spread = [row["coefficient_of_variation"] for row in rows if row.get("n")]
    if not spread:
        return NOTHING
    without = sum(row["infeasible"] + row["without_plan"] for row in rows)
    draws = sum(row["draws"] for row in rows)
    found = f"{without} of {draws} draws had no plan" if without else f"each of {draws} draws had a plan"
    return f"Planned anew for each draw of grades, costs vary by {_range(spread)} (CV); {found}"


def _keep_title(rows: Sequence[Row]) -> str:
    draws = sum(len(row["values"]) for row in rows)
    if not draws:
        return NOTHING
    short = sum(row["infeasible"] for row in rows)
    if not short:
        return f"Robust plans kept as they are meet all demand in each of {draws} draws"
    missing = _range([row["mean"] / row["demand_t"] for row in rows if row["values"]])
    often = f"in {short} of {draws} draws"
    return f"Robust plans kept as they are leave users short {often}, by {missing} of demand on average"


# Table 2 -------------------------------------------------------------------------------------------------------------


def lines(rows: Sequence[Row]) -> Figure:
    """Rows of `sensitivity` of one size: a line a case, its linear trend dashed, reversals marked."""
    traces: list[Figure] = []
    for position, row in enumerate(rows):
        points = [p for p in row["points"] if p["objective_usd"] is not None]
        xs, ys = [p["ability"] for p in points], [p["objective_usd"] for p in points]
        name, colour = _case_name(row), _colour(position)
        traces.append(_curve(xs, ys, name, colour))
        if "slope" in row:
            ends = [min(xs), max(xs)]
            label = f"{name}: slope {row['slope']:,.0f} $, R² {row['r_squared']:.2f}"
            traces.append(_dashed(ends, [row["intercept"] + row["slope"] * x for x in ends], label, colour))
        at = sorted({r["ability"] for r in row["reversals"]} & set(xs))
        if at:
            traces.append(_marks(at, [ys[xs.index(x)] for x in at], f"{name}: reversal", colour))
    return _figure(traces, _lines_title(rows), "share of the mining ability", "cost, $")


def _lines_title(rows: Sequence[Row]) -> str:
    saved = [saved_by_a_tenth(row) for row in rows if "slope" in row]
    if not saved:
        return NOTHING
    wrong = [_case_name(row) for row in rows if not row["is_monotone"]]
    reversals = sum(row["n_reversals"] for row in rows)
    fall = (
        f"contradicted in {', '.join(wrong)}"
        if wrong
        else f"{reversals} reversal{'s' * (reversals != 1)} within the gap"
        if reversals
        else "no reversals"
    )
    return f"{_size_name(rows[0])}: a tenth more mining ability saves {_range(saved)} of the cost; {fall}"


def saved_by_a_tenth(row: Row) -> float:
    """Share of the trend's cost at full ability that 10 % more ability saves."""
    at_full = row["intercept"] + row["slope"]
    return float(-0.1 * row["slope"] / at_full) if at_full else 0.0


# One instance --------------------------------------------------------------------------------------------------------


def tornado_bars(rows: Sequence[Row]) -> Figure:
    """Rows of `tornado`: bars about the base, the widest on top; a side without a plan has no bar."""
    shown = [row for row in reversed(rows) if row["base_usd"] is not None]
    change = f"{shown[0]['change_frac']:.0%}" if shown else ""
    traces = [
        {
            "type": "bar",
            "orientation": "h",
            "name": f"{sign}{change}",
            "y": [_named(row["parameter"]) for row in shown],
            "x": [_change_usd(row, side) for row in shown],
            "marker": {"color": _colour(position)},
        }
        for position, (side, sign) in enumerate((("low_usd", "−"), ("high_usd", "+")))
    ]
    figure = _figure(traces, _tornado_title(shown[::-1]), "change of the cost, $", "")
    figure["layout"] |= {"barmode": "overlay", "margin": {"l": 210, "r": 30, "t": 70, "b": 60}}
    return figure


def _tornado_title(rows: Sequence[Row]) -> str:
    if not rows:
        return NOTHING
    change = f"{rows[0]['change_frac']:.0%}"
    missing = [
        f"{_named(row['parameter'])} {change} {word}" for row in rows for side, word in SIDES if row[side] is None
    ]
    known = next((row for row in rows if None not in (row["low_usd"], row["high_usd"])), None)
    if known is None:
        return f"No plan with {' or with '.join(missing)}"
    low, high = (_change_usd(known, side) / known["base_usd"] for side, _ in SIDES)
    most = f"{_named(known['parameter'])} moves the cost most: {low:+.1%} to {high:+.1%} for ∓{change}"
    return f"No plan with {' or with '.join(missing)}; else {most}" if missing else most[0].upper() + most[1:]


SIDES = (("low_usd", "lower"), ("high_usd", "higher"))


def _change_usd(row: Row, side: str) -> float | None:
    return None if row[side] is None else float(row[side] - row["base_usd"])


def ways(rows: Sequence[Row]) -> Figure:
    """Rows of `three_plans`: the cost of each way, and how often its blends hold and its users get all they want."""
    known = [row for row in rows if row["objective_usd"] is not None]
    names = [row["way"] for row in known]
    traces = [
        {"type": "bar", "name": "cost", "x": names, "y": [row["objective_usd"] for row in known], "width": 0.5}
        | {"marker": {"color": COLOURS[0]}},
        _points(names, [100 * row["met_frac"] for row in known], "draws that meet all demand, %", COLOURS[1], 18),
        _points(names, [100 * row["held_frac"] for row in known], "draws in which all blends hold, %", COLOURS[3], 10),
    ]
    return _with_percent_axis(_figure(traces, _ways_title(known), "", "cost, $"), "draws, %")


def _ways_title(known: Sequence[Row]) -> str:
    by_way = {row["way"]: row for row in known}
    if not {"nominal", "robust"} <= by_way.keys():
        return "No robust plan was found" if "nominal" in by_way else NOTHING
    robust, nominal = by_way["robust"], by_way["nominal"]
    kept = f"demand is met in {robust['met_frac']:.0%} of draws instead of {nominal['met_frac']:.0%}"
    return f"Robust costs {max(0.0, robust['premium_frac']):.1%} more than nominal, and {kept}"


def protection(rows: Sequence[Row]) -> Figure:
    """Rows of `price_of_robustness`: what protection costs, and what it leaves to chance, over Γ."""
    known = [row for row in rows if row["premium_frac"] is not None]
    xs = [row["budget"] for row in known]
    blends = [100 * (1 - row["held_frac"]) for row in known]
    traces = [
        _curve(xs, [100 * row["premium_frac"] for row in known], "cost above Γ = 0, %", COLOURS[0]),
        _curve(xs, [100 * row["missed_frac"] for row in known], "chance of missing demand, %", COLOURS[1]) | SECOND,
        _curve(xs, blends, "chance that a blend misses its grade, %", COLOURS[3]) | SECOND | {"mode": "markers"},
    ]
    figure = _figure(traces, _protection_title(known), "Γ, locations of a mine that may fall at once", "cost, %")
    return _with_percent_axis(figure, "chance out of sample, %")


def _protection_title(known: Sequence[Row]) -> str:
    if not known:
        return NOTHING
    enough = next((row for row in known if row["missed_frac"] <= ACCEPTABLE_FRAC), known[-1])
    if enough is known[0]:
        return f"Even without protection demand is missed in {enough['missed_frac']:.0%} of draws only"
    left = f"{enough['missed_frac']:.0%} chance of missing demand instead of {known[0]['missed_frac']:.0%}"
    return f"Γ = {enough['budget']:g} costs {max(0.0, enough['premium_frac']):.1%} and leaves a {left}"


def silo_bars(rows: Sequence[Row]) -> Figure:
    """Rows of `silos`: the cost of each way, by kind."""
    known = [row for row in rows if row["objective_usd"] is not None]
    kinds = list(known[0]["cost_terms_usd"]) if known else []
    traces = [
        {
            "type": "bar",
            "name": kind.replace("_", " "),
            "x": [row["way"] for row in known],
            "y": [row["cost_terms_usd"][kind] for row in known],
            "marker": {"color": _colour(position)},
        }
        for position, kind in enumerate(kinds)
    ]
    saved = known[0]["saved_frac"] if len(known) > 1 else None
    title = NOTHING if saved is None else f"One plan for all {_saves(saved)} against silos"
    figure = _figure(traces, title, "", "cost, $")
    figure["layout"]["barmode"] = "stack"
    return figure


def freedom(rows: Sequence[Row]) -> Figure:
    """Rows of `replanning`: cost over the share of the plan that may change."""
    known = [row for row in rows if row["objective_usd"] is not None]
    xs, ys = [100 * row["share_frac"] for row in known], [row["objective_usd"] for row in known]
    title = _freedom_title(rows[0], known) if known else NOTHING
    return _figure([_curve(xs, ys, "cost", COLOURS[0])], title, "share of the plan that may change, %", "cost, $")


def _freedom_title(first: Row, known: Sequence[Row]) -> str:
    free = known[-1]["objective_usd"]
    if first["objective_usd"] is None:
        return f"The plan no longer holds; {known[0]['share_frac']:.0%} of it must be free to change"
    dearer = first["objective_usd"] / free - 1 if free else 0.0
    if dearer < LEAST_FRAC:
        return "Keeping the plan as it is costs no more than planning freely, as far as the gap tells"
    return f"Keeping the plan as it is costs {dearer:.1%} more than planning freely"


def silo_changes(rows: Sequence[Row]) -> Figure:
    """Rows of `silos`: from the cost of silos to that of one plan, by kind."""
    known = [row["cost_terms_usd"] for row in rows if row["objective_usd"] is not None]
    if len(known) < 2:
        return _figure([], NOTHING, "", "cost, $")
    return waterfall_between(known[0], known[1], ("silos", "one plan for all"))


def _saves(fraction: float) -> str:
    return f"saves {fraction:.1%}" if fraction >= LEAST_FRAC else "saves nothing that the gap shows"


# Waterfalls ----------------------------------------------------------------------------------------------------------


def waterfall(steps: Sequence[Step], title: str = "Cost") -> Figure:
    """One cut of `explain.waterfall.cost_waterfall`, and the total at its end."""
    parts = {step.name: step.usd for step in steps}
    return _waterfall([], parts, "total", title)


def waterfall_between(before: Mapping[str, float], after: Mapping[str, float], names: tuple[str, str]) -> Figure:
    """Cost terms of two plans: from the first total over what each kind changes to the second."""
    changes = {kind: after.get(kind, 0.0) - before.get(kind, 0.0) for kind in {**before, **after}}
    rise = sum(changes.values())
    if not changes or abs(rise) < 0.005:
        title = f"{_sentence(names[1])} costs the same as {names[0]}"
    else:
        most = max(changes, key=lambda kind: changes[kind] * (1 if rise > 0 else -1)).replace("_", " ")
        word = "more" if rise > 0 else "less"
        title = f"{_sentence(names[1])} costs {abs(rise):,.0f} $ {word} than {names[0]}, mostly by {most}"
    figure = _waterfall([(names[0], sum(before.values()))], {k: v for k, v in changes.items() if v}, names[1], title)
    levels = list(accumulate(changes.values(), initial=sum(before.values())))
    span = max(levels) - min(levels)
    if min(levels) > SMALL_CHANGE * span > 0:  # on an axis from zero nobody would see the changes
        figure["layout"]["yaxis"] |= {"range": [min(levels) - span / 2, max(levels) + span / 8]}
        figure["layout"]["yaxis"]["title"] = {"text": "cost, $; the axis does not begin at 0"}
    return figure


def _waterfall(start: Sequence[tuple[str, float]], parts: Mapping[str, float], end: str, title: str) -> Figure:
    trace = {
        "type": "waterfall",
        "name": "cost",
        "x": [*(name for name, _ in start), *(name.replace("_", " ") for name in parts), end],
        "y": [*(usd for _, usd in start), *parts.values(), None],
        "measure": [*("absolute" for _ in start), *("relative" for _ in parts), "total"],
        **{way: {"marker": {"color": colour}} for way, colour in WATERFALL.items()},
    }
    return _figure([trace], title, "", "cost, $")


# What all share ------------------------------------------------------------------------------------------------------

SECOND = {"yaxis": "y2"}


def _points(xs: Sequence[Any], ys: Sequence[float], name: str, colour: str, size: int) -> Figure:
    marker = {"size": size, "color": colour}
    return {"type": "scatter", "mode": "markers", "marker": marker, "x": list(xs), "y": list(ys), "name": name} | SECOND


def _curve(xs: Sequence[float], ys: Sequence[float], name: str, colour: str) -> Figure:
    style = {"line": {"color": colour}, "marker": {"color": colour}}
    return {"type": "scatter", "mode": "lines+markers", "x": list(xs), "y": list(ys), "name": name, **style}


def _dashed(xs: Sequence[float], ys: Sequence[float], name: str, colour: str) -> Figure:
    line = {"dash": "dash", "color": colour, "width": 1}
    return {"type": "scatter", "mode": "lines", "line": line, "x": list(xs), "y": list(ys), "name": name}


def _marks(xs: Sequence[float], ys: Sequence[float], name: str, colour: str) -> Figure:
    marker = {"symbol": "x", "size": 12, "color": colour}
    return {"type": "scatter", "mode": "markers", "marker": marker, "x": list(xs), "y": list(ys), "name": name}


def _figure(traces: Sequence[Figure], title: str, x: str, y: str) -> Figure:
    axes = {"xaxis": _axis(x), "yaxis": _axis(y)}
    look = {"plot_bgcolor": "white", "paper_bgcolor": "white", "font": {"family": "sans-serif", "size": 13}}
    return {"data": list(traces), "layout": {"title": {"text": title, "font": {"size": 16}}, **axes, **look}}


def _axis(title: str) -> Figure:
    return {"title": {"text": title}, "gridcolor": "#e4e8ec", "zerolinecolor": GREY, "automargin": True}


def _with_percent_axis(figure: Figure, title: str) -> Figure:
    """A second axis on the right, from 0 to 100; the legend goes below so as not to cover it."""
    right: Figure = {"overlaying": "y", "side": "right", "range": [0, 105], "tickvals": list(range(0, 101, 20))}
    right |= {"showgrid": False, "automargin": True}
    figure["layout"]["yaxis2"] = {"title": {"text": title}, **right}
    figure["layout"]["yaxis"]["rangemode"] = "tozero"
    figure["layout"]["legend"] = {"orientation": "h", "y": -0.2}
    return figure


def _by(rows: Sequence[Row], name: Any) -> list[tuple[str, list[Row]]]:
    return [(key, list(part)) for key, part in groupby(sorted(rows, key=name), name)]


def _case_name(row: Row) -> str:
    return f"case {row['case']}" if "case" in row else "own instance"


def _size_name(row: Row) -> str:
    return str(row.get("size", "own instance"))


def _named(parameter: str) -> str:
    return NAMES.get(parameter, parameter)


def _colour(position: int) -> str:
    return COLOURS[position % len(COLOURS)]


def _range(fractions: Sequence[float]) -> str:
    least, most = (f"{100 * value:.1f}" for value in (min(fractions), max(fractions)))
    return f"{least} %" if least == most else f"{least} to {most} %"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
