"""Our program beside a peer in the same run: `python -m bench.planning --sizes 3-2-2-3 --seeds 5 --time-limit 60`.

`--table` runs the presets of TABLE, each with its own gap, density and time limits, and prints what must hold.
The peer is the textbook road: the same model with the robust row of a general polyhedron Pi gamma <= pi, dualised
row by row ((17) to (19) of docs/formulation.md), no stock cuts, handed to HiGHS by Pyomo's own `appsi` interface.
Ours is `optimization.solver.solve`. Both get the same instance, gap and time limit, one after the other; a
ratio of two numbers of one run tells more than either alone. A plan of ours counts only if the checker passes it.
Every solve has a process of its own, so that its memory is its own too; starting that process is not counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import pyomo.environ as pyo
from pyomo.contrib.appsi.solvers import Highs

from optimization.checker import check_plan
from optimization.data import Mine, SolveOptions, SupplyChainInstance
from optimization.formulation.program import build_program
from optimization.generator import generate, read_grade_tonnage
from optimization.solver import relative_gap, solve

SIZES = ((3, 2, 2, 3), (8, 5, 12, 10))
LOCATIONS, CUTOFFS = 3, 3


@dataclass(frozen=True, slots=True)
class Preset:
    """An instance's size, the gap asked, and the seconds that we and the peer get (0: the peer is left out)."""

    size: tuple[int, int, int, int]
    gap: float
    limit_s: float
    peer_limit_s: float
    target: str
    density: float = 1.0

    def __str__(self) -> str:
        sparse = f", density {self.density:g}" if self.density < 1 else ""
        return f"{'-'.join(map(str, self.size))}{sparse} to {self.gap:.1%}"


TABLE = (
    Preset((3, 2, 2, 3), 1e-3, 60, 120, "at least 10 times faster"),
    Preset((4, 3, 3, 5), 1e-3, 60, 120, "at least 10 times faster"),
    Preset((8, 5, 12, 10), 1.5e-2, 60, 120, "at least 30 times faster"),
    Preset((8, 5, 12, 10), 5e-3, 120, 120, "at most 120 s"),
    Preset((30, 5, 20, 10), 1e-2, 60, 240, "at most 40 s"),
    Preset((100, 8, 40, 12), 1.5e-2, 90, 120, "at most 90 s and 500 MB", 0.25),
    Preset((300, 8, 40, 12), 1.5e-2, 400, 0, "at most 3.5 times the seconds of 100 mines", 0.25),
)


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    build_s: float
    solve_s: float
    objective_usd: float | None
    bound_usd: float | None
    note: str
    cpu_s: float = 0.0
    memory_mb: float = 0.0

    @property
    def seconds(self) -> float:
        return self.build_s + self.solve_s

    @property
    def gap(self) -> float:
        """A fraction; 1 without a plan."""
        gap = relative_gap(self.objective_usd, self.bound_usd)
        return 1.0 if gap is None else gap

    def __str__(self) -> str:
        gap = relative_gap(self.objective_usd, self.bound_usd)
        cost = "no plan" if self.objective_usd is None else f"{self.objective_usd:,.0f}"
        bound = "none" if self.bound_usd is None else f"{self.bound_usd:,.0f}"
        share = "" if gap is None else f"{gap:.2%}"
        used = f"{self.cpu_s:9.2f}{self.memory_mb:7.0f}"
        times = f"{self.build_s:9.2f}{self.solve_s:9.2f}{used}"
        return f"  {self.name:<10}{times}{cost:>14}{bound:>14}{share:>9}  {self.note}"


def ours(instance: SupplyChainInstance, options: SolveOptions) -> Row:
    result = solve(instance, options)
    report = result.report
    note = str(report.termination)
    if result.plan is not None:
        check = check_plan(instance, result.plan, objective_usd=report.objective_usd)
        note += ", checked" if check.is_valid else f", REJECTED {check.violations[:3]}"
    return Row("ours", report.build_s, report.solve_s, report.objective_usd, report.dual_bound_usd, note)


