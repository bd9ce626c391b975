"""Multi-period stock cuts: w[t-1] >= the sum over users and tau in t..l of z[s,tau] - D[s,tau] (p[t] + ... + p[tau]).

They hold for any choice of the (s, tau) in the sum, so a cut stays a cut when demands change, with the new D.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from optimization.decomposition.reduced import Block, rows_of
from optimization.highs import Floats, Ints, Rows

LONGEST_CUT = 7
LEAST_VIOLATION = 1e-4


def separated(block: Block, values: Floats) -> Rows:
    """Violated cuts, of all positive terms each."""
    found = [cut for lane in range(len(block.lanes)) for cut in _lane_cuts(block, values, lane)]
    sizes = [len(column) for column, _, _ in found]
    return rows_of(
        np.repeat(np.arange(len(found)), sizes),
        np.concatenate([column for column, _, _ in found]) if found else [],
        np.concatenate([value for _, value, _ in found]) if found else [],
        np.full(len(found), -np.inf),
        [right for _, _, right in found],
    )


def _lane_cuts(block: Block, values: Floats, lane: int) -> list[tuple[Ints, Floats, float]]:
    routes = np.flatnonzero(block.route_lane == lane)
    z, p = values[block.b[routes]] + values[block.o[routes]], values[block.p[lane]]
    stock = np.append(block.w0[lane], values[block.w[lane]])
    T, found, D = len(p), [], block.D[routes]
    for t in range(T):
        end = min(T, t + LONGEST_CUT)
        running = np.cumsum(p[t:end])
        terms = z[:, t:end] - D[:, t:end] * running
        chosen = terms > 1e-9
        if terms[chosen].sum() > stock[t] + LEAST_VIOLATION * (1.0 + stock[t]) and (
            t > 0 or stock[0] > 0 or chosen.any()
        ):
            found.append(_cut(block, routes, lane, t, chosen))
    return found


def _cut(block: Block, routes: Ints, lane: int, t: int, chosen: Ints) -> tuple[Ints, Floats, float]:
    """Sum of z - sum of D p - w before <= 0."""
    s, tau = np.nonzero(chosen)
    flows = [block.b[routes[s], t + tau], block.o[routes[s], t + tau]]
    wanted = np.where(chosen, block.D[routes, t : t + chosen.shape[1]], 0.0).sum(axis=0)
    by_run = np.cumsum(wanted[::-1])[::-1]
    runs = np.flatnonzero(by_run > 0)
    columns, values = [*flows, block.p[lane, t + runs]], [np.ones(2 * len(s)), -by_run[runs]]
    if t:
        columns.append(block.w[lane, t - 1 : t])
        values.append(-np.ones(1))
    return np.concatenate(columns), np.concatenate(values), 0.0 if t else float(block.w0[lane])


def with_data_of(block: Block, cuts: Rows) -> Rows:
    """The same cuts with the demands and opening stocks of `block`: flows have the same columns whatever the data."""
    n, T = len(cuts.lower), len(block.u)
    kind, route = np.full(int(block.o.max()) + 1, -1), np.arange(len(block.b))
    kind[block.b] = route[:, None] * T + np.arange(T)
    of_run = np.full(len(kind), -1)
    of_run[block.p] = np.arange(T)
    cell, run = kind[cuts.column], of_run[cuts.column]
    wanted = np.zeros((n, T))
    np.add.at(wanted, (cuts.row[cell >= 0], cell[cell >= 0] % T), block.D.ravel()[cell[cell >= 0]])
    later = np.cumsum(wanted[:, ::-1], axis=1)[:, ::-1]
    value = np.where(run >= 0, -later[cuts.row, run], cuts.value)
    lane_of_run = np.full(len(kind), -1)
    lane_of_run[block.p] = np.arange(len(block.p))[:, None]
    lane = np.full(n, -1)
    lane[cuts.row[run >= 0]] = lane_of_run[cuts.column[run >= 0]]
    has_stock = np.bincount(cuts.row, np.isin(cuts.column, block.w), n) > 0
    return replace(cuts, value=value, upper=np.where(has_stock, 0.0, block.w0[lane]))
