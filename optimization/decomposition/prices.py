"""Prices of the room at the centres, rows (11): a relaxation for each mine alone, and a master that balances them.

At prices mu on w, sum_m LP_m(mu) - mu·V is a proven lower bound whatever mu >= 0 is. The master mixes the points that
the mines answered with; its duals are the next prices and its mix is how the room is split.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from optimization.decomposition.reduced import Block, rows_of
from optimization.decomposition.search import Search, Stopped
from optimization.decomposition.stock_cuts import separated
from optimization.highs import Floats, LiveProgram, Program, Rows, stacked_rows

CUT_ROUNDS, LEAST_RISE = 10, 2e-5
MASTER_ROUNDS, MOST_MASTER_ROUNDS, MASTER_GAP = 8, 24, 1e-4
FITS = 1e-6


@dataclass
class PricedMine:
    """The live relaxation of one mine and the cuts found for it; they name z, p, w alone and stay valid."""

    block: Block
    live: LiveProgram
    cuts: list[Rows] = field(default_factory=list)

    def relax(self, search: Search, prices: Floats, room: Floats | None = None) -> tuple[float, Floats] | None:
        """Least cost at prices[n, t] with w <= room[l, t], and the columns; rounds of cuts until it hardly rises.

        None where no point is left: without `room` that proves that the mine has no plan, and with it nothing.
        """
        block = self.block
        limit = block.relaxation.upper[block.w]
        held = limit if room is None else np.minimum(limit, np.maximum(room, 0.0))
        stocks = block.w.ravel()
        self.live.set_costs(stocks, (block.relaxation.cost[block.w] + prices[block.centre]).ravel())
        self.live.set_bounds(stocks, np.zeros(len(stocks)), held.ravel())
        best = self._rounds(search)
        return None if best is None else (best[0], block.unfolded(best[1]))

    def _rounds(self, search: Search) -> tuple[float, Floats] | None:
        best, last = self._point(search), -np.inf
        for _ in range(CUT_ROUNDS):
            if best is None or best[0] <= last + LEAST_RISE * abs(last):
                break
            cuts = separated(self.block, best[1])
            if not len(cuts.lower):
                break
            self.live.add_rows(cuts)
            self.cuts.append(cuts)
            last, best = best[0], self._point(search)
        return best

    def _point(self, search: Search) -> tuple[float, Floats] | None:
        search.check()
        answer = self.live.solve()
        return None if answer.values is None else (answer.objective, answer.values)

    @property
    def program(self) -> Program:
        """With q, the binaries and the cuts."""
        program = self.block.program
        return replace(program, rows=stacked_rows([program.rows, *self.cuts]))

    @property
    def core(self) -> Program:
        """Without q, whose cost is spread over what is delivered: a relaxation that keeps most of the gap's causes."""
        relaxed = self.block.relaxation
        return replace(relaxed, rows=stacked_rows([relaxed.rows, *self.cuts]))

    def stock(self, values: Floats, shape: tuple[int, ...]) -> Floats:
        """w by centre and period."""
        held = np.zeros(shape)
        np.add.at(held, self.block.centre, values[self.block.w])
        return held


@dataclass
class Pricing:
    """`prices[n, t]` with the best bound, each mine's relaxed cost there, and `split[m][n, t]` of the room."""

    mines: list[PricedMine]
    room: Floats
    prices: Floats
    costs: list[float] = field(default_factory=list)
    split: list[Floats] = field(default_factory=list)
    points: list[list[tuple[float, Floats]]] = field(default_factory=list)
    values: list[Floats] = field(default_factory=list)


def priced(search: Search, blocks: list[Block], room: Floats) -> Pricing:
    mines = search.each(lambda block: PricedMine(block, LiveProgram(block.linear, relaxed=True)), blocks)
    pricing = Pricing(mines, room, np.zeros_like(room), points=[[] for _ in mines])
    settle(search, pricing)
    return pricing


def settle(search: Search, pricing: Pricing) -> None:
    """Rounds of prices, each half way from the best to the master's, until bound and mix meet and the mix fits."""
    penalty, prices, best = 0.0, pricing.prices, -np.inf
    for turn in range(MOST_MASTER_ROUNDS):
        bound, costs, values = _answers(search, pricing, prices)
        if bound > best:
            best, pricing.prices, pricing.costs, pricing.values = bound, prices, costs, values
            search.offer_bound(bound)
        penalty = penalty or 2.0 * best / max(1e-9, _tonnes(pricing))
        value, wanted, excess = _master(pricing, penalty)
        fits = excess <= FITS * max(1.0, float(pricing.room.max(initial=0.0)))
        if fits and (value - best <= MASTER_GAP * abs(best) or turn >= MASTER_ROUNDS):
            break
        penalty *= 1.0 if fits else 2.0
        prices = (pricing.prices + wanted) / 2


def _tonnes(pricing: Pricing) -> float:
    return float(
        sum(
            demand.D[t] / mine.block.units.t
            for mine in pricing.mines
            for demand in mine.block.demands
            for t in range(len(demand.D))
        )
    )


def _answers(search: Search, pricing: Pricing, prices: Floats) -> tuple[float, list[float], list[Floats]]:
    found = search.each(lambda mine: mine.relax(search, prices), pricing.mines)
    answers = [answer for answer in found if answer is not None]
    if len(answers) < len(found):
        search.is_infeasible = True
        raise Stopped
    for mine, points, (cost, values) in zip(pricing.mines, pricing.points, answers, strict=True):
        held = mine.stock(values, pricing.room.shape)
        points.append((cost - float((prices * held).sum()), held))
    costs = [cost for cost, _ in answers]
    return sum(costs) - float((prices * pricing.room).sum()), costs, [values for _, values in answers]


def _master(pricing: Pricing, penalty: float) -> tuple[float, Floats, float]:
    """min sum of mixed costs + penalty * excess over the room; value, prices, largest excess. Sets the split."""
    columns = [(m, *point) for m, points in enumerate(pricing.points) for point in points]
    n_mines, n_cells, n = len(pricing.mines), pricing.room.size, len(columns)
    held = np.array([point.ravel() for _, _, point in columns])
    mix, cell = np.nonzero(held)
    rows = rows_of(
        np.concatenate([cell, np.arange(n_cells), n_cells + np.array([m for m, _, _ in columns])]),
        np.concatenate([mix, n + np.arange(n_cells), np.arange(n)]),
        np.concatenate([held[mix, cell], -np.ones(n_cells), np.ones(n)]),
        np.concatenate([np.full(n_cells, -np.inf), np.ones(n_mines)]),
        np.concatenate([pricing.room.ravel(), np.ones(n_mines)]),
    )
    cost = np.concatenate([[cost for _, cost, _ in columns], np.full(n_cells, penalty)])
    size = n + n_cells
    program = Program(cost, np.zeros(size), np.full(size, np.inf), np.zeros(size, dtype=bool), rows)
    answer = LiveProgram(program, relaxed=True).solve()
    if answer.values is None or answer.row_duals is None:
        raise ArithmeticError("the master of the prices has no optimum: the instance is out of scale")
    pricing.split = [np.zeros_like(pricing.room) for _ in pricing.mines]
    for (m, _, point), share in zip(columns, answer.values[:n].tolist(), strict=True):
        pricing.split[m] += share * point
    prices = np.maximum(0.0, -answer.row_duals[:n_cells]).reshape(pricing.room.shape)
    return answer.objective, prices, float(answer.values[n:].max(initial=0.0))
