"""Once more with other data: what an earlier search of the same structure found is where this one starts.

Kept are phi of the mines that did not change, the stock cuts, with the new demands, and the bases of the relaxations,
the prices of the room, and the plan, whose shipments are tried first. Bounds are proven anew, and plans found and told
as ever. What is kept never changes: the outcome depends on it and on the instance alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from optimization.data import BudgetSet, Mine, SolveOptions, SupplyChainInstance
from optimization.decomposition.first_plan import cost_of, on_support, restricted, support_of
from optimization.decomposition.improve import Improvement
from optimization.decomposition.parts import Part, Pool
from optimization.decomposition.prices import PricedMine, Pricing, settle
from optimization.decomposition.recover import tidied
from optimization.decomposition.reduced import Block, Units, units_of
from optimization.decomposition.run import MOST_AS_ONE, FastPath
from optimization.decomposition.stock_cuts import with_data_of
from optimization.decomposition.value_function import MinePhi, value_functions
from optimization.highs import Basis, Floats, Ints, LiveProgram, Program, Rows, stacked_rows

# Mines tried at once, and in how many steps: the result depends on them, so they don't follow the threads.
LEAST_AT_ONCE, STEPS = 2, 16
WIDER_GAP, NEAR_GAP = 5e-3, 2e-3
SURE = 0.9
# Units that suit the new data may differ by so much from those of the kept programs before these are out of scale.
SCALE = 8.0


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a finished search with a plan: columns, cuts and the basis of the relaxation of each mine. Never changed."""

    instance: SupplyChainInstance
    blocks: list[Block]
    plan: list[Floats]
    prices: Floats
    cuts: list[list[Rows]]
    bases: list[Basis]

    @property
    def units(self) -> Units:
        return self.blocks[0].units


def kept_of(path: FastPath) -> Kept | None:
    """None where the search was cut short, found no plan or needed no prices, as for one mine."""
    plan, pricing = path.search.plan, path.pricing
    if not path.is_finished or plan is None or pricing is None:
        return None
    cuts, bases = [list(mine.cuts) for mine in pricing.mines], [mine.live.basis for mine in pricing.mines]
    return Kept(path.instance, path.blocks, plan, pricing.prices, cuts, bases)


def fits(kept: Kept, instance: SupplyChainInstance) -> bool:
    """Whether the kept programs have the columns and rows of the instance, in units that suit it."""
    units = units_of(instance)
    ratios = (kept.units.t / units.t, kept.units.usd / units.usd)
    return structure(kept.instance) == structure(instance) and all(1 / SCALE <= r <= SCALE for r in ratios)


def structure(instance: SupplyChainInstance) -> tuple[object, ...]:
    """Names, lanes and periods."""
    return (
        instance.periods,
        tuple(mine.name for mine in instance.mines),
        tuple(centre.name for centre in instance.centres),
        instance.users,
        tuple((lane.mine, lane.centre) for lane in instance.mill_lanes),
        tuple((lane.centre, lane.user) for lane in instance.user_lanes),
        tuple((demand.mine, demand.user) for demand in instance.demands),
    )


