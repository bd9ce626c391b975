"""The state of a search that its stages share: the best plan, the proven bound, the time and the wish to stop."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from optimization.data import SolveOptions
from optimization.decomposition.parts import LocalPool, Part, PartAnswer, Pool, StreamingPool, on_threads
from optimization.highs import Floats

Given = TypeVar("Given")
Made = TypeVar("Made")


class Stopped(Exception):
    """Time is up or somebody asked to stop: the stages unwind to what is known so far."""


@dataclass
class Search:
    """`plan` has one array of columns a mine; cost and bound are in the blocks' unit of $.

    Stages offer what they found between waves of parts and in the order of the parts, never as the threads happen to
    finish: so the same inputs take the same way as long as the time suffices.
    """

    options: SolveOptions
    pool: Pool = field(default_factory=lambda: LocalPool(1))
    started: float = field(default_factory=time.perf_counter)
    stage: str = "building"
    plan: list[Floats] | None = None
    cost: float = math.inf
    bound: float = 0.0
    is_infeasible: bool = False
    nodes: int = 0
    ask_to_end: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def elapsed_s(self) -> float:
        return time.perf_counter() - self.started

    @property
    def left_s(self) -> float:
        return self.options.time_limit_s - self.elapsed_s

    @property
    def gap(self) -> float:
        if math.isinf(self.cost):
            return math.inf
        return max(0.0, self.cost - self.bound) / self.cost if self.cost > 0 else 0.0

    @property
    def is_done(self) -> bool:
        return self.gap <= self.options.gap

    def should_end(self) -> bool:
        return self.ask_to_end or self.left_s <= 0

    def check(self) -> None:
        if self.should_end():
            raise Stopped

    def enter(self, stage: str) -> None:
        self.check()
        self.stage = stage

    def offer_plan(self, cost: float, plan: list[Floats]) -> None:
        with self.lock:
            if cost < self.cost:
                self.cost, self.plan = cost, plan

    def offer_parts(self, parts: dict[int, Floats], costs: list[Floats]) -> None:
        """New columns of some mines, which fit beside all others; `costs` are the mines' objectives."""
        with self.lock:
            if self.plan is None:
                return
            rise = math.fsum(float(costs[m] @ (values - self.plan[m])) for m, values in parts.items())
            if rise < 0:
                self.cost += rise
                self.plan = [parts.get(m, values) for m, values in enumerate(self.plan)]

    def offer_bound(self, bound: float) -> None:
        with self.lock:
            self.bound = max(self.bound, bound) if math.isfinite(bound) else self.bound

    def each(self, work: Callable[[Given], Made], items: Sequence[Given]) -> list[Made]:
        """In the order of the items, on as many threads as asked for: for small work on live programs."""

        def guarded(item: Given) -> Made:
            self.check()
            return work(item)

        return list(on_threads(self.options.threads, guarded, items))

    def wave(self, parts: Sequence[Part]) -> Iterator[PartAnswer]:
        """The answers of parts that do not depend on one another, in their order, from wherever they are solved."""
        self.check()
        pool, stop = self.pool, self.should_end
        if not parts:
            return
        answers = pool.stream(parts, stop) if isinstance(pool, StreamingPool) else pool.solve(parts, should_stop=stop)
        for answer in answers:
            self.nodes += answer.nodes
            yield answer
