"""The solves of a study: kept one by one, counted, told of while they run, and stopped when somebody wishes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import pyomo.environ as pyo

from optimization.checker import check_plan
from optimization.data import (
    ShouldStop,
    SolveOptions,
    SolveProgress,
    SolveResult,
    SupplyChainInstance,
    Termination,
)
from optimization.decomposition.run import MOST_AS_ONE
from optimization.experiments.store import Row, Store
from optimization.formulation.program import plan_from_program
from optimization.hot import Solver
from optimization.solver import minimise, solve

# What every key has, and nobody wants to read in the stage of a study.
T = TypeVar("T")
NOT_TOLD = ("seed", "gap", "time_limit_s", "solver_seed", "instance")


class Stopped(Exception):
    """Somebody wished the study to stop; what was solved until then is kept."""


class Rejected(Exception):
    """The checker refuses a plan of the solver: no number of a study comes from such a plan."""


class Kept(Protocol):
    """Where rows are kept, by the mapping of everything that decides them."""

    def get(self, key: Mapping[str, Any]) -> Row | None: ...

    def put(self, key: Mapping[str, Any], row: Row) -> None: ...


@dataclass(frozen=True, slots=True)
class StudyProgress:
    """`done` of `of` solves are there; `stage` names the one in hand, of which the rest is told."""

    done: int
    of: int
    elapsed_s: float
    stage: str = ""
    incumbent_usd: float | None = None
    relative_gap: float | None = None

    def to_document(self) -> dict[str, Any]:
        return asdict(self)


class Ledger:
    """Hand `once` what to work out and use `solve` or `minimise` in it; without a store rows are kept in memory."""

    def __init__(
        self,
        store: Kept | None = None,
        *,
        of: int = 0,
        on_progress: Callable[[StudyProgress], None] | None = None,
        should_stop: ShouldStop | None = None,
    ) -> None:
        self.store: Kept = Store() if store is None else store
        self.done, self.of = 0, of
        self._on_progress, self.should_stop = on_progress, should_stop
        self._started_s, self._stage = time.perf_counter(), ""
        self._near: tuple[SupplyChainInstance, Solver] | None = None

    def once(self, key: Mapping[str, Any], work: Callable[[], Row]) -> Row:
        """The row of the key: as it was kept, or worked out now and kept before it is returned. Raises Stopped.

        A solve that failed is not kept: it is tried again when the study goes on.
        """
        row = self.store.get(key)
        if row is None:
            self._begin(key)
            row = {**key, **work()}
            if row.get("termination") != Termination.FAILED:
                self.store.put(key, row)
        self.done += 1
        return row

    def solve(self, instance: SupplyChainInstance, options: SolveOptions) -> SolveResult:
        """As `solver.solve`, watched; Stopped, and Rejected when the checker refuses the plan."""
        result = solve(instance, options, on_progress=self._tell, should_stop=self.should_stop)
        return _checked(instance, result)

    def solve_near(
        self, base: SupplyChainInstance, instance: SupplyChainInstance, options: SolveOptions
    ) -> SolveResult:
        """As `solve`, starting from what the solve of `base` found, whatever was solved or kept between: see `hot`.

        A few mines are solved cold: that is as fast.
        """
        if len(instance.mines) <= MOST_AS_ONE:
            return self.solve(instance, options)
        if self._near is None or self._near[1].options != options or self._near[0] != base:
            self._near = base, Solver(options, is_anchored=True)
            _checked(base, self._near[1].solve(base, on_progress=self._tell, should_stop=self.should_stop))
        result = self._near[1].solve(instance, on_progress=self._tell, should_stop=self.should_stop)
        return _checked(instance, result)

    def minimise(self, program: pyo.ConcreteModel, instance: SupplyChainInstance, options: SolveOptions) -> SolveResult:
        """As `solver.minimise`, with the plan that the program then holds, which must be one of the instance."""
        report = minimise(program, options, should_stop=self.should_stop)
        plan = None if report.objective_usd is None else plan_from_program(program, instance)
        return _checked(instance, SolveResult(plan, report))

    def each(self, items: Iterable[T]) -> Iterator[T]:
        """The items, as long as nobody wishes the study to stop."""
        for item in items:
            if self.should_stop is not None and self.should_stop():
                raise Stopped
            yield item

    def _begin(self, key: Mapping[str, Any]) -> None:
        if self.should_stop is not None and self.should_stop():
            raise Stopped
        self._stage = stage_of(key)
        self._tell(None)

    def _tell(self, progress: SolveProgress | None) -> None:
        if self._on_progress is None:
            return
        incumbent = None if progress is None else progress.incumbent_usd
        gap = None if progress is None else progress.relative_gap
        elapsed_s = round(time.perf_counter() - self._started_s, 1)
        self._on_progress(StudyProgress(self.done, self.of, elapsed_s, self._stage, incumbent, gap))


def _checked(instance: SupplyChainInstance, result: SolveResult) -> SolveResult:
    if result.report.termination is Termination.CANCELLED:
        raise Stopped
    if result.plan is not None:
        check = check_plan(instance, result.plan, objective_usd=result.report.objective_usd)
        if not check.is_valid:
            first = check.violations[0]
            raise Rejected(f"{instance.name}: the plan misses {first.constraint} at {', '.join(first.indices)}")
    return result


def stage_of(key: Mapping[str, Any]) -> str:
    """Which solve it is, in words: "3-2-2-3, case 1, replan, draw 4"."""
    told = {name: value for name, value in key.items() if name not in NOT_TOLD}
    return ", ".join(
        str(value) if name in ("size", "study", "way") else f"{name} {value}" for name, value in told.items()
    )
