"""The reduced program, mine by mine, as arrays: modes of phi for the mine, lanes, stocks, and the stock cuts.

Columns of a mine: u[t], v[l,t], p[l,t] 0/1, w[l,t], b[r,t] delivered of what arrived in t, o[r,t] delivered from stock
(z = b + o), theta[t, mode] 0/1, ys[t, mode, segment], and last q[r,t] 0/1; l a mill lane, r a route. The relaxation
leaves q out: there q = z/D, so its cost G/D is a cost of z. Only rows (11), over the mines, tie blocks together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from optimization.data import Demand, MillLane, Mine, SupplyChainInstance, UserLane
from optimization.decomposition.hull import Hull, hull_of
from optimization.decomposition.value_function import MinePhi
from optimization.formulation.limits import mill_limits_t
from optimization.highs import Floats, Ints, Program, Rows, stacked_rows


@dataclass(frozen=True, slots=True)
class Units:
    """What one is: tonnes and $, powers of two, so that coefficients lie between about 0.1 and 100."""

    t: float
    usd: float


def units_of(instance: SupplyChainInstance) -> Units:
    tonnes = _power_of_two(max(map(max, mill_limits_t(instance).values())) / 64)
    fixed = [max(lane.F) for lane in instance.mill_lanes] + [max(lane.G) for lane in instance.user_lanes]
    fixed += [max(j.K) for mine in instance.mines for i in mine.locations for j in i.cutoffs]
    by_tonne = [mine.pc + max(j.c for i in mine.locations for j in i.cutoffs) for mine in instance.mines]
    return Units(tonnes, _power_of_two(max(*fixed, *(cost * tonnes for cost in by_tonne), 0.0) / 64))


def _power_of_two(size: float) -> float:
    return 2.0 ** round(math.log2(size)) if size > 0 else 1.0


@dataclass(frozen=True)
class Block:
    """One mine. Arrays of positions are columns; `route_lane[r]`, `route_demand[r]` say what a route joins."""

    mine: Mine
    phis: MinePhi
    lanes: tuple[MillLane, ...]
    demands: tuple[Demand, ...]
    user_lanes: tuple[UserLane, ...]
    centre: Ints
    route_lane: Ints
    route_demand: Ints
    theta: Ints
    theta_t: Ints
    theta_mode: Ints
    ys: Ints
    ys_theta: Ints
    length: Floats
    u: Ints
    v: Ints
    p: Ints
    w: Ints
    b: Ints
    o: Ints
    q: Ints
    D: Floats
    program: Program
    relaxation: Program
    linear: Program
    units: Units

    @cached_property
    def w0(self) -> Floats:
        return np.array([lane.w0 for lane in self.lanes]) / self.units.t

    @cached_property
    def hull(self) -> Hull:
        return hull_of(self.phis)

    def unfolded(self, values: Floats) -> Floats:
        """Columns of `relaxation` that cost and do what these columns of `linear` cost and do."""
        n_flows, t = len(values) - self.hull.y.size, self.units.t
        ore = values[n_flows:].reshape(self.hull.y.shape).sum(axis=1)
        found = np.concatenate([values[:n_flows], np.zeros(len(self.theta) + len(self.ys))])
        for h, share, end in zip(*self.hull.mixed(ore * t), strict=True):
            own = self.ys_theta == h
            filled = np.clip((end - self.phis.starts[own]) / t, 0.0, self.length[own])
            found[self.theta[h]] += share
            found[self.ys[own]] += share * filled
        return found

    @cached_property
    def released(self) -> Floats:
        """Stock that need not be kept at the mill, by period: u0 above Umin, and what a falling Umin lets go."""
        mine = self.mine
        falls = [max(0.0, mine.u0 - mine.Umin[0])], np.maximum(0.0, -np.diff(mine.Umin))
        return np.concatenate(falls) / self.units.t

    @property
    def may_have_too_much(self) -> bool:
        """Whether stock nobody mined may be worth sending to users who do not want it: keeping it costs too."""
        return bool(self.w0.any() or self.released.any())

    @cached_property
    def supports(self) -> tuple[Ints, Ints]:
        """Columns that are 0 with their binary, and that binary."""
        columns = [self.theta, self.ys, self.p.ravel(), self.v.ravel(), self.b.ravel(), self.q.ravel()]
        binaries = [self.theta, self.theta[self.ys_theta], self.p.ravel(), self.p.ravel()]
        binaries += [self.p[self.route_lane].ravel(), self.q.ravel()]
        columns.append(self.o.ravel())
        binaries.append(self.q.ravel())
        return np.concatenate(columns), np.concatenate(binaries)


def blocks_of(instance: SupplyChainInstance, phis: list[MinePhi], units: Units | None = None) -> list[Block]:
    """One block a mine, in the units given or those that suit the instance."""
    units, centres = units or units_of(instance), {centre.name: n for n, centre in enumerate(instance.centres)}
    lanes: dict[str, list[MillLane]] = {mine.name: [] for mine in instance.mines}
    demands: dict[str, list[Demand]] = {mine.name: [] for mine in instance.mines}
    for lane in instance.mill_lanes:
        lanes[lane.mine].append(lane)
    for demand in instance.demands:
        demands[demand.mine].append(demand)
    V = np.array([centre.V for centre in instance.centres])
    down = instance.user_lane_by_key
    return [
        _block(mine, phi, lanes[mine.name], demands[mine.name], down, V, centres, units)
        for mine, phi in zip(instance.mines, phis, strict=True)
    ]


def _block(
    mine: Mine,
    phis: MinePhi,
    lanes: list[MillLane],
    demands: list[Demand],
    down: dict[tuple[str, str], UserLane],
    V: Floats,
    centres: dict[str, int],
    units: Units,
) -> Block:
    T = len(mine.P)
    routes = [
        (k, d) for k, lane in enumerate(lanes) for d, want in enumerate(demands) if (lane.centre, want.user) in down
    ]
    n_segments = np.diff(phis.first) - 1
    n_modes, by_lane, by_route = len(phis.t), (len(lanes), T), (len(routes), T)
    sizes = [T, *(len(lanes) * T,) * 3, *(len(routes) * T,) * 2, n_modes, int(n_segments.sum()), len(routes) * T]
    ends = np.cumsum([0, *sizes])
    columns = [np.arange(ends[k], ends[k + 1]) for k in range(len(sizes))]
    route_lane, route_demand = (np.array([r[k] for r in routes], dtype=np.int64) for k in (0, 1))
    wanted = np.array([d.D for d in demands]).reshape(len(demands), T) / units.t
    nothing = np.zeros(0)
    empty = Program(nothing, nothing, nothing, nothing > 0, rows_of([], [], [], [], []))
    drafted = Block(
        mine=mine,
        phis=phis,
        lanes=tuple(lanes),
        demands=tuple(demands),
        user_lanes=tuple(down[lanes[k].centre, demands[d].user] for k, d in routes),
        centre=np.array([centres[lane.centre] for lane in lanes], dtype=np.int64),
        route_lane=route_lane,
        route_demand=route_demand,
        u=columns[0],
        v=columns[1].reshape(by_lane),
        p=columns[2].reshape(by_lane),
        w=columns[3].reshape(by_lane),
        b=columns[4].reshape(by_route),
        o=columns[5].reshape(by_route),
        theta=columns[6],
        theta_t=phis.t,
        theta_mode=phis.order,
        ys=columns[7],
        ys_theta=np.repeat(np.arange(n_modes), n_segments),
        length=phis.lengths / units.t,
        q=columns[8].reshape(by_route),
        D=wanted[route_demand] if routes else np.zeros(by_route),
        program=empty,
        relaxation=empty,
        linear=empty,
        units=units,
    )
    return _with_programs(drafted, V[drafted.centre] / units.t)


def rows_of(row: object, column: object, value: object, lower: object, upper: object) -> Rows:
    at, columns = (np.asarray(part, dtype=np.int64).ravel() for part in (row, column))
    values, low, high = (np.asarray(part, dtype=np.float64).ravel() for part in (value, lower, upper))
    return Rows(at, columns, values, low, high)


def _with_programs(block: Block, V: Floats) -> Block:
    """`program` has all columns; `relaxation` those before q, with the cost of q on z.

    `linear` has those before the modes and then the segments of phi's hull: what linear programs see of the modes.
    """
    n_flows = len(block.u) + 3 * block.w.size + 2 * block.b.size
    n_relaxed = n_flows + len(block.theta) + len(block.ys)
    size, limit = n_relaxed + block.q.size, shipment_limits(block, V)
    cost, lower, upper = _costs(block, size), np.zeros(size), np.full(size, np.inf)
    lower[block.u], upper[block.u] = (np.array(getattr(block.mine, k)) / block.units.t for k in ("Umin", "Umax"))
    upper[block.ys], upper[block.v], upper[block.w] = block.length, limit, V
    upper[block.b], upper[block.o] = block.D, block.D
    is_binary = np.zeros(size, dtype=bool)
    for columns in (block.theta, block.p, block.q):
        is_binary[columns], upper[columns] = True, 1.0
    upper[block.q] = block.D > 0
    relaxed_cost = cost[:n_relaxed].copy()
    per_tonne = np.divide(cost[block.q], block.D, out=np.zeros_like(block.D), where=block.D > 0)
    relaxed_cost[block.b] += per_tonne
    relaxed_cost[block.o] += per_tonne
    rows = stacked_rows([_flow_rows(block, limit, block.ys, block.theta_t[block.ys_theta]), *_mode_rows(block)])
    keep = slice(0, n_relaxed)
    relaxation = Program(relaxed_cost, lower[keep], upper[keep], is_binary[keep], rows)
    return replace(
        block,
        program=Program(cost, lower, upper, is_binary, stacked_rows([rows, _delivery_rows(block)])),
        relaxation=relaxation,
        linear=_linear(block, relaxation, n_flows, limit),
    )


def _linear(block: Block, relaxation: Program, n_flows: int, limit: Floats) -> Program:
    ore = n_flows + np.arange(block.hull.y.size)
    by_tonne, nothing = block.units.t / block.units.usd, np.zeros(len(ore))
    return Program(
        np.concatenate([relaxation.cost[:n_flows], (block.hull.slope.ravel() + block.mine.pc) * by_tonne]),
        np.concatenate([relaxation.lower[:n_flows], nothing]),
        np.concatenate([relaxation.upper[:n_flows], block.hull.length.ravel() / block.units.t]),
        np.zeros(n_flows + len(ore), dtype=bool),
        _flow_rows(block, limit, ore, np.repeat(np.arange(len(block.u)), block.hull.y.shape[1])),
    )


def shipment_limits(block: Block, V: Floats) -> Floats:
    """(12), shape (lanes, periods): R, room and today's demand, remaining demand and released stock."""
    wanted = np.zeros(V.shape)
    np.add.at(wanted, block.route_lane, block.D)
    remaining = np.cumsum(wanted[:, ::-1], axis=1)[:, ::-1] + np.cumsum(block.released)
    R = np.array([lane.R for lane in block.lanes]).reshape(V.shape) / block.units.t
    limits: Floats = np.minimum(np.minimum(R, V + wanted), remaining)
    return limits


