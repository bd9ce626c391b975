"""Figures of real rows: drawn by the real Plotly, as still pictures, and with titles that say what they show."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import plotly.graph_objects as plotly
import pytest

from optimization.data import SolveOptions
from optimization.drawing import svg_of
from optimization.drawing.scales import nice_ticks
from optimization.experiments import figures
from optimization.experiments.cases import Size, generated
from optimization.experiments.ledger import Ledger
from optimization.experiments.pages import page_of
from optimization.experiments.request import Asked, read_study
from optimization.experiments.rows import ROWS, rows_of
from optimization.experiments.sensitivity import sensitivity
from optimization.experiments.store import Row
from optimization.experiments.studies import STUDIES, conclusions_of, figures_of, n_solves, subjects_of
from optimization.explain.waterfall import Step

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def asked() -> Asked:
    options = {"sizes": ["1-1-1-2"], "cases": [1], "draws": 3, "gap": 0.005}
    return read_study(options, is_own=False, time_limit_s=20)


@pytest.fixture(scope="module")
def studied(asked: Asked) -> dict[str, list[Row]]:
    """The rows of every study on one small instance; what was announced is what is solved."""
    found = {}
    for kind in STUDIES:
        subjects = subjects_of(asked)
        ledger = Ledger(of=n_solves(kind, asked, subjects))
        found[kind] = list(rows_of(kind, asked, subjects, ledger))
        assert ledger.done == ledger.of > 0, kind
    return found


def test_every_study_has_rows() -> None:
    assert ROWS.keys() == STUDIES.keys()


@pytest.mark.parametrize("kind", STUDIES)
def test_plotly_accepts_every_figure_and_draws_the_same_numbers(kind: str, studied: dict[str, list[Row]]) -> None:
    made = figures_of(kind, studied[kind])
    assert made
    for figure in made.values():
        assert json.loads(json.dumps(figure, allow_nan=False)) == figure
        drawn = plotly.Figure(figure)  # raises at any property that Plotly does not know
        assert [trace.type for trace in drawn.data] == [trace["type"] for trace in figure["data"]]
        assert all(len(trace["x"]) for trace in figure["data"])


def test_plotly_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="colour"):
        plotly.Figure({"data": [{"type": "bar", "x": ["a"], "y": [1], "marker": {"colour": "red"}}]})


@pytest.mark.parametrize("kind", STUDIES)
def test_still_picture_is_well_formed_and_stays_on_its_canvas(kind: str, studied: dict[str, list[Row]]) -> None:
    for figure in figures_of(kind, studied[kind]).values():
        root = ElementTree.fromstring(svg_of(figure))
        marks = [e for tag in ("circle", "rect", "polyline") for e in root.iter(SVG + tag)]
        assert len(marks) > len(figure["data"])
        across = [float(e.get("x", 0)) for e in root.iter(SVG + "text")] + [float(e.get("cx", 0)) for e in marks]
        assert all(0 <= x <= 900 for x in across)
        words = " ".join(e.text or "" for e in root.iter(SVG + "text"))
        assert figures.title_of(figure).split()[-1] in words


def test_picture_without_anything_to_draw_says_so() -> None:
    for figure in (figures.boxes([]), figures.protection([]), figures.tornado_bars([]), figures.silo_changes([])):
        assert figures.title_of(figure) == figures.NOTHING
        plotly.Figure(figure)
        assert "nothing to show" in svg_of(figure)


def test_boxes_hold_costs_against_their_mean_and_tonnes_as_they_are(studied: dict[str, list[Row]]) -> None:
    replan, keep = studied["robustness"]
    costs, tonnes = (figures.boxes([row])["data"][0]["y"] for row in (replan, keep))
    assert [replan["mean"] * (1 + y / 100) for y in costs] == pytest.approx(replan["values"])
    assert sum(costs) == pytest.approx(0, abs=1e-9)
    assert tonnes == keep["values"]


def test_lines_show_points_trend_and_reversals() -> None:
    (row,) = sensitivity(generated(Size.parse("1-1-1-2"), 1, 1), SolveOptions(), Ledger(), abilities=(1.0, 1.5))
    points, trend = figures.lines([row])["data"]
    assert points["y"] == [p["objective_usd"] for p in row["points"]]
    assert trend["y"] == pytest.approx(points["y"]), "two points lie on their trend"
    marked = row | {"reversals": [{"at": 1.0, "ability": 1.5}], "n_reversals": 1, "case": 4, "size": "1-1-1-2"}
    figure = figures.lines([marked])
    assert figure["data"][-1]["x"] == [1.5] and figure["data"][-1]["marker"]["symbol"] == "x"
    assert "1 reversal within the gap" in figures.title_of(figure)
    wrong = figures.lines([marked | {"is_monotone": False}])
    assert "contradicted in case 4" in figures.title_of(wrong)


def test_tornado_names_the_widest_parameter_and_what_leaves_no_plan() -> None:
    row = {"parameter": "D", "low_usd": 90.0, "base_usd": 100.0, "high_usd": 120.0, "change_frac": 0.05}
    figure = figures.tornado_bars([row])
    assert figures.title_of(figure) == "Demand moves the cost most: -10.0% to +20.0% for ∓5%"
    assert [trace["x"] for trace in figure["data"]] == [[-10.0], [20.0]]
    hopeless = row | {"parameter": "alpha", "high_usd": None}
    title = figures.title_of(figures.tornado_bars([hopeless, row]))
    assert title.startswith("No plan with least grade 5% higher; else demand moves the cost most")


def test_titles_say_what_the_rows_show(studied: dict[str, list[Row]]) -> None:
    (title,) = conclusions_of("ways", studied["ways"])
    robust = studied["ways"][2]
    assert title.startswith(f"1-1-1-2, case 1: Robust costs {robust['premium_frac']:.1%} more than nominal")
    assert f"{robust['met_frac']:.0%}" in title
    (title,) = conclusions_of("protection", studied["protection"])
    assert "chance of missing demand" in title
    replan, keep = conclusions_of("robustness", studied["robustness"])
    assert "each of 3 draws had a plan" in replan and keep.endswith("meet all demand in each of 3 draws")
    kept = {"meaning": "keep", "values": [0.0, 3.0], "infeasible": 1, "mean": 1.5, "demand_t": 1000.0, "case": 1}
    short = figures.title_of(figures.boxes([kept]))
    assert short.endswith("leave users short in 1 of 2 draws, by 0.1 % of demand on average")


def test_waterfall_of_two_plans_goes_from_one_total_to_the_other() -> None:
    before, after = {"mining": 60.0, "freight": 40.0}, {"mining": 30.0, "freight": 45.0}
    figure = figures.waterfall_between(before, after, ("May", "June"))
    (trace,) = figure["data"]
    assert trace["measure"] == ["absolute", "relative", "relative", "total"]
    assert (trace["x"], trace["y"]) == (["May", "mining", "freight", "June"], [100.0, -30.0, 5.0, None])
    assert figures.title_of(figure) == "June costs 25 $ less than May, mostly by mining"
    assert "range" not in figure["layout"]["yaxis"]
    small = figures.waterfall_between({"mining": 1000.0}, {"mining": 990.0}, ("May", "June"))
    assert small["layout"]["yaxis"]["range"] == [985.0, 1001.25]
    assert all(64 <= float(e.get("y", 64)) <= 540 for e in ElementTree.fromstring(svg_of(small)).iter(SVG + "rect"))
    assert "costs the same" in figures.title_of(figures.waterfall_between(before, before, ("May", "June")))
    one = figures.waterfall((Step("exploitation", 2.0, 0.0, 2.0), Step("processing", 1.0, 2.0, 3.0)))
    assert one["data"][0]["measure"] == ["relative", "relative", "total"]
    for each in (figure, one):
        plotly.Figure(each)
        assert svg_of(each).count("<rect") > 3


def test_page_asks_the_network_for_nothing_and_no_name_ends_its_script() -> None:
    figure = figures.waterfall_between({"</script><b>": 1.0}, {}, ("a", "<b>"))
    page = page_of(figure)
    assert page.count("</script>") == 2 and "http" not in page
    assert "<b>" not in page.split("<body>")[-1].split("<script>")[1]


@pytest.mark.parametrize(("least", "most"), [(0.0, 1.0), (-3.2, 17.0), (2.85e6, 3.05e6), (0.94, 1.51)])
def test_ticks_are_few_round_and_within(least: float, most: float) -> None:
    ticks = nice_ticks(least, most)
    assert 3 <= len(ticks) <= 7
    assert least - 1e-9 <= ticks[0] and ticks[-1] <= most + 1e-9
