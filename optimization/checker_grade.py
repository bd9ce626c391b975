"""The exact worst case of a blend over the uncertainty set, for the checker: from the data alone.

It shares no code with the counterpart in the program. Closed forms, and for polyhedra a linear program over the grades
themselves, in exact fractions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

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
    """Variables: every grade, and with a budget every location's share of its change, all from 0 to 1."""
    places = [(e, i.name, j.name) for e in _elements(mine) for i in mine.locations for j in i.cutoffs]
    shares = [(e, i.name) for e in _elements(mine) for i in mine.locations]
    column: dict[Place, int] = {place: k for k, place in enumerate([*places, *shares])}
    cost, wanted = [0.0] * len(column), element.name if element else ""
    for e, i, j in places:
        if e == wanted:
            cost[column[e, i, j]] = _sign(element) * x[i, j]
    rows = [*_stated_rows(instance, mine, t, column), *_base_rows(instance, mine, t, column)]
    worst = minimum(cost, rows)
    return math.nan if worst is None else _sign(element) * float(worst)


def _elements(mine: Mine) -> dict[str, Element | None]:
    return {"": None, **{element.name: element for element in mine.elements}}


def _stated_rows(instance: SupplyChainInstance, mine: Mine, t: int, column: Mapping[Place, int]) -> list[Row]:
    assert isinstance(instance.uncertainty, PolyhedronSet)
    return [
        ({column[term.element, term.location, term.cutoff]: term.value for term in row.terms}, row.limit[t])
        for row in instance.uncertainty.rows
        if row.mine == mine.name
    ]


def _base_rows(instance: SupplyChainInstance, mine: Mine, t: int, column: Mapping[Place, int]) -> list[Row]:
    """grade = gamma - sign * delta * share, as two inequalities; a budget limits the sum of the shares."""
    base = getattr(instance.uncertainty, "base", None)
    rows: list[Row] = []
    for e, element in _elements(mine).items() if base else ():
        for i in mine.locations:
            for j in i.cutoffs:
                gamma, delta = _grade(j, e, t)
                place, change = column[e, i.name, j.name], _sign(element) * delta
                if isinstance(base, BudgetSet):
                    share = column[e, i.name]
                    rows += [({place: 1.0, share: change}, gamma), ({place: -1.0, share: -change}, -gamma)]
                else:
                    rows += [({place: 1.0}, max(gamma, gamma - change)), ({place: -1.0}, -min(gamma, gamma - change))]
        if isinstance(base, BudgetSet):
            rows.append(({column[e, i.name]: 1.0 for i in mine.locations}, instance.budget(mine.name)))
    return rows
