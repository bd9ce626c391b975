"""Hot solves beside cold ones of the same instances: `python -m bench.hot --sizes 8-5-12-10 --seeds 1`.

First the base is solved cold. Then come its disturbances (grades drawn anew, as in the robustness experiment) and its
mining abilities (as in the sensitivity experiment), each solved hot from the base and cold, one right after the other,
to the same gap. Seconds of the processor, because they suffer less from what else a machine does; the target is 0.25.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

from bench.planning import CUTOFFS, LOCATIONS, size_of
from optimization.checker import check_plan
from optimization.data import SolveOptions, SolveResult, SupplyChainInstance
from optimization.experiments.cases import drawn, scaled
from optimization.experiments.design import ABILITIES, DRAWS
from optimization.experiments.robustness import draw_seed
from optimization.generator import generate
from optimization.hot import Solver
from optimization.solver import solve

SIZES = ((3, 2, 2, 3), (4, 3, 3, 5), (6, 5, 6, 8), (8, 5, 12, 10))


@dataclass(frozen=True, slots=True)
class Pair:
    hot_s: float
    cold_s: float

    @property
    def ratio(self) -> float:
        return self.hot_s / self.cold_s


def timed(instance: SupplyChainInstance, run: Callable[[SupplyChainInstance], SolveResult]) -> float:
    """Seconds of the processor; a plan counts only if the checker passes it and the gap is reached."""
    started = time.process_time()
    result = run(instance)
    spent = time.process_time() - started
    if result.plan is not None:
        check = check_plan(instance, result.plan, objective_usd=result.report.objective_usd)
        if not check.is_valid:
            raise SystemExit(f"{instance.name}: REJECTED {check.violations[:3]}")
    if result.report.termination not in ("optimal", "infeasible"):
        print(f"  {instance.name}: {result.report.termination} at {result.report.relative_gap}")
    return spent


def pairs(base: SupplyChainInstance, worlds: list[SupplyChainInstance], options: SolveOptions) -> list[Pair]:
    solver = Solver(options, is_anchored=True)
    solver.solve(base)
    return [
        Pair(timed(world, solver.solve), timed(world, lambda instance: solve(instance, options))) for world in worlds
    ]


def told(name: str, found: list[Pair]) -> str:
    ratios = [pair.ratio for pair in found]
    hot, cold = (sum(getattr(pair, side) for pair in found) for side in ("hot_s", "cold_s"))
    each = f"median {statistics.median(ratios):.2f}, worst {max(ratios):.2f}"
    return f"  {name:<14}{len(found):4}{hot:9.2f}{cold:9.2f}{hot / cold:9.2f}   {each}"


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="python -m bench.hot", description=__doc__.split("\n")[0])
    made.add_argument("--sizes", type=size_of, nargs="+", default=SIZES, metavar="M-N-S-T")
    made.add_argument("--seeds", type=int, default=1, metavar="N", help="seeds 1 to N a size")
    made.add_argument("--gap", type=float, default=0.01)
    made.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds a solve (default 60)")
    made.add_argument("--threads", type=int, default=1)
    made.add_argument("--draws", type=int, default=DRAWS)
    made.add_argument("--density", type=float, default=1.0)
    return made


def main() -> None:
    asked = parser().parse_args()
    options = SolveOptions(gap=asked.gap, time_limit_s=asked.time_limit, threads=asked.threads)
    print(f"gap {options.gap:.1%}; processor seconds in all, and ratios of each hot solve to its cold one")
    print(f"  {'':<14}{'n':>4}{'hot':>9}{'cold':>9}{'hot/cold':>9}")
    for size in asked.sizes:
        draws, capacities = list[Pair](), list[Pair]()
        for seed in range(1, asked.seeds + 1):
            base = generate(*size, LOCATIONS, CUTOFFS, seed, density=asked.density)
            draws += pairs(base, [drawn(base, draw_seed(seed, draw)) for draw in range(asked.draws)], options)
            capacities += pairs(base, [scaled(base, "P", ability) for ability in ABILITIES], options)
        print("-".join(map(str, size)))
        print(told("disturbances", draws))
        print(told("capacities", capacities), flush=True)


if __name__ == "__main__":
    main()