def _costs(block: Block, size: int) -> Floats:
    """(1) in the block's units; f of a mode is spread over its segments as slopes."""
    cost, T = np.zeros(size), len(block.u)
    by_tonne = block.units.t / block.units.usd
    cost[block.theta] = block.phis.K / block.units.usd
    cost[block.ys] = (block.phis.slopes + block.mine.pc) * by_tonne
    cost[block.u] = block.mine.h * by_tonne
    for columns, name in ((block.v, "f"), (block.w, "g")):
        cost[columns] = np.array([getattr(lane, name) for lane in block.lanes])[:, None] * by_tonne
    cost[block.p] = np.array([lane.F for lane in block.lanes]).reshape(-1, T) / block.units.usd
    cost[block.b] = cost[block.o] = np.array([lane.e for lane in block.user_lanes])[:, None] * by_tonne
    cost[block.q] = np.array([lane.G for lane in block.user_lanes]).reshape(-1, T) / block.units.usd
    return cost


def _mode_rows(block: Block) -> list[Rows]:
    T, n = len(block.u), len(block.theta)
    one_mode = rows_of(block.theta_t, block.theta, np.ones(n), np.full(T, -np.inf), np.ones(T))
    return [one_mode, _pairs(np.arange(len(block.ys)), block.ys, block.theta[block.ys_theta], block.length)]


