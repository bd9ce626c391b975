"""Polyhedra, rows on a base and several elements: counterpart, checker, vertices and another solver say the same."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from optimization.checker import check_plan
from optimization.checker_grade import worst_case_grade_t
from optimization.data import (
    BoxSet,
    BudgetSet,
    Element,
    ElementGrade,
    GradeRow,
    GradeTerm,
    InstanceError,
    NominalSet,
    Plan,
    PolyhedronSet,
    SolveOptions,
    SupplyChainInstance,
    Termination,
    UncertaintySet,
)
from optimization.explain import explain_infeasibility
from optimization.explain.mine_test import best_worst_case_grade_frac
from optimization.generator import generate
from optimization.instance_builder import build_instance, instance_from_json
from optimization.solver import solve
from optimization.uncertainty.rules import empty_set_problems
from optimization.uncertainty.worst_case import Row, minimum
from tests.unit.optimization import tiny
from tests.unit.optimization.robust import best_left_side_t

EXACT = SolveOptions(gap=1e-6, time_limit_s=20)
ROW4 = "(4) blended grade, worst case"
coefficients = st.integers(-4, 4).map(lambda c: c / 2)


def systems(n: int) -> st.SearchStrategy[tuple[list[float], list[Row]]]:
    row = st.tuples(st.lists(coefficients, min_size=n, max_size=n), coefficients)
    sparse = row.map(lambda made: ({k: a for k, a in enumerate(made[0]) if a}, made[1]))
    return st.tuples(st.lists(coefficients, min_size=n, max_size=n), st.lists(sparse, max_size=4))


def dense(rows: list[Row], n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.array([[a.get(k, 0.0) for k in range(n)] for a, _ in rows]).reshape(-1, n), np.array([b for _, b in rows])


@settings(max_examples=120, deadline=None)
@given(st.integers(1, 6).flatmap(systems))
def test_minimum_is_that_of_another_solver_and_empty_sets_are_told(system: tuple[list[float], list[Row]]) -> None:
    cost, rows = system
    A, b = dense(rows, len(cost))
    answer = linprog(cost, A, b, bounds=(0, 1))
    found = minimum(cost, rows)
    assert (found is None) == (answer.status == 2)
    if found is not None:
        assert float(found) == pytest.approx(answer.fun, abs=1e-9)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 3).flatmap(systems))
def test_minimum_is_the_cheapest_vertex(system: tuple[list[float], list[Row]]) -> None:
    """Every vertex makes n of the rows and bounds equalities; all are solved and those inside are kept."""
    cost, rows = system
    n = len(cost)
    A, b = dense(rows, n)
    A, b = np.vstack([A, np.eye(n), -np.eye(n)]), np.concatenate([b, np.ones(n), np.zeros(n)])
    values = []
    for chosen in map(list, itertools.combinations(range(len(b)), n)):
        if abs(np.linalg.det(A[chosen])) > 1e-9:
            point = np.linalg.solve(A[chosen], b[chosen])
            if (A @ point <= b + 1e-9).all():
                values.append(float(np.dot(cost, point)))
    found = minimum(cost, rows)
    assert (found is None) == (not values)
    if found is not None:
        assert float(found) == pytest.approx(min(values), abs=1e-9)


def test_minimum_is_exact_where_floats_round() -> None:
    assert minimum([0.1, 0.2], [({0: -1.0, 1: -1.0}, -1.0)]) == Fraction(0.1)


# Instances ----------------------------------------------------------------------------------------------------------

BASE = replace(generate(1, 1, 1, 1, 3, 2, seed=11), periods=("now",))
PAIRS = [(i.name, j.name) for i in BASE.mines[0].locations for j in i.cutoffs]


def with_elements(instance: SupplyChainInstance, iron: float = 0.3, silica: float = 0.2) -> SupplyChainInstance:
    """A metal and a contaminant; richer options of a location are also cleaner."""

    def graded(k: int) -> tuple[ElementGrade, ...]:
        n = len(instance.periods)
        return (
            ElementGrade("Fe", (0.4 + 0.03 * k,) * n, (0.02 * k,) * n),
            ElementGrade("SiO2", (0.15 - 0.02 * k,) * n, (0.01 * (k + 1),) * n),
        )

    mines = []
    for mine in instance.mines:
        places = itertools.count()
        locations = tuple(
            replace(i, cutoffs=tuple(replace(j, grades=graded(next(places))) for j in i.cutoffs))
            for i in mine.locations
        )
        elements = (Element("Fe", least=iron), Element("SiO2", most=silica))
        mines.append(replace(mine, locations=locations, elements=elements))
    return replace(instance, mines=tuple(mines))


MULTI = with_elements(BASE)
elements = st.sampled_from(["", "Fe", "SiO2"])


@st.composite
def grade_rows(draw: st.DrawFn) -> GradeRow:
    """A row through the nominal grades or beyond them, so that the set is not empty."""
    keys = draw(st.lists(st.tuples(elements, st.sampled_from(PAIRS)), min_size=1, max_size=4, unique=True))
    terms = tuple(GradeTerm(i, j, draw(coefficients), e) for e, (i, j) in keys)
    nominal = sum(term.value * nominal_grade(term) for term in terms)
    return GradeRow(BASE.mines[0].name, terms, (nominal + draw(st.floats(0.001, 0.2)),))


def nominal_grade(term: GradeTerm) -> float:
    cutoff = MULTI.cutoff_by_key[MULTI.mines[0].name, term.location, term.cutoff]
    return next((g.gamma[0] for g in cutoff.grades if g.element == term.element), cutoff.gamma[0])


bases = st.one_of(st.none(), st.just(BoxSet()), st.floats(0, 3).map(lambda g: BudgetSet((round(g, 2),))))
polyhedra = st.builds(PolyhedronSet, st.lists(grade_rows(), min_size=1, max_size=3).map(tuple), bases)
ores = st.lists(st.floats(0, 5_000), min_size=len(PAIRS), max_size=len(PAIRS))


@settings(max_examples=60, deadline=None)
@given(polyhedra | bases.filter(bool), ores, elements)
def test_counterpart_of_every_set_and_element_is_the_worst_case_of_the_checker(
    uncertainty: UncertaintySet, tonnes: list[float], name: str
) -> None:
    instance, mine = replace(MULTI, uncertainty=uncertainty), MULTI.mines[0]
    ore = dict(zip(PAIRS, tonnes, strict=True))
    plan = Plan(x={(mine.name, *pair, "now"): x for pair, x in ore.items()})
    element = next((e for e in mine.elements if e.name == name), None)
    worst = worst_case_grade_t(instance, mine, 0, ore, element) * (-1 if name == "SiO2" else 1)
    left = best_left_side_t(instance, plan, *filter(None, [name]))
    assert left == pytest.approx(worst, rel=1e-6, abs=1e-4)


def floor_rows(instance: SupplyChainInstance, floor: float) -> tuple[GradeRow, ...]:
    names = [(m.name, i.name, j.name) for m in instance.mines for i in m.locations for j in i.cutoffs]
    n = len(instance.periods)
    return tuple(GradeRow(m, (GradeTerm(i, j, -10.0),), (-10.0 * floor,) * n) for m, i, j in names)


def test_papers_rows_written_as_a_polyhedron_say_what_the_papers_set_says() -> None:
    """Pi = -10, pi = -3 for each grade: every grade is at least 0.3, so a blend is at least 0.3 and no better."""
    for alpha, reason in ((0.3, ()), (0.31, ("best worst-case grade 0.300 < 0.310",))):
        plain = tiny.instance(alpha=alpha)
        instance = replace(plain, uncertainty=PolyhedronSet(floor_rows(plain, 0.3)))
        result = solve(instance, EXACT)
        assert (result.plan is None) == bool(reason)
        assert all(word in result.report.explanation[0] for word in reason)
        assert best_worst_case_grade_frac(instance, instance.mines[0], 0) == pytest.approx(0.3)


SMALL = generate(1, 1, 1, 2, 3, 2, seed=2)


def cost_under(uncertainty: UncertaintySet, instance: SupplyChainInstance = SMALL) -> float:
    result = solve(replace(instance, uncertainty=uncertainty), EXACT)
    assert result.plan is not None and result.report.objective_usd is not None
    made = replace(instance, uncertainty=uncertainty)
    assert check_plan(made, result.plan, objective_usd=result.report.objective_usd).is_valid
    return result.report.objective_usd


def box_rows(instance: SupplyChainInstance) -> tuple[GradeRow, ...]:
    keys = instance.cutoff_by_key.items()
    lows = [
        GradeRow(m, (GradeTerm(i, j, -1.0),), tuple(d - g for g, d in zip(c.gamma, c.delta, strict=True)))
        for (m, i, j), c in keys
    ]
    return (*lows, *(GradeRow(m, (GradeTerm(i, j, 1.0),), c.gamma) for (m, i, j), c in keys))


def mean_row(instance: SupplyChainInstance, share: float) -> GradeRow:
    """The grades' sum falls by no more than this share of all that they may fall."""
    pairs = [(key, c) for key, c in instance.cutoff_by_key.items()]
    terms = tuple(GradeTerm(i, j, -1.0) for (_, i, j), _ in pairs)
    limit = tuple(sum(share * c.delta[t] - c.gamma[t] for _, c in pairs) for t in range(len(instance.periods)))
    return GradeRow(instance.mines[0].name, terms, limit, "mean grade")


