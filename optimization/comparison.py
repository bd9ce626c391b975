"""Plans side by side: what each costs and does, and how it differs from the first."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from optimization.checker import cost_terms_usd
from optimization.data import Flow, Plan, SupplyChainInstance
from optimization.explain.difference import Difference, difference, difference_words


@dataclass(frozen=True, slots=True)
class Solved:
    """One plan with what it was made for; `gap_frac` is how far from the best it may be."""

    instance: SupplyChainInstance
    plan: Plan
    gap_frac: float | None


@dataclass(frozen=True, slots=True)
class Row:
    """A figure of each plan, in their order; None where there is no plan, or nothing of the name in it."""

    name: str
    unit: str
    values: tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Apart:
    """How plan `k` differs from the first that is solved."""

    k: int
    words: tuple[str, ...]
    difference: Difference


@dataclass(frozen=True, slots=True)
class Comparison:
    rows: tuple[Row, ...]
    differences: tuple[Apart, ...]


def compare(columns: Sequence[Solved | None]) -> Comparison:
    """A column without a plan keeps its place, empty. The first that has one is what the others are held against."""
    solved = [(k, column) for k, column in enumerate(columns) if column is not None]
    if not solved:
        return Comparison((), ())
    first = solved[0][1]
    found = {k: difference(first.instance, first.plan, each.instance, each.plan) for k, each in solved[1:]}
    figures = {k: _figures(each) | _changes(found.get(k)) for k, each in solved}
    names = dict.fromkeys(name for each in figures.values() for name in each)
    rows = tuple(
        Row(*name, tuple(figures[k].get(name) if k in figures else None for k in range(len(columns)))) for name in names
    )
    return Comparison(rows, tuple(Apart(k, difference_words(each), each) for k, each in found.items()))


Figures = dict[tuple[str, str], float | None]


def _figures(column: Solved) -> Figures:
    """(name, unit) → value."""
    instance, plan = column.instance, column.plan
    terms = cost_terms_usd(instance, plan)
    figures: Figures = {("cost", "$"): math.fsum(terms.values())}
    figures |= {(name.replace("_", " "), "$"): usd for name, usd in terms.items()}
    figures[("gap", "fraction")] = column.gap_frac
    figures |= {(f"ore mined at {mine}", "t"): tonnes for mine, tonnes in _by_mine(instance, plan.x).items()}
    figures[("stock at the mills, mean", "t")] = _mean(instance, plan.u)
    figures[("stock at the centres, mean", "t")] = _mean(instance, plan.w)
    figures[("service", "fraction")] = _service_frac(instance, plan)
    return figures


def _changes(found: Difference | None) -> Figures:
    return {("cut-offs changed", ""): float(len(found.cutoffs)) if found else 0.0}


def _by_mine(instance: SupplyChainInstance, flow: Flow) -> dict[str, float]:
    return {mine: math.fsum(t for key, t in flow.items() if key[0] == mine) for mine in instance.mine_by_name}


def _mean(instance: SupplyChainInstance, stock: Flow) -> float:
    """At the ends of the periods."""
    return math.fsum(stock.values()) / len(instance.periods)


def _service_frac(instance: SupplyChainInstance, plan: Plan) -> float | None:
    """Tonnes delivered of those wanted, each demand by itself; None when nothing is wanted."""
    arrived: dict[tuple[str, str, str], float] = {}
    for (mine, _, user, period), tonnes in plan.z.items():
        arrived[mine, user, period] = arrived.get((mine, user, period), 0.0) + tonnes
    wanted = dict(_wanted(instance))
    met = math.fsum(min(arrived.get(key, 0.0), tonnes) for key, tonnes in wanted.items())
    total = math.fsum(wanted.values())
    return met / total if total else None


def _wanted(instance: SupplyChainInstance) -> Iterator[tuple[tuple[str, str, str], float]]:
    for demand in instance.demands:
        for period, tonnes in zip(instance.periods, demand.D, strict=True):
            yield (demand.mine, demand.user, period), tonnes
