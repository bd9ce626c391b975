"""A program of arrays kept live in HiGHS: solve, change a little, solve again from where it stood. One thread each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import highspy
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Event = highspy.highs.HighsCallbackEvent
Basis = highspy.HighsBasis
SOLVER = f"HiGHS {highspy.Highs().version()}"  # type: ignore[no-untyped-call]
OPTIMAL, INFEASIBLE = highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kInfeasible


@dataclass(frozen=True, slots=True)
class Rows:
    """lower <= A x <= upper; A as triples of row, column and value."""

    row: Ints
    column: Ints
    value: Floats
    lower: Floats
    upper: Floats

    def packed(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], Floats]:
        """Starts, columns and values by rows, as HiGHS takes them."""
        order = np.argsort(self.row, kind="stable")
        start = np.concatenate([[0], np.cumsum(np.bincount(self.row, minlength=len(self.lower)))])
        return start.astype(np.int32), self.column[order].astype(np.int32), self.value[order]


def stacked_rows(parts: list[Rows]) -> Rows:
    """One below the other, over the same columns."""
    at = np.cumsum([0, *(len(part.lower) for part in parts)])
    return Rows(
        np.concatenate([part.row + at[k] for k, part in enumerate(parts)]),
        np.concatenate([part.column for part in parts]),
        np.concatenate([part.value for part in parts]),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
    )


@dataclass(frozen=True, slots=True)
class Program:
    """min cost·x over the rows and lower <= x <= upper."""

    cost: Floats
    lower: Floats
    upper: Floats
    is_binary: npt.NDArray[np.bool_]
    rows: Rows


@dataclass(frozen=True, slots=True)
class Answer:
    """`values` is None without a feasible point; `bound` is proven, -inf without one."""

    values: Floats | None
    objective: float
    bound: float
    is_infeasible: bool
    row_duals: Floats | None = None
    nodes: int = 0


class LiveProgram:
    """A linear or mixed-integer program in HiGHS. `solve` may run on any thread; `stop` comes from another."""

    def __init__(self, program: Program, *, relaxed: bool, seed: int = 0) -> None:
        self._highs = highspy.Highs()  # type: ignore[no-untyped-call]
        self._highs.silent()
        self._highs.setOptionValue("threads", 1)
        self._highs.setOptionValue("random_seed", seed)
        self.is_mixed = not relaxed and bool(program.is_binary.any())
        _pass(self._highs, program, self.is_mixed)
        self.n_columns = len(program.cost)

    def begin_from(self, basis: Basis) -> None:
        """Take the basis of another program, if that had as many columns and rows."""
        if len(basis.col_status) == self.n_columns and len(basis.row_status) == self._highs.getNumRow():
            self._highs.setBasis(basis)

    @property
    def basis(self) -> Basis:
        return self._highs.getBasis()

    def set_costs(self, columns: Ints, costs: Floats) -> None:
        self._highs.changeColsCost(len(columns), columns.astype(np.int32), costs)

    def set_bounds(self, columns: Ints, lower: Floats, upper: Floats) -> None:
        self._highs.changeColsBounds(len(columns), columns.astype(np.int32), lower, upper)

    def add_rows(self, rows: Rows) -> None:
        if len(rows.lower):
            start, column, value = rows.packed()
            self._highs.addRows(len(rows.lower), rows.lower, rows.upper, len(value), start[:-1], column, value)

    def solve(
        self,
        *,
        gap: float = 0.0,
        limit_s: float = math.inf,
        start: Floats | None = None,
        should_stop: Callable[[], bool] | None = None,
        on_plan: Callable[[float, Floats], None] | None = None,
        on_bound: Callable[[float], None] | None = None,
        options: Mapping[str, float] | None = None,
    ) -> Answer:
        """Run to the gap; `on_plan` and `on_bound` are told of better ones, on HiGHS's thread, in scaled units."""
        for name, value in {"time_limit": _time_limit(self._highs, limit_s), **(options or {})}.items():
            self._highs.setOptionValue(name, value)
        if self.is_mixed:
            self._highs.setOptionValue("mip_rel_gap", gap)
            self._listen(should_stop, on_plan, on_bound)
            if start is not None:
                solution = highspy.HighsSolution()
                solution.col_value = start.tolist()
                self._highs.setSolution(solution)
        elif should_stop is not None:
            self._highs.cbSimplexInterrupt.subscribe(lambda event: event.interrupt(should_stop()))
        self._highs.run()
        return self._answer()

    def _listen(
        self,
        should_stop: Callable[[], bool] | None,
        on_plan: Callable[[float, Floats], None] | None,
        on_bound: Callable[[float], None] | None,
    ) -> None:
        def note(event: Event) -> None:
            if on_bound is not None and math.isfinite(event.data_out.mip_dual_bound):
                on_bound(event.data_out.mip_dual_bound)
            if should_stop is not None:
                event.interrupt(should_stop())

        def keep(event: Event) -> None:
            if on_plan is not None:
                on_plan(event.data_out.objective_function_value, np.array(event.data_out.mip_solution))

        self._highs.cbMipInterrupt.subscribe(note)
        self._highs.cbMipImprovingSolution.subscribe(keep)

    def _answer(self) -> Answer:
        status, info, solution = self._highs.getModelStatus(), self._highs.getInfo(), self._highs.getSolution()
        has_point = info.primal_solution_status == 2 and math.isfinite(info.objective_function_value)
        objective = info.objective_function_value if has_point else math.inf
        is_done = status == OPTIMAL
        bound = info.mip_dual_bound if self.is_mixed else (objective if is_done else -math.inf)
        return Answer(
            np.array(solution.col_value) if has_point else None,
            objective,
            bound if math.isfinite(bound) else -math.inf,
            status in (INFEASIBLE, highspy.HighsModelStatus.kUnboundedOrInfeasible),
            np.array(solution.row_dual) if is_done and not self.is_mixed else None,
            max(0, int(info.mip_node_count)) if self.is_mixed else 0,
        )


def _time_limit(highs: highspy.Highs, limit_s: float) -> float:
    """HiGHS counts its run time over all runs of one object."""
    return math.inf if math.isinf(limit_s) else float(highs.getRunTime() + max(0.0, limit_s))


def _pass(highs: highspy.Highs, program: Program, is_mixed: bool) -> None:
    """As arrays: HiGHS's own record of a program is filled number by number, ten times slower."""
    start, column, value = program.rows.packed()
    n_columns, n_rows, by_rows = len(program.cost), len(program.rows.lower), int(highspy.MatrixFormat.kRowwise)
    sense, offset = int(highspy.ObjSense.kMinimize), 0.0
    kinds = (program.is_binary & is_mixed).astype(np.int32)
    status = highs.passModel(
        n_columns,
        n_rows,
        len(value),
        by_rows,
        sense,
        offset,
        program.cost,
        program.lower,
        program.upper,
        program.rows.lower,
        program.rows.upper,
        start[:-1],
        column,
        value,
        kinds,
    )
    if status == highspy.HighsStatus.kError:
        raise ArithmeticError("HiGHS refuses the program: the instance is out of scale")