def test_box_written_as_a_polyhedron_costs_what_the_box_costs() -> None:
    assert cost_under(PolyhedronSet(box_rows(SMALL))) == pytest.approx(cost_under(BoxSet()), rel=3e-6)


def test_row_on_the_mean_lies_between_nominal_and_box() -> None:
    nominal, box = cost_under(NominalSet()), cost_under(BoxSet())
    costs = [cost_under(PolyhedronSet((mean_row(SMALL, share),), BoxSet())) for share in (0.0, 0.1, 1.0)]
    assert costs[0] == pytest.approx(nominal, rel=3e-6) and costs[2] == pytest.approx(box, rel=3e-6)
    assert nominal * 1.0001 < costs[1] < box * 0.9999


def test_rows_on_a_budget_of_zero_change_nothing_and_on_a_full_budget_help() -> None:
    row = mean_row(SMALL, 0.1)
    zero, full = BudgetSet((0.0,)), BudgetSet((3.0,))
    assert cost_under(PolyhedronSet((row,), zero)) == pytest.approx(cost_under(NominalSet()), rel=3e-6)
    assert cost_under(PolyhedronSet((row,), full)) < cost_under(full) * 0.9999


def test_larger_budget_under_a_row_is_never_cheaper() -> None:
    row = mean_row(SMALL, 0.5)
    costs = [cost_under(PolyhedronSet((row,), BudgetSet((budget,)))) for budget in (0.0, 0.5, 1.0, 2.0)]
    assert all(later >= earlier * (1 - 3e-6) for earlier, later in itertools.pairwise(costs))


