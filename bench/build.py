"""From an instance to a program in HiGHS: ours beside Pyomo and linopy, `python -m bench.build --seeds 5`.

Ours is the reduced program that `solver.solve` begins with: phi of every mine traced, all blocks as arrays, and the
linear program of each mine in HiGHS. The peers build the whole program of docs/formulation.md, which is the same model
without the value function: Pyomo by `formulation.build_program` (with the stock cuts that ours has, and without them),
linopy in the way of its manual, arrays by names, dense over the lanes and with masks where there are none. Each then
hands its program to HiGHS: `matrix_of` and the door's own call for Pyomo, `to_highspy` for linopy. Processor seconds.
"""

from __future__ import annotations

import argparse
import statistics
import time
import warnings
from collections.abc import Callable

import linopy
import numpy as np
import pandas as pd
import xarray as xr

from bench.planning import CUTOFFS, LOCATIONS, size_of
from optimization.data import SolveOptions, SupplyChainInstance
from optimization.decomposition.reduced import blocks_of
from optimization.decomposition.value_function import value_functions
from optimization.formulation.matrix import matrix_of
from optimization.formulation.program import build_program
from optimization.generator import generate
from optimization.highs import LiveProgram
from optimization.whole_program import loaded

Laps = tuple[float, float]


def timed(build: Callable[[], object], hand_over: Callable[[object], object]) -> Laps:
    """Seconds to build, and to have it in HiGHS."""
    started = time.process_time()
    made = build()
    built = time.process_time()
    hand_over(made)
    return built - started, time.process_time() - started


def ours(instance: SupplyChainInstance) -> Laps:
    return timed(
        lambda: blocks_of(instance, value_functions(instance)),
        lambda blocks: [LiveProgram(block.linear, relaxed=True) for block in blocks],  # type: ignore[attr-defined]
    )


def pyomo_plain(instance: SupplyChainInstance) -> Laps:
    return _pyomo(instance, cuts=False)


def pyomo_with_cuts(instance: SupplyChainInstance) -> Laps:
    return _pyomo(instance, cuts=True)


def _pyomo(instance: SupplyChainInstance, cuts: bool) -> Laps:
    return timed(
        lambda: build_program(instance, cuts=cuts),
        lambda program: loaded(matrix_of(program), SolveOptions(), 60.0),
    )


def with_linopy(instance: SupplyChainInstance) -> Laps:
    return timed(lambda: linopy_model(instance), lambda model: model.to_highspy())  # type: ignore[attr-defined]


class Tables:
    """The instance's fields as labelled arrays, and its index sets by the letters of docs/formulation.md."""

    def __init__(self, instance: SupplyChainInstance) -> None:
        self.instance, mines = instance, instance.mines
        self.T = pd.RangeIndex(len(instance.periods), name="t")
        self.m = pd.Index([mine.name for mine in mines], name="m")
        self.n = pd.Index([centre.name for centre in instance.centres], name="n")
        self.s = pd.Index(instance.users, name="s")
        self.i = pd.RangeIndex(max(len(mine.locations) for mine in mines), name="i")
        self.j = pd.RangeIndex(max(len(k.cutoffs) for mine in mines for k in mine.locations), name="j")

    def of_mines(self, name: str) -> xr.DataArray:
        values = np.array([getattr(mine, name) for mine in self.instance.mines])
        return xr.DataArray(values, coords=[self.m, self.T] if values.ndim == 2 else [self.m])

    def of_cutoffs(self, name: str) -> xr.DataArray:
        mines = self.instance.mines
        values = np.array([[[getattr(k, name) for k in place.cutoffs] for place in mine.locations] for mine in mines])
        coords = [self.m, self.i, self.j, self.T]
        return xr.DataArray(values, coords=coords if values.ndim == 4 else coords[:3])

    def of_lanes(self, name: str) -> xr.DataArray:
        lanes = self.instance.mill_lanes
        return self.table({(lane.mine, lane.centre): getattr(lane, name) for lane in lanes}, self.m, self.n)

    def of_user_lanes(self, name: str) -> xr.DataArray:
        lanes = self.instance.user_lanes
        return self.table({(lane.centre, lane.user): getattr(lane, name) for lane in lanes}, self.n, self.s)

    def table(self, rows: dict[tuple[str, str], object], first: pd.Index, second: pd.Index) -> xr.DataArray:
        values = np.zeros((len(first), len(second), len(self.T)))
        for (a, b), value in rows.items():
            values[first.get_loc(a), second.get_loc(b)] = value
        return xr.DataArray(values, coords=[first, second, self.T])


