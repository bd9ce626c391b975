"""Table 2: cost against mining ability, its trend, and the proof that more ability never costs more; the tornado."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict

from optimization.data import SolveOptions, Termination
from optimization.experiments.cases import Size, instance_of, key_of, row_of, scaled
from optimization.experiments.store import Row, Store
from optimization.experiments.trend import Point, certify_monotone, linear_trend
from optimization.solver import solve

# Shares of the generated mining ability, which is 1.06 times what the construction needs: all of them are feasible.
ABILITIES = (0.95, 1.0, 1.05, 1.1, 1.2, 1.35, 1.5)
TORNADO = ("P", "Q", "alpha", "delta", "D", "V", "R", "c", "K", "pc", "f", "F", "e", "G")
CHANGE = 0.05


def sensitivity(
    sizes: Iterable[Size],
    cases: Iterable[int],
    seed: int,
    options: SolveOptions,
    store: Store,
    abilities: Sequence[float] = ABILITIES,
) -> list[Row]:
    """One row for each size and case: points, slope ($ a unit of share), R², monotonicity and reversals."""
    cases = tuple(cases)
    return [_line(size, case, seed, options, store, abilities) for size in sizes for case in cases]


def solved(size: Size, case: int, seed: int, options: SolveOptions, store: Store, parameter: str, factor: float) -> Row:
    """The solve with a parameter scaled; at factor 1 it is the same solve for every parameter."""
    name = parameter if factor != 1 else "none"
    key = key_of(size, case, seed, options, study="scaled", parameter=name, factor=factor)
    instance = scaled(instance_of(size, case, seed), parameter, factor)
    return store.once(key, lambda: row_of(solve(instance, options).report))


def _line(size: Size, case: int, seed: int, options: SolveOptions, store: Store, abilities: Sequence[float]) -> Row:
    rows = [solved(size, case, seed, options, store, "P", ability) for ability in abilities]
    points = [_point(ability, row) for ability, row in zip(abilities, rows, strict=True)]
    certificate = certify_monotone(points)
    costs = [(p.ability, p.objective_usd) for p in points if p.objective_usd is not None]
    trend = asdict(linear_trend(*zip(*costs, strict=True))) if len(costs) > 1 else {}
    return {
        "size": str(size),
        "case": case,
        "seed": seed,
        **trend,
        "is_monotone": certificate.is_monotone,
        "n_reversals": len(certificate.reversals),
        "reversals": [asdict(reversal) for reversal in certificate.reversals],
        "points": [asdict(point) for point in points],
    }


def _point(ability: float, row: Row) -> Point:
    is_infeasible = row["termination"] == Termination.INFEASIBLE
    return Point(ability, row["objective_usd"], row["dual_bound_usd"], is_infeasible)


def tornado(
    size: Size,
    case: int,
    seed: int,
    options: SolveOptions,
    store: Store,
    parameters: Sequence[str] = TORNADO,
    change: float = CHANGE,
) -> list[Row]:
    """What each parameter, a little lower and a little higher, does to the cost; the widest first.

    A cost is None where there is no plan: such a side is infeasible and the parameter comes before all others.
    """
    base = solved(size, case, seed, options, store, parameters[0], 1.0)
    rows = [
        {
            "parameter": parameter,
            "low_usd": solved(size, case, seed, options, store, parameter, 1 - change)["objective_usd"],
            "base_usd": base["objective_usd"],
            "high_usd": solved(size, case, seed, options, store, parameter, 1 + change)["objective_usd"],
            "change_frac": change,
        }
        for parameter in parameters
    ]
    return sorted(rows, key=_width, reverse=True)


def _width(row: Row) -> float:
    sides = [row["low_usd"], row["high_usd"]]
    if None in sides or row["base_usd"] is None:
        return float("inf")
    return max(*sides, row["base_usd"]) - min(*sides, row["base_usd"])
