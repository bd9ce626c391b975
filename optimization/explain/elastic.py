"""No plan exists: how few tonnes must stay short, and the cheapest repair of the rules that ends the shortage.

Two programs, one after the other, so that no penalty has to be weighed against another: the first lets only demand be
short and counts tonnes; the second meets every demand and prices how far the other rules are moved. Start-ups cost
nothing in either, because every penalty comes before every cost.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

import pyomo.environ as pyo

from optimization.data import Mine, SolveOptions, SolveReport, SupplyChainInstance, Termination
from optimization.explain.named_rules import (
    CLOSING,
    DELIVERY,
    DEMAND,
    GRADE,
    LANE,
    LARGEST_STOCK,
    LEAST_STOCK,
    MILLING,
    MINING,
    ORE,
    ROOM,
    NamedRule,
    RuledProgram,
    ruled_program,
)

# What a unit of repair costs beside what a unit costs to use: new ability, not ability used. An assumption; give
# `prices` where it is known better.
PREMIUM = 10.0
# The grade is a promise to users, not an ability to be bought: it is moved where nothing else helps, or far cheaper.
GRADE_PREMIUM = 100.0
LEAST_PRICE_USD = 0.01
NOTICEABLE = 1e-5
MOST_TOLD = 5
WHAT_MORE = {
    MINING: "more mining ability", MILLING: "more processing ability", GRADE: "useful ore that the blend may lack",
    ORE: "more ore above the cut-off", LEAST_STOCK: "less stock required at the mill",
    CLOSING: "less closing stock required at the centre", LARGEST_STOCK: "more room at the mill",
    ROOM: "more room at the centre", LANE: "more transport ability",
}  # fmt: skip

Minimise = Callable[[pyo.ConcreteModel, SolveOptions], SolveReport]
Prices = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Shortage:
    """Tonnes of the product of `mine` that `user` does not get in `period`."""

    mine: str
    user: str
    period: str
    tonnes: float


@dataclass(frozen=True, slots=True)
class Repair:
    """Move the limit of `rule` at `place` in `period` by `amount` of `unit`, for `usd`."""

    rule: str
    place: tuple[str, ...]
    period: str
    amount: float
    unit: str
    usd: float


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """`shortages` is None where even without a single delivery no plan exists, or the time was over.

    `is_fewest` and `is_cheapest`: proven, rather than the best found in the time given.
    """

    shortages: tuple[Shortage, ...] | None
    repairs: tuple[Repair, ...] | None
    is_fewest: bool
    is_cheapest: bool

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


def diagnose(
    instance: SupplyChainInstance, minimise: Minimise, options: SolveOptions, prices: Prices | None = None
) -> Diagnosis:
    """The fewest tonnes short, then the cheapest repair; `prices` are $ a unit by rule, else the use times a premium.

    Takes at most about `options.time_limit_s`; the door to the solver is handed in.
    """
    started = time.perf_counter()
    ruled = ruled_program(instance)
    spent_s = time.perf_counter() - started
    half = replace(options, gap=0.0, time_limit_s=max(0.1, (options.time_limit_s - spent_s) / 2))
    fewest = _minimum(ruled, [1.0 if r.rule == DEMAND else None for r in ruled.rules], minimise, half)
    shortages = None if fewest is None else tuple(_shortages(instance, ruled))
    each = [_price_usd(instance, rule, prices or {}) for rule in ruled.rules]
    cheapest = _minimum(ruled, each, minimise, half)
    repairs = None if cheapest is None else tuple(_repairs(instance, ruled, each))
    return Diagnosis(shortages, repairs, _is_proven(fewest), _is_proven(cheapest))


def diagnosis_words(diagnosis: Diagnosis) -> tuple[str, ...]:
    """At most three sentences: the shortage, the cheapest repair, what its price means."""
    words = []
    if diagnosis.shortages:
        words.append(f"not feasible: {_shortage_words(diagnosis.shortages, diagnosis.is_fewest)}")
    if diagnosis.repairs:
        total = sum(repair.usd for repair in diagnosis.repairs)
        name = "cheapest repair" if diagnosis.is_cheapest else "a repair, perhaps not the cheapest"
        told = _listed([_repair_words(r) for r in sorted(diagnosis.repairs, key=lambda r: -r.usd)])
        words.append(f"{name}: {told}" + (f", {total:,.0f} $ in all" if len(diagnosis.repairs) > 1 else ""))
    return tuple(words)


def _minimum(
    ruled: RuledProgram, prices: list[float | None], minimise: Minimise, options: SolveOptions
) -> SolveReport | None:
    """Free the slacks that have a price, forbid the others and solve; None without a solution."""
    program = ruled.program
    slacks = list(program.slack.values())
    for slack, price in zip(slacks, prices, strict=True):
        slack.setub(0.0 if price is None else None)
    program.del_component(program.c1_cost)
    priced = ((slack, price) for slack, price in zip(slacks, prices, strict=True) if price is not None)
    program.c1_cost = pyo.Objective(expr=sum(price * slack for slack, price in priced))
    report = minimise(program, options)
    return None if report.objective_usd is None else report


def _is_proven(report: SolveReport | None) -> bool:
    return report is not None and report.termination is Termination.OPTIMAL


def _shortages(instance: SupplyChainInstance, ruled: RuledProgram) -> list[Shortage]:
    return [
        Shortage(rule.place[0], rule.place[1], instance.periods[rule.t], tonnes)
        for rule, tonnes in _moved(ruled)
        if rule.rule == DEMAND
    ]


def _repairs(instance: SupplyChainInstance, ruled: RuledProgram, each: list[float | None]) -> list[Repair]:
    price_of = {id(rule): price for rule, price in zip(ruled.rules, each, strict=True)}
    return [
        Repair(rule.rule, rule.place, instance.periods[rule.t], amount, rule.unit, amount * (price_of[id(rule)] or 0.0))
        for rule, amount in _moved(ruled)
    ]


def _moved(ruled: RuledProgram) -> list[tuple[NamedRule, float]]:
    pairs = zip(ruled.rules, ruled.program.slack.values(), strict=True)
    return [(rule, slack.value) for rule, slack in pairs if (slack.value or 0.0) > NOTICEABLE * max(1e-3, rule.limit)]


def _price_usd(instance: SupplyChainInstance, rule: NamedRule, prices: Prices) -> float | None:
    """$ a unit of the rule; None for demand, which a repair must meet, and for what a user may be sent at most."""
    if rule.rule in (DEMAND, DELIVERY):
        return None
    premium = GRADE_PREMIUM if rule.rule == GRADE else PREMIUM
    return prices.get(rule.rule, max(LEAST_PRICE_USD, premium * _use_usd(instance, rule)))


def _use_usd(instance: SupplyChainInstance, rule: NamedRule) -> float:
    """What a unit of the rule costs to use."""
    lanes = instance.mill_lane_by_key
    match rule.rule, rule.place:
        case ("(11) room at the centre", (n,)):
            return fmean(lane.g for (_, centre), lane in lanes.items() if centre == n)
        case ("(12) transport ability" | "(9) closing stock at the centre", (m, n)):
            return lanes[m, n].f
        case ("(6) ore available", (m, i, j)):
            return instance.cutoff_by_key[m, i, j].c
    return _use_at_mine_usd(instance.mine_by_name[rule.place[0]], rule)


def _use_at_mine_usd(mine: Mine, rule: NamedRule) -> float:
    cutoffs = [j for i in mine.locations for j in i.cutoffs]
    if rule.rule == MINING:
        return fmean(j.c / j.a[rule.t] for j in cutoffs if j.a[rule.t] > 0)
    if rule.rule == GRADE:
        return fmean(j.c / max(j.gamma[rule.t], 0.01) for j in cutoffs)
    return mine.pc if rule.rule == MILLING else mine.h


def _shortage_words(shortages: tuple[Shortage, ...], is_fewest: bool) -> str:
    largest = sorted(shortages, key=lambda s: -s.tonnes)
    total = sum(s.tonnes for s in shortages)
    told = _listed([f"{_tonnes(s.tonnes)} short for {s.user} of {s.mine}'s product in {s.period}" for s in largest])
    in_all = f", {_tonnes(total)} in all" if len(shortages) > 1 else ""
    return told + in_all + ("" if is_fewest else " (fewer may do)")


def _repair_words(repair: Repair) -> str:
    amount = f"{repair.amount:,.2f}" if repair.unit == "resource" else _tonnes(repair.amount)
    return f"{amount} {WHAT_MORE[repair.rule]} at {', '.join(repair.place)} in {repair.period}, {repair.usd:,.0f} $"


def _listed(parts: list[str]) -> str:
    more = len(parts) - MOST_TOLD
    return "; ".join([*parts[:MOST_TOLD], *([f"and {more} places more"] if more > 0 else [])])


def _tonnes(tonnes: float) -> str:
    return f"{tonnes / 1000:,.1f} kt" if tonnes >= 1000 else f"{tonnes:,.1f} t"
