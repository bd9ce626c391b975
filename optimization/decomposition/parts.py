"""Parts of a search: restricted programs that stand for themselves, so that any thread or machine may solve them.

A part holds arrays alone, no names and nothing of a tenant. Its answer depends on the part and on nothing else as long
as the time left is enough: what limits its work is a number of nodes. `packed` makes bytes of a part or an answer and
`unpacked` checks what comes in.
"""

from __future__ import annotations

import io
import math
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar, runtime_checkable

import numpy as np
import numpy.typing as npt

from optimization.highs import Floats, LiveProgram, Program, Rows

ShouldStop = Callable[[], bool]
MOST_BYTES = 512 * 1024 * 1024
KINDS = {
    "cost": "f", "lower": "f", "upper": "f", "is_binary": "b", "start": "f", "numbers": "f",
    "row": "i", "column": "i", "value": "f", "row_lower": "f", "row_upper": "f",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """`start` is a plan to begin with or None; `nodes` limits the branching, `left_s` is what the clock allows.

    A plan below `target` is good enough.
    """

    program: Program
    start: Floats | None
    gap: float
    nodes: int
    left_s: float
    seed: int
    heuristics: float = 0.05
    target: float = -math.inf


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """`values` are exact in the binaries, None without a plan; `bound` is proven, -inf without one."""

    values: Floats | None
    objective: float
    bound: float
    is_infeasible: bool
    nodes: int


NOTHING = PartAnswer(None, math.inf, -math.inf, False, 0)


class Pool(Protocol):
    """Where parts are solved."""

    def solve(self, parts: Sequence[Part], *, should_stop: ShouldStop) -> list[PartAnswer]:
        """One answer a part, in the order given; NOTHING for a part that `should_stop` kept from being solved."""


@runtime_checkable
class StreamingPool(Pool, Protocol):
    """A pool that does not keep the first answers back until it has the last."""

    def stream(self, parts: Sequence[Part], should_stop: ShouldStop) -> Iterator[PartAnswer]:
        """In the same order, each answer as soon as it and those before it are known."""


@dataclass(frozen=True, slots=True)
class LocalPool:
    """Threads of this process; HiGHS lets go of Python while it runs."""

    threads: int

    def solve(self, parts: Sequence[Part], *, should_stop: ShouldStop) -> list[PartAnswer]:
        return list(self.stream(parts, should_stop))

    def stream(self, parts: Sequence[Part], should_stop: ShouldStop) -> Iterator[PartAnswer]:
        return on_threads(self.threads, lambda part: solve_part(part, should_stop), parts)


Given = TypeVar("Given")
Made = TypeVar("Made")


def on_threads(threads: int, work: Callable[[Given], Made], items: Sequence[Given]) -> Iterator[Made]:
    """In the order of the items, however the threads share them."""
    if threads == 1 or len(items) == 1:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(work, items)


def solve_part(part: Part, should_stop: ShouldStop) -> PartAnswer:
    """The better of the start and what HiGHS finds within the part's gap, nodes and time; one thread."""
    if should_stop():
        return NOTHING
    off = ("feasibility_jump", "root_reduced_cost", *(() if part.heuristics else ("rins", "rens")))
    limits: dict[str, float] = {f"mip_heuristic_run_{name}": False for name in off}
    limits |= {"mip_heuristic_effort": part.heuristics, "mip_max_nodes": part.nodes, "mip_pscost_minreliable": 1}
    limits["objective_target"] = part.target
    live = LiveProgram(part.program, relaxed=False, seed=part.seed)
    answer = live.solve(gap=part.gap, limit_s=part.left_s, start=part.start, should_stop=should_stop, options=limits)
    plans = [part.start, None if answer.values is None else exact_in_binaries(part.program, answer.values)]
    # HiGHS may drop a start that misses a row by its tolerance, and come back with worse.
    found = [plan for plan in plans if plan is not None]
    best = min(found, key=lambda plan: float(part.program.cost @ plan), default=None)
    objective = math.inf if best is None else float(part.program.cost @ best)
    return PartAnswer(
        best, objective, min(answer.bound, objective), answer.is_infeasible and best is None, answer.nodes
    )


def exact_in_binaries(program: Program, values: Floats) -> Floats | None:
    """The linear program left when the binaries are fixed where they round to; None where it has no point."""
    rounded = np.round(values[program.is_binary])
    lower, upper = program.lower.copy(), program.upper.copy()
    lower[program.is_binary] = upper[program.is_binary] = rounded
    answer = LiveProgram(replace(program, lower=lower, upper=upper), relaxed=True).solve()
    if answer.values is None:
        return None
    answer.values[program.is_binary] = rounded
    return np.where(program.is_binary, answer.values, np.clip(answer.values, lower, upper))


# As bytes -----------------------------------------------------------------------------------------------------------


def packed(made: Part | PartAnswer) -> bytes:
    """Compressed arrays (numpy's npz); never pickled objects."""
    if isinstance(made, PartAnswer):
        numbers = [made.objective, made.bound, made.is_infeasible, made.nodes]
        return _bytes(start=_given(made.values), numbers=np.array(numbers, dtype=np.float64))
    program, rows = made.program, made.program.rows
    numbers = [made.gap, made.nodes, made.left_s, made.seed, made.heuristics, made.target]
    return _bytes(
        cost=program.cost,
        lower=program.lower,
        upper=program.upper,
        is_binary=program.is_binary,
        start=_given(made.start),
        numbers=np.array(numbers, dtype=np.float64),
        row=rows.row.astype(np.int32),
        column=rows.column.astype(np.int32),
        value=rows.value,
        row_lower=rows.lower,
        row_upper=rows.upper,
    )


def unpacked(content: bytes) -> Part:
    """ValueError in words where the bytes are no part."""
    found = _arrays(content, tuple(KINDS))
    size, n_rows, n_values = len(found["cost"]), len(found["row_lower"]), len(found["value"])
    for name in ("lower", "upper", "is_binary"):
        _require(len(found[name]) == size, f"{name} has {len(found[name])} entries for {size} columns")
    _require(len(found["row_upper"]) == n_rows, "row_lower and row_upper differ in length")
    for name, most in (("row", n_rows), ("column", size)):
        _require(len(found[name]) == n_values, f"{name} has {len(found[name])} entries for {n_values} values")
        inside = not n_values or (found[name].min() >= 0 and found[name].max() < most)
        _require(bool(inside), f"{name} points outside the {most} there are")
    _require(len(found["numbers"]) == 6, "numbers are gap, nodes, time, seed, heuristics and target")
    gap, nodes, left_s, seed, heuristics, target = found["numbers"].tolist()
    row, column = (found[name].astype(np.int64) for name in ("row", "column"))
    rows = Rows(row, column, found["value"], found["row_lower"], found["row_upper"])
    program = Program(found["cost"], found["lower"], found["upper"], found["is_binary"], rows)
    return Part(program, _start(found["start"], size), gap, int(nodes), left_s, int(seed), heuristics, target)


def unpacked_answer(content: bytes, part: Part) -> PartAnswer:
    """The answer to `part`; ValueError in words where the bytes are none."""
    found = _arrays(content, ("start", "numbers"))
    _require(len(found["numbers"]) == 4, "numbers are objective, bound, infeasibility and nodes")
    objective, bound, is_infeasible, nodes = found["numbers"].tolist()
    values = _start(found["start"], len(part.program.cost))
    _require(not np.isnan([objective, bound]).any(), "objective or bound is not a number")
    return PartAnswer(values, objective, bound, bool(is_infeasible), int(nodes))


def _given(values: Floats | None) -> Floats:
    return np.zeros(0) if values is None else values


def _start(values: Floats, size: int) -> Floats | None:
    _require(len(values) in (0, size), f"start has {len(values)} entries for {size} columns")
    return values if len(values) else None


def _bytes(**arrays: npt.NDArray[Any]) -> bytes:
    target = io.BytesIO()
    np.savez_compressed(target, **arrays)  # type: ignore[arg-type]
    return target.getvalue()


def _arrays(content: bytes, names: tuple[str, ...]) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        _require(size <= MOST_BYTES, f"{size} bytes unpacked, at most {MOST_BYTES}")
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in names}
    except (zipfile.BadZipFile, zlib.error, KeyError, OSError, EOFError, MemoryError) as error:
        raise ValueError(f"not a part: {error}") from error
    for name, array in found.items():
        _require(array.ndim == 1 and array.dtype.kind == KINDS[name], f"{name} has the wrong shape or kind")
        _require(array.dtype.kind != "f" or not np.isnan(array).any(), f"{name} holds what is not a number")
    return found


def _require(holds: bool, words: str) -> None:
    if not holds:
        raise ValueError(f"not a part: {words}")