def _flow_rows(block: Block, limit: Floats, ore: Ints, ore_t: Ints) -> Rows:
    """(8) with the columns that make ore and their periods, (9), (12) to (14)."""
    T = len(block.u)
    period, right = np.arange(T), np.zeros(T)
    right[0] = block.mine.u0 / block.units.t
    balance = rows_of(
        np.concatenate([period, period[1:], ore_t, np.tile(period, len(block.lanes))]),
        np.concatenate([block.u, block.u[:-1], ore, block.v.ravel()]),
        np.concatenate([np.ones(T), -np.ones(T - 1), np.full(len(ore), -block.mine.beta), np.ones(block.v.size)]),
        right,
        right,
    )
    shipped = _pairs(np.arange(block.v.size), block.v.ravel(), block.p.ravel(), limit.ravel())
    arrived = _pairs(np.arange(block.b.size), block.b.ravel(), block.p[block.route_lane].ravel(), block.D.ravel())
    return stacked_rows([balance, _stock_rows(block), _from_stock_rows(block), _demand_rows(block), shipped, arrived])


def _pairs(row: Ints, flow: Ints, binary: Ints, limit: Floats) -> Rows:
    """flow <= limit * binary."""
    n = len(row)
    value = np.concatenate([np.ones(n), -limit])
    return rows_of(np.tile(row, 2), np.concatenate([flow, binary]), value, np.full(n, -np.inf), np.zeros(n))