def linopy_model(instance: SupplyChainInstance) -> linopy.Model:
    """(1) to (16) with the location form of the budget's counterpart; no stock cuts."""
    known = Tables(instance)
    m, n, s, i, j, T = known.m, known.n, known.s, known.i, known.j, known.T
    of_mines, of_cutoffs, table = known.of_mines, known.of_cutoffs, known.table
    of_lanes, of_user_lanes, mines = known.of_lanes, known.of_user_lanes, instance.mines
    lane = table({(up.mine, up.centre): 1.0 for up in instance.mill_lanes}, m, n)
    D = table({(d.mine, d.user): d.D for d in instance.demands}, m, s)
    wanted = table({(d.mine, d.user): 1.0 for d in instance.demands}, m, s)
    down = table({(up.centre, up.user): 1.0 for up in instance.user_lanes}, n, s)
    has_lane, has_route = lane > 0, (lane * down * wanted) > 0
    budget = xr.DataArray([instance.budget(mine.name) for mine in mines], coords=[m])
    a, xmax, P = of_cutoffs("a"), of_cutoffs("xmax"), of_mines("P")
    limit = np.minimum(np.minimum(xmax, P / a), of_mines("Q"))
    ship = np.minimum(of_lanes("R"), D.sum("s"))
    model = linopy.Model()
    x = model.add_variables(lower=0, coords=[m, i, j, T], name="x")
    d = model.add_variables(binary=True, coords=[m, i, j, T], name="d")
    y = model.add_variables(lower=0, upper=of_mines("Q"), name="y")
    u = model.add_variables(lower=of_mines("Umin"), upper=of_mines("Umax"), name="u")
    mu = model.add_variables(lower=0, coords=[m, T], name="mu")
    nu = model.add_variables(lower=0, coords=[m, i, T], name="nu")
    v, w = (model.add_variables(lower=0, coords=[m, n, T], mask=has_lane, name=name) for name in "vw")
    p = model.add_variables(binary=True, coords=[m, n, T], mask=has_lane, name="p")
    z = model.add_variables(lower=0, coords=[m, n, s, T], mask=has_route, name="z")
    q = model.add_variables(binary=True, coords=[m, n, s, T], mask=has_route, name="q")
    model.add_constraints((a * x).sum(["i", "j"]) <= P, name="c2")
    useful = (of_cutoffs("gamma") * x).sum(["i", "j"]) - budget * mu - nu.sum("i")
    model.add_constraints(useful - of_mines("alpha") * y >= 0, name="c4")
    model.add_constraints(mu + nu - (of_cutoffs("delta") * x).sum("j") >= 0, name="c4_protection")
    model.add_constraints(y - x.sum(["i", "j"]) == 0, name="c5")
    model.add_constraints(x - limit * d <= 0, name="c6")
    model.add_constraints(d.sum("j") <= 1, name="c7")
    opening = xr.where(xr.DataArray(T == 0, coords=[T]), of_mines("u0"), 0.0)
    model.add_constraints(u - u.shift(t=1) - of_mines("beta") * y + v.sum("n") == opening, name="c8")
    model.add_constraints(w - w.shift(t=1) - v + z.sum("s") == 0, mask=has_lane, name="c9")
    model.add_constraints(w.sum("m") <= xr.DataArray([c.V for c in instance.centres], coords=[n, T]), name="c11")
    model.add_constraints(v - ship * p <= 0, mask=has_lane, name="c12")
    model.add_constraints(z - D * q <= 0, mask=has_route, name="c13")
    model.add_constraints(z.sum("n") >= D, mask=wanted > 0, name="c14")
    mined = (of_cutoffs("c") * x).sum() + (of_cutoffs("K") * d).sum() + (of_mines("pc") * y).sum()
    shipped = (of_lanes("f") * v).sum() + (of_lanes("F") * p).sum() + (of_lanes("g") * w).sum()
    brought = (of_user_lanes("e") * z).sum() + (of_user_lanes("G") * q).sum() + (of_mines("h") * u).sum()
    model.add_objective(mined + shipped + brought)
    return model


ROADS = (ours, pyomo_plain, pyomo_with_cuts, with_linopy)


def main() -> None:
    made = argparse.ArgumentParser(prog="python -m bench.build", description=__doc__.split("\n")[0])
    made.add_argument("--size", type=size_of, default=(100, 8, 40, 12), metavar="M-N-S-T")
    made.add_argument("--density", type=float, default=0.25)
    made.add_argument("--seeds", type=int, default=5, metavar="N", help="seeds 1 to N")
    asked = made.parse_args()
    warnings.simplefilter("ignore", linopy.LinopySemanticsWarning)
    laps: dict[str, list[Laps]] = {road.__name__: [] for road in ROADS}
    for seed in range(1, asked.seeds + 1):
        instance = generate(*asked.size, LOCATIONS, CUTOFFS, seed, density=asked.density)
        for road in ROADS:
            laps[road.__name__].append(road(instance))
        print(instance.name, *(f"{name} {found[-1][1]:.2f} s" for name, found in laps.items()), sep="; ", flush=True)
    print(f"{'':<18}{'build':>8}{'in HiGHS':>10}   in HiGHS over ours: median, least")
    for name, found in laps.items():
        ratios = [theirs[1] / own[1] for theirs, own in zip(found, laps["ours"], strict=True)]
        build, whole = (statistics.median(lap[k] for lap in found) for k in (0, 1))
        print(f"{name:<18}{build:>8.2f}{whole:>10.2f}   {statistics.median(ratios):.1f}, {min(ratios):.1f}")


if __name__ == "__main__":
    main()
