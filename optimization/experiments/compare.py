"""One instance planned in different ways: what robustness, integration and freedom to change are worth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import pyomo.environ as pyo

from optimization.checker import check_plan, cost_terms_usd
from optimization.data import (
    BudgetSet,
    NominalSet,
    Plan,
    SolveOptions,
    SolveResult,
    SupplyChainInstance,
)
from optimization.experiments.cases import drawn, row_of
from optimization.experiments.robustness import SHORT_T, blends_hold, draw_seed, shortage_t
from optimization.experiments.store import Row
from optimization.formulation.program import build_program, plan_from_program
from optimization.solver import minimise, solve

# Draws to plan with and draws to judge with never coincide.
JUDGES_FROM = 500_000
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)


def three_plans(
    instance: SupplyChainInstance, seed: int, options: SolveOptions, *, n_samples: int = 10, n_judges: int = 200
) -> list[Row]:
    """Nominal, sampled scenarios and robust: cost, and how each plan fares on draws that none of them has seen.

    `held_frac`: draws in which every blend keeps its least grade; `met_frac`: draws in which no user goes short, with
    the stocks at the mills used up first; `short_t`: mean tonnes short.
    """
    nominal = replace(instance, uncertainty=NominalSet())
    worlds = [drawn(instance, draw_seed(seed, k)) for k in range(n_samples)]
    ways = {
        "nominal": solve(nominal, options),
        "scenarios": scenario_plan(nominal, worlds, options),
        "robust": solve(instance, options),
    }
    return [_judged(instance, way, result, seed, n_judges) for way, result in ways.items()]


def scenario_plan(
    nominal: SupplyChainInstance, worlds: Sequence[SupplyChainInstance], options: SolveOptions
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
    return _solved(program, nominal, options)


def price_of_robustness(
    instance: SupplyChainInstance,
    budgets: Sequence[float],
    seed: int,
    options: SolveOptions,
    *,
    n_judges: int = 200,
) -> list[Row]:
    """Cost against protection over Γ: premium over Γ = 0, share of draws that hold, and the Bertsimas–Sim bound."""
    rows: list[Row] = []
    for budget in budgets:
        world = replace(instance, uncertainty=BudgetSet((budget,) * len(instance.mines)))
        row = _judged(instance, f"Γ = {budget:g}", solve(world, options), seed, n_judges)
        most = max(len(mine.locations) for mine in instance.mines)
        base = rows[0]["objective_usd"] if rows else row["objective_usd"]
        premium = None if None in (base, row["objective_usd"]) else row["objective_usd"] / base - 1
        bound = violation_bound_frac(most, budget)
        rows.append({"budget": budget, **row, "premium_frac": premium, "violation_bound_frac": bound})
    return rows


def violation_bound_frac(n: int, budget: float) -> float:
    """Bertsimas and Sim (2004), theorem 3: how often a row may fail if n grades vary each for itself."""
    if budget >= n:
        return 0.0
    middle = (budget + n) / 2
    whole = math.floor(middle)
    tail = math.fsum(math.comb(n, k) for k in range(whole + 1, n + 1))
    return float((1 - (middle - whole)) * math.comb(n, whole) + tail) / 2.0**n


def silos(instance: SupplyChainInstance, options: SolveOptions) -> list[Row]:
    """Mines that plan by themselves, then logistics with what they get; against all in one plan.

    The mines' own plan knows all rules, so that the second step is never left without a plan, but no cost beyond the
    mill; the second step keeps its ore, locations and cut-offs.
    """
    blind = replace(
        instance,
        mill_lanes=tuple(replace(lane, f=0.0, g=0.0, F=(0.0,) * len(lane.F)) for lane in instance.mill_lanes),
        user_lanes=tuple(replace(lane, e=0.0, G=(0.0,) * len(lane.G)) for lane in instance.user_lanes),
    )
    first = solve(blind, options)
    siloed = first if first.plan is None else _with_mining_of(first.plan, instance, options)
    rows = [_costed(instance, "silos", siloed), _costed(instance, "integrated", solve(instance, options))]
    costs = [row["objective_usd"] for row in rows]
    saved = None if None in costs else 1 - costs[1] / costs[0]
    return [row | {"saved_frac": saved} for row in rows]


def _with_mining_of(plan: Plan, instance: SupplyChainInstance, options: SolveOptions) -> SolveResult:
    program = build_program(instance)
    for name in ("x", "d"):
        for key, variable in getattr(program, name).items():
            value = getattr(plan, name).get((*key[:-1], instance.periods[key[-1]]), 0.0)
            variable.setlb(value)
            variable.setub(value)
    return _solved(program, instance, options)


def replanning(
    before: SupplyChainInstance,
    after: SupplyChainInstance,
    options: SolveOptions,
    shares: Sequence[float] = SHARES,
) -> list[Row]:
    """Plan the old data, then the new, with a limit on how much of the plan may change: what freedom is worth."""
    old = solve(before, options).plan
    if old is None:
        raise ValueError("the data before the change have no plan: there is nothing to keep to")
    return [
        _costed(after, f"{share:.0%}", replanned(after, old, share, options)) | {"share_frac": share}
        for share in shares
    ]


def replanned(instance: SupplyChainInstance, old: Plan, share: float, options: SolveOptions) -> SolveResult:
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
    return _solved(program, instance, options)


def _solved(program: pyo.ConcreteModel, instance: SupplyChainInstance, options: SolveOptions) -> SolveResult:
    report = minimise(program, options)
    return SolveResult(None if report.objective_usd is None else plan_from_program(program, instance), report)


def _costed(instance: SupplyChainInstance, way: str, result: SolveResult) -> Row:
    """A cost counts only if the checker passes the plan."""
    row: dict[str, Any] = {"way": way, **row_of(result.report)}
    if result.plan is None:
        return row | {"cost_terms_usd": {}}
    check = check_plan(instance, result.plan)
    if not check.is_valid:
        raise ValueError(f"{way}: the checker rejects the plan: {check.violations[:3]}")
    return row | {"objective_usd": check.cost_usd, "cost_terms_usd": cost_terms_usd(instance, result.plan)}


def _judged(instance: SupplyChainInstance, way: str, result: SolveResult, seed: int, n_judges: int) -> Row:
    row: dict[str, Any] = {"way": way, **row_of(result.report)}
    if result.plan is None:
        return row | {"held_frac": None, "met_frac": None, "short_t": None}
    plan, worlds = result.plan, [drawn(instance, draw_seed(seed, JUDGES_FROM + k)) for k in range(n_judges)]
    short = [shortage_t(world, plan) for world in worlds]
    held = fmean(blends_hold(world, plan) for world in worlds)
    return row | {"held_frac": held, "met_frac": fmean(t <= SHORT_T for t in short), "short_t": fmean(short)}
