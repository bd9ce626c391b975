"""Row (4) without its "for every": the linear rows that hold exactly when it holds for the whole set.

With grades base + slope * zeta, 0 <= zeta <= 1 and rows sum_k a[r,k] zeta[k] <= limit[r], linear-programming duality
says that the blend's least grade tonnes are, over prices mu >= 0 of the rows and nu >= 0 of the factors,

    max  sum_g base_g x_g - sum_r limit[r] mu[r] - sum_k nu[k]
    with sum_r a[r,k] mu[r] + nu[k] >= sum_g -slope_g x_g

so (4) asks for prices with which the left side reaches the target. These are the rows (17) to (19) of
docs/formulation.md, with lambda = -(mu, nu); for the budget they are its location form (Bertsimas and Sim 2004).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from optimization.data import Mine, SupplyChainInstance
from optimization.uncertainty.sets import GradeSet, Row, Target, grade_set, targets
from optimization.uncertainty.worst_case import minimum

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class RobustRow:
    """sum sure x - sum_r limits mu - sum_k nu >= required_frac y;  priced[k] mu + nu[k] >= falls[k] x.

    Keyed by (location, cut-off); a contaminant's grades are negated, so that every row is a lower limit. `priced` and
    `falls` have one entry a factor that matters to the row.
    """

    element: str
    required_frac: float
    sure: Mapping[Pair, float]
    falls: tuple[Mapping[Pair, float], ...]
    limits: tuple[float, ...]
    priced: tuple[Mapping[int, float], ...]


def robust_rows(instance: SupplyChainInstance, mine: Mine, t: int) -> tuple[RobustRow, ...]:
    """One row an element; a least grade of 0 needs none, because no grade is negative."""
    held = grade_set(instance, mine, t)
    return tuple(_row(held, target) for target in targets(mine) if target.sense < 0 or target.limit_frac > 0)


def best_blend_frac(held: GradeSet, target: Target, usable: Iterable[Pair]) -> float:
    """The best grade that a blend of the usable (location, cut-off) pairs has for every grade of the set, a bound.

    By the minimax theorem it is the least, over the set, of the best single grade; for a contaminant the largest of the
    lowest. A blend of two cut-offs of one location counts too, so that (7) can only make it worse.
    """
    best = held.n_factors
    rows: list[Row] = list(held.rows)
    for pair in usable:
        grade = held.grades[target.element, *pair]
        coefficients = {best: -float(target.sense)}
        if grade.factor is not None:
            coefficients[grade.factor] = target.sense * grade.slope
        rows.append((coefficients, -target.sense * grade.base))
    found = minimum([0.0] * best + [float(target.sense)], rows)
    return target.sense * float(found) if found is not None else 0.0


def _row(held: GradeSet, target: Target) -> RobustRow:
    own = {key[1:]: grade for key, grade in held.grades.items() if key[0] == target.element}
    falls: dict[int, dict[Pair, float]] = {k: {} for k in _factors(held, target)}
    for pair, grade in own.items():
        if grade.factor is not None:
            falls[grade.factor][pair] = -target.sense * grade.slope
    linked = [(limit, row) for row, limit in held.rows if row.keys() & falls.keys()]
    priced: list[dict[int, float]] = [{r: row[k] for r, (_, row) in enumerate(linked) if k in row} for k in falls]
    return RobustRow(
        element=target.element,
        required_frac=target.sense * target.limit_frac,
        sure={pair: target.sense * grade.base for pair, grade in own.items()},
        falls=tuple(falls.values()),
        limits=tuple(limit for limit, _ in linked),
        priced=tuple(priced),
    )


def _factors(held: GradeSet, target: Target) -> list[int]:
    """The element's own factors and those that the set's rows tie to them, directly or through others."""
    reached = {g.factor for key, g in held.grades.items() if key[0] == target.element and g.factor is not None}
    grown = -1
    while grown != len(reached):
        grown = len(reached)
        for row, _ in held.rows:
            if reached & row.keys():
                reached |= row.keys()
    return sorted(reached)
