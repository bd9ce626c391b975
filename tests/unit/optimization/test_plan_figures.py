"""Charts of a plan: what they say is what the plan holds, Plotly takes them, and pictures of them are whole."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import replace
from xml.etree import ElementTree

import plotly.graph_objects as plotly
import pytest

from optimization.data import Centre, Plan, SolveOptions, SupplyChainInstance
from optimization.drawing import DARK, LIGHT, SMALL, Chart, svg_of
from optimization.explain.figures import MOST_BARS, MOST_LINKS, MOST_ROWS, bridge, charts_of
from optimization.generator import generate
from optimization.solver import solve

SVG = "{http://www.w3.org/2000/svg}"
Solved = tuple[SupplyChainInstance, Plan, float]


@pytest.fixture(scope="module")
def solved() -> Solved:
    instance = generate(2, 2, 2, 3, 2, 2, seed=4)
    result = solve(instance, SolveOptions(gap=0.02, time_limit_s=20))
    assert result.plan is not None and result.report.objective_usd is not None
    return instance, result.plan, result.report.objective_usd


def named(charts: list[Chart], name: str) -> Chart:
    return next(chart for chart in charts if chart.name == name)


def test_every_chart_is_a_plotly_figure_and_a_picture_without_styles(solved: Solved) -> None:
    charts = charts_of(*solved[:2])
    assert len({chart.name for chart in charts}) == len(charts) >= 9
    for chart in charts:
        plotly.Figure(chart.figure)
        for look in (LIGHT, DARK, SMALL):
            picture = svg_of(chart.figure, look)
            root = ElementTree.fromstring(picture)
            assert "style" not in re.sub(r"<title>.*?</title>", "", picture)
            for mark in root.iter(SVG + "rect"):
                if "x" in mark.attrib:
                    assert 0 <= float(mark.attrib["x"]) <= look.width_px
                    assert -1 <= float(mark.attrib["y"]) <= look.height_px


@pytest.mark.parametrize("cut", ["kind", "mine", "period"])
def test_cost_sums_to_the_objective_to_the_cent(solved: Solved, cut: str) -> None:
    instance, plan, objective_usd = solved
    *parts, total = named(charts_of(instance, plan), f"cost-by-{cut}").rows
    assert round(sum(usd for _, usd in parts), 2) == total[1] == round(objective_usd, 2)


def test_calendar_colours_what_is_open_and_leaves_the_closed_empty(solved: Solved) -> None:
    instance, plan, _ = solved
    (heat,) = named(charts_of(instance, plan), "cut-offs").figure["data"]
    is_open = {(m, i, t) for (m, i, _, t), value in plan.d.items() if value > 0.5}
    for row, place in enumerate(heat["y"]):
        for column, period in enumerate(heat["x"]):
            assert (heat["z"][row][column] is not None) == ((*place.split(" · "), period) in is_open)


def test_flow_keeps_what_arrives_at_a_centre_or_leaves_it_there(solved: Solved) -> None:
    instance, plan, _ = solved
    rows = named(charts_of(instance, plan), "flow").rows
    centres, into, out = {c.name for c in instance.centres}, defaultdict(float), defaultdict(float)
    for start, end, _, tonnes in rows:
        into[end] += tonnes
        out[start] += tonnes
    last = instance.periods[-1]
    for name in centres & into.keys():
        at_start = sum(lane.w0 for lane in instance.mill_lanes if lane.centre == name)
        at_end = sum(w for (_, n, t), w in plan.w.items() if n == name and t == last)
        assert into[name] + at_start == pytest.approx(out[name] + at_end, abs=0.1)


def test_stock_of_a_full_centre_is_told_as_full(solved: Solved) -> None:
    instance, plan, _ = solved
    name, first = instance.centres[0].name, instance.periods[0]
    held = {**plan.w, (instance.mines[0].name, name, first): 500.0}
    total = sum(w for (_, n, t), w in held.items() if (n, t) == (name, first))
    tight = replace(instance, centres=(Centre(name, (total, 1e9, 1e9)), *instance.centres[1:]))
    chart = named(charts_of(tight, replace(plan, w=held)), "stock-centre-1")
    assert f"full in {first}" in chart.title


def test_plan_of_nothing_is_told_as_such(solved: Solved) -> None:
    charts = charts_of(solved[0], Plan())
    assert named(charts, "cost-by-kind").title == "The plan costs nothing"
    assert named(charts, "cut-offs").title == "No location is worked"
    assert "nothing lies there" in named(charts, "stock-mill-1").title
    assert all(chart.name != "flow" for chart in charts)
    for chart in charts:
        ElementTree.fromstring(svg_of(chart.figure, DARK))


def test_what_is_too_much_for_a_picture_is_left_to_the_table_and_the_title_says_so() -> None:
    instance = generate(25, 3, 8, 2, 2, 2, seed=1)
    cells = [
        (m.name, i.name, i.cutoffs[0].name, t) for m in instance.mines for i in m.locations for t in instance.periods
    ]
    plan = Plan(
        x=dict.fromkeys(cells, 10.0),
        d=dict.fromkeys(cells, 1.0),
        v={(lane.mine, lane.centre, t): 5.0 for lane in instance.mill_lanes for t in instance.periods},
        z={(*route, t): 1.0 for route in instance.routes for t in instance.periods},
    )
    charts = charts_of(instance, plan)
    cost, calendar, flow = (named(charts, name) for name in ("cost-by-mine", "cut-offs", "flow"))
    assert len(cost.figure["data"][0]["x"]) == MOST_BARS + 1 and len(cost.rows) == 26
    drawn = sum(y for y in cost.figure["data"][0]["y"] if y is not None)
    assert drawn == pytest.approx(cost.rows[-1][1], abs=0.01)
    assert len(calendar.figure["data"][0]["y"]) == MOST_ROWS < len(calendar.rows) and "are drawn" in calendar.title
    assert len(flow.figure["data"][0]["link"]["value"]) == MOST_LINKS < len(flow.rows) and "are drawn" in flow.title


def test_bridge_ends_at_the_cost_of_the_second_plan() -> None:
    chart = bridge({"mining": 60.0, "freight": 40.0}, {"mining": 30.0, "storage": 5.0}, ("May", "June"), "bridge")
    assert chart.rows[-1] == ("total", 100.0, 35.0, -65.0)
    assert chart.title == "June costs 65 $ less than May, mostly by freight"


def test_names_are_escaped_in_pictures(solved: Solved) -> None:
    chart = charts_of(*solved[:2])[0]
    hostile = chart.figure | {"layout": chart.figure["layout"] | {"title": {"text": '"><script>x</script>'}}}
    picture = svg_of(hostile)
    assert "<script>" not in picture
    ElementTree.fromstring(picture)
