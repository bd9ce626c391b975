"""Table 1: what disturbed grades do to the cost, and to a plan that is kept.

Two meanings of a disturbance, both shown. `replan`: the grades are known and all is planned anew; its numbers are
costs, $. `keep`: the robust plan is carried out whatever the grades are; its numbers are tonnes that users go short
when the least stocks at the mills stay untouched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from optimization.data import Cutoff, Mine, Plan, SolveOptions, SupplyChainInstance, Termination
from optimization.experiments.cases import Subject, drawn, key_of, row_of
from optimization.experiments.design import DRAWS
from optimization.experiments.ledger import Ledger
from optimization.experiments.store import Row
from optimization.experiments.trend import spread

SHORT_T = 0.01
HAIR = 1e-6
# Grams: what is less is rounding of the sums.
ROUNDED = 6


def robustness(subject: Subject, options: SolveOptions, ledger: Ledger, n_draws: int = DRAWS) -> list[Row]:
    """Two rows: mean, variance, coefficient of variation, least, most, infeasible count of each meaning."""
    return [_replanned(subject, options, ledger, n_draws), _kept(subject, options, ledger, n_draws)]


def _replanned(subject: Subject, options: SolveOptions, ledger: Ledger, n_draws: int) -> Row:
    """`without_plan` counts draws of which the time limit left open whether they have a plan."""
    rows = [_solved_anew(subject, draw, options, ledger) for draw in range(n_draws)]
    costs = [row["objective_usd"] for row in rows if row["objective_usd"] is not None]
    infeasible = sum(row["termination"] == Termination.INFEASIBLE for row in rows)
    counts = {"infeasible": infeasible, "without_plan": n_draws - len(costs) - infeasible}
    return _summary("replan", costs, n_draws) | counts | {"worst_gap_frac": worst_gap(rows)}


def _solved_anew(subject: Subject, draw: int, options: SolveOptions, ledger: Ledger) -> Row:
    def work() -> Row:
        world = drawn(subject.instance, draw_seed(subject.seed, draw))
        return row_of(ledger.solve_near(subject.instance, world, options).report)

    return ledger.once(key_of(subject, options, "replan", draw=draw), work)


def _kept(subject: Subject, options: SolveOptions, ledger: Ledger, n_draws: int) -> Row:
    """Infeasible here means: some user went short; `held` counts draws in which every blend kept its least grade."""

    def keep() -> Row:
        instance = subject.instance
        result = ledger.solve(instance, options)
        worlds = (drawn(instance, draw_seed(subject.seed, draw)) for draw in range(n_draws))
        return row_of(result.report) | kept_in(ledger.each(worlds), result.plan)

    row = ledger.once(key_of(subject, options, "keep", draws=n_draws), keep)
    short = row["short_t"]
    return _summary("keep", short, n_draws) | {
        "infeasible": sum(tonnes > SHORT_T for tonnes in short),
        "without_plan": n_draws - len(short),
        "worst_gap_frac": worst_gap([row]),
        "infeasible_eased": sum(tonnes > SHORT_T for tonnes in row["eased_t"]),
        "held": row["held"],
        "plan_cost_usd": row["objective_usd"],
        "demand_t": math.fsum(tonnes for demand in subject.instance.demands for tonnes in demand.D),
    }


def kept_in(worlds: Iterable[SupplyChainInstance], plan: Plan | None) -> Row:
    """Tonnes short in each world, with the least stocks untouched and with them used up; worlds where blends hold."""
    short, eased, held = list[float](), list[float](), 0
    for world in worlds if plan is not None else ():
        assert plan is not None
        short.append(round(shortage_t(world, plan), ROUNDED))
        eased.append(round(shortage_t(world, plan, uses_least_stock=True), ROUNDED))
        held += blends_hold(world, plan)
    return {"short_t": short, "eased_t": eased, "held": held}


def draw_seed(seed: int, draw: int) -> int:
    return 1_000_003 * seed + draw


def worst_gap(rows: Sequence[Row]) -> float | None:
    """The widest proven gap among the plans of the rows; None without plans."""
    return max((row["relative_gap"] for row in rows if row["relative_gap"] is not None), default=None)


def _summary(meaning: str, values: list[float], n_draws: int) -> Row:
    found = spread(values)
    return {"meaning": meaning, "draws": n_draws, **(asdict(found) if found else {}), "values": values}


# Carrying a plan out -------------------------------------------------------------------------------------------------


def shortage_t(world: SupplyChainInstance, plan: Plan, *, uses_least_stock: bool = False) -> float:
    """Tonnes that users go short when the plan meets the grades of `world` and nobody plans anew.

    A blend below its least grade gives as much product as a blend at that grade would from the same useful ore. Stock
    at the mill is used first, the least stock only if it may be; what is then missing is missing on every lane in
    proportion.
    """
    return math.fsum(_mine_shortage_t(world, plan, mine, uses_least_stock) for mine in world.mines)


def _mine_shortage_t(world: SupplyChainInstance, plan: Plan, mine: Mine, uses_least_stock: bool) -> float:
    lanes = [lane for lane in world.mill_lanes if lane.mine == mine.name]
    mill, stocks, short = mine.u0, {lane.centre: lane.w0 for lane in lanes}, 0.0
    for t, period in enumerate(world.periods):
        mill += product_t(mine, plan, t, period)
        planned = {n: plan.v.get((mine.name, n, period), 0.0) for n in stocks}
        free = mill if uses_least_stock else max(0.0, mill - mine.Umin[t])
        sent = min(1.0, free / total) if (total := math.fsum(planned.values())) > 0 else 0.0
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
    """Every blend of the plan keeps its least grade, and its further limits, at the grades of `world`."""
    return all(_holds(mine, plan, t, period) for mine in world.mines for t, period in enumerate(world.periods))


def _holds(mine: Mine, plan: Plan, t: int, period: str) -> bool:
    ore = plan.y.get((mine.name, period), 0.0)
    if useful_ore_t(mine, plan, t, period) < (1 - HAIR) * mine.alpha * ore:
        return False
    for element in mine.elements:
        held = _element_t(mine, plan, t, period, element.name)
        if element.least is not None and held < (1 - HAIR) * element.least * ore:
            return False
        if element.most is not None and held > (1 + HAIR) * element.most * ore:
            return False
    return True


def _element_t(mine: Mine, plan: Plan, t: int, period: str, element: str) -> float:
    rows = [(i.name, j, g) for i in mine.locations for j in i.cutoffs for g in j.grades if g.element == element]
    return math.fsum(g.gamma[t] * plan.x.get((mine.name, i, j.name, period), 0.0) for i, j, g in rows)
