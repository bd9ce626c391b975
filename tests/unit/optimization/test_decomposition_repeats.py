"""The same instance, options and seed give the same plan and bound, whatever the threads, the pool or the load."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np

from optimization.data import SolveOptions, SolveResult
from optimization.decomposition.parts import (
    LocalPool,
    Part,
    PartAnswer,
    ShouldStop,
    packed,
    solve_part,
    unpacked,
    unpacked_answer,
)
from optimization.generator import generate
from optimization.solver import solve


class BackwardsPool:
    """Parts and answers go as bytes, as to another machine, and the last part is solved first."""

    def __init__(self) -> None:
        self.waves = 0

    def solve(self, parts: Sequence[Part], *, should_stop: ShouldStop) -> list[PartAnswer]:
        self.waves += 1
        sent = [packed(part) for part in parts]
        made = [packed(solve_part(unpacked(content), should_stop)) for content in reversed(sent)]
        return [unpacked_answer(content, part) for content, part in zip(reversed(made), parts, strict=True)]


@contextmanager
def load() -> Iterator[None]:
    """A thread that takes the processor and Python's lock again and again."""
    over = threading.Event()

    def burn() -> None:
        while not over.is_set():
            np.sort(np.random.default_rng(0).random(200_000))

    thread = threading.Thread(target=burn)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def made(threads: int, pool: BackwardsPool | LocalPool | None = None, seed: int = 7) -> SolveResult:
    """So little room and so small a gap that bounds, passes and joint parts all come to work."""
    full = generate(6, 2, 3, 4, 2, 2, seed=2)
    centres = tuple(replace(centre, V=tuple(0.04 * v for v in centre.V)) for centre in full.centres)
    options = SolveOptions(gap=0.0003, time_limit_s=150, threads=threads, seed=seed)
    return solve(replace(full, centres=centres), options, pool=pool)


def assert_same(one: SolveResult, other: SolveResult) -> None:
    assert one.plan is not None and repr(one.plan) == repr(other.plan)
    assert one.report.objective_usd == other.report.objective_usd
    assert one.report.dual_bound_usd == other.report.dual_bound_usd
    assert one.report.nodes == other.report.nodes


def test_plan_and_bound_are_the_same_on_one_thread_and_on_two_under_load() -> None:
    alone = made(threads=1)
    with load():
        assert_same(alone, made(threads=2))


def test_plan_and_bound_are_the_same_where_the_parts_are_solved_elsewhere_in_another_order() -> None:
    pool = BackwardsPool()
    assert_same(made(threads=2, pool=pool), made(threads=2))
    assert pool.waves >= 5
