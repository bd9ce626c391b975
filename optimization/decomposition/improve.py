"""Better plans and bounds as long as time allows: bounds mine by mine, plans mine by mine, several mines at once.

Every step is a wave of parts that do not depend on one another: the room of each is fixed before the wave, and the room
that is left is shared out among them, so that all answers fit together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from optimization.decomposition.first_plan import on_support, restricted, support_of
from optimization.decomposition.parts import Part
from optimization.decomposition.prices import PricedMine, Pricing
from optimization.decomposition.recover import tidied
from optimization.decomposition.reduced import joined
from optimization.decomposition.search import Search
from optimization.highs import Floats, Program

# Parts of a wave and mines of a joint part: the same whoever solves them, because the result depends on them.
LEAST_WAVE, WAVES = 8, 8
JOINT = 6
MOST_PATIENCE = 4**10
CORE_GAP, PASS_GAP = 2e-4, 5e-4
SCARCE = 0.98


@dataclass
class Improvement:
    """What the turns know of each mine: `supports` its plans use, `bounds` on its cost at the prices, cores solved."""

    search: Search
    pricing: Pricing
    supports: list[Floats] = field(init=False)
    bounds: list[float] = field(init=False)
    solved: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        pricing = self.pricing
        self.supports = [support_of(m.block, values) for m, values in zip(pricing.mines, pricing.values, strict=True)]
        self.bounds = list(pricing.costs)

    @property
    def plan(self) -> list[Floats]:
        if self.search.plan is None:
            raise ValueError("there is no plan to improve")
        return self.search.plan

    def waves(self) -> list[list[int]]:
        """The mines, those first whose plan is furthest above their bound."""
        gaps = [self.gap_of(m) for m in range(len(self.bounds))]
        order = sorted(range(len(gaps)), key=lambda m: (-gaps[m], m))
        size = max(LEAST_WAVE, math.ceil(len(order) / WAVES))
        return [order[k : k + size] for k in range(0, len(order), size)]

    def gap_of(self, m: int) -> float:
        """Cost of the mine's plan at the prices above its bound."""
        mine, values = self.pricing.mines[m], self.plan[m]
        held = mine.stock(values, self.pricing.room.shape)
        return float(mine.block.program.cost @ values + (self.pricing.prices * held).sum()) - self.bounds[m]

    def rooms(self, groups: list[list[int]]) -> list[Floats]:
        """For each group of mines what they hold, and of what all leave an equal share for each group at a centre."""
        pricing = self.pricing
        held = [mine.stock(values, pricing.room.shape) for mine, values in zip(pricing.mines, self.plan, strict=True)]
        left = np.maximum(0.0, pricing.room - sum(held))
        there = np.zeros((len(groups), len(pricing.room)))
        for g, group in enumerate(groups):
            for m in group:
                there[g, pricing.mines[m].block.centre] = 1.0
        left /= np.maximum(1.0, there.sum(axis=0))[:, None]
        return [sum((held[m] for m in group), left) for group in groups]

    def offer(self, m: int, values: Floats) -> None:
        self.offer_all({m: tidied(self.pricing.mines[m].block, values)})

    def offer_all(self, changed: dict[int, Floats]) -> None:
        self.search.offer_parts(changed, [mine.block.program.cost for mine in self.pricing.mines])

    def widen(self, m: int, values: Floats) -> None:
        self.supports[m] = np.maximum(self.supports[m], support_of(self.pricing.mines[m].block, values))


def improve(search: Search, pricing: Pricing, turns: int | None = None) -> None:
    """Until the gap is reached: bounds, passes and joint parts in turn, each time with more patience."""
    state, patience = Improvement(search, pricing), 1
    for _ in count() if turns is None else range(turns):
        if search.is_done:
            return
        search.enter("bounds")
        _bound(state, patience)
        search.enter("passes")
        _pass(state, patience)
        search.enter("joint")
        _joint(state, patience)
        patience = min(4 * patience, MOST_PATIENCE)


def _bound(state: Improvement, patience: int) -> None:
    """sum of proven bounds at the prices - prices·V; the plans found there widen the supports."""
    search, pricing = state.search, state.pricing
    paid = float((pricing.prices * pricing.room).sum())
    for wave in state.waves():
        if search.is_done:
            return
        for m, answer in zip(wave, search.wave([_bounding(state, m, patience) for m in wave]), strict=True):
            state.bounds[m] = max(state.bounds[m], answer.bound)
            if answer.values is not None:
                state.widen(m, answer.values)
                if answer.objective - answer.bound <= CORE_GAP * answer.objective:
                    state.solved.add(m)
            search.offer_bound(math.fsum(state.bounds) - paid)