class Again(FastPath):
    """A search that starts from what an earlier one kept."""

    def __init__(
        self,
        kept: Kept,
        instance: SupplyChainInstance,
        options: SolveOptions,
        pool: Pool | None = None,
        started: float | None = None,
    ) -> None:
        super().__init__(instance, options, pool, started)
        self._kept, self.units = kept, kept.units

    def _phis(self) -> list[MinePhi]:
        """Known where the mine's rock and abilities are the same, traced where not."""
        kept = self._kept
        phis = [block.phis for block in kept.blocks]
        changed = [
            m
            for m, mine in enumerate(self.instance.mines)
            if _rock(self.instance, mine) != _rock(kept.instance, kept.instance.mines[m])
        ]
        for m, phi in zip(changed, value_functions(self.instance, changed), strict=True):
            phis[m] = phi
        return phis

    def _priced(self) -> Pricing:
        kept = self._kept
        mines = [_renewed(*given) for given in zip(self.blocks, kept.cuts, kept.bases, strict=True)]
        pricing = Pricing(mines, self.room, kept.prices, points=[[] for _ in mines])
        settle(self.search, pricing)
        return pricing

    def _plan_first(self, pricing: Pricing) -> bool:
        """The kept shipments, for which linear programs are enough; where that fails, also those of the relaxation."""
        search, rooms = self.search, _rooms(pricing, self._kept.plan)
        plans = search.each(lambda m: self._on_kept(pricing.mines[m].block, m, rooms[m]), range(len(rooms)))
        missing = [m for m, plan in enumerate(plans) if plan is None]
        for m, answer in zip(missing, search.wave([self._wider(pricing, m, rooms[m]) for m in missing]), strict=True):
            plans[m] = answer.values
        search.check()
        found = [tidied(b, v) for b, v in zip(self.blocks, plans, strict=True) if v is not None]
        if len(found) < len(plans):
            return super()._plan_first(pricing)
        search.offer_plan(cost_of(self.blocks, found), found)
        if len(plans) <= MOST_AS_ONE and not search.is_done:
            # Of a few mines a plan on the relaxation's own shipments costs little.
            super()._plan_first(pricing)
        else:
            self._improve_on_kept(Improvement(search, pricing), rooms)
        return True

    def _improve_on_kept(self, state: Improvement, rooms: list[Floats]) -> None:
        """Mine by mine until the gap is reached, first where most may be won for a part that leaves little open."""
        parts = [self._near(state, m, room) for m, room in enumerate(rooms)]
        order = sorted(range(len(parts)), key=lambda m: -state.gap_of(m) / max(1, _n_open(parts[m].program)) ** 2)
        size = max(LEAST_AT_ONCE, len(order) // STEPS)
        for k in range(0, len(order), size):
            if self.search.is_done:
                return
            some = order[k : k + size]
            for m, answer in zip(some, self.search.wave([parts[m] for m in some]), strict=True):
                if answer.values is not None:
                    state.offer(m, answer.values)

    def _near(self, state: Improvement, m: int, room: Floats) -> Part:
        """Open are the shipments of the plan or of the relaxation, but those that both run (nearly) in full stay."""
        mine, block, plan, search = state.pricing.mines[m], self.blocks[m], state.plan[m], self.search
        support = np.maximum(state.supports[m], support_of(block, plan))
        program = restricted(block, mine.program, support, room[block.centre])
        lower, used = program.lower.copy(), state.pricing.values[m]
        stays = (plan[block.p] > 0) & (used[block.p] > SURE)
        lower[block.p[stays]] = 1.0
        stays = (plan[block.q] > 0) & (used[block.b] + used[block.o] > SURE * block.D)
        lower[block.q[stays]] = 1.0
        return Part(replace(program, lower=lower), plan, NEAR_GAP, 1, search.left_s, search.options.seed)

    def _on_kept(self, block: Block, m: int, room: Floats) -> Floats | None:
        """The kept shipments with, for the ore that the relaxation mines, the cheapest modes; None where these fail."""
        lower, upper = block.program.lower.copy(), block.program.upper.copy()
        upper[block.w] = np.minimum(upper[block.w], room[block.centre])
        for columns, wanted in self._shipments(m):
            lower[columns] = upper[columns] = wanted
        relaxed = LiveProgram(replace(block.program, lower=lower, upper=upper), relaxed=True).solve()
        if relaxed.values is None:
            return None
        lower[block.theta] = upper[block.theta] = tidied(block, relaxed.values)[block.theta]
        return LiveProgram(replace(block.program, lower=lower, upper=upper), relaxed=True).solve().values

    def _wider(self, pricing: Pricing, m: int, room: Floats) -> Part:
        """On the kept shipments and those of the relaxation."""
        mine = pricing.mines[m]
        support = support_of(mine.block, pricing.values[m])
        for columns, wanted in self._shipments(m):
            support[columns] = np.maximum(support[columns], wanted)
        return on_support(self.search, mine, support, room[mine.block.centre], WIDER_GAP, 1)

    def _shipments(self, m: int) -> Iterator[tuple[Ints, Floats]]:
        kept, block, values = self._kept.blocks[m], self.blocks[m], self._kept.plan[m]
        yield block.p, np.round(values[kept.p])
        yield block.q, np.round(values[kept.q]) * (block.D > 0)


def _n_open(program: Program) -> int:
    return int((program.is_binary & (program.upper > program.lower)).sum())


def _rock(instance: SupplyChainInstance, mine: Mine) -> tuple[object, ...]:
    """All that phi depends on."""
    budget = instance.budget(mine.name) if isinstance(instance.uncertainty, BudgetSet) else instance.uncertainty
    return budget, mine.alpha, mine.P, mine.Q, mine.locations, mine.elements


def _rooms(pricing: Pricing, plan: list[Floats]) -> list[Floats]:
    """What each mine held before, less where the room has become too small, and a share of what is left."""
    held = [mine.stock(values, pricing.room.shape) for mine, values in zip(pricing.mines, plan, strict=True)]
    total = sum(held, np.zeros_like(pricing.room))
    users = np.zeros(len(pricing.room))
    for mine in pricing.mines:
        users[mine.block.centre] += 1
    left = np.maximum(0.0, pricing.room - total) / np.maximum(1.0, users)[:, None]
    cut = np.minimum(1.0, pricing.room / np.maximum(total, 1e-300))
    return [part * cut + left for part in held]


def _renewed(block: Block, cuts: list[Rows], basis: Basis) -> PricedMine:
    cuts = [with_data_of(block, rows) for rows in cuts]
    live = LiveProgram(replace(block.linear, rows=stacked_rows([block.linear.rows, *cuts])), relaxed=True)
    live.begin_from(basis)
    return PricedMine(block, live, cuts)
