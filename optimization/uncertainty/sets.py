"""What an uncertainty set says of one mine and period, in one form for every kind of set.

A grade is base + slope * zeta of its factor; the factors lie between 0 and 1 and satisfy rows over them:

    gamma[e,i,j] = base + slope * zeta[k(e,i,j)],   0 <= zeta <= 1,   sum_k a[r,k] zeta[k] <= limit[r]

Nominal, box and paper need no factor, because each grade's worst value is known. The budget has one factor a location
and element, shared by its cut-offs, and one row an element. A polyhedron has one factor a grade, which is the grade
itself (slope 1) or, on a base, the share of its fall.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optimization.data import (
    BoxSet,
    BudgetSet,
    Cutoff,
    GradeRow,
    Mine,
    NominalSet,
    PaperSet,
    PolyhedronSet,
    SupplyChainInstance,
)
from optimization.uncertainty.worst_case import Row as Row

MAIN = ""
GradeKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Target:
    """A limit on the blend: sense * grade >= sense * limit, sense 1 for a metal and -1 for a contaminant; fraction."""

    element: str
    sense: int
    limit_frac: float


@dataclass(frozen=True, slots=True)
class Grade:
    """base + slope * zeta[factor], fraction; without a factor it is base."""

    base: float
    slope: float = 0.0
    factor: int | None = None


@dataclass(frozen=True, slots=True)
class GradeSet:
    """Grades by (element, location, cut-off); a row is its coefficients by factor and its limit."""

    grades: Mapping[GradeKey, Grade]
    rows: tuple[Row, ...] = ()

    @property
    def n_factors(self) -> int:
        return 1 + max((g.factor for g in self.grades.values() if g.factor is not None), default=-1)


def targets(mine: Mine) -> tuple[Target, ...]:
    """The grade that alpha limits under the name MAIN, then the further elements."""
    further = (
        Target(e.name, 1, e.least) if e.least is not None else Target(e.name, -1, e.most or 0.0) for e in mine.elements
    )
    return (Target(MAIN, 1, mine.alpha), *further)


def grade_set(instance: SupplyChainInstance, mine: Mine, t: int) -> GradeSet:
    """The set of one mine and period."""
    match instance.uncertainty:
        case NominalSet():
            return GradeSet({key: Grade(gamma) for key, gamma, _ in _grades(mine, t)})
        case BoxSet():
            return GradeSet({key: Grade(gamma + change) for key, gamma, change in _grades(mine, t)})
        case PaperSet() as paper:
            return GradeSet({key: Grade(paper.floor_frac) for key, _, _ in _grades(mine, t)})
        case BudgetSet():
            return _budget_set(mine, t, instance.budget(mine.name))
        case PolyhedronSet(rows, base):
            budget = instance.budget(mine.name) if isinstance(base, BudgetSet) else None
            return _narrowed(_base_set(base, mine, t, budget), [row for row in rows if row.mine == mine.name], t)


def _grades(mine: Mine, t: int) -> Iterator[tuple[GradeKey, float, float]]:
    """Key, nominal grade and its largest change for the worse: down for a metal, up for a contaminant."""
    sense = {target.element: target.sense for target in targets(mine)}
    for i in mine.locations:
        for j in i.cutoffs:
            for element, gamma, delta in _elements_of(j, t):
                yield (element, i.name, j.name), gamma, -sense[element] * delta


def _elements_of(cutoff: Cutoff, t: int) -> Iterator[tuple[str, float, float]]:
    yield MAIN, cutoff.gamma[t], cutoff.delta[t]
    yield from ((grade.element, grade.gamma[t], grade.delta[t]) for grade in cutoff.grades)


def _budget_set(mine: Mine, t: int, budget: float) -> GradeSet:
    pairs = [(target.element, i.name) for target in targets(mine) for i in mine.locations]
    factor = {pair: k for k, pair in enumerate(pairs)}
    grades = {key: Grade(gamma, change, factor[key[:2]]) for key, gamma, change in _grades(mine, t)}
    n = len(mine.locations)
    rows = tuple((dict.fromkeys(range(e * n, e * n + n), 1.0), budget) for e in range(len(pairs) // n))
    return GradeSet(grades, rows)


def _base_set(base: BoxSet | BudgetSet | None, mine: Mine, t: int, budget: float | None) -> GradeSet:
    if budget is not None:
        return _budget_set(mine, t, budget)
    if base is None:
        return GradeSet({key: Grade(0.0, 1.0, k) for k, (key, _, _) in enumerate(_grades(mine, t))})
    return GradeSet({key: Grade(gamma, change, k) for k, (key, gamma, change) in enumerate(_grades(mine, t))})


def _narrowed(base: GradeSet, rows: list[GradeRow], t: int) -> GradeSet:
    return GradeSet(base.grades, (*base.rows, *(_over_factors(base.grades, row, t) for row in rows)))


def _over_factors(grades: Mapping[GradeKey, Grade], row: GradeRow, t: int) -> Row:
    coefficients: dict[int, float] = {}
    limit = row.limit[t]
    for term in row.terms:
        grade = grades[term.element, term.location, term.cutoff]
        assert grade.factor is not None
        coefficients[grade.factor] = coefficients.get(grade.factor, 0.0) + term.value * grade.slope
        limit -= term.value * grade.base
    return coefficients, limit