def test_robust_row_binds_at_the_optimum_in_its_worst_case() -> None:
    instance = replace(SMALL, uncertainty=PolyhedronSet((mean_row(SMALL, 0.1),), BoxSet()))
    plan, mine = solve(instance, EXACT).plan, instance.mines[0]
    assert plan is not None
    slacks = []
    for t, period in enumerate(instance.periods):
        ore = {key[1:3]: plan.x.get((*key, period), 0.0) for key in instance.cutoff_by_key}
        worst = worst_case_grade_t(instance, mine, t, ore)
        slacks.append((worst - mine.alpha * plan.y.get((mine.name, period), 0.0)) / mine.Q[t])
    assert min(slacks) == pytest.approx(0.0, abs=1e-6)


# Elements -----------------------------------------------------------------------------------------------------------


def silica(most: float, delta: float = 0.0, kind: dict[str, Any] | None = None) -> dict[str, Any]:
    """By hand: location A holds 10 % SiO2 (it may rise by delta) and B 2 %; A is the rich one that alpha needs."""
    document = tiny.document(kind, elements=[{"name": "SiO2", "most": most}])
    for location, gamma, rise in zip(document["mines"][0]["locations"], (0.1, 0.02), (delta, 0.0), strict=True):
        location["cutoffs"][0]["grades"] = [{"element": "SiO2", "gamma": gamma, "delta": rise}]
    return document


@pytest.mark.parametrize(
    ("most", "delta", "kind", "share"),
    [
        (0.08, 0.0, "nominal", 0.75),
        (0.08, 0.04, "nominal", 0.75),
        (0.08, 0.04, "box", 0.5),
        (0.08, 0.04, "budget", 0.5),
    ],
)
def test_contaminant_limits_the_share_of_the_dirty_location(most: float, delta: float, kind: str, share: float) -> None:
    """0.1 a + 0.02 (1 - a) <= 0.08 lets A be 3/4 of the blend; with A at 0.14, 1/2."""
    uncertainty = {"kind": kind} | ({"Gamma": 1} if kind == "budget" else {})
    document = silica(most, delta, uncertainty)
    for location, cost in zip(document["mines"][0]["locations"], (1, 5), strict=True):
        location["cutoffs"][0]["c"] = cost
    document["demands"][0]["D"], document["mines"][0]["alpha"] = [20, 20], 0.3
    instance = build_instance(document)
    plan = solve(instance, EXACT).plan
    assert plan is not None and check_plan(instance, plan).is_valid
    blended, rich = sum(plan.y.values()), sum(x for key, x in plan.x.items() if key[1] == "A")
    assert rich / blended == pytest.approx(share, abs=1e-6)