def _bounding(state: Improvement, m: int, patience: int) -> Part:
    """The mine at the prices; first with q relaxed, which gives most of the bound for a part of the work."""
    search, mine = state.search, state.pricing.mines[m]
    program = mine.program if m in state.solved else mine.core
    cost = program.cost.copy()
    cost[mine.block.w] += state.pricing.prices[mine.block.centre]
    gap = min(CORE_GAP, search.options.gap / 4)
    heuristics = 0.0 if patience == 1 else 0.05
    return Part(
        replace(program, cost=cost), None, gap, 1 + 10 * (patience - 1), search.left_s, search.options.seed, heuristics
    )


def _pass(state: Improvement, patience: int) -> None:
    """Mines again, each in its own room and a share of what is left, on the runs that it or its relaxations use."""
    search = state.search
    for wave in state.waves():
        if search.is_done:
            return
        rooms = state.rooms([[m] for m in wave])

        def prepared(k: int, wave: list[int] = wave, rooms: list[Floats] = rooms) -> Part:
            return _passing(state, wave[k], rooms[k], patience)

        answers = search.wave(search.each(prepared, range(len(wave))))
        for m, answer in zip(wave, answers, strict=True):
            if answer.values is not None:
                state.offer(m, answer.values)


def _passing(state: Improvement, m: int, room: Floats, patience: int) -> Part:
    search, mine, values = state.search, state.pricing.mines[m], state.plan[m]
    own = room[mine.block.centre]
    relaxed = mine.relax(search, np.zeros_like(state.pricing.room), own)
    if relaxed is not None:
        state.widen(m, relaxed[1])
    support = np.maximum(state.supports[m], support_of(mine.block, values))
    return on_support(search, mine, support, own, min(PASS_GAP, search.options.gap / 4), patience, values)


def _joint(state: Improvement, patience: int) -> None:
    """Mines at centres with scarce room at once, in the room that the others leave."""
    search, pricing = state.search, state.pricing
    blocks = [] if search.is_done else _blocks(state, patience)
    rooms = state.rooms(blocks)
    parts = [_joining(state, block, room, patience) for block, room in zip(blocks, rooms, strict=True)]
    for block, answer in zip(blocks, search.wave(parts), strict=True):
        if answer.values is None:
            continue
        ends = np.cumsum([len(pricing.mines[m].block.program.cost) for m in block])[:-1]
        found = zip(block, np.split(answer.values, ends), strict=True)
        state.offer_all({m: tidied(pricing.mines[m].block, values) for m, values in found})


def _blocks(state: Improvement, patience: int) -> list[list[int]]:
    """Mines that hold stock where room is scarce, in blocks of about JOINT, mixed anew in every turn."""
    pricing, plan = state.pricing, state.plan
    held = [mine.stock(values, pricing.room.shape) for mine, values in zip(pricing.mines, plan, strict=True)]
    scarce = sum(held, np.zeros_like(pricing.room)) > SCARCE * pricing.room
    waiting = [m for m, stock in enumerate(held) if (stock[scarce] > 0).any()]
    if len(waiting) < 2:
        return []
    order = np.random.default_rng((state.search.options.seed, patience)).permutation(waiting)
    return [sorted(part.tolist()) for part in np.array_split(order, max(1, round(len(waiting) / JOINT)))]


def _joining(state: Improvement, block: list[int], room: Floats, patience: int) -> Part:
    search, plan = state.search, state.plan
    mines = [state.pricing.mines[m] for m in block]
    programs = [_on_what_is_used(state, m, mine, room) for m, mine in zip(block, mines, strict=True)]
    program = joined([mine.block for mine in mines], programs, room)
    start = np.concatenate([plan[m] for m in block])
    return Part(program, start, search.options.gap / 4, patience, search.left_s, search.options.seed)


def _on_what_is_used(state: Improvement, m: int, mine: PricedMine, room: Floats) -> Program:
    support = np.maximum(state.supports[m], support_of(mine.block, state.plan[m]))
    return restricted(mine.block, mine.program, support, room[mine.block.centre])
