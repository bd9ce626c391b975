"""A plan as charts: each a Plotly specification whose title says the conclusion, and its numbers as a table.

What would be too much for one picture is left out of it, and its title says so; the table has everything.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from optimization.data import Plan, SupplyChainInstance
from optimization.drawing.chart import Chart, Table
from optimization.drawing.look import COLOURS, GREY, Figure, veiled
from optimization.drawing.scales import short
from optimization.experiments.figures import waterfall, waterfall_between
from optimization.explain.waterfall import Step, cost_waterfall

Place = tuple[str, ...]
MOST_BARS, MOST_ROWS, MOST_STOCKS, MOST_LINKS, MOST_KEYS = 20, 40, 12, 80, 7
# A limit this many times what lies there would make a flat line of the stock.
FAR = 30.0
AT_LIMIT = 1e-6
# From the least cut-off to the highest, told apart by those who see no red and green too.
SCALE = ((0.0, "#3b528b"), (0.33, "#21918c"), (0.66, "#5ec962"), (1.0, "#fde725"))


def charts_of(instance: SupplyChainInstance, plan: Plan) -> list[Chart]:
    """Everything there is to see of a plan that passed the checker."""
    flow = [_flow(instance, plan)] if plan.v else []
    return [*_costs(instance, plan), _calendar(instance, plan), *_stocks(instance, plan), *flow]


# Cost ----------------------------------------------------------------------------------------------------------------


def _costs(instance: SupplyChainInstance, plan: Plan) -> Iterator[Chart]:
    cost = cost_waterfall(instance, plan)
    for name, steps in (("kind", cost.by_term), ("mine", cost.by_mine), ("period", cost.by_period)):
        known = [replace(step, name=step.name.replace("_", " ")) for step in steps if step.usd]
        figure = waterfall(known if name == "period" else _fewer(known), _cost_title(known, cost.total_usd))
        # Parts of a cost are no bad news, as a rise of it would be.
        figure["data"][0]["increasing"] = {"marker": {"color": COLOURS[6]}}
        rows: Table = [*((step.name, step.usd) for step in known), ("total", cost.total_usd)]
        yield Chart(f"cost-by-{name}", "cost", figure, (name.capitalize(), "Cost, $"), rows)


def _cost_title(steps: Sequence[Step], total_usd: float) -> str:
    if not steps:
        return "The plan costs nothing"
    most = max(steps, key=lambda step: step.usd)
    return f"{_sentence(most.name)} is {most.usd / total_usd:.0%} of the cost of {short(total_usd, 4)} $"


def _fewer(steps: Sequence[Step]) -> list[Step]:
    """The dearest, and all others as one; the sum stays."""
    if len(steps) <= MOST_BARS:
        return list(steps)
    dearest = sorted(steps, key=lambda step: -step.usd)
    others = sum(step.usd for step in dearest[MOST_BARS - 1 :])
    name = f"{len(steps) - MOST_BARS + 1} others"
    return [*dearest[: MOST_BARS - 1], Step(name, others, 0.0, others)]


def bridge(before: Mapping[str, float], after: Mapping[str, float], names: tuple[str, str], name: str) -> Chart:
    """From the cost of one plan to that of another, by what each kind of cost changes."""
    kinds = {**before, **after}
    rows: Table = [
        (
            kind.replace("_", " "),
            before.get(kind, 0.0),
            after.get(kind, 0.0),
            after.get(kind, 0.0) - before.get(kind, 0.0),
        )
        for kind in kinds
    ]
    sums = [sum(row[k] for row in rows) for k in (1, 2, 3)]
    headers = ("Kind", f"{names[0]}, $", f"{names[1]}, $", "Change, $")
    return Chart(name, "bridge", waterfall_between(before, after, names), headers, [*rows, ("total", *sums)])


# Cut-offs ------------------------------------------------------------------------------------------------------------


def _calendar(instance: SupplyChainInstance, plan: Plan) -> Chart:
    """Locations by periods; the colour is the cut-off at which the location is worked."""
    run: dict[Place, str] = {(m, i, t): j for (m, i, j, t), is_open in plan.d.items() if is_open > 0.5}
    ore_t: defaultdict[Place, float] = defaultdict(float)
    for (m, i, _, _), tonnes in plan.x.items():
        ore_t[m, i] += tonnes
    places = [(mine.name, location.name) for mine in instance.mines for location in mine.locations]
    drawn = [place for place in places if place in set(sorted(places, key=lambda p: -ore_t[p])[:MOST_ROWS])]
    levels = _levels(instance)
    trace = _heat(instance, plan, drawn, run, levels)
    layout = _layout(_calendar_title(instance, places, run, levels, len(drawn)), "", "")
    layout["yaxis"] |= {"autorange": "reversed"}
    layout["height"] = 130 + 24 * len(drawn)
    rows: Table = [(*place, *(run.get((*place, t), "") for t in instance.periods)) for place in places]
    return Chart(
        "cut-offs", "calendar", {"data": [trace], "layout": layout}, ("Mine", "Location", *instance.periods), rows
    )


def _heat(
    instance: SupplyChainInstance,
    plan: Plan,
    drawn: Sequence[Place],
    run: Mapping[Place, str],
    levels: Mapping[str, str],
) -> Figure:
    position = {name: k for k, name in enumerate(levels)}
    used = [name for name in levels if name in set(run.values())]
    keys = used if len(used) <= MOST_KEYS else [used[round(k * (len(used) - 1) / 4)] for k in range(5)]

    def by_cell(value: Callable[[Place, str], Any]) -> list[list[Any]]:
        return [[value(place, t) for t in instance.periods] for place in drawn]

    def hint(place: Place, period: str) -> str:
        cutoff, where = run.get((*place, period)), f"{' · '.join(place)}, {period}"
        if cutoff is None:
            return f"{where}: closed"
        return f"{where}: {cutoff}, {plan.x.get((*place, cutoff, period), 0.0):,.0f} t ore"

    return {
        "type": "heatmap",
        "x": list(instance.periods),
        "y": [" · ".join(place) for place in drawn],
        "z": by_cell(lambda place, t: position[run[(*place, t)]] if (*place, t) in run else None),
        "text": by_cell(lambda place, t: levels[run[(*place, t)]] if (*place, t) in run else ""),
        "texttemplate": "%{text}",
        "hovertext": by_cell(hint),
        "hoverinfo": "text",
        "colorscale": [list(stop) for stop in SCALE],
        "zmin": 0,
        "zmax": max(1, len(levels) - 1),
        "xgap": 2,
        "ygap": 2,
        "colorbar": {"tickvals": [position[name] for name in keys], "ticktext": keys},
    }


def _levels(instance: SupplyChainInstance) -> dict[str, str]:
    """Names of cut-offs from the least to the highest, where they say it by a number, with what is short for them."""
    names = dict.fromkeys(j.name for mine in instance.mines for i in mine.locations for j in i.cutoffs)
    ordered = sorted(names, key=_first_number)
    words = ordered[0].rsplit(" ", 1)[0] + " "
    is_shared = all(name.startswith(words) and len(name) > len(words) for name in ordered)
    return {name: name.removeprefix(words) if is_shared else name for name in ordered}


def _first_number(name: str) -> float:
    found = re.search(r"\d+(?:\.\d+)?", name)
    return float(found[0]) if found else float("inf")


def _calendar_title(
    instance: SupplyChainInstance,
    places: Sequence[Place],
    run: Mapping[Place, str],
    levels: Mapping[str, str],
    n_drawn: int,
) -> str:
    if not run:
        return "No location is worked"
    worked = len({key[:2] for key in run})
    changes = sum(
        len({run[(*place, t)] for t in pair if (*place, t) in run}) == 2
        for place in places
        for pair in pairwise(instance.periods)
    )
    common, often = Counter(run.values()).most_common(1)[0]
    changed = f"changed {changes} time{'s' * (changes != 1)}" if changes else "never changed"
    most = f"mostly at {common} ({often / len(run):.0%})" if len(levels) > 1 else f"at {common}"
    more = f"; the {n_drawn} with most ore are drawn" if n_drawn < len(places) else ""
    return f"{worked} of {len(places)} locations are worked, {most}; the cut-off is {changed}{more}"


# Stocks --------------------------------------------------------------------------------------------------------------


def _stocks(instance: SupplyChainInstance, plan: Plan) -> Iterator[Chart]:
    """Bands of the mills and centres where most lies."""
    at_mill = {mine.name: [plan.u.get((mine.name, t), 0.0) for t in instance.periods] for mine in instance.mines}
    for k, name in enumerate(_fullest(at_mill)):
        mine = instance.mine_by_name[name]
        rows: Table = list(zip(instance.periods, at_mill[name], mine.Umin, mine.Umax, strict=True))
        headers: Place = ("Period", "Stock, t", "Least, t", "Most, t")
        yield Chart(f"stock-mill-{k + 1}", "mills", _band(f"Mill of {name}", rows), headers, rows)
    held = {c.name: [_at_centre(instance, plan, c.name, t) for t in instance.periods] for c in instance.centres}
    totals = {name: [sum(by_mine.values()) for by_mine in each] for name, each in held.items()}
    for k, name in enumerate(_fullest(totals)):
        room = instance.centre_by_name[name].V
        rows = [(t, tonnes, 0.0, most) for t, tonnes, most in zip(instance.periods, totals[name], room, strict=True)]
        mines = [m for m in instance.mine_by_name if any(by_mine[m] for by_mine in held[name])]
        table: Table = [(*row, *(by[m] for m in mines)) for row, by in zip(rows, held[name], strict=True)]
        headers = ("Period", "Stock, t", "Least, t", "Room, t", *(f"of {m}, t" for m in mines))
        yield Chart(f"stock-centre-{k + 1}", "centres", _band(name, rows), headers, table)


def _fullest(stocks: Mapping[str, Sequence[float]]) -> list[str]:
    chosen = set(sorted(stocks, key=lambda name: -max(stocks[name]))[:MOST_STOCKS])
    return [name for name in stocks if name in chosen]


def _at_centre(instance: SupplyChainInstance, plan: Plan, centre: str, period: str) -> dict[str, float]:
    return {mine: plan.w.get((mine, centre, period), 0.0) for mine in instance.mine_by_name}


def _band(name: str, rows: Sequence[tuple[Any, ...]]) -> Figure:
    """(period, stock, least, most): the stock between its limits, as far as they are near."""
    periods, stock, least, most = zip(*rows, strict=True)
    top = max(*stock, *least)
    is_near = max(most) <= FAR * top
    traces = [_edge("least", periods, least)]
    if is_near:
        band = {"fill": "tonexty", "fillcolor": veiled(GREY, 0.16)}
        traces.append(_edge("most", periods, most) | band)
    mark = {"line": {"color": COLOURS[0]}, "marker": {"color": COLOURS[0], "size": 6}}
    traces.append({"type": "scatter", "mode": "lines+markers", "name": "stock", "x": periods, "y": stock, **mark})
    traces = [{**trace, "x": list(trace["x"]), "y": list(trace["y"])} for trace in traces]
    layout = _layout(_band_title(name, rows, is_near), "", "t")
    layout["yaxis"] |= {"rangemode": "tozero"} | ({} if top else {"range": [0, max(1.0, *most) if is_near else 1.0]})
    return {"data": traces, "layout": layout}


def _edge(name: str, periods: Sequence[str], tonnes: Sequence[float]) -> Figure:
    line = {"color": GREY, "dash": "dash", "width": 1}
    return {"type": "scatter", "mode": "lines", "name": name, "x": periods, "y": tonnes, "line": line}


def _band_title(name: str, rows: Sequence[tuple[Any, ...]], is_near: bool) -> str:
    stocks = [row[1] for row in rows]
    if not any(stocks):
        return f"{name}: nothing lies there"
    full = [row[0] for row in rows if row[1] >= row[3] * (1 - AT_LIMIT)]
    bare = [row[0] for row in rows if row[2] > 0 and row[1] <= row[2] * (1 + AT_LIMIT)]
    told = [f"full in {_some(full, rows)}"] * bool(full) + [f"at its least in {_some(bare, rows)}"] * bool(bare)
    if not is_near:
        told.append(f"room for {short(min(row[3] for row in rows), 3)} t")
    return f"{name}: {_range(stocks)} t, {' and '.join(told) or 'within its limits'}"


def _range(values: Iterable[float]) -> str:
    ends = sorted(values)
    least, most = short(round(ends[0]), 3), short(round(ends[-1]), 3)
    return least if least == most else f"{least} to {most}"


def _some(names: Sequence[str], of: Sequence[Any]) -> str:
    if len(names) == len(of):
        return "every period"
    return ", ".join(names) if len(names) <= 2 else f"{len(names)} periods"


# Flow ----------------------------------------------------------------------------------------------------------------


def _flow(instance: SupplyChainInstance, plan: Plan) -> Chart:
    """Mine → centre → user over all periods, in the colour of the mine whose product it is."""
    tonnes: defaultdict[tuple[str, str, str, str, str], float] = defaultdict(float)
    for (m, n, _), value in plan.v.items():
        tonnes["mine", m, "centre", n, m] += value
    for (m, n, s, _), value in plan.z.items():
        tonnes["centre", n, "user", s, m] += value
    rows: Table = [(a, b, mine, value) for (_, a, _, b, mine), value in tonnes.items() if value > 0]
    largest = sorted((item for item in tonnes.items() if item[1] > 0), key=lambda item: -item[1])[:MOST_LINKS]
    trace = _sankey(instance, dict(largest))
    figure: Figure = {"data": [trace], "layout": _layout(_flow_title(instance, plan, len(rows)), "", "")}
    figure["layout"]["height"] = 260 + 22 * max(len(instance.centres), len(instance.mines), len(instance.users))
    return Chart("flow", "flow", figure, ("From", "To", "Product of", "Tonnes"), rows)


def _sankey(instance: SupplyChainInstance, tonnes: Mapping[tuple[str, str, str, str, str], float]) -> Figure:
    colour = {name: COLOURS[k % len(COLOURS)] for k, name in enumerate(instance.mine_by_name)}
    kinds = (("mine", list(instance.mine_by_name)), ("centre", [c.name for c in instance.centres]))
    order = [(kind, name) for kind, names in (*kinds, ("user", list(instance.users))) for name in names]
    there = {end for a, x, b, y, _ in tonnes for end in ((a, x), (b, y))}
    nodes = [node for node in order if node in there]
    at = {node: k for k, node in enumerate(nodes)}
    return {
        "type": "sankey",
        "valuesuffix": " t",
        "valueformat": ",.0f",
        "node": {
            "label": [name for _, name in nodes],
            "color": [colour[name] if kind == "mine" else GREY for kind, name in nodes],
            "pad": 14,
            "thickness": 14,
        },
        "link": {
            "source": [at[a, x] for a, x, _, _, _ in tonnes],
            "target": [at[b, y] for _, _, b, y, _ in tonnes],
            "value": list(tonnes.values()),
            "label": [mine for *_, mine in tonnes],
            "color": [veiled(colour[mine], 0.45) for *_, mine in tonnes],
        },
    }


def _flow_title(instance: SupplyChainInstance, plan: Plan, n_links: int) -> str:
    through: defaultdict[str, float] = defaultdict(float)
    for (_, n, _), value in plan.v.items():
        through[n] += value
    busiest, tonnes = max(through.items(), key=lambda item: item[1])
    more = f"; the {MOST_LINKS} largest of {n_links} flows are drawn" if n_links > MOST_LINKS else ""
    share = f"{tonnes / sum(through.values()):.0%} of what is sent" if len(through) > 1 else "all"
    arrived = f"{short(round(sum(plan.z.values())), 4)} t reach {_counted(len(instance.users), 'user')}"
    return f"{arrived}; {share} goes through {busiest}{more}"


# All -----------------------------------------------------------------------------------------------------------------


def _layout(title: str, x: str, y: str) -> Figure:
    look = {"plot_bgcolor": "white", "paper_bgcolor": "white", "font": {"family": "sans-serif", "size": 13}}
    axes = {name: {"title": {"text": text}, "automargin": True} for name, text in (("xaxis", x), ("yaxis", y))}
    return {"title": {"text": title, "font": {"size": 16}}, **axes, **look}


def _counted(n: int, noun: str) -> str:
    return f"{n} {noun}{'s' * (n != 1)}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
