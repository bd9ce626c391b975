"""The exact worst case of a blend over the uncertainty set, for the checker: from the data alone.

It shares no code with the counterpart in the program. Closed forms, and for polyhedra a small linear
program in exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from optimization.data import (
    BoxSet,
    BudgetSet,
    Cutoff,
    Element,
    Mine,
    NominalSet,
    PaperSet,
    PolyhedronSet,
    SupplyChainInstance,
)
from optimization.uncertainty.worst_case import Row, minimum

Ore = Mapping[tuple[str, str], float]
Place = tuple[str, ...]
Form = tuple[float, float, Place]


def worst_case_grade_t(
    instance: SupplyChainInstance, mine: Mine, t: int, x: Ore, element: Element | None = None
) -> float:
    """Tonnes of an element in the ore x[location, cut-off] at worst: least of a metal, most of a contaminant.

    Without an element it is the grade that alpha limits. NaN where the rows of the set leave no grades at all.
    """
    name = element.name if element else ""
    nominal = math.fsum(_grade(j, name, t)[0] * x[i.name, j.name] for i in mine.locations for j in i.cutoffs)
    changes = [math.fsum(_grade(j, name, t)[1] * x[i.name, j.name] for j in i.cutoffs) for i in mine.locations]
    match instance.uncertainty:
        case NominalSet():
            return nominal
        case BoxSet():
            return nominal - _sign(element) * math.fsum(changes)
        case BudgetSet():
            return nominal - _sign(element) * _largest_change(changes, instance.budget(mine.name))
        case PaperSet() as paper:
            return paper.floor_frac * math.fsum(x.values())
        case PolyhedronSet():
            return _over_polyhedron(instance, mine, t, x, element)


def _grade(cutoff: Cutoff, element: str, t: int) -> tuple[float, float]:
    if not element:
        return cutoff.gamma[t], cutoff.delta[t]
    grade = next(grade for grade in cutoff.grades if grade.element == element)
    return grade.gamma[t], grade.delta[t]


def _sign(element: Element | None) -> int:
    return 1 if element is None or element.most is None else -1


def _largest_change(changes: list[float], budget: float) -> float:
    """The adversary changes the worst locations wholly and the next one by what is left of the budget."""
    shares = (min(1.0, max(0.0, budget - rank)) for rank in range(len(changes)))
    return math.fsum(share * change for share, change in zip(shares, sorted(changes, reverse=True), strict=True))


def _over_polyhedron(instance: SupplyChainInstance, mine: Mine, t: int, x: Ore, element: Element | None) -> float:
    """A linear program whose variables, from 0 to 1, are the grades, or on a base the shares of their changes."""
    made, columns = _made_of(instance, mine, t)
    cost, sure, wanted = [0.0] * len(columns), [], element.name if element else ""
    for (e, i, j), (constant, slope, column) in made.items():
        if e == wanted:
            sure.append(constant * x[i, j])
            cost[columns[column]] += _sign(element) * slope * x[i, j]
    worst = minimum(cost, [*_stated_rows(instance, mine, t, made, columns), *_budget_rows(instance, mine, columns)])
    return math.nan if worst is None else math.fsum(sure) + _sign(element) * float(worst)


def _made_of(instance: SupplyChainInstance, mine: Mine, t: int) -> tuple[Mapping[Place, Form], Mapping[Place, int]]:
    """grade = constant + slope * variable; the cut-offs of a location share one variable under a budget."""
    base = getattr(instance.uncertainty, "base", None)
    made: dict[Place, Form] = {}
    for e, element in _elements(mine).items():
        for i in mine.locations:
            for j in i.cutoffs:
                gamma, delta = _grade(j, e, t)
                variable: Place = (e, i.name) if isinstance(base, BudgetSet) else (e, i.name, j.name)
                made[e, i.name, j.name] = (gamma, -_sign(element) * delta, variable) if base else (0.0, 1.0, variable)
    variables = dict.fromkeys(variable for _, _, variable in made.values())
    return made, {variable: k for k, variable in enumerate(variables)}


def _elements(mine: Mine) -> dict[str, Element | None]:
    return {"": None, **{element.name: element for element in mine.elements}}


def _stated_rows(
    instance: SupplyChainInstance, mine: Mine, t: int, made: Mapping[Place, Form], columns: Mapping[Place, int]
) -> Iterator[Row]:
    assert isinstance(instance.uncertainty, PolyhedronSet)
    for row in instance.uncertainty.rows:
        if row.mine == mine.name:
            coefficients, limit = dict.fromkeys(columns.values(), 0.0), [row.limit[t]]
            for term in row.terms:
                constant, slope, variable = made[term.element, term.location, term.cutoff]
                coefficients[columns[variable]] += term.value * slope
                limit.append(-term.value * constant)
            yield coefficients, math.fsum(limit)


def _budget_rows(instance: SupplyChainInstance, mine: Mine, columns: Mapping[Place, int]) -> Iterator[Row]:
    if isinstance(getattr(instance.uncertainty, "base", None), BudgetSet):
        for e in _elements(mine):
            yield {columns[e, i.name]: 1.0 for i in mine.locations}, instance.budget(mine.name)
