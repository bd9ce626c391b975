"""Better plans and bounds as long as time allows: mine by mine, several mines at once, then bounds mine by mine."""

from __future__ import annotations

import numpy as np

from optimization.decomposition.first_plan import plan_on_support, restricted, shares, support_of
from optimization.decomposition.prices import PricedMine, Pricing
from optimization.decomposition.reduced import joined
from optimization.decomposition.search import Search
from optimization.highs import Floats, LiveProgram

# Mines decided at once; above that in blocks.
JOINT = 8
PASS_S, JOINT_S, BOUND_S = 2.0, 8.0, 3.0
LONGEST_S = 240.0
PASS_GAP = 1e-3


def improve(search: Search, pricing: Pricing) -> None:
    """Until the gap is reached: joint blocks and bounds in turn, each time with more patience."""
    patience = 1.0
    supports = [support_of(mine.block, values) for mine, values in zip(pricing.mines, pricing.values, strict=True)]
    bounds = list(pricing.costs)
    while not search.is_done:
        search.enter("passes")
        pass_over(search, pricing, supports, patience)
        search.enter("joint")
        for block in _blocks(len(pricing.mines), search.options.seed, patience):
            if search.is_done:
                return
            _joint(search, pricing, block, supports, patience)
        if not search.is_done:
            search.enter("bounds")
            _mine_bounds(search, pricing, bounds, supports, patience)
        patience = min(2.0 * patience, LONGEST_S / JOINT_S)


def _blocks(n_mines: int, seed: int, patience: float) -> list[list[int]]:
    """All mines in blocks of about JOINT, mixed anew in every turn."""
    count = max(1, round(n_mines / JOINT)) if n_mines > JOINT + JOINT // 2 else 1
    order = np.random.default_rng((seed, int(patience))).permutation(n_mines)
    return [sorted(part.tolist()) for part in np.array_split(order, count)]


def pass_over(search: Search, pricing: Pricing, supports: list[Floats], patience: float) -> None:
    """All mines again, each in its own room and an equal share of what is left: so their plans fit together."""
    plan = _plan(search)
    held = [mine.stock(plan[m], pricing.room.shape) for m, mine in enumerate(pricing.mines)]
    rooms = shares(pricing, held)

    def better(m: int) -> None:
        mine = pricing.mines[m]
        if search.is_done:
            return
        room = rooms[m][mine.block.centre]
        _, relaxed = mine.relax(search, np.zeros_like(pricing.room), room)
        used = [supports[m], support_of(mine.block, relaxed), support_of(mine.block, plan[m])]
        values = plan_on_support(
            search, mine, np.maximum.reduce(used), room, plan[m], gap=PASS_GAP, limit_s=PASS_S * patience
        )
        if values is not None:
            _offer(search, pricing, {m: values})

    search.each(better, range(len(pricing.mines)))


def _joint(search: Search, pricing: Pricing, block: list[int], supports: list[Floats], patience: float) -> None:
    """The mines of a block at once on what they use now or their relaxations use, in the room the others leave."""
    search.check()
    plan, mines = _plan(search), [pricing.mines[m] for m in block]
    room = _room_beside(pricing, plan, block)
    programs = [
        restricted(
            mine.block, mine.program, np.maximum(supports[m], support_of(mine.block, plan[m])), room[mine.block.centre]
        )
        for m, mine in zip(block, mines, strict=True)
    ]
    live = LiveProgram(joined([mine.block for mine in mines], programs, room), relaxed=False, seed=search.options.seed)
    ends = np.cumsum([0, *(len(program.cost) for program in programs)])[1:-1]
    answer = live.solve(
        gap=search.options.gap / 4,
        limit_s=min(search.left_s, JOINT_S * patience),
        should_stop=lambda: search.should_end() or search.is_done,
        start=np.concatenate([plan[m] for m in block]),
        on_plan=lambda _, values: _offer(search, pricing, dict(zip(block, np.split(values, ends), strict=True))),
    )
    if answer.values is not None:
        _offer(search, pricing, dict(zip(block, np.split(answer.values, ends), strict=True)))


def _mine_bounds(
    search: Search, pricing: Pricing, bounds: list[float], supports: list[Floats], patience: float
) -> None:
    """sum of proven MILP bounds at the prices - prices·V; the plans the mines find there widen their supports."""
    paid = float((pricing.prices * pricing.room).sum())

    def prove(m: int) -> None:
        mine = pricing.mines[m]
        if search.is_done:
            return
        answer = _priced_program(mine, pricing.prices, search.options.seed).solve(
            gap=search.options.gap / 2,
            limit_s=min(search.left_s, BOUND_S * patience),
            should_stop=lambda: search.should_end() or search.is_done,
        )
        bounds[m] = max(bounds[m], answer.bound)
        search.offer_bound(sum(bounds) - paid)
        if answer.values is not None:
            supports[m] = np.maximum(supports[m], support_of(mine.block, answer.values))

    search.each(prove, range(len(pricing.mines)))


def _priced_program(mine: PricedMine, prices: Floats, seed: int) -> LiveProgram:
    live, stocks = LiveProgram(mine.program, relaxed=False, seed=seed), mine.block.w
    live.set_costs(stocks.ravel(), (mine.block.program.cost[stocks] + prices[mine.block.centre]).ravel())
    return live


def _plan(search: Search) -> list[Floats]:
    if search.plan is None:
        raise ValueError("there is no plan to improve")
    return search.plan


def _room_beside(pricing: Pricing, plan: list[Floats], block: list[int]) -> Floats:
    """What the mines outside the block leave of the room."""
    held = [mine.stock(plan[m], pricing.room.shape) for m, mine in enumerate(pricing.mines) if m not in block]
    return np.maximum(0.0, pricing.room - sum(held, np.zeros_like(pricing.room)))


def _offer(search: Search, pricing: Pricing, changed: dict[int, Floats]) -> None:
    search.offer_parts(changed, [mine.block.program.cost for mine in pricing.mines])
