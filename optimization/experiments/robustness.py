"""Table 1: what disturbed grades do to the cost, and to a plan that is kept.

Two meanings of a disturbance, both shown. `replan`: the grades are known and all is planned anew; its numbers are
costs, $. `keep`: the robust plan is carried out whatever the grades are; its numbers are tonnes that users go short.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import asdict

from optimization.data import Cutoff, Mine, Plan, SolveOptions, SupplyChainInstance, Termination
from optimization.experiments.cases import Size, drawn, instance_of, key_of, row_of
from optimization.experiments.store import Row, Store
from optimization.experiments.trend import spread
from optimization.solver import solve

SHORT_T = 0.01
HAIR = 1e-6
DRAWS = 20


def robustness(
    sizes: Iterable[Size], cases: Iterable[int], seed: int, options: SolveOptions, store: Store, n_draws: int = DRAWS
) -> list[Row]:
    """Two rows for each size and case: mean, variance, coefficient of variation, least, most, infeasible count."""
    cases = tuple(cases)
    return [
        row
        for size in sizes
        for case in cases
        for row in (
            _replanned(size, case, seed, options, store, n_draws),
            _kept(size, case, seed, options, store, n_draws),
        )
    ]


def _replanned(size: Size, case: int, seed: int, options: SolveOptions, store: Store, n_draws: int) -> Row:
    instance = instance_of(size, case, seed)
    rows = []
    for draw in range(n_draws):
        key = key_of(size, case, seed, options, study="replan", draw=draw)
        world = drawn(instance, draw_seed(seed, draw))
        rows.append(store.once(key, lambda world=world: row_of(solve(world, options).report)))  # type: ignore[misc]
    costs = [row["objective_usd"] for row in rows if row["objective_usd"] is not None]
    infeasible = sum(row["termination"] == Termination.INFEASIBLE for row in rows)
    return _summary(size, case, seed, "replan", costs, n_draws) | {"infeasible": infeasible}


def _kept(size: Size, case: int, seed: int, options: SolveOptions, store: Store, n_draws: int) -> Row:
    """Infeasible here means: some user went short; `held` counts draws in which every blend kept its least grade."""

    def keep() -> Row:
        instance = instance_of(size, case, seed)
        result = solve(instance, options)
        row = {**row_of(result.report), "short_t": [], "held": 0}
        if result.plan is None:
            return row
        worlds = [drawn(instance, draw_seed(seed, draw)) for draw in range(n_draws)]
        held = sum(blends_hold(world, result.plan) for world in worlds)
        return row | {"short_t": [shortage_t(world, result.plan) for world in worlds], "held": held}

    row = store.once(key_of(size, case, seed, options, study="keep", draws=n_draws), keep)
    short = row["short_t"]
    infeasible = sum(tonnes > SHORT_T for tonnes in short)
    return _summary(size, case, seed, "keep", short, n_draws) | {
        "infeasible": infeasible,
        "held": row["held"],
        "plan_cost_usd": row["objective_usd"],
    }


def draw_seed(seed: int, draw: int) -> int:
    return 1_000_003 * seed + draw


def _summary(size: Size, case: int, seed: int, meaning: str, values: list[float], n_draws: int) -> Row:
    found = spread(values)
    numbers = asdict(found) if found is not None else {}
    return {"size": str(size), "case": case, "seed": seed, "meaning": meaning, "draws": n_draws, **numbers} | {
        "values": values
    }


# Carrying a plan out -------------------------------------------------------------------------------------------------


def shortage_t(world: SupplyChainInstance, plan: Plan) -> float:
    """Tonnes that users go short when the plan meets the grades of `world` and nobody plans anew.

    A blend below its least grade gives as much product as a blend at that grade would from the same useful ore. Stock
    at the mill, also the least stock, is used up first; what is then missing is missing on every lane in proportion.
    """
    return math.fsum(_mine_shortage_t(world, plan, mine) for mine in world.mines)


def _mine_shortage_t(world: SupplyChainInstance, plan: Plan, mine: Mine) -> float:
    lanes = [lane for lane in world.mill_lanes if lane.mine == mine.name]
    mill, stocks, short = mine.u0, {lane.centre: lane.w0 for lane in lanes}, 0.0
    for t, period in enumerate(world.periods):
        mill += product_t(mine, plan, t, period)
        planned = {n: plan.v.get((mine.name, n, period), 0.0) for n in stocks}
        sent = min(1.0, mill / total) if (total := math.fsum(planned.values())) > 0 else 0.0
        mill -= sent * total
        for n in stocks:
            available = stocks[n] + sent * planned[n]
            wanted = math.fsum(plan.z.get((mine.name, n, s, period), 0.0) for s in world.users)
            stocks[n] = max(0.0, available - wanted)
            short += max(0.0, wanted - available)
    return short


def product_t(mine: Mine, plan: Plan, t: int, period: str) -> float:
    """Product of the period's blend: all of it at the least grade or above, less below."""
    ore = plan.y.get((mine.name, period), 0.0)
    return mine.beta * (min(ore, useful_ore_t(mine, plan, t, period) / mine.alpha) if mine.alpha > 0 else ore)


def useful_ore_t(mine: Mine, plan: Plan, t: int, period: str) -> float:
    options: list[tuple[str, Cutoff]] = [(i.name, j) for i in mine.locations for j in i.cutoffs]
    return math.fsum(j.gamma[t] * plan.x.get((mine.name, i, j.name, period), 0.0) for i, j in options)


def blends_hold(world: SupplyChainInstance, plan: Plan) -> bool:
    """Every blend of the plan keeps its least grade at the grades of `world`."""
    return all(
        useful_ore_t(mine, plan, t, period) >= (1 - HAIR) * mine.alpha * plan.y.get((mine.name, period), 0.0)
        for mine in world.mines
        for t, period in enumerate(world.periods)
    )
