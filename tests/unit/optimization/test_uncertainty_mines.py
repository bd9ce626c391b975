"""Sets of several mines and elements: fitted together, put into an instance, held against new samples, drawn."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from optimization.checker import check_plan
from optimization.data import InstanceError, Problem, SolveOptions
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import solve
from optimization.uncertainty.effective import put_into
from optimization.uncertainty.estimation import FitOptions, fit
from optimization.uncertainty.figures import MOST_POINTS, figures_of, plot_data
from optimization.uncertainty.mines import (
    FitSettings,
    Floor,
    evidence_document,
    fit_mines,
    retest_mines,
    set_document,
    sets_of,
)
from optimization.uncertainty.report import in_words
from optimization.uncertainty.samples import (
    Sample,
    composites,
    grouped,
    row_of,
    samples_kept,
    samples_of_rows,
    samples_sha256,
)
from tests.unit.optimization.test_uncertainty_estimation import START, drawn, paper_samples

CUTOFFS = ("cut-off 0.125", "cut-off 0.400")


def of_mine(mine: str, mean: float = 0.5, *, n: int = 20, element: str = "", seed: int = 1) -> list[Sample]:
    """Samples of every location and cut-off of a mine of `document`."""
    return [
        replace(sample, mine=mine, element=element, location=location, cutoff=cutoff)
        for k, location in enumerate(("location 1", "location 2"))
        for j, cutoff in enumerate(CUTOFFS)
        for sample in drawn(n, mean, seed=seed + 10 * k + j)
    ]


def document(**changes: Any) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(generate(2, 1, 2, 2, 2, 2, seed=1).to_json())
    return made | changes


def settings(**options: Any) -> FitSettings:
    return FitSettings(FitOptions(**options))


def told(refused: pytest.ExceptionInfo[InstanceError]) -> dict[str, str]:
    return {problem.path: problem.message for problem in refused.value.problems}


# Samples ------------------------------------------------------------------------------------------------------------


def test_samples_come_back_equal_from_their_rows() -> None:
    samples = (
        Sample("A", "55", 0.585, START, "lab", "North", "Fe"),
        Sample("all", "all", 0.1),
    )
    rows = json.loads(json.dumps([row_of(sample) for sample in samples]))
    assert samples_of_rows(rows) == samples_kept(rows) == samples
    assert samples_sha256(samples_of_rows(rows)) == samples_sha256(reversed(samples))


def test_mine_and_element_tell_samples_apart() -> None:
    one = Sample("A", "1", 0.5)
    others = (one, replace(one, mine="North"), replace(one, element="SiO2"))
    assert len({samples_sha256([sample]) for sample in others}) == 3


@pytest.mark.parametrize(
    ("row", "path"),
    [
        (7, "/samples/0"),
        ({"value": "0.5"}, "/samples/0/value"),
        ({"value": True}, "/samples/0/value"),
        ({"value": 58}, "/samples/0/value"),
        ({"value": 10**400}, "/samples/0/value"),
        ({}, "/samples/0/value"),
        ({"value": 0.5, "mine": 7}, "/samples/0/mine"),
        ({"value": 0.5, "mine": "M" * 101}, "/samples/0/mine"),
        ({"value": 0.5, "cutoff": "1\0"}, "/samples/0/cutoff"),
        ({"value": 0.5, "source": "\ud800"}, "/samples/0/source"),
        ({"value": 0.5, "time": "0001-01-01T00:00:00+23:00"}, "/samples/0/time"),
        ({"value": 0.5, "grade": 0.4}, "/samples/0"),
    ],
)
def test_bad_row_is_named_with_its_place(row: object, path: str) -> None:
    with pytest.raises(InstanceError) as refused:
        samples_of_rows([row])
    assert list(told(refused)) == [path]


def test_samples_of_one_moment_count_alike_in_any_order() -> None:
    held = [replace(sample, taken_at=START) for sample in drawn(10)]
    assert fit(held).grades == fit(held[::-1]).grades
    (ordered,) = grouped(held + held).values()
    assert len(composites(ordered)) == 10


def test_one_fit_takes_the_samples_of_one_mine_only() -> None:
    with pytest.raises(InstanceError, match="choose those of one mine"):
        fit(of_mine("mine 1") + of_mine("mine 2"))


# Fitting ------------------------------------------------------------------------------------------------------------


def test_each_mine_and_element_gets_the_set_that_it_gets_alone() -> None:
    north, silica = of_mine("North"), of_mine("North", 0.05, element="SiO2")
    held = fit_mines(north + silica, FitSettings(FitOptions(violation=0.3), unwanted=("SiO2",)))
    assert [each.place for each in held] == [("North", ""), ("North", "SiO2")]
    assert held[0].fitted == fit(north, FitOptions(violation=0.3))
    assert held[1].fitted == fit(silica, FitOptions(violation=0.3, element="SiO2", is_unwanted=True))


def test_sets_come_back_equal_from_their_evidence() -> None:
    floors = (Floor("North", "location 1", CUTOFFS[0], 0.4),)
    held = fit_mines(of_mine("North"), FitSettings(FitOptions(violation=0.3, mean0_frac=0.4), floors))
    evidence = json.loads(json.dumps(evidence_document(held), allow_nan=False))
    assert sets_of(evidence) == held
    assert evidence["coverage"]["n"] == 20 and len(evidence["code"]["chain_sha256"]) == 64


def test_next_version_names_the_set_before() -> None:
    first = fit_mines(of_mine("North"), settings())
    second = fit_mines(of_mine("North", n=30), settings(), version=2, before=first)
    assert (second[0].fitted.version, second[0].fitted.replaces) == (2, first[0].fitted.identity)


def test_papers_case_is_told_with_its_set() -> None:
    samples = [Sample("A", "0.5", float(value), mine="Paper") for value in paper_samples()]
    evidence = evidence_document(fit_mines(samples, settings(mean0_frac=0.3)))
    assert evidence["sets"][0]["papers"] == [{"location": "A", "cutoff": "0.5", "Pi": -10.0, "pi": pytest.approx(-3.0)}]
    words = "\n".join(evidence["words"])
    assert "t = 2.27 with 19 degrees of freedom, critical 2.093" in words and "Pi = -10 and pi = -3" in words


def test_floor_shortens_the_set_and_is_told() -> None:
    even = [Sample("A", "0.5", float(value)) for value in np.linspace(0.46, 0.54, 20)]
    free, held = fit(even).grades[0], fit(even, FitOptions(floors=(("A", "0.5", 0.455),)))
    assert free.low_frac < 0.455 == held.grades[0].low_frac
    assert held.grades[0].delta_frac == pytest.approx(0.045)
    assert held.grades[0].coverage is not None and held.grades[0].coverage.share_frac == 1.0
    assert any("is the floor 0.4550 that was given" in line for line in in_words(held))


def test_floor_above_a_sample_is_refused() -> None:
    with pytest.raises(InstanceError, match=r"of 20 samples below the floor 0\.5"):
        fit(drawn(20), FitOptions(floors=(("A", "0.5", 0.5),)))


def test_place_with_too_few_samples_is_refused_or_left_out_in_words() -> None:
    samples = [*of_mine("North"), Sample("pit 9", "1", 0.5, mine="North")]
    with pytest.raises(InstanceError) as refused:
        fit_mines(samples, settings())
    assert "North: /groups/pit 9/1 has 1 different" in told(refused)["/batches"]
    held = fit_mines(samples, FitSettings(FitOptions(), skips_few=True))
    assert held[0].fitted == fit(of_mine("North"))
    assert any("pit 9, cut-off 1 is left out" in line for line in evidence_document(held)["words"])
    with pytest.raises(InstanceError, match="no place of South with enough samples"):
        fit_mines([*samples, Sample("A", "1", 0.5, mine="South")], FitSettings(FitOptions(), skips_few=True))


@pytest.mark.parametrize(
    ("chosen", "path"),
    [
        (FitSettings(FitOptions(), mines=("Nroth",)), "/settings/mines/0"),
        (FitSettings(FitOptions(), unwanted=("SiO2",)), "/settings/unwanted/0"),
        (FitSettings(FitOptions(), unwanted=("",)), "/settings/unwanted/0"),
        (FitSettings(FitOptions(), (Floor("North", "pit", "1", 0.1),)), "/settings/floors/0"),
    ],
)
def test_setting_that_speaks_of_nothing_is_refused(chosen: FitSettings, path: str) -> None:
    with pytest.raises(InstanceError) as refused:
        fit_mines(of_mine("North"), chosen)
    assert path in told(refused)


def test_code_version_is_that_of_the_sources_and_libraries() -> None:
    code = evidence_document(fit_mines(of_mine("North"), settings()))["code"]
    assert code["numpy"] == np.__version__


# Into an instance ---------------------------------------------------------------------------------------------------


def fitted(*mines: str, **options: Any) -> dict[str, Any]:
    samples = [s for k, mine in enumerate(mines) for s in of_mine(mine, 0.5 + 0.1 * k)]
    return set_document(fit_mines(samples, settings(**options)))


def test_grades_of_the_set_are_those_of_the_instance() -> None:
    held = fitted("mine 1", violation=0.4)
    before = document()
    made = build_instance(put_into(held, before))
    wanted = {(g["location"], g["cutoff"]): (g["gamma"], g["delta"]) for g in held["sets"][0]["grades"]}
    found = {(i.name, j.name): (j.gamma[1], j.delta[1]) for i in made.mines[0].locations for j in i.cutoffs}
    assert found == wanted
    assert made.mines[1] == build_instance(before).mines[1]
    assert before == document()


def test_plan_keeps_the_grades_of_its_set_and_costs_more_where_the_samples_are_poorer() -> None:
    costs = []
    for fall in (0.0, 0.2):
        rich = of_mine("mine 1", 0.6) + of_mine("mine 2", 0.6)
        samples = [replace(s, value_frac=s.value_frac - fall * (s.cutoff == CUTOFFS[0])) for s in rich]
        held = set_document(fit_mines(samples, settings(violation=0.7)))
        instance = build_instance(put_into(held, document()))
        result = solve(instance, SolveOptions(gap=0.0))
        assert result.plan is not None and result.report.objective_usd is not None
        assert check_plan(instance, result.plan).is_valid
        costs.append(result.report.objective_usd)
    assert costs[0] < costs[1]


@pytest.mark.parametrize(
    ("uncertainty", "violation", "wanted"),
    [
        ({"kind": "nominal"}, None, {"kind": "budget", "Gamma": [2, 0]}),
        ({"kind": "box"}, None, {"kind": "box"}),
        ({"kind": "box"}, 0.7, {"kind": "budget", "Gamma": [0.2, 2]}),
        ({"kind": "budget", "Gamma": 1.5}, None, {"kind": "budget", "Gamma": [2, 1.5]}),
        ({"kind": "budget", "Gamma": [1, 0.5]}, 0.7, {"kind": "budget", "Gamma": [0.2, 0.5]}),
        ({"kind": "polyhedron", "base": {"kind": "box"}, "rows": []}, None,
         {"kind": "polyhedron", "base": {"kind": "box"}, "rows": []}),
    ],
)  # fmt: skip
def test_mines_that_the_set_lacks_keep_their_protection(
    uncertainty: dict[str, Any], violation: float | None, wanted: dict[str, Any]
) -> None:
    made: Any = put_into(fitted("mine 1", violation=violation), document(uncertainty=uncertainty))
    assert json.loads(json.dumps(made["uncertainty"]), parse_float=lambda text: round(float(text), 3)) == wanted


def test_grades_may_be_left_out_where_the_set_gives_them() -> None:
    given = document()
    for location in given["mines"][0]["locations"]:
        for cutoff in location["cutoffs"]:
            del cutoff["gamma"], cutoff["delta"]
    assert build_instance(put_into(fitted("mine 1"), given)).mines[0].locations[0].cutoffs[0].gamma[0] > 0.4


def test_everything_that_does_not_meet_is_told_with_its_place() -> None:
    given = document(uncertainty={"kind": "paper", "Pi": -10, "pi": -3})
    given["mines"][0]["locations"][1]["cutoffs"][0]["name"] = "another"
    with pytest.raises(InstanceError) as refused:
        put_into(fitted("mine 1", "mine 9"), given)
    assert sorted(told(refused)) == [
        "/grade_set", "/instance/mines/0/locations/1/cutoffs/0", "/instance/uncertainty/kind",
    ]  # fmt: skip


def with_element(**limit: float) -> dict[str, Any]:
    given = document()
    for mine in given["mines"]:
        mine["elements"] = [{"name": "SiO2", **limit}]
        for location in mine["locations"]:
            for cutoff in location["cutoffs"]:
                cutoff["grades"] = [{"element": "SiO2", "gamma": 0.1, "delta": 0.05}]
    return given


def silica() -> dict[str, Any]:
    samples = of_mine("mine 1", 0.05, element="SiO2")
    return set_document(fit_mines(samples, FitSettings(FitOptions(), unwanted=("SiO2",))))


def test_element_of_the_set_replaces_that_of_the_instance() -> None:
    made = build_instance(put_into(silica(), with_element(most=0.2)))
    first, second = (mine.locations[0].cutoffs[0] for mine in made.mines)
    assert first.grades[0].gamma[0] == pytest.approx(0.05, abs=0.02)
    assert second.grades[0].gamma[0] == 0.1
    assert first.gamma == build_instance(document()).mines[0].locations[0].cutoffs[0].gamma


@pytest.mark.parametrize(
    ("given", "path"),
    [(with_element(least=0.01), "/instance/mines/0/elements/0"), (document(), "/instance/mines/0/elements")],
)
def test_element_that_is_limited_otherwise_or_not_at_all_is_told(given: dict[str, Any], path: str) -> None:
    with pytest.raises(InstanceError) as refused:
        put_into(silica(), given)
    assert path in told(refused)


@pytest.mark.parametrize("path", ["mines", "mines/0", "mines/0/name", "mines/0/locations", "mines/0/locations/0",
                                  "mines/0/locations/0/cutoffs/0/name", "uncertainty", "uncertainty/kind"])  # fmt: skip
@pytest.mark.parametrize("value", [None, 7, "x", [[]], {"a": []}])
def test_unusable_instance_is_left_to_the_builder_and_never_breaks(path: str, value: object) -> None:
    given = document()
    *parents, last = path.split("/")
    place: Any = given
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = copy.deepcopy(value)
    with pytest.raises(InstanceError) as refused:
        build_instance(put_into(fitted("mine 1"), given))
    assert all(isinstance(problem, Problem) for problem in refused.value.problems)


# Re-test ------------------------------------------------------------------------------------------------------------


def test_new_samples_like_the_old_hold_and_fallen_ones_drift() -> None:
    held = fit_mines(of_mine("North") + of_mine("South", 0.6), settings())
    like = retest_mines(held, of_mine("North", seed=77))
    fallen = retest_mines(held, of_mine("North", 0.42, seed=77))
    assert like is not None and fallen is not None
    assert (like["drift"], fallen["drift"]) == ("stands", "refit")
    assert fallen["words"][0].startswith("North: ") and "no longer fits" in fallen["words"][0]
    assert [part["mine"] for part in fallen["parts"]] == ["North"]


def test_samples_of_other_places_say_nothing() -> None:
    held = fit_mines(of_mine("North"), settings())
    elsewhere = [replace(s, mine="South") for s in of_mine("North")]
    assert retest_mines(held, elsewhere) is None
    assert retest_mines(held, [replace(s, location="pit 9") for s in of_mine("North")]) is None


def test_false_alarms_over_two_mines_are_no_more_frequent_than_the_significance() -> None:
    alarms = 0
    for seed in range(100):
        old, new = (
            [s for mine in ("N", "S") for s in [replace(s, mine=mine) for s in drawn(40, seed=k + seed + ord(mine))]]
            for k in (10_000, 20_000)
        )
        verdict = retest_mines(fit_mines(old, settings(held_out=0)), new)
        assert verdict is not None
        alarms += verdict["drift"] == "refit"
    assert alarms <= 12  # 5 expected at most; 13 or more has a probability below 0.2 %


# Figures ------------------------------------------------------------------------------------------------------------


def test_figures_draw_samples_set_and_test_and_plotly_takes_them() -> None:
    samples = of_mine("North", n=700)
    held = fit_mines(samples, settings(mean0_frac=0.4))
    figures = figures_of(held, samples)
    assert len(figures) == 1 + 4
    points = figures[0]["data"][0]
    assert (
        len(points["y"]) == 4 * MOST_POINTS and "2,000 of 2,800 samples drawn" in figures[0]["layout"]["title"]["text"]
    )
    assert (min(points["y"]), max(points["y"])) == pytest.approx(
        (100 * min(s.value_frac for s in samples), 100 * max(s.value_frac for s in samples))
    )
    statistic = figures[1]["data"][-1]
    grade = held[0].fitted.grades[0]
    assert grade.test is not None and statistic["x"] == [grade.test.t] * 2
    json.dumps(figures, allow_nan=False)
    graph = pytest.importorskip("plotly.graph_objects", reason="plotly is not installed")
    for figure in figures:
        graph.Figure(figure)


def test_plot_data_have_the_set_and_the_samples_of_each_place() -> None:
    samples = of_mine("North")
    (held,) = fit_mines(samples, settings())
    rows = list(plot_data((held,), samples))
    assert [row["n"] for row in rows] == [20] * 4
    assert rows[0]["low"] == held.fitted.grades[0].low_frac
