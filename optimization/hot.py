"""Solving many instances of one structure: each starts from what the one before it found.

For disturbances, other capacities and edits. A hot result keeps every promise of a cold one (the bound is proven, the
plan exact, the ending the same), but which plan it is depends on the solves before it: so the report says `is_hot`.
"""

from __future__ import annotations

from dataclasses import replace

from optimization.data import OnProgress, ShouldStop, SolveOptions, SolveResult, SupplyChainInstance
from optimization.decomposition.again import Again, Kept, fits, kept_of
from optimization.decomposition.parts import Pool
from optimization.decomposition.run import FastPath, supports
from optimization.explain import explain_infeasibility
from optimization.report import Clock
from optimization.solver import solve, solved_by


class Solver:
    """Solves one instance after the other; not for several threads at once.

    `is_anchored`: all start from the first, so that a result depends on that one alone and not on those between.
    """

    def __init__(self, options: SolveOptions, pool: Pool | None = None, *, is_anchored: bool = False) -> None:
        self.options, self.pool, self.is_anchored = options, pool, is_anchored
        self._kept: Kept | None = None
        self._is_first = True

    def solve(
        self,
        instance: SupplyChainInstance,
        *,
        on_progress: OnProgress | None = None,
        should_stop: ShouldStop | None = None,
    ) -> SolveResult:
        """As `solver.solve`: cold the first time and where names, lanes or periods differ, else hot."""
        clock, kept = Clock(), self._kept
        if not supports(instance) or explain_infeasibility(instance):
            return solve(instance, self.options, on_progress=on_progress, should_stop=should_stop, pool=self.pool)
        is_hot = kept is not None and fits(kept, instance)
        if kept is not None and is_hot:
            path: FastPath = Again(kept, instance, self.options, self.pool, clock.started)
        else:
            path = FastPath(instance, self.options, self.pool, clock.started)
        result = solved_by(path, clock, on_progress, should_stop)
        if self._is_first or not self.is_anchored:
            self._kept = kept_of(path) or kept
        self._is_first = False
        return replace(result, report=replace(result.report, is_hot=is_hot))
