"""Several elements on the fast path, held against the whole program."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import (
    BoxSet,
    BudgetSet,
    Element,
    ElementGrade,
    GradeRow,
    GradeTerm,
    Location,
    Mine,
    NominalSet,
    PaperSet,
    PolyhedronSet,
    SolveOptions,
    SupplyChainInstance,
    UncertaintySet,
)
from optimization.decomposition.run import supports
from optimization.formulation.program import build_program
from optimization.generator import generate
from optimization.solver import minimise, solve

EXACT = SolveOptions(gap=0.0, time_limit_s=30)


def with_elements(instance: SupplyChainInstance, seed: int) -> SupplyChainInstance:
    """A metal and a contaminant in every mine, their limits near what the rock has, so that they often bind."""
    rng = random.Random(seed)
    return replace(instance, mines=tuple(_graded(rng, mine) for mine in instance.mines))


def _graded(rng: random.Random, mine: Mine) -> Mine:
    limits = (Element("Cu", least=rng.uniform(0.0, 0.045)), Element("SiO2", most=rng.uniform(0.05, 0.12)))
    chosen = limits[: rng.randint(1, 2)] if rng.random() < 0.5 else limits[1:]
    return replace(mine, elements=chosen, locations=tuple(_rock(rng, i, chosen, len(mine.P)) for i in mine.locations))


def _rock(rng: random.Random, location: Location, elements: tuple[Element, ...], n_periods: int) -> Location:
    def grades() -> tuple[ElementGrade, ...]:
        found = []
        for element in elements:
            gamma = [rng.uniform(0.02, 0.08) for _ in range(n_periods)]
            delta = [share * rng.uniform(0, 0.3) for share in gamma]
            found.append(ElementGrade(element.name, tuple(gamma), tuple(delta)))
        return tuple(found)

    return replace(location, cutoffs=tuple(replace(j, grades=grades()) for j in location.cutoffs))


def held_by(n_mines: int) -> st.SearchStrategy[UncertaintySet]:
    budgets = st.sampled_from([0.0, 0.5, 1.0, 1.5, 3.0]).map(lambda budget: BudgetSet((budget,) * n_mines))
    return st.one_of(st.just(NominalSet()), st.just(BoxSet()), st.just(PaperSet(-10.0, -0.4)), budgets)


@settings(max_examples=24, deadline=None)
@given(data=st.data(), n_mines=st.integers(1, 2), n_periods=st.integers(1, 2), seed=st.integers(0, 10_000))
def test_several_elements_cost_the_same_by_both_roads(
    data: st.DataObject, n_mines: int, n_periods: int, seed: int
) -> None:
    options = data.draw(st.sampled_from([(1, 2), (2, 2), (3, 1), (3, 2)]))
    made = generate(n_mines, 1, 1, n_periods, *options, seed)
    instance = replace(with_elements(made, seed), uncertainty=data.draw(held_by(n_mines)))
    assert supports(instance)
    result, whole = solve(instance, EXACT), minimise(build_program(instance), EXACT)
    assert (result.report.objective_usd is None) == (whole.objective_usd is None)
    if result.plan is not None and whole.objective_usd is not None:
        assert check_plan(instance, result.plan, objective_usd=result.report.objective_usd).violations == ()
        assert result.report.objective_usd == pytest.approx(whole.objective_usd, rel=1e-5)
        assert (result.report.dual_bound_usd or 0.0) <= whole.objective_usd * (1 + 1e-6)


def limited(instance: SupplyChainInstance, most: float) -> SupplyChainInstance:
    """Location k has k times as much SiO2 as the first one, in every cut-off; nominal grades."""

    def graded(k: int, location: Location) -> Location:
        grades = (ElementGrade("SiO2", (0.02 * (k + 1),) * len(instance.periods), (0.0,) * len(instance.periods)),)
        return replace(location, cutoffs=tuple(replace(j, grades=grades) for j in location.cutoffs))

    mine = instance.mines[0]
    locations = tuple(graded(k, i) for k, i in enumerate(mine.locations))
    return replace(
        instance,
        mines=(replace(mine, elements=(Element("SiO2", most=most),), locations=locations),),
        uncertainty=NominalSet(),
    )


def test_contaminant_limit_just_below_what_the_free_plan_blends_costs_more() -> None:
    instance = generate(1, 1, 1, 1, 3, 2, 3)
    free = solve(limited(instance, 1.0), EXACT)
    assert free.plan is not None and free.report.objective_usd is not None
    named = {location.name: 0.02 * (k + 1) for k, location in enumerate(instance.mines[0].locations)}
    blended = sum(named[i] * x for (_, i, _, _), x in free.plan.x.items()) / sum(free.plan.x.values())
    tight = solve(limited(instance, 0.98 * blended), EXACT).report.objective_usd
    assert tight is not None and tight > free.report.objective_usd * 1.0001


def test_polyhedra_are_left_to_the_whole_program() -> None:
    instance = generate(1, 1, 1, 1, 2, 1, 1)
    i, j = instance.mines[0].locations[0], instance.mines[0].locations[0].cutoffs[0]
    row = GradeRow(instance.mines[0].name, (GradeTerm(i.name, j.name, -1.0),), (-0.1,))
    assert not supports(replace(instance, uncertainty=PolyhedronSet((row,), BoxSet())))
