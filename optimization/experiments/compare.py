"""One instance planned in different ways: what robustness, integration and freedom to change are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import pyomo.environ as pyo

from optimization.checker import cost_terms_usd
from optimization.data import BudgetSet, NominalSet, Plan, SolveOptions, SolveResult, SupplyChainInstance
from optimization.experiments.cases import Subject, drawn, key_of, row_of, scaled
from optimization.experiments.design import DEARER_MINING, JUDGES, SAMPLES, SHARES, WAYS, budgets_of
from optimization.experiments.ledger import Ledger
from optimization.experiments.robustness import SHORT_T, draw_seed, kept_in
from optimization.experiments.store import Row
from optimization.formulation.program import build_program
from optimization.instance_builder import build_plan

# Draws to plan with and draws to judge with never coincide.
JUDGES_FROM = 500_000


# Nominal, scenarios, robust ------------------------------------------------------------------------------------------


def three_plans(
    subject: Subject, options: SolveOptions, ledger: Ledger, *, n_samples: int = SAMPLES, n_judges: int = JUDGES
) -> list[Row]:
    """Nominal, sampled scenarios and robust: cost, and how each plan fares on draws that none of them has seen.

    `held_frac`: draws in which every blend keeps its least grade; `met_frac`: draws in which no user goes short, the
    least stocks at the mills untouched; `short_t`: mean tonnes short; premium over the nominal plan.
    """

    def plan(way: str) -> Row:
        return _judged(subject, _plan_by(way, subject, options, ledger, n_samples), ledger, n_judges)

    rows = []
    for way in WAYS:
        key = key_of(subject, options, "ways", way=way, samples=n_samples, judges=n_judges)
        rows.append(ledger.once(key, lambda way=way: plan(way)))  # type: ignore[misc]
    return [row | {"premium_frac": _premium(row, rows[0])} for row in rows]


def _plan_by(way: str, subject: Subject, options: SolveOptions, ledger: Ledger, n_samples: int) -> SolveResult:
    nominal = replace(subject.instance, uncertainty=NominalSet())
    if way == "scenarios":
        worlds = [drawn(subject.instance, draw_seed(subject.seed, k)) for k in range(n_samples)]
        return scenario_plan(nominal, worlds, options, ledger)
    return ledger.solve(nominal if way == "nominal" else subject.instance, options)


def scenario_plan(
    nominal: SupplyChainInstance, worlds: Sequence[SupplyChainInstance], options: SolveOptions, ledger: Ledger
) -> SolveResult:
    """The cheapest plan whose blends hold in every one of the worlds: a row (4) for each."""
    program = build_program(nominal)
    program.scenario = pyo.ConstraintList()
    for world in worlds:
        for mine in world.mines:
            cutoffs = [(i.name, j) for i in mine.locations for j in i.cutoffs]
            for t in range(len(world.periods)):
                useful = sum(j.gamma[t] * program.x[mine.name, i, j.name, t] for i, j in cutoffs)
                program.scenario.add(useful >= mine.alpha * program.y[mine.name, t])
    return ledger.minimise(program, nominal, options)


# Price of robustness -------------------------------------------------------------------------------------------------


def price_of_robustness(
    subject: Subject,
    options: SolveOptions,
    ledger: Ledger,
    budgets: Sequence[float] | None = None,
    *,
    n_judges: int = JUDGES,
) -> list[Row]:
    """Cost against protection over Γ: premium over Γ = 0, the chance of missing demand, the Bertsimas–Sim bound."""
    rows: list[Row] = []
    for budget in budgets_of(subject.most_locations) if budgets is None else budgets:

        def work(budget: float = budget) -> Row:
            world = replace(subject.instance, uncertainty=BudgetSet((budget,) * len(subject.instance.mines)))
            return _judged(subject, ledger.solve(world, options), ledger, n_judges)

        row = ledger.once(key_of(subject, options, "protection", budget=budget, judges=n_judges), work)
        missed = None if row["met_frac"] is None else 1 - row["met_frac"]
        bound = violation_bound_frac(subject.most_locations, budget)
        first = rows[0] if rows else row
        rows.append(row | {"premium_frac": _premium(row, first), "missed_frac": missed, "violation_bound_frac": bound})
    return rows


def violation_bound_frac(n: int, budget: float) -> float:
    """Bertsimas and Sim (2004), theorem 3: how often a row may fail if n grades vary each for itself."""
    if budget >= n:
        return 0.0
    middle = (budget + n) / 2
    whole = math.floor(middle)
    tail = math.fsum(math.comb(n, k) for k in range(whole + 1, n + 1))
    return float((1 - (middle - whole)) * math.comb(n, whole) + tail) / 2.0**n


# Silos ---------------------------------------------------------------------------------------------------------------


def silos(subject: Subject, options: SolveOptions, ledger: Ledger) -> list[Row]:
    """Mines that plan by themselves, then logistics with what they get; against all in one plan.

    The mines' own plan knows all rules, so that the second step is never left without a plan, but no cost beyond the
    mill; the second step keeps its ore, locations and cut-offs.
    """

    def apart() -> Row:
        first = ledger.solve(_blind(subject.instance), options)
        plan = first.plan
        return _costed(subject, first if plan is None else _with_mining_of(plan, subject.instance, options, ledger))

    def together() -> Row:
        return _costed(subject, ledger.solve(subject.instance, options))

    works = {"silos": apart, "integrated": together}
    rows = [ledger.once(key_of(subject, options, "silos", way=way), work) for way, work in works.items()]
    costs = [row["objective_usd"] for row in rows]
    saved = None if None in costs else 1 - costs[1] / costs[0]
    return [row | {"saved_frac": saved} for row in rows]


def _blind(instance: SupplyChainInstance) -> SupplyChainInstance:
    """Nothing beyond the mill costs anything."""
    return replace(
        instance,
        mill_lanes=tuple(replace(lane, f=0.0, g=0.0, F=(0.0,) * len(lane.F)) for lane in instance.mill_lanes),
        user_lanes=tuple(replace(lane, e=0.0, G=(0.0,) * len(lane.G)) for lane in instance.user_lanes),
    )


def _with_mining_of(plan: Plan, instance: SupplyChainInstance, options: SolveOptions, ledger: Ledger) -> SolveResult:
    program = build_program(instance)
    for name in ("x", "d"):
        for key, variable in getattr(program, name).items():
            value = getattr(plan, name).get((*key[:-1], instance.periods[key[-1]]), 0.0)
            variable.setlb(value)
            variable.setub(value)
    return ledger.minimise(program, instance, options)


# Planning anew -------------------------------------------------------------------------------------------------------


def replanning(
    subject: Subject,
    options: SolveOptions,
    ledger: Ledger,
    shares: Sequence[float] = SHARES,
    change: tuple[str, float] = DEARER_MINING,
) -> list[Row]:
    """Plan, then a parameter changes: plan anew with a limit on how much may change. What freedom is worth.

    No rows when the data before the change have no plan: there is nothing to keep to.
    """
    parameter, factor = change

    def before() -> Row:
        result = ledger.solve(subject.instance, options)
        return row_of(result.report) | {"plan": None if result.plan is None else result.plan.to_document()}

    kept = ledger.once(key_of(subject, options, "replanning", way="before"), before)["plan"]
    if kept is None:
        return []
    after = replace(subject, make=lambda: scaled(subject.instance, parameter, factor))

    def anew(share: float) -> Row:
        return _costed(after, replanned(after.instance, build_plan(kept), share, options, ledger))

    rows = []
    for share in shares:
        key = key_of(subject, options, "replanning", way=f"{share:.0%}", parameter=parameter, factor=factor)
        rows.append(ledger.once(key, lambda share=share: anew(share)) | {"share_frac": share})  # type: ignore[misc]
    return rows


def replanned(
    instance: SupplyChainInstance, old: Plan, share: float, options: SolveOptions, ledger: Ledger
) -> SolveResult:
    """At most `share` of the old tonnes sent to centres may be sent otherwise, and of the old open cut-offs differ."""
    program = build_program(instance)
    at = dict(enumerate(instance.periods))
    sent = {key: old.v.get((*key[:-1], at[key[-1]]), 0.0) for key in program.v}
    opened = {key: old.d.get((*key[:-1], at[key[-1]]), 0.0) for key in program.d}
    program.moved = pyo.Var(list(sent), domain=pyo.NonNegativeReals)
    program.change = pyo.ConstraintList()
    for key, tonnes in sent.items():
        program.change.add(program.moved[key] >= program.v[key] - tonnes)
        program.change.add(program.moved[key] >= tonnes - program.v[key])
    program.change.add(sum(program.moved.values()) <= share * sum(old.v.values()))
    switched = sum(1 - program.d[key] if was > 0.5 else program.d[key] for key, was in opened.items())
    program.change.add(switched <= share * sum(old.d.values()))
    return ledger.minimise(program, instance, options)


# Rows ----------------------------------------------------------------------------------------------------------------


def _costed(subject: Subject, result: SolveResult) -> Row:
    terms = {} if result.plan is None else cost_terms_usd(subject.instance, result.plan)
    return row_of(result.report) | {"cost_terms_usd": terms}


def _judged(subject: Subject, result: SolveResult, ledger: Ledger, n_judges: int) -> Row:
    """`met_frac`: draws in which no user goes short with least stocks untouched, `eased_frac`: with them used up."""
    row: dict[str, Any] = row_of(result.report)
    if result.plan is None:
        return row | dict.fromkeys(("held_frac", "met_frac", "eased_frac", "short_t"))
    seeds = [draw_seed(subject.seed, JUDGES_FROM + k) for k in range(n_judges)]
    found = kept_in(ledger.each(drawn(subject.instance, seed) for seed in seeds), result.plan)
    met, eased = (fmean(t <= SHORT_T for t in found[name]) for name in ("short_t", "eased_t"))
    held = found["held"] / n_judges
    return row | {"held_frac": held, "met_frac": met, "eased_frac": eased, "short_t": fmean(found["short_t"])}


def _premium(row: Row, base: Row) -> float | None:
    costs = (row["objective_usd"], base["objective_usd"])
    return None if None in costs or not costs[1] else costs[0] / costs[1] - 1
