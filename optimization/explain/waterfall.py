"""What a plan costs, cut three ways: by term of (1), by mine, by period. Each cut sums to the objective to the cent.

The cost of a part is that of the plan reduced to the part, by the checker's own reckoning, which is linear.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from optimization.checker import cost_terms_usd
from optimization.data import Plan, SupplyChainInstance

Cell = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the waterfall: it rises from `start_usd` to `end_usd`; both in whole cents."""

    name: str
    usd: float
    start_usd: float
    end_usd: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """`total_usd` is the objective in whole cents; each tuple of steps begins at 0 and ends there."""

    total_usd: float
    by_term: tuple[Step, ...]
    by_mine: tuple[Step, ...]
    by_period: tuple[Step, ...]

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def cost_waterfall(instance: SupplyChainInstance, plan: Plan) -> Waterfall:
    """Parts of the cost, $; KeyError when the plan has keys that the instance doesn't know (see `check_plan`)."""
    cells = {cell: cost_terms_usd(instance, part) for cell, part in _parts(plan).items()}
    whole = cost_terms_usd(instance, plan)
    by_mine = {m: _total(terms for (mine, _), terms in cells.items() if mine == m) for m in instance.mine_by_name}
    by_period = {t: _total(terms for (_, period), terms in cells.items() if period == t) for t in instance.periods}
    cents = _cents(math.fsum(whole.values()))
    return Waterfall(cents / 100, _steps(whole, cents), _steps(by_mine, cents), _steps(by_period, cents))


def waterfall_words(waterfall: Waterfall) -> tuple[str, ...]:
    """The total, and each way to cut it, dearest part first."""
    cuts = (("By kind", waterfall.by_term), ("By mine", waterfall.by_mine), ("By period", waterfall.by_period))
    total = waterfall.total_usd
    sentences = [f"The plan costs {total:,.2f} $."]
    for name, steps in cuts:
        parts = [f"{_words(s.name)} {s.usd:,.2f} $ ({s.usd / total:.0%})" for s in _dearest(steps) if s.usd]
        if parts:
            sentences.append(f"{name}: {', '.join(parts)}.")
    return tuple(sentences)


def _dearest(steps: tuple[Step, ...]) -> list[Step]:
    return sorted(steps, key=lambda step: -step.usd)


def _words(name: str) -> str:
    return name.replace("_", " ")


def _parts(plan: Plan) -> dict[Cell, Plan]:
    """The plan of each mine and period: a key begins with its mine and ends with its period."""
    rows: dict[Cell, dict[str, dict[tuple[str, ...], float]]] = {}
    for f in fields(Plan):
        for key, value in getattr(plan, f.name).items():
            rows.setdefault((key[0], key[-1]), {}).setdefault(f.name, {})[key] = value
    return {cell: Plan(**flows) for cell, flows in rows.items()}


def _total(terms: Iterable[Mapping[str, float]]) -> float:
    return math.fsum(value for each in terms for value in each.values())


def _cents(usd: float) -> int:
    return round(usd * 100)


def _steps(parts: Mapping[str, float], total_cents: int) -> tuple[Step, ...]:
    steps, start = [], 0
    for name, cents in _whole_cents(parts, total_cents).items():
        steps.append(Step(name, cents / 100, start / 100, (start + cents) / 100))
        start += cents
    return tuple(steps)


def _whole_cents(parts: Mapping[str, float], total_cents: int) -> dict[str, int]:
    """Largest remainder: no part is off by more than a cent, and the sum not at all."""
    floors = {name: math.floor(usd * 100) for name, usd in parts.items()}
    missing = total_cents - sum(floors.values())
    by_remainder = sorted(parts, key=lambda name: floors[name] - parts[name] * 100)
    return {name: cents + (name in by_remainder[:missing]) for name, cents in floors.items()}
