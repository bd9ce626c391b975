"""From columns of the reduced program back to the plan in the original variables, exact in the whole decisions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from optimization.data import Plan
from optimization.decomposition.reduced import Block
from optimization.highs import Floats, LiveProgram, Program

NOISE_T = 1e-7


def exact(block: Block, values: Floats, room: Floats) -> Floats:
    """The linear program left when the binaries are fixed where they round to; `room[l, t]` bounds w.

    The values with rounded binaries if it fails. Start-ups without flow are dropped and segments filled in order.
    """
    rounded = np.round(values[block.program.is_binary])
    lower, upper = block.program.lower.copy(), block.program.upper.copy()
    lower[block.program.is_binary] = upper[block.program.is_binary] = rounded
    upper[block.w] = np.minimum(upper[block.w], room)
    fixed = Program(block.program.cost, lower, upper, block.program.is_binary, block.program.rows)
    answer = LiveProgram(fixed, relaxed=True).solve()
    made = values.copy() if answer.values is None else answer.values
    made[block.program.is_binary] = rounded
    return tidied(block, np.where(block.program.is_binary, made, np.maximum(made, 0.0)))


def tidied(block: Block, values: Floats) -> Floats:
    """The same plan without noise, start-ups without flow, or a dearer mode than its ore needs."""
    noise = NOISE_T / block.units.t
    values = np.where(np.abs(values) < noise, 0.0, values)
    values[block.p] = values[block.v] > 0
    values[block.q] = values[block.b] + values[block.o] > 0
    _mine_cheapest(block, values)
    return values


def _mine_cheapest(block: Block, values: Floats) -> None:
    """In each period the mode that makes its ore at least cost, its segments filled in order."""
    ore = np.zeros(len(block.u))
    np.add.at(ore, block.theta_t[block.ys_theta], values[block.ys] * block.units.t)
    values[block.theta], values[block.ys] = 0.0, 0.0
    for t in np.flatnonzero(ore > 0).tolist():
        phi, y = block.phis[t], float(ore[t])
        reach = max(float(mode.y[-1]) for mode in phi)
        costs = [mode.cost_at(min(y, reach)) for mode in phi]
        (h,) = np.flatnonzero((block.theta_t == t) & (block.theta_mode == int(np.argmin(costs))))
        values[block.theta[h]] = 1.0
        starts = phi[int(np.argmin(costs))].y[:-1]
        columns = block.ys[block.ys_theta == h]
        values[columns] = np.clip((y - starts) / block.units.t, 0.0, block.length[block.ys_theta == h])


def cost_usd(block: Block, values: Floats) -> float:
    return float(block.program.cost @ values) * block.units.usd


def plan_of(blocks: list[Block], values: list[Floats], periods: tuple[str, ...]) -> Plan:
    """Tonnes by name keys; x is read off the breakpoints of the mode that runs."""
    flows: dict[str, dict[tuple[str, ...], float]] = {name: {} for name in "xdyuvpwzq"}
    for block, columns in zip(blocks, values, strict=True):
        _add_mine(flows, block, columns, periods)
        for name, key, value in _flows(block, columns, periods):
            if value:
                flows[name][key] = value
    return Plan(**flows)


def _add_mine(
    flows: dict[str, dict[tuple[str, ...], float]], block: Block, values: Floats, periods: tuple[str, ...]
) -> None:
    mine = block.mine
    for h in np.flatnonzero(values[block.theta]):
        t = int(block.theta_t[h])
        mode = block.phis[t][block.theta_mode[h]]
        ore = mode.ore_at(float(values[block.ys[block.ys_theta == h]].sum() * block.units.t))
        for i, (j, x) in enumerate(zip(mode.pattern, ore.tolist(), strict=True)):
            if x > 0:
                key = (mine.name, mine.locations[i].name, mine.locations[i].cutoffs[j].name, periods[t])
                flows["x"][key], flows["d"][key] = x, 1.0
        flows["y"][mine.name, periods[t]] = float(ore.sum())


def _flows(block: Block, values: Floats, periods: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...], float]]:
    name, unit = block.mine.name, block.units.t
    for t, tonnes in enumerate((values[block.u] * unit).tolist()):
        yield "u", (name, periods[t]), tonnes
    for letter, columns, factor in (("v", block.v, unit), ("p", block.p, 1.0), ("w", block.w, unit)):
        for (lane, t), value in _used(values[columns] * factor):
            yield letter, (name, block.lanes[lane].centre, periods[t]), value
    delivered = (values[block.b] + values[block.o]) * unit
    for letter, table in (("z", delivered), ("q", values[block.q])):
        for (r, t), value in _used(table):
            ends = block.lanes[block.route_lane[r]].centre, block.demands[block.route_demand[r]].user
            yield letter, (name, *ends, periods[t]), value


def _used(table: Floats) -> Iterator[tuple[tuple[int, int], float]]:
    for k, t in np.argwhere(table).tolist():
        yield (k, t), float(table[k, t])