def peer(instance: SupplyChainInstance, options: SolveOptions) -> Row:
    started = time.perf_counter()
    program = build_program(instance, cuts=False)
    for name in ("c4_blended_grade", "c4_protection", "mu", "nu"):
        program.del_component(name)
    add_general_counterpart(program, instance)
    built = time.perf_counter()
    highs = Highs()
    highs.config.time_limit = max(0.1, options.time_limit_s - (built - started))
    highs.config.mip_gap = options.gap
    highs.config.load_solution = False
    highs.highs_options = {"threads": options.threads, "random_seed": options.seed}
    answer = highs.solve(program)
    bound = answer.best_objective_bound
    note = answer.termination_condition.name
    return Row("peer", built - started, time.perf_counter() - built, answer.best_feasible_objective, bound, note)


def add_general_counterpart(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """(17) to (19): pi·lambda >= alpha y, Pi^T lambda = (x, 0), lambda <= 0, for the polyhedron of `polyhedron`."""
    program.dual_row = pyo.ConstraintList()
    program.dual = pyo.VarList(domain=pyo.NonPositiveReals)
    for mine in instance.mines:
        for t in range(len(instance.periods)):
            rows = [(coefficients, right, program.dual.add()) for coefficients, right in polyhedron(instance, mine, t)]
            useful = sum(right * dual for _, right, dual in rows)
            program.dual_row.add(useful >= mine.alpha * program.y[mine.name, t])
            for column in {key for coefficients, _, _ in rows for key in coefficients}:
                weighed = sum(coefficients[column] * dual for coefficients, _, dual in rows if column in coefficients)
                grade_of = program.x[(mine.name, *column, t)] if len(column) == 2 else 0.0
                program.dual_row.add(weighed == grade_of)


def polyhedron(
    instance: SupplyChainInstance, mine: Mine, t: int
) -> Iterator[tuple[dict[tuple[str, ...], float], float]]:
    """Rows of Pi (gamma, xi) <= pi: gamma >= nominal - delta xi, 0 <= xi <= 1, sum xi <= Gamma."""
    for i in mine.locations:
        for j in i.cutoffs:
            yield {(i.name, j.name): -1.0, (i.name,): -j.delta[t]}, -j.gamma[t]
        yield {(i.name,): 1.0}, 1.0
        yield {(i.name,): -1.0}, 0.0
    yield {(i.name,): 1.0 for i in mine.locations}, instance.budget(mine.name)


def size_of(text: str) -> tuple[int, int, int, int]:
    """mines-centres-users-periods"""
    size = [int(part) for part in text.split("-")]
    if len(size) != 4:
        raise argparse.ArgumentTypeError(f"a size is mines-centres-users-periods, such as 8-5-12-10, got {text!r}")
    return size[0], size[1], size[2], size[3]


Road = Callable[[SupplyChainInstance, SolveOptions], Row]


def measured(road: Road, instance: SupplyChainInstance, options: SolveOptions) -> Row:
    """In a process of its own, with its processor seconds and peak memory."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as process:
        return process.submit(_alone, road, instance, options).result()


def _alone(road: Road, instance: SupplyChainInstance, options: SolveOptions) -> Row:
    started = time.process_time()
    row = road(instance, options)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return replace(row, cpu_s=time.process_time() - started, memory_mb=peak_mb)


def summary(rows: list[Row], gap: float) -> str:
    """Medians and the worst; without a plan the gap is 100 %."""
    seconds, cpu, gaps = [r.seconds for r in rows], [r.cpu_s for r in rows], [r.gap for r in rows]
    reached = sum(row.gap <= gap + 1e-9 and "REJECTED" not in row.note for row in rows)
    return (
        f"median {statistics.median(seconds):.2f} s, worst {max(seconds):.2f} s"
        f" (processor {statistics.median(cpu):.2f} s, {max(cpu):.2f} s),"
        f" gap {statistics.median(gaps):.2%}, worst {max(gaps):.2%}, {reached} of {len(rows)} reached it,"
        f" {max(row.memory_mb for row in rows):.0f} MB"
    )


def table(seeds: int, threads: int, presets: tuple[Preset, ...] = TABLE, *, with_peer: bool = True) -> None:
    """What must hold, ours beside the peer; a peer that was cut short would have taken longer than the ratio says."""
    print(
        f"{seeds} seeds, {threads} thread(s) for both; seconds of the wall clock; MB is the largest peak of a process"
    )
    ours_of: dict[int, float] = {}
    for preset in presets:
        print(f"\n{preset}: {preset.target}; {preset.limit_s:g} s for ours, {preset.peer_limit_s:g} s for the peer")
        found = found_of(preset, seeds, threads, with_peer=with_peer and preset.peer_limit_s > 0)
        for name, rows in found.items():
            print(f"  {name}: {summary(rows, preset.gap)}")
        median = ours_of[preset.size[0]] = statistics.median(row.seconds for row in found["ours"])
        if "peer" in found:
            ratios = [peer.seconds / our.seconds for our, peer in zip(found["ours"], found["peer"], strict=True)]
            cut = sum(row.gap > preset.gap for row in found["peer"])
            print(
                f"  ratio: median {statistics.median(ratios):.1f}, worst {min(ratios):.1f}; peer cut short {cut} times"
            )
        if preset.size[0] == 300 and 100 in ours_of:
            print(f"  {median / ours_of[100]:.2f} times the median of 100 mines")


def found_of(preset: Preset, seeds: int, threads: int, *, with_peer: bool) -> dict[str, list[Row]]:
    """Rows by road; on each seed one road after the other, so that both meet the same machine."""
    limits: list[tuple[Road, float]] = [(ours, preset.limit_s)]
    limits += [(peer, preset.peer_limit_s)] if with_peer else []
    found: dict[str, list[Row]] = {}
    for seed in range(1, seeds + 1):
        instance = generate(*preset.size, LOCATIONS, CUTOFFS, seed, density=preset.density)
        for road, limit_s in limits:
            row = measured(road, instance, SolveOptions(gap=preset.gap, time_limit_s=limit_s, threads=threads))
            found.setdefault(row.name, []).append(row)
            print(f"  seed {seed}{row}", flush=True)
    return found


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench.planning", description=__doc__.split("\n")[0])
    made.add_argument(
        "--table", action="store_true", help="all that must hold; sizes, gaps and limits are the presets'"
    )
    made.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds a solve (default 60)")
    made.add_argument("--gap", type=float, default=0.01)
    made.add_argument("--sizes", type=size_of, nargs="+", default=SIZES, metavar="M-N-S-T")
    made.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 1 to N a size")
    made.add_argument("--density", type=float, default=1.0)
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--no-peer", action="store_true", help="ours alone")
    made.add_argument("--grade-tonnage", type=Path, metavar="CSV", help="real curves instead of made-up ones")
    made.add_argument("--deposit", default="A072391_all")
    return made


def main() -> None:
    asked = parser().parse_args()
    if asked.table:
        table(asked.seeds, asked.threads, with_peer=not asked.no_peer)
        return
    options = SolveOptions(gap=asked.gap, time_limit_s=asked.time_limit, threads=asked.threads)
    curve = read_grade_tonnage(asked.grade_tonnage, asked.deposit) if asked.grade_tonnage else None
    roads = [ours] if asked.no_peer else [ours, peer]
    print(f"gap {options.gap:.1%}, {options.time_limit_s:g} s, {options.threads} thread(s); seconds, MB and $")
    for size in asked.sizes:
        found: dict[str, list[Row]] = {}
        for seed in range(1, asked.seeds + 1):
            instance = generate(*size, LOCATIONS, CUTOFFS, seed, grade_tonnage=curve, density=asked.density)
            heads = f"{'build':>9}{'solve':>9}{'cpu':>9}{'MB':>7}{'cost':>14}{'bound':>14}{'gap':>9}"
            print(f"{instance.name}\n  {'':<10}{heads}")
            for road in roads:
                row = measured(road, instance, options)
                found.setdefault(row.name, []).append(row)
                print(row, flush=True)
        for name, rows in found.items():
            print(f"  {name}: {summary(rows, options.gap)}")


if __name__ == "__main__":
    main()
