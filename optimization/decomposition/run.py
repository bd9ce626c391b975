"""The fast path: from the instance to the plan and its proven bound, watched from the caller's thread."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields

import numpy as np

from optimization.data import (
    BoxSet,
    BudgetSet,
    NominalSet,
    OnProgress,
    PaperSet,
    Plan,
    ShouldStop,
    SolveOptions,
    SolveProgress,
    SupplyChainInstance,
)
from optimization.decomposition.first_plan import first_plan
from optimization.decomposition.improve import improve
from optimization.decomposition.joint import solve_joint
from optimization.decomposition.parts import LocalPool, Pool
from optimization.decomposition.prices import Pricing, priced
from optimization.decomposition.recover import cost_usd, exact, plan_of
from optimization.decomposition.reduced import Block, Units, blocks_of
from optimization.decomposition.search import Search, Stopped
from optimization.decomposition.value_function import MOST_PATTERNS, MinePhi, n_patterns, value_functions
from optimization.highs import Floats

PROGRESS_INTERVAL_S = 0.25
POLL_INTERVAL_S = 0.05
GRACE_S = 0.4
# Up to so many mines one HiGHS closes what is left of the gap after so many turns mine by mine.
MOST_AS_ONE, TURNS_OF_FEW = 4, 3
# Refinements that phi knows: a mine's further elements, and their grades.
KNOWN = frozenset({"elements", "grades"})


@dataclass(frozen=True, slots=True)
class Outcome:
    """Objective in $ of `plan`; `bound_usd` is proven. `is_finished` is False when time or a wish cut it short."""

    plan: Plan | None
    objective_usd: float | None
    bound_usd: float
    is_infeasible: bool
    is_cancelled: bool
    is_finished: bool
    build_s: float
    rows: int
    columns: int
    binaries: int
    nodes: int


def supports(instance: SupplyChainInstance) -> bool:
    """Whether the reduced program says the same as the whole one: known vertices, few patterns, no negative cost.

    A field with a default is a refinement: unless phi knows it, it must be unused.
    """
    if not isinstance(instance.uncertainty, NominalSet | BoxSet | BudgetSet | PaperSet):
        return False
    if any(_is_refined(record) for record in _records(instance)):
        return False
    return min(_costs(instance)) >= 0 and max(n_patterns(mine) for mine in instance.mines) <= MOST_PATTERNS


def _records(instance: SupplyChainInstance) -> Iterator[object]:
    locations = [i for mine in instance.mines for i in mine.locations]
    yield instance
    for kind in (instance.mines, instance.centres, instance.mill_lanes, instance.user_lanes, instance.demands):
        yield from kind
    yield from locations
    yield from (cutoff for location in locations for cutoff in location.cutoffs)


def _is_refined(record: object) -> bool:
    given = [f for f in fields(record) if f.name not in KNOWN]  # type: ignore[arg-type]
    return any(f.default is not MISSING and getattr(record, f.name) != f.default for f in given)


def _costs(instance: SupplyChainInstance) -> Iterator[float]:
    for mine in instance.mines:
        yield from (mine.pc, mine.h)
        yield from (cost for i in mine.locations for j in i.cutoffs for cost in (j.c, *j.K))
    yield from (cost for lane in instance.mill_lanes for cost in (lane.f, lane.g, *lane.F))
    yield from (cost for lane in instance.user_lanes for cost in (lane.e, *lane.G))


class FastPath:
    """The stages run on a thread of their own; the caller's thread tells progress and passes the wish to stop on.

    HiGHS asks whether to stop at irregular moments. So the caller waits no longer than GRACE_S after the wish or the
    limit and takes the best plan so far; the thread ends a little later.
    """

    def __init__(
        self,
        instance: SupplyChainInstance,
        options: SolveOptions,
        pool: Pool | None = None,
        started: float | None = None,
    ) -> None:
        """`started` of time.perf_counter, from which on the time limit counts; by default now."""
        self.instance, self.search = instance, Search(options, pool or LocalPool(options.threads))
        self.search.started = started or self.search.started
        self.blocks: list[Block] = []
        self.room: Floats = np.zeros((0, 0))
        self.pricing: Pricing | None = None
        self.units: Units | None = None
        self.build_s = 0.0
        self._failure: BaseException | None = None
        self._is_rough = False
        self.is_cancelled = self.is_finished = False

    def run(self, on_progress: OnProgress | None, should_stop: ShouldStop | None) -> Outcome:
        thread = threading.Thread(target=self._guarded, name="plan")
        thread.start()
        try:
            self._wait(thread, on_progress, should_stop)
        finally:
            self.search.ask_to_end = True
        if self._failure is not None:
            raise self._failure
        self.is_finished = not thread.is_alive()
        return self._outcome()

    def _guarded(self) -> None:
        try:
            self._stages()
        except Stopped:
            pass
        except BaseException as failure:  # carried over to the caller's thread
            self._failure = failure

    def _stages(self) -> None:
        search = self.search
        self._build()
        is_small = len(self.blocks) <= MOST_AS_ONE
        if len(self.blocks) > 1:
            self._by_mines(TURNS_OF_FEW if is_small else None)
        if not search.is_done and (is_small or search.plan is None):
            self._is_rough = True
            solve_joint(search, self.blocks, self.room)

    def _build(self) -> None:
        phis = self._phis()
        self.search.check()
        self.blocks = blocks_of(self.instance, phis, self.units)
        self.room = np.array([centre.V for centre in self.instance.centres]) / self.blocks[0].units.t
        self.build_s = self.search.elapsed_s

    def _by_mines(self, turns: int | None) -> None:
        self.search.enter("prices")
        self.pricing = self._priced()
        self.search.enter("first plan")
        if self._plan_first(self.pricing):
            improve(self.search, self.pricing, turns)

    # What a search that starts from an earlier one does otherwise.

    def _phis(self) -> list[MinePhi]:
        return value_functions(self.instance)

    def _priced(self) -> Pricing:
        return priced(self.search, self.blocks, self.room)

    def _plan_first(self, pricing: Pricing) -> bool:
        return first_plan(self.search, pricing)

    def _wait(self, thread: threading.Thread, on_progress: OnProgress | None, should_stop: ShouldStop | None) -> None:
        search, next_progress = self.search, 0.0
        deadline = search.options.time_limit_s + GRACE_S
        while thread.is_alive() and search.elapsed_s < deadline:
            thread.join(POLL_INTERVAL_S)
            if not self.is_cancelled and should_stop is not None and should_stop():
                self.is_cancelled = search.ask_to_end = True
                deadline = min(deadline, search.elapsed_s + GRACE_S)
            if on_progress is not None and search.elapsed_s >= next_progress:
                next_progress = search.elapsed_s + PROGRESS_INTERVAL_S
                on_progress(self._progress())

    def _progress(self) -> SolveProgress:
        search, usd = self.search, self._usd
        with search.lock:
            incumbent = search.cost * usd if math.isfinite(search.cost) else None
            gap = search.gap if incumbent is not None else None
            return SolveProgress(search.elapsed_s, incumbent, search.bound * usd, gap, search.stage)

    @property
    def _usd(self) -> float:
        return self.blocks[0].units.usd if self.blocks else 1.0

    def _outcome(self) -> Outcome:
        search = self.search
        with search.lock:
            columns, bound = search.plan, search.bound * self._usd
        made = columns or []
        if self._is_rough:
            made = [
                exact(block, values, np.maximum(values[block.w], 0.0))
                for block, values in zip(self.blocks, made, strict=False)
            ]
        costs = [cost_usd(block, values) for block, values in zip(self.blocks, made, strict=False)]
        return Outcome(
            plan=plan_of(self.blocks, made, self.instance.periods) if made else None,
            objective_usd=math.fsum(costs) if made else None,
            bound_usd=bound,
            is_infeasible=search.is_infeasible,
            is_cancelled=self.is_cancelled,
            is_finished=self.is_finished,
            build_s=self.build_s,
            rows=sum(len(block.program.rows.lower) for block in self.blocks),
            columns=sum(len(block.program.cost) for block in self.blocks),
            binaries=sum(int(block.program.is_binary.sum()) for block in self.blocks),
            nodes=search.nodes,
        )