def _stock_rows(block: Block) -> Rows:
    """(9): w - w before - v + b + o = 0, or w0 in the first period."""
    L, T = block.w.shape
    row = np.arange(L * T).reshape(L, T)
    of_route = row[block.route_lane].ravel()
    ones = np.ones
    right = np.zeros((L, T))
    right[:, 0] = block.w0
    return rows_of(
        np.concatenate([row.ravel(), row[:, 1:].ravel(), row.ravel(), of_route, of_route]),
        np.concatenate([block.w.ravel(), block.w[:, :-1].ravel(), block.v.ravel(), block.b.ravel(), block.o.ravel()]),
        np.concatenate([ones(L * T), -ones(L * (T - 1)), -ones(L * T), ones(2 * block.b.size)]),
        right,
        right,
    )


def _from_stock_rows(block: Block) -> Rows:
    """sum over users of o <= stock before."""
    L, T = block.w.shape
    row = np.arange(L * T).reshape(L, T)
    right = np.zeros((L, T))
    right[:, 0] = block.w0
    return rows_of(
        np.concatenate([row[block.route_lane].ravel(), row[:, 1:].ravel()]),
        np.concatenate([block.o.ravel(), block.w[:, :-1].ravel()]),
        np.concatenate([np.ones(block.o.size), -np.ones(L * (T - 1))]),
        np.full(L * T, -np.inf),
        right,
    )


def _demand_rows(block: Block) -> Rows:
    """(14). An equality where all product is mined: no cost is negative, so nobody mines more than is wanted.

    Else at least what is wanted, and by each route at most that, as (13) says.
    """
    T, n = len(block.u), block.b.size
    wanted = np.array([d.D for d in block.demands]).reshape(-1, T) / block.units.t
    row = np.tile((block.route_demand[:, None] * T + np.arange(T)).ravel(), 2)
    column, ones = np.concatenate([block.b.ravel(), block.o.ravel()]), np.ones(2 * n)
    if not block.may_have_too_much:
        return rows_of(row, column, ones, wanted, wanted)
    by_route = rows_of(np.tile(np.arange(n), 2), column, ones, np.full(n, -np.inf), block.D)
    return stacked_rows([rows_of(row, column, ones, wanted, np.full(wanted.shape, np.inf)), by_route])


def _delivery_rows(block: Block) -> Rows:
    """(13): b + o <= D q."""
    n = block.b.size
    return rows_of(
        np.tile(np.arange(n), 3),
        np.concatenate([block.b.ravel(), block.o.ravel(), block.q.ravel()]),
        np.concatenate([np.ones(2 * n), -block.D.ravel()]),
        np.full(n, -np.inf),
        np.zeros(n),
    )


# Several mines at once --------------------------------------------------------------------------------------


def joined(blocks: list[Block], programs: list[Program], room: Floats) -> Program:
    """The programs side by side with (11): sum of w <= room[n, t], in the blocks' unit."""
    at = np.cumsum([0, *(len(program.cost) for program in programs)])
    rows = [replace(program.rows, column=program.rows.column + at[k]) for k, program in enumerate(programs)]
    N, T = room.shape
    cells = [(block.centre[:, None] * T + np.arange(T)).ravel() for block in blocks]
    stocks = np.concatenate([block.w.ravel() + at[k] for k, block in enumerate(blocks)])
    shared = rows_of(np.concatenate(cells), stocks, np.ones(len(stocks)), np.full(N * T, -np.inf), room)
    return Program(
        cost=np.concatenate([p.cost for p in programs]),
        lower=np.concatenate([p.lower for p in programs]),
        upper=np.concatenate([p.upper for p in programs]),
        is_binary=np.concatenate([p.is_binary for p in programs]),
        rows=stacked_rows([*rows, shared]),
    )
