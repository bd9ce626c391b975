"""A plan from the relaxation: each mine in its part of the room, with the runs that its relaxation uses."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from optimization.decomposition.parts import Part
from optimization.decomposition.prices import PricedMine, Pricing
from optimization.decomposition.recover import tidied
from optimization.decomposition.reduced import Block
from optimization.decomposition.search import Search
from optimization.highs import Answer, Floats, LiveProgram, Program

USED = 1e-7
# Of the restricted programs; the relaxation's own gap comes on top, so less than what is asked of the whole.
LEAST_SUPPORT_GAP, SHARE_OF_GAP, SUPPORT_NODES = 5e-3, 0.6, 1
LEAST_WAVE, WAVES = 4, 8
# Plans of all mines so near their relaxations are near enough together.
NEAR = 0.9


def first_plan(search: Search, pricing: Pricing) -> bool:
    """Offer a plan in which all mines keep to their part of the room; False where one mine finds none there."""
    rooms = shares(pricing, pricing.split)
    gap = max(LEAST_SUPPORT_GAP, SHARE_OF_GAP * search.options.gap)

    def prepared(m: int) -> Part | None:
        mine = pricing.mines[m]
        room = rooms[m][mine.block.centre]
        relaxed = mine.relax(search, np.zeros_like(pricing.room), room)
        if relaxed is None:
            return None
        part = on_support(search, mine, support_of(mine.block, relaxed[1]), room, gap, SUPPORT_NODES)
        return replace(part, target=relaxed[0] * (1 + NEAR * search.options.gap))

    parts = search.each(prepared, range(len(pricing.mines)))
    search.check()
    whole = [part for part in parts if part is not None]
    return len(whole) == len(parts) and _completed(search, [mine.block for mine in pricing.mines], whole)


def _completed(search: Search, blocks: list[Block], parts: list[Part]) -> bool:
    """Begin with the supports rounded up, and better one mine after the other, furthest first, while there is need."""
    plan = [part.start for part in parts]
    _offer(search, blocks, plan)
    over = [_cost(part.program, part.start) - part.target for part in parts]
    order = sorted(range(len(parts)), key=lambda m: (-over[m], m))
    size = max(LEAST_WAVE, math.ceil(len(order) / WAVES))
    for wave in (order[k : k + size] for k in range(0, len(order), size)):
        if search.is_done:
            return True
        for m, answer in zip(wave, search.wave([parts[m] for m in wave]), strict=True):
            plan[m] = plan[m] if answer.values is None else tidied(blocks[m], answer.values)
            _offer(search, blocks, plan)
    search.check()
    return search.plan is not None


def _offer(search: Search, blocks: list[Block], plan: list[Floats | None]) -> None:
    whole = [values for values in plan if values is not None]
    if len(whole) == len(blocks):
        search.offer_plan(cost_of(blocks, whole), whole)


def _cost(program: Program, values: Floats | None) -> float:
    return math.inf if values is None else float(program.cost @ values)


def shares(pricing: Pricing, split: list[Floats]) -> list[Floats]:
    """The split, by mine, and an equal share of what it leaves of each centre's room; cut down where it is too large.

    The prices may end with a split beyond the room, and must where all mines together have no plan.
    """
    users, total = np.zeros(pricing.room.shape[0]), sum(split)
    for mine in pricing.mines:
        users[mine.block.centre] += 1
    left = np.maximum(0.0, pricing.room - total) / np.maximum(1.0, users)[:, None]
    cut = np.minimum(1.0, np.divide(pricing.room, total, out=np.ones_like(pricing.room), where=total > 0))
    return [part * cut + left for part in split]


def cost_of(blocks: list[Block], plan: list[Floats]) -> float:
    return math.fsum(float(block.program.cost @ values) for block, values in zip(blocks, plan, strict=True))


def support_of(block: Block, values: Floats) -> Floats:
    """Which binaries the columns use, 0/1 over the program's columns; columns of the relaxation have no q."""
    used = np.zeros(len(block.program.cost))
    used[: len(values)] = values > USED
    used[block.q] = values[block.b] + values[block.o] > USED
    return used * block.program.is_binary


def restricted(block: Block, program: Program, support: Floats, room: Floats) -> Program:
    """Binaries outside the support are 0 and with them what they open; w <= room[l, t]."""
    upper = program.upper.copy()
    columns, binaries = block.supports
    upper[columns] = np.where(support[binaries] > 0, upper[columns], 0.0)
    upper[block.w] = np.minimum(upper[block.w], np.maximum(room, 0.0))
    return replace(program, upper=upper)


def on_support(
    search: Search,
    mine: PricedMine,
    support: Floats,
    room: Floats,
    gap: float,
    nodes: int,
    start: Floats | None = None,
) -> Part:
    """The mine's own program on the support and in the room, from `start` or from the support rounded up."""
    program = restricted(mine.block, mine.program, support, room)
    if start is None:
        start = rounded_up(mine, program, support).values
        start = None if start is None else tidied(mine.block, start)
    return Part(program, start, gap, nodes, search.left_s, search.options.seed)


def rounded_up(mine: PricedMine, program: Program, support: Floats) -> Answer:
    """All shipments of the support run, and in each period its largest mode: the relaxation's flows stay possible."""
    block, lower, upper = mine.block, program.lower.copy(), program.upper.copy()
    size = np.zeros(len(block.theta))
    np.add.at(size, block.ys_theta, block.length)
    for t in range(len(block.u)):
        here = np.flatnonzero((block.theta_t == t) & (support[block.theta] > 0))
        if here.size:
            upper[block.theta[here]] = 0.0
            upper[block.theta[here[size[here].argmax()]]] = 1.0
    lower[program.is_binary] = upper[program.is_binary]
    return LiveProgram(replace(program, lower=lower, upper=upper), relaxed=True).solve()
