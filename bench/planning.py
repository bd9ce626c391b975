"""Our program beside a peer in the same run: `python -m bench.planning --sizes 3-2-2-3 --seeds 5 --time-limit 60`.

The peer is the textbook road: the same model with the robust row of a general polyhedron Pi gamma <= pi, dualised
row by row ((17) to (19) of docs/formulation.md), no stock cuts, handed to HiGHS by Pyomo's own `appsi` interface.
Ours is `optimization.solver.solve`. Both get the same instance, gap and time limit, one after the other; a
ratio of two numbers of one run tells more than either alone. A plan of ours counts only if the checker passes it.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
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
class Row:
    name: str
    build_s: float
    solve_s: float
    objective_usd: float | None
    bound_usd: float | None
    note: str

    def __str__(self) -> str:
        gap = relative_gap(self.objective_usd, self.bound_usd)
        cost = "no plan" if self.objective_usd is None else f"{self.objective_usd:,.0f}"
        bound = "none" if self.bound_usd is None else f"{self.bound_usd:,.0f}"
        share = "" if gap is None else f"{gap:.2%}"
        return f"  {self.name:<10}{self.build_s:9.2f}{self.solve_s:9.2f}{cost:>14}{bound:>14}{share:>9}  {self.note}"


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


def size_of(text: str) -> tuple[int, ...]:
    """mines-centres-users-periods"""
    size = tuple(int(part) for part in text.split("-"))
    if len(size) != 4:
        raise argparse.ArgumentTypeError(f"a size is mines-centres-users-periods, such as 8-5-12-10, got {text!r}")
    return size


def medians(rows: list[Row], limit_s: float) -> str:
    """Median seconds and gap; without a plan the gap is 100 %, and a run cut short counts its limit or more."""
    seconds = statistics.median(row.build_s + row.solve_s for row in rows)
    gaps = [relative_gap(row.objective_usd, row.bound_usd) for row in rows]
    gap = statistics.median(1.0 if gap is None else gap for gap in gaps)
    cut = sum(row.build_s + row.solve_s >= limit_s for row in rows)
    return f"median {seconds:.2f} s, gap {gap:.2%}, {cut} of {len(rows)} cut short"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench.planning", description=__doc__.split("\n")[0])
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
    options = SolveOptions(gap=asked.gap, time_limit_s=asked.time_limit, threads=asked.threads)
    table = read_grade_tonnage(asked.grade_tonnage, asked.deposit) if asked.grade_tonnage else None
    roads = [ours] if asked.no_peer else [ours, peer]
    print(f"gap {options.gap:.1%}, {options.time_limit_s:g} s, {options.threads} thread(s); seconds and $")
    for size in asked.sizes:
        found: dict[str, list[Row]] = {}
        for seed in range(1, asked.seeds + 1):
            instance = generate(*size, LOCATIONS, CUTOFFS, seed, grade_tonnage=table, density=asked.density)
            print(f"{instance.name}\n  {'':<10}{'build':>9}{'solve':>9}{'cost':>14}{'bound':>14}{'gap':>9}")
            for road in roads:
                row = road(instance, options)
                found.setdefault(row.name, []).append(row)
                print(row, flush=True)
        for name, rows in found.items():
            print(f"  {name}: {medians(rows, options.time_limit_s)}")


if __name__ == "__main__":
    main()
