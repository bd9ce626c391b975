"""Table 2: cost against mining ability, its trend, and the proof that more ability never costs more; the tornado."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from optimization.data import SolveOptions, Termination
from optimization.experiments.cases import Subject, key_of, row_of, scaled
from optimization.experiments.design import ABILITIES, CHANGE, TORNADO
from optimization.experiments.ledger import Ledger
from optimization.experiments.robustness import worst_gap
from optimization.experiments.store import Row
from optimization.experiments.trend import Point, certify_monotone, linear_trend


def sensitivity(
    subject: Subject, options: SolveOptions, ledger: Ledger, abilities: Sequence[float] = ABILITIES
) -> list[Row]:
    """One row: points, slope ($ a unit of share), R², monotonicity and reversals."""
    rows = [solved(subject, options, ledger, "P", ability) for ability in abilities]
    points = [_point(ability, row) for ability, row in zip(abilities, rows, strict=True)]
    certificate = certify_monotone(points)
    costs = [(p.ability, p.objective_usd) for p in points if p.objective_usd is not None]
    trend = asdict(linear_trend(*zip(*costs, strict=True))) if len(costs) > 1 else {}
    found = {
        "is_monotone": certificate.is_monotone,
        "n_reversals": len(certificate.reversals),
        "worst_gap_frac": worst_gap(rows),
        "reversals": [asdict(reversal) for reversal in certificate.reversals],
        "points": [asdict(point) for point in points],
    }
    return [{"n": len(costs), "infeasible": sum(p.is_infeasible for p in points), **trend, **found}]


def solved(subject: Subject, options: SolveOptions, ledger: Ledger, parameter: str, factor: float) -> Row:
    """The solve with a parameter scaled; at factor 1 it is the same solve for every parameter."""

    def work() -> Row:
        world = scaled(subject.instance, parameter, factor)
        return row_of(ledger.solve_near(subject.instance, world, options).report)

    name = parameter if factor != 1 else "none"
    return ledger.once(key_of(subject, options, "scaled", parameter=name, factor=factor), work)


def _point(ability: float, row: Row) -> Point:
    is_infeasible = row["termination"] == Termination.INFEASIBLE
    return Point(ability, row["objective_usd"], row["dual_bound_usd"], is_infeasible)


def tornado(
    subject: Subject,
    options: SolveOptions,
    ledger: Ledger,
    parameters: Sequence[str] = TORNADO,
    change: float = CHANGE,
) -> list[Row]:
    """What each parameter, a little lower and a little higher, does to the cost; the widest first.

    A cost is None where there is no plan: such a side is infeasible and the parameter comes before all others.
    """
    base = solved(subject, options, ledger, parameters[0], 1.0)
    rows = [
        {
            "parameter": parameter,
            "low_usd": solved(subject, options, ledger, parameter, 1 - change)["objective_usd"],
            "base_usd": base["objective_usd"],
            "high_usd": solved(subject, options, ledger, parameter, 1 + change)["objective_usd"],
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
