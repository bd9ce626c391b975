"""Up to a few mines: the reduced program as one, its cuts separated at the root, then one HiGHS."""

from __future__ import annotations

import numpy as np

from optimization.decomposition.reduced import Block, joined
from optimization.decomposition.search import Search
from optimization.decomposition.stock_cuts import separated
from optimization.highs import Floats, LiveProgram, Program, Rows, stacked_rows

MOST_ROUNDS = 12
LEAST_RISE = 2e-5


def solve_joint(search: Search, blocks: list[Block], room: Floats) -> None:
    """Offers plans and bounds to the search until its gap, time or the wish to stop."""
    search.enter("relaxation")
    cuts = _root_cuts(search, blocks, room)
    if search.is_infeasible:
        return
    search.enter("branching")
    programs = [with_rows(block.program, rows) for block, rows in zip(blocks, cuts, strict=True)]
    live = LiveProgram(joined(blocks, programs, room), relaxed=False, seed=search.options.seed)
    ends = np.cumsum([0, *(len(program.cost) for program in programs)])[1:-1]
    answer = live.solve(
        gap=search.options.gap,
        limit_s=search.left_s,
        should_stop=search.should_end,
        start=None if search.plan is None else np.concatenate(search.plan),
        on_plan=lambda cost, values: search.offer_plan(cost, np.split(values, ends)),
        on_bound=search.offer_bound,
    )
    search.is_infeasible = answer.is_infeasible and search.plan is None
    search.nodes += answer.nodes
    search.offer_bound(answer.bound)
    if answer.values is not None:
        search.offer_plan(answer.objective, np.split(answer.values, ends))


def with_rows(program: Program, rows: Rows) -> Program:
    joined_rows = stacked_rows([program.rows, rows])
    return Program(program.cost, program.lower, program.upper, program.is_binary, joined_rows)


def _root_cuts(search: Search, blocks: list[Block], room: Floats) -> list[Rows]:
    """Rounds of violated stock cuts on the joint relaxation, until the bound hardly rises."""
    relaxations = [block.linear for block in blocks]
    starts = np.cumsum([0, *(len(program.cost) for program in relaxations)])
    live, last = LiveProgram(joined(blocks, relaxations, room), relaxed=True), 0.0
    found: list[list[Rows]] = [[separated(block, np.zeros(len(block.linear.cost)))] for block in blocks]
    for _ in range(MOST_ROUNDS):
        answer = live.solve(limit_s=search.left_s, should_stop=search.should_end)
        search.check()
        search.is_infeasible = answer.is_infeasible and search.plan is None
        if answer.values is None:
            break
        search.offer_bound(answer.bound)
        if answer.bound <= last * (1 + LEAST_RISE):
            break
        last = answer.bound
        for k, block in enumerate(blocks):
            cuts = separated(block, answer.values[starts[k] : starts[k + 1]])
            found[k].append(cuts)
            live.add_rows(Rows(cuts.row, cuts.column + starts[k], cuts.value, cuts.lower, cuts.upper))
    return [stacked_rows(parts) for parts in found]
