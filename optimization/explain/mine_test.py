"""Why there is no plan, in closed form and in words: each mine by itself, before anything that mines share.

Every statement is a proof: its relaxation ignores start-up costs, lanes in other periods and the other mines.
"""

from __future__ import annotations

from collections.abc import Iterator

from optimization.data import (
    BoxSet,
    BudgetSet,
    Cutoff,
    Demand,
    MillLane,
    Mine,
    NominalSet,
    PaperSet,
    PolyhedronSet,
    SupplyChainInstance,
)
from optimization.uncertainty.counterpart import best_blend_frac
from optimization.uncertainty.sets import grade_set, targets

TOLERANCE_T = 1e-6
TOLERANCE_GRADE = 1e-9


def explain_infeasibility(instance: SupplyChainInstance) -> tuple[str, ...]:
    """Sentences that each prove that there is no plan; empty when no mine by itself is the reason."""
    lanes: dict[str, list[MillLane]] = {mine.name: [] for mine in instance.mines}
    demands: dict[str, list[Demand]] = {mine.name: [] for mine in instance.mines}
    for lane in instance.mill_lanes:
        lanes[lane.mine].append(lane)
    for demand in instance.demands:
        demands[demand.mine].append(demand)
    return tuple(
        sentence
        for mine in instance.mines
        for sentence in _mine_sentences(instance, mine, lanes[mine.name], demands[mine.name])
    )


def best_worst_case_grade_frac(instance: SupplyChainInstance, mine: Mine, t: int) -> float:
    """The best blended grade that holds for the whole uncertainty set; 0 where nothing can be mined.

    For the budget set it is the largest theta with sum_i max_j ((gamma - theta)+ / delta) >= Gamma, or the best
    gamma - delta if that is higher: the vertices of the counterpart of (4) under sum x = 1.
    """
    options = [[j for j in i.cutoffs if j.xmax[t] > 0] for i in mine.locations]
    usable = [j for location in options for j in location]
    if not usable or mine.P[t] <= 0 or mine.Q[t] <= 0:
        return 0.0
    match instance.uncertainty:
        case NominalSet():
            return max(j.gamma[t] for j in usable)
        case PaperSet() as paper:
            return paper.floor_frac
        case BoxSet():
            return max(j.gamma[t] - j.delta[t] for j in usable)
        case BudgetSet():
            return _best_under_budget(options, instance.budget(mine.name), t)
        case PolyhedronSet():
            pairs = [(i.name, j.name) for i in mine.locations for j in i.cutoffs if j.xmax[t] > 0]
            return best_blend_frac(grade_set(instance, mine, t), targets(mine)[0], pairs)


def _best_under_budget(options: list[list[Cutoff]], budget: float, t: int) -> float:
    usable = [j for location in options for j in location]
    low, high = max(j.gamma[t] - j.delta[t] for j in usable), max(j.gamma[t] for j in usable)
    if budget == 0:
        return high
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _spread(options, middle, t) >= budget else (low, middle)
    return low


def _spread(options: list[list[Cutoff]], theta: float, t: int) -> float:
    """How many falling locations a blend can bear at grade theta."""
    return sum(max((_bears(j, theta, t) for j in location), default=0.0) for location in options)


def _bears(cutoff: Cutoff, theta: float, t: int) -> float:
    surplus = max(0.0, cutoff.gamma[t] - theta)
    return surplus / cutoff.delta[t] if cutoff.delta[t] > 0 else (float("inf") if surplus else 0.0)


def _grade_frac(instance: SupplyChainInstance, mine: Mine, t: int) -> float:
    """As `best_worst_case_grade_frac`; alpha where that can be kept, which needs no search for how much more can."""
    if isinstance(instance.uncertainty, BudgetSet) and min(mine.P[t], mine.Q[t]) > 0:
        options = [[j for j in i.cutoffs if j.xmax[t] > 0] for i in mine.locations]
        if _spread(options, mine.alpha, t) >= instance.budget(mine.name) > 0:
            return mine.alpha
    return best_worst_case_grade_frac(instance, mine, t)


def _mine_sentences(
    instance: SupplyChainInstance, mine: Mine, lanes: list[MillLane], demands: list[Demand]
) -> Iterator[str]:
    grades = [_grade_frac(instance, mine, t) for t in range(len(instance.periods))]
    missed = [_missed_element(instance, mine, t) for t in range(len(instance.periods))]
    made = [0.0 if missed[t] else _most_product_t(mine, grade, t) for t, grade in enumerate(grades)]
    opening = mine.u0 + sum(lane.w0 for lane in lanes)
    wanted, available = 0.0, opening
    for t, period in enumerate(instance.periods):
        wanted += sum(d.D[t] for d in demands)
        available += made[t]
        if wanted + mine.Umin[t] > available + TOLERANCE_T * max(1.0, wanted):
            too_poor = [g for g in grades[: t + 1] if g < mine.alpha - TOLERANCE_GRADE]
            why = f"best worst-case grade {max(too_poor):.3f} < {mine.alpha:.3f}; it " if too_poor else ""
            why += next(filter(None, missed[: t + 1]), "")
            needed = wanted + mine.Umin[t]
            yield f"{mine.name}: {why}can have {available:.1f} t of product by {period}, {needed:.1f} t needed"
            break
    yield from _lane_sentences(instance, mine, lanes, demands)


def _missed_element(instance: SupplyChainInstance, mine: Mine, t: int) -> str:
    """The further element whose limit no blend keeps to at worst, in words; empty where every one can be kept to."""
    pairs = [(i.name, j.name) for i in mine.locations for j in i.cutoffs if j.xmax[t] > 0]
    for target in targets(mine)[1:] if pairs else ():
        best = best_blend_frac(grade_set(instance, mine, t), target, pairs)
        if target.sense * (target.limit_frac - best) > TOLERANCE_GRADE:
            sign = "<" if target.sense > 0 else ">"
            return f"best worst-case {target.element} {best:.3f} {sign} {target.limit_frac:.3f}; it "
    return ""


def _most_product_t(mine: Mine, grade: float, t: int) -> float:
    """An upper bound: the mill, the resource at its cheapest tonne, the ore of the largest option of each location."""
    if grade < mine.alpha - TOLERANCE_GRADE:
        return 0.0
    ore = sum(max(j.xmax[t] for j in i.cutoffs) for i in mine.locations)
    cheapest = min(j.a[t] for i in mine.locations for j in i.cutoffs)
    by_resource = mine.P[t] / cheapest if cheapest > 0 else ore
    return mine.beta * min(ore, by_resource, mine.Q[t])


def _lane_sentences(
    instance: SupplyChainInstance, mine: Mine, lanes: list[MillLane], demands: list[Demand]
) -> Iterator[str]:
    """Everything delivered up to t came over the mine's lanes up to t, or was at the centres from the start."""
    wanted, carried = 0.0, sum(lane.w0 for lane in lanes)
    for t, period in enumerate(instance.periods):
        wanted += sum(d.D[t] for d in demands)
        carried += sum(lane.R[t] for lane in lanes)
        if wanted > carried + TOLERANCE_T * max(1.0, wanted):
            yield f"{mine.name}: its lanes carry at most {carried:.1f} t by {period}, its users need {wanted:.1f} t"
            return
