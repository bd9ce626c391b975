"""One plan alone beside the same plan with helpers: `python -m bench.spread --sizes 8-5-12-10 --helpers 2`.

Alone is `solve` on one thread. Seconds by the clock mean something only where each process has a core that does nothing
else; the coordinator's CPU seconds tell how much of the work the helpers took from it in any case, and those of all
together what spreading costs. The plans must be the same.
"""

import argparse
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.scratch import scratch_database
from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.decomposition.parts import LocalPool, Pool
from optimization.generator import generate
from optimization.solver import solve
from tests.live_worker import LiveWorker

LOCATIONS, CUTOFFS = 3, 3
CPU_FIELDS = slice(11, 13)  # utime and stime, after the name, in hundredths of a second


@dataclass(frozen=True)
class Figures:
    """Seconds: by the clock, CPU of the coordinator, CPU of all helpers."""

    clock_s: float
    here_s: float
    helpers_s: float
    plan: Plan | None

    def __str__(self) -> str:
        return f"{self.clock_s:7.1f} s, CPU {self.here_s:6.1f} s here and {self.helpers_s:6.1f} s in helpers"


def cpu_s(worker: LiveWorker) -> float:
    """Of a worker's processes, those that have ended included in their parent's only once it has buried them."""
    pids = [process.pid for process in worker.processes]
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", ",".join(map(str, pids))], capture_output=True, text=True)
    stats = [Path(f"/proc/{pid}/stat").read_text() for pid in [*pids, *listing.stdout.split()]]
    return sum(int(ticks) for stat in stats for ticks in stat.rpartition(") ")[2].split()[CPU_FIELDS]) / 100


def measured(
    instance: SupplyChainInstance, options: SolveOptions, pool: Pool, helpers: Sequence[LiveWorker]
) -> Figures:
    clock, here, there = time.perf_counter(), time.process_time(), sum(map(cpu_s, helpers))
    plan = solve(instance, options, pool=pool).plan
    spent = time.perf_counter() - clock, time.process_time() - here, sum(map(cpu_s, helpers)) - there
    return Figures(*spent, plan)


def compare(size: str, options: SolveOptions, helpers: Sequence[LiveWorker]) -> None:
    from optimization.spread import CeleryPool  # reads Django's settings

    mines, centres, users, periods = map(int, size.split("-"))
    instance = generate(mines, centres, users, periods, LOCATIONS, CUTOFFS, options.seed)
    alone = measured(instance, options, LocalPool(1), ())
    spread = measured(instance, options, CeleryPool(1), helpers)
    same = "the same plan" if alone.plan == spread.plan else "ANOTHER PLAN"
    print(f"{size} to {options.gap:.1%}\n  alone            {alone}\n  with {len(helpers)} helper(s) {spread}")
    left, cost = spread.here_s / alone.here_s, (spread.here_s + spread.helpers_s) / alone.here_s
    print(
        f"  clock {spread.clock_s / alone.clock_s:.2f}, left to the coordinator {left:.2f}, all CPU {cost:.2f}; {same}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", default="8-5-12-10", help="M-N-S-T, comma-separated")
    parser.add_argument("--helpers", type=int, default=2)
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--time-limit", type=float, default=600.0)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    options = SolveOptions(gap=asked.gap, time_limit_s=asked.time_limit, seed=asked.seed)
    with scratch_database(), ExitStack() as running:
        workers = [LiveWorker(queues="parts", name=f"helper{k}") for k in range(asked.helpers)]
        helpers = [running.enter_context(worker) for worker in workers]
        for size in asked.sizes.split(","):
            compare(size, options, helpers)


if __name__ == "__main__":
    main()
