"""The cheapest plan by trying every choice of the binaries: a linear program each, no counterpart, no cuts."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np
from scipy.optimize import linprog

from optimization.data import BoxSet, BudgetSet, Location, Mine, NominalSet, SupplyChainInstance


def budget_vertices(budget: float, n_locations: int) -> list[tuple[float, ...]]:
    """Vertices of {0 <= xi <= 1, sum xi <= budget}: whole falls, and one fraction where the budget is not whole."""
    whole, part = int(budget), budget - int(budget)
    found = set()
    for size in range(min(whole, n_locations) + 1):
        for fallen in combinations(range(n_locations), size):
            xi = [1.0 if i in fallen else 0.0 for i in range(n_locations)]
            found.add(tuple(xi))
            if size == whole and part:
                found |= {
                    tuple(part if i == k else x for i, x in enumerate(xi)) for k in range(n_locations) if xi[k] == 0
                }
    return sorted(found)


def vertices(instance: SupplyChainInstance, mine: Mine) -> list[tuple[float, ...]]:
    count = len(mine.locations)
    match instance.uncertainty:
        case NominalSet():
            return budget_vertices(0, count)
        case BoxSet():
            return budget_vertices(count, count)
        case BudgetSet():
            return budget_vertices(instance.budget(mine.name), count)
    raise NotImplementedError(instance.uncertainty)


def cheapest_cost_usd(instance: SupplyChainInstance) -> float:
    """One mine, one centre, one user with demand in every period."""
    (mine,), T = instance.mines, len(instance.periods)
    choices = [[None, *range(len(i.cutoffs))] for _ in range(T) for i in mine.locations]
    per_period = list(product(*choices[: len(mine.locations)]))
    return min(
        cost
        for open_cutoffs in product(per_period, repeat=T)
        for running in product((0, 1), repeat=T)
        if (cost := _cost(instance, mine, open_cutoffs, running)) is not None
    )


def _cost(instance: SupplyChainInstance, mine: Mine, opened: tuple, running: tuple[int, ...]) -> float | None:
    """Columns a period: x of each location, y, u, v, w, z."""
    up, down, want = instance.mill_lanes[0], instance.user_lanes[0], instance.demands[0].D
    n_locations, T = len(mine.locations), len(instance.periods)
    width = n_locations + 5
    cost, bounds, fixed = np.zeros(T * width), [], 0.0
    less, less_rhs, equal, equal_rhs = [], [], [], []
    for t in range(T):
        at = t * width
        y, u, v, w, z = range(at + n_locations, at + width)
        cutoffs = [_cutoff(i, j) for i, j in zip(mine.locations, opened[t], strict=True)]
        cost[at : at + width] = [*(j.c if j else 0 for j in cutoffs), mine.pc, mine.h, up.f, up.g, down.e]
        fixed += sum(j.K[t] for j in cutoffs if j) + up.F[t] * running[t] + down.G[t]
        bounds += [(0, j.xmax[t] if j else 0) for j in cutoffs] + [(0, mine.Q[t]), (mine.Umin[t], mine.Umax[t])]
        bounds += [(0, up.R[t] * running[t]), (0, instance.centres[0].V[t]), (want[t], want[t])]
        rows = [({at + k: j.a[t] for k, j in enumerate(cutoffs) if j}, mine.P[t])]
        for xi in vertices(instance, mine):
            grade = {at + k: j.delta[t] * xi[k] - j.gamma[t] for k, j in enumerate(cutoffs) if j}
            rows.append(({**grade, y: mine.alpha}, 0.0))
        equalities = [({**{at + k: 1.0 for k in range(n_locations)}, y: -1.0}, 0.0)]
        before = {u - width: -1.0} if t else {}
        equalities.append(({**before, u: 1.0, y: -mine.beta, v: 1.0}, 0.0 if t else mine.u0))
        before = {w - width: -1.0} if t else {}
        equalities.append(({**before, w: 1.0, v: -1.0, z: 1.0}, 0.0 if t else up.w0))
        for row, rhs in rows:
            less.append(_dense(row, T * width))
            less_rhs.append(rhs)
        for row, rhs in equalities:
            equal.append(_dense(row, T * width))
            equal_rhs.append(rhs)
    answer = linprog(cost, np.array(less), less_rhs, np.array(equal), equal_rhs, bounds)
    return answer.fun + fixed if answer.status == 0 else None


def _cutoff(location: Location, j: int | None):
    return None if j is None else location.cutoffs[j]


def _dense(row: dict[int, float], width: int) -> np.ndarray:
    dense = np.zeros(width)
    for k, value in row.items():
        dense[k] = value
    return dense
