"""`python -m optimization experiment STUDY`: tables and figures in a folder; docs/how-to/run-the-experiments.md.

A study that was interrupted goes on where it was: what `solves.jsonl` has is not solved again.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimization.data import SolveOptions, SupplyChainInstance
from optimization.experiments import figures
from optimization.experiments.cases import (
    CASES,
    TABLE_1_SIZES,
    TABLE_2_SIZES,
    Size,
    instance_of,
    key_of,
    scaled,
)
from optimization.experiments.compare import price_of_robustness, replanning, silos, three_plans
from optimization.experiments.robustness import DRAWS, robustness
from optimization.experiments.sensitivity import sensitivity, tornado
from optimization.experiments.store import Row, Store, csv_of
from optimization.files import write_whole

SMALL = (Size.parse("1-1-1-2"), Size.parse("2-1-2-2"))
DEARER_MINING = 1.3


@dataclass(frozen=True, slots=True)
class Study:
    """What a study is run on."""

    sizes: tuple[Size, ...]
    cases: tuple[int, ...]
    seed: int
    draws: int
    options: SolveOptions
    store: Store


Made = tuple[list[Row], dict[str, figures.Figure]]


def register(commands: Any) -> None:
    """Add the subcommand to argparse's subparsers."""
    parser = commands.add_parser("experiment", help="robustness, sensitivity and comparisons; resumable")
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for solves, tables and figures")
    parser.add_argument(
        "--size",
        action="append",
        metavar="M-N-S-T",
        help="mines-centres-users-periods, table-1 or table-2; repeatable",
    )
    parser.add_argument("--cases", default="1,2", help=f"which of the cases 1 to {len(CASES)} (default 1,2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"disturbances a case (default {DRAWS})")
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--time-limit", type=float, default=20.0, metavar="S", help="seconds a solve (default 20)")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    sizes, cases = _sizes(arguments.size), _cases(arguments.cases)
    options = SolveOptions(gap=arguments.gap, time_limit_s=arguments.time_limit)
    if arguments.draws < 1:
        raise ValueError(f"--draws is {arguments.draws}: give 1 or more")
    folder: Path = arguments.output
    folder.mkdir(parents=True, exist_ok=True)
    study = Study(sizes, cases, arguments.seed, arguments.draws, options, Store(folder / "solves.jsonl"))
    rows, drawn = STUDIES[arguments.study](study)
    write_whole(folder / f"{arguments.study}.csv", csv_of(rows))
    write_whole(folder / f"{arguments.study}.json", _json(rows))
    for name, figure in drawn.items():
        write_whole(folder / f"{arguments.study}-{name}.figure.json", _json(figure))
    sys.stdout.write(csv_of(rows))
    return 0


def _json(value: object) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _sizes(given: Sequence[str] | None) -> tuple[Size, ...]:
    tables = {"table-1": TABLE_1_SIZES, "table-2": TABLE_2_SIZES}
    if given is None:
        return SMALL
    return tuple(size for text in given for size in (tables[text] if text in tables else (Size.parse(text),)))


def _cases(text: str) -> tuple[int, ...]:
    known = {str(k) for k in range(1, len(CASES) + 1)}
    if wrong := [part for part in text.split(",") if part not in known]:
        raise ValueError(f"case {wrong[0]!r}: give numbers from 1 to {len(CASES)}, such as 1,2,3")
    return tuple(map(int, text.split(",")))


# The studies ---------------------------------------------------------------------------------------------------------


def _robustness(study: Study) -> Made:
    rows = robustness(study.sizes, study.cases, study.seed, study.options, study.store, study.draws)
    return rows, {way: figures.boxes([r for r in rows if r["meaning"] == way]) for way in ("replan", "keep")}


def _sensitivity(study: Study) -> Made:
    rows = sensitivity(study.sizes, study.cases, study.seed, study.options, study.store)
    return rows, {str(size): figures.lines([r for r in rows if r["size"] == str(size)]) for size in study.sizes}


def _tornado(study: Study) -> Made:
    def of_case(size: Size, case: int) -> list[Row]:
        return tornado(size, case, study.seed, study.options, study.store)

    return _each(study, of_case, figures.tornado_bars)


def _ways(study: Study) -> Made:
    return _whole(study, "ways", lambda i: three_plans(i, study.seed, study.options), _cost_bars)


def _protection(study: Study) -> Made:
    def over_budgets(instance: SupplyChainInstance) -> list[Row]:
        most = max(len(mine.locations) for mine in instance.mines)
        budgets = [half / 2 for half in range(2 * most + 1)]
        return price_of_robustness(instance, budgets, study.seed, study.options)

    return _whole(study, "protection", over_budgets, figures.protection)


def _silos(study: Study) -> Made:
    return _whole(study, "silos", lambda i: silos(i, study.options), _cost_bars)


def _replanning(study: Study) -> Made:
    def dearer(instance: SupplyChainInstance) -> list[Row]:
        return replanning(instance, scaled(instance, "c", DEARER_MINING), study.options)

    return _whole(study, "replanning", dearer, _cost_bars)


STUDIES: dict[str, Callable[[Study], Made]] = {
    "robustness": _robustness,
    "sensitivity": _sensitivity,
    "tornado": _tornado,
    "ways": _ways,
    "protection": _protection,
    "silos": _silos,
    "replanning": _replanning,
}


def _cost_bars(rows: Sequence[Row]) -> figures.Figure:
    return figures.bars(rows, "Cost of each way to plan")


def _whole(
    study: Study,
    name: str,
    make: Callable[[SupplyChainInstance], list[Row]],
    figure: Callable[[Sequence[Row]], figures.Figure],
) -> Made:
    """Studies of a few solves that belong together: stored as one."""

    def of_case(size: Size, case: int) -> list[Row]:
        key = key_of(size, case, study.seed, study.options, study=name)
        rows: list[Row] = study.store.once(key, lambda: {"rows": make(instance_of(size, case, study.seed))})["rows"]
        return rows

    return _each(study, of_case, figure)


def _each(
    study: Study,
    of_case: Callable[[Size, int], list[Row]],
    figure: Callable[[Sequence[Row]], figures.Figure],
) -> Made:
    made = {(size, case): of_case(size, case) for size in study.sizes for case in study.cases}
    named = {f"{size}-case-{case}": figure(rows) for (size, case), rows in made.items()}
    return [{"size": str(size), "case": case, **row} for (size, case), rows in made.items() for row in rows], named
