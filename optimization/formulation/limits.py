"""The tightest bounds on tonnes that data alone give: of ore, shipments and stocks. Why none loses an optimum:
docs/formulation.md, "Bounds that lose nothing". A bound far above what can be of use would ruin the relaxation, and a
solver's absolute tolerances with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise
from operator import add

from optimization.data import Cutoff, Mine, PerPeriod, SupplyChainInstance

Lane = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Limits:
    """Tonnes by (mine, location, cut-off), mine, or lane (mine, centre), one a period; u and w as least and largest."""

    x: Mapping[tuple[str, str, str], PerPeriod]
    y: Mapping[str, PerPeriod]
    u: Mapping[str, tuple[PerPeriod, PerPeriod]]
    v: Mapping[Lane, PerPeriod]
    w: Mapping[Lane, tuple[PerPeriod, PerPeriod]]


def limits_of(instance: SupplyChainInstance) -> Limits:
    y = mill_limits_t(instance)
    v = _shipment_limits_t(instance)
    return Limits(
        x={
            (mine.name, i.name, j.name): _ore_limit_t(mine, j, y[mine.name])
            for mine in instance.mines
            for i in mine.locations
            for j in i.cutoffs
        },
        y=y,
        u={mine.name: (mine.Umin, _mill_stock_t(mine, y[mine.name])) for mine in instance.mines},
        v=v,
        w={lane: _centre_stock_t(instance, lane, v[lane]) for lane in v},
    )


def _ore_limit_t(mine: Mine, cutoff: Cutoff, mill: PerPeriod) -> PerPeriod:
    """Of (6): least of xmax, P/a and what the mill takes."""
    by_resource = (P / a if a > 0 else math.inf for P, a in zip(mine.P, cutoff.a, strict=True))
    return tuple(map(min, cutoff.xmax, by_resource, mill))


def mill_limits_t(instance: SupplyChainInstance) -> dict[str, PerPeriod]:
    """Of (3): Q, and the ore of all that is wanted from t on, must be in stock at some time from t on or at the end."""
    wanted = {mine.name: [0.0] * len(instance.periods) for mine in instance.mines}
    for demand in instance.demands:
        wanted[demand.mine] = list(map(add, wanted[demand.mine], demand.D))
    for lane in instance.mill_lanes:
        wanted[lane.mine][-1] += lane.w_end
    return {mine.name: _mill_limit_t(mine, wanted[mine.name]) for mine in instance.mines}


def _mill_limit_t(mine: Mine, wanted: list[float]) -> PerPeriod:
    remaining, kept = accumulate(reversed(wanted)), accumulate(reversed(mine.Umin), max)
    product = reversed(list(map(add, remaining, kept)))
    return tuple(min(Q, tonnes / mine.beta) for Q, tonnes in zip(mine.Q, product, strict=True))


def _mill_stock_t(mine: Mine, mill: PerPeriod) -> PerPeriod:
    """Of (10): Umax, and all that can have been made."""
    made = list(accumulate((mine.beta * y for y in mill), initial=mine.u0))[1:]
    return tuple(max(low, min(high, most)) for low, high, most in zip(mine.Umin, mine.Umax, made, strict=True))


def _shipment_limits_t(instance: SupplyChainInstance) -> dict[Lane, PerPeriod]:
    """Of (12): least of R, room plus today's demand, and remaining demand plus released and closing stock."""
    wanted = {lane: [0.0] * len(instance.periods) for lane in instance.mill_lane_by_key}
    for m, n, s in instance.routes:
        wanted[m, n] = list(map(add, wanted[m, n], instance.demand_by_key[m, s].D))
    released = {mine.name: _released_t(mine) for mine in instance.mines}
    limits = {}
    for (m, n), lane in instance.mill_lane_by_key.items():
        room = [V + D for V, D in zip(instance.centre_by_name[n].V, wanted[m, n], strict=True)]
        useful = [sum(wanted[m, n][t:]) + lane.w_end + released[m][t] for t in range(len(room))]
        limits[m, n] = tuple(map(min, lane.R, room, useful))
    return limits


def _released_t(mine: Mine) -> list[float]:
    """Stock that need not be kept at the mill, up to each period: u0 above Umin, and every fall of Umin."""
    return list(accumulate((max(0.0, a - b) for a, b in pairwise((mine.u0, *mine.Umin)))))


def _centre_stock_t(instance: SupplyChainInstance, lane: Lane, shipments: PerPeriod) -> tuple[PerPeriod, PerPeriod]:
    """Least and largest: at the end w_end; the room, and all that can have come."""
    up, room = instance.mill_lane_by_key[lane], instance.centre_by_name[lane[1]].V
    low = (0.0,) * (len(room) - 1) + (up.w_end,)
    come = list(accumulate(shipments, initial=up.w0))[1:]
    return low, tuple(max(least, min(V, most)) for least, V, most in zip(low, room, come, strict=True))