def test_checker_names_the_element_whose_limit_a_plan_breaks() -> None:
    lax, strict = build_instance(silica(0.2)), build_instance(silica(0.03))
    plan = solve(lax, EXACT).plan
    assert plan is not None
    broken = check_plan(strict, plan).violations
    assert {(v.constraint, v.indices[-1]) for v in broken} == {(ROW4, "SiO2")}
    metal = replace(lax.mines[0], elements=(Element("SiO2", least=0.5),))
    broken = check_plan(replace(lax, mines=(metal,)), plan).violations
    assert {(v.constraint, v.indices[-1]) for v in broken} == {(ROW4, "SiO2")}


def test_contaminant_that_no_blend_can_keep_to_is_the_reason_given() -> None:
    instance = build_instance(silica(0.01))
    assert solve(instance, EXACT).report.termination is Termination.INFEASIBLE
    assert "best worst-case SiO2 0.020 > 0.010" in explain_infeasibility(instance)[0]


def test_limit_on_a_contaminant_can_cost_more_than_alpha_alone() -> None:
    plain, bound = with_elements(SMALL, 0.0, 1.0), with_elements(SMALL, 0.0, 0.13)
    assert cost_under(BoxSet(), plain) == pytest.approx(cost_under(BoxSet()), rel=3e-6)
    assert cost_under(BoxSet(), bound) > cost_under(BoxSet(), plain) * 1.0001


def test_elements_and_polyhedra_come_back_equal_from_their_json() -> None:
    row = GradeRow(BASE.mines[0].name, (GradeTerm(*PAIRS[0], 1.0, "Fe"), GradeTerm(*PAIRS[1], -1.0)), (0.9,), "tie")
    for base in (None, BoxSet(), BudgetSet((1.5,))):
        instance = replace(MULTI, uncertainty=PolyhedronSet((row,), base))
        assert instance_from_json(instance.to_json()) == instance


def test_single_element_document_has_no_trace_of_elements() -> None:
    text = json.dumps(tiny.instance().to_document())
    assert "elements" not in text and "grades" not in text


def row(**more: Any) -> dict[str, Any]:
    return {"mine": "Aurora North", "terms": [{"location": "A", "cutoff": "0.5", "value": 1}], "limit": 0.5} | more


@pytest.mark.parametrize(
    ("uncertainty", "path", "words"),
    [
        ({"kind": "polyhedron", "rows": []}, "/uncertainty/rows", "empty"),
        ({"kind": "polyhedron", "rows": [row(mine="Elsewhere")]}, "/uncertainty/rows/0/mine", "correct the name"),
        ({"kind": "polyhedron", "rows": [row(limit=[1, 2, 3])]}, "/uncertainty/rows/0/limit", "2 periods"),
        ({"kind": "polyhedron", "rows": [row(limit=-0.1)]}, "/uncertainty/rows", "loosen"),
        ({"kind": "polyhedron", "rows": [row(terms=row()["terms"] * 2)]}, "/uncertainty/rows/0/terms", "twice"),
        (
            {"kind": "polyhedron", "rows": [row(terms=[{"location": "C", "cutoff": "0.5", "value": 1}])]},
            "/uncertainty/rows/0/terms/0",
            "does not have",
        ),
        (
            {"kind": "polyhedron", "rows": [row(terms=[row()["terms"][0] | {"element": "Au"}])]},
            "/uncertainty/rows/0/terms/0/element",
            "lack",
        ),
        ({"kind": "polyhedron", "rows": [row()], "base": {"kind": "budget"}}, "/uncertainty/base", "Gamma"),
        (
            {"kind": "polyhedron", "rows": [row()], "base": {"kind": "budget", "Gamma": 9}},
            "/uncertainty/base/Gamma",
            "0 to 2",
        ),
        (
            {"kind": "polyhedron", "rows": [row()], "base": {"kind": "budget", "Gamma": [1, 1]}},
            "/uncertainty/base/Gamma",
            "1 mines",
        ),
        ({"kind": "polyhedron", "rows": [row()], "base": {"kind": "paper"}}, "/uncertainty/base/kind", "one of"),
        ({"kind": "polyhedron", "rows": [row()], "base": {"kind": "box", "Gamma": 1}}, "/uncertainty/base", ""),
    ],
)
def test_wrong_polyhedron_is_refused_with_its_place(uncertainty: dict[str, Any], path: str, words: str) -> None:
    with pytest.raises(InstanceError) as refused:
        tiny.instance(uncertainty)
    assert any(p.path.startswith(path) and words in p.message for p in refused.value.problems), refused.value.problems


def _with(path: str, value: object) -> dict[str, Any]:
    document = silica(0.1)
    *parents, last = path.strip("/").split("/")
    place: Any = document["mines"][0]
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = value
    return document


GRADES = "locations/0/cutoffs/0/grades"


@pytest.mark.parametrize(
    ("path", "value", "where", "words"),
    [
        ("elements/0", {"name": "SiO2"}, "/mines/0/elements/0", "either"),
        ("elements/0", {"name": "SiO2", "least": 0.1, "most": 0.2}, "/mines/0/elements/0", "either"),
        ("elements", [{"name": "SiO2", "most": 0.1}] * 2, "/mines/0/elements", "twice"),
        (GRADES, [], f"/mines/0/{GRADES}", "no grade of 'SiO2'"),
        (f"{GRADES}/0/element", "Au", f"/mines/0/{GRADES}/0/element", "lack"),
        (f"{GRADES}/0/delta", 0.95, f"/mines/0/{GRADES}/0/delta", "lower"),
        (f"{GRADES}/0/gamma", [0.1, 0.1, 0.1], f"/mines/0/{GRADES}/0/gamma", "2 periods"),
        (GRADES, [{"element": "SiO2", "gamma": 0.1}] * 2, f"/mines/0/{GRADES}", "twice"),
    ],
)
def test_wrong_element_is_refused_with_its_place(path: str, value: object, where: str, words: str) -> None:
    with pytest.raises(InstanceError) as refused:
        build_instance(_with(path, value))
    assert any(p.path == where and words in p.message for p in refused.value.problems), refused.value.problems


def test_papers_set_is_refused_with_elements() -> None:
    with pytest.raises(InstanceError, match="one grade"):
        build_instance(silica(0.1, kind={"kind": "paper", "Pi": -10, "pi": -3}))


def test_rows_that_contradict_one_another_leave_no_set() -> None:
    terms = (GradeTerm("A", "0.5", 1.0),)
    rows = (
        GradeRow("Aurora North", terms, (0.2, 0.9)),
        GradeRow("Aurora North", (GradeTerm("A", "0.5", -1.0),), (-0.3,) * 2),
    )
    found = list(empty_set_problems(replace(tiny.instance(), uncertainty=PolyhedronSet(rows))))
    assert len(found) == 1 and "week 1" in found[0].message


def test_elements_in_percent_become_fractions() -> None:
    document = silica(8.0)
    for location in document["mines"][0]["locations"]:
        for cutoff in location["cutoffs"]:
            cutoff["gamma"], cutoff["delta"] = cutoff["gamma"] * 100, cutoff["delta"] * 100
            cutoff["grades"] = [{"element": "SiO2", "gamma": 2.0, "delta": 0.0}]
    document["mines"][0]["alpha"] *= 100
    mine = build_instance(document, grades_in_percent=True).mines[0]
    assert mine.elements[0].most == pytest.approx(0.08)
    assert mine.locations[0].cutoffs[0].grades[0].gamma == pytest.approx((0.02, 0.02))


def test_mine_that_can_keep_to_its_elements_gets_no_reason() -> None:
    assert explain_infeasibility(build_instance(silica(0.05))) == ()


def worst_useful_t(instance: SupplyChainInstance, plan: Plan, rng: np.random.Generator) -> float:
    """Least surplus of useful ore, in tonnes, over grades of the box with the mean row, chosen by another solver."""
    mine, keys, surpluses = instance.mines[0], list(instance.cutoff_by_key), []
    options = [instance.cutoff_by_key[key] for key in keys]
    for t, period in enumerate(instance.periods):
        bounds = [(c.gamma[t] - c.delta[t], c.gamma[t]) for c in options]
        limit = mean_row(instance, 0.1).limit[t]
        x = np.array([plan.x.get((*key, period), 0.0) for key in keys])
        for direction in (x, *rng.normal(size=(20, len(keys)))):
            gamma = linprog(direction, -np.ones((1, len(keys))), [limit], bounds=bounds).x
            surpluses.append(gamma @ x - mine.alpha * x.sum())
    return float(min(surpluses))


def test_robust_plan_keeps_its_grade_at_every_corner_of_the_set_and_the_nominal_one_does_not() -> None:
    robust = replace(SMALL, uncertainty=PolyhedronSet((mean_row(SMALL, 0.1),), BoxSet()))
    plans = [solve(made, EXACT).plan for made in (robust, replace(SMALL, uncertainty=NominalSet()))]
    assert plans[0] is not None and plans[1] is not None
    rng = np.random.default_rng(1)
    assert worst_useful_t(SMALL, plans[0], rng) > -1e-3
    assert worst_useful_t(SMALL, plans[1], rng) < -1.0
