"""`python -m optimization experiment STUDY`: tables and figures in a folder; docs/how-to/run-the-experiments.md.

A study that was interrupted goes on where it was: what `solves.jsonl` has is not solved again.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from optimization.data import SupplyChainInstance
from optimization.experiments.cases import CASES
from optimization.experiments.design import DRAWS
from optimization.experiments.ledger import Ledger, Rejected, Stopped, StudyProgress
from optimization.experiments.pages import write_figures
from optimization.experiments.request import Asked, read_study
from optimization.experiments.rows import rows_of
from optimization.experiments.store import Row, Store, csv_of
from optimization.experiments.studies import STUDIES, conclusions_of, figures_of, n_solves, subjects_of
from optimization.files import write_whole
from optimization.instance_builder import instance_from_json

DONE, REJECTED, UNFINISHED = 0, 1, 3
LONGEST_SOLVE_S = 86_400.0
TELL_EVERY_S = 5.0


def register(commands: Any) -> None:
    """Add the subcommand to argparse's subparsers."""
    parser = commands.add_parser("experiment", help="robustness, sensitivity and comparisons; resumable")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="for solves, tables and figures")
    parser.add_argument("--instance", type=Path, help="study this instance, in place of generated ones")
    parser.add_argument("--within", type=float, metavar="S", help="stop after so many seconds; a later run goes on")
    add_options(parser)
    parser.set_defaults(run=_run)


def add_options(parser: argparse.ArgumentParser) -> None:
    """What every study is asked with, here and in `manage.py experiment`."""
    parser.add_argument("study", choices=STUDIES)
    parser.add_argument(
        "--size",
        action="append",
        metavar="M-N-S-T",
        help="mines-centres-users-periods, table-1 or table-2; repeatable",
    )
    parser.add_argument("--cases", help=f"which of the cases 1 to {len(CASES)} (default 1,2)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--draws", type=int, default=DRAWS, help=f"disturbances a case (default {DRAWS})")
    parser.add_argument("--gap", type=float, default=0.01)
    parser.add_argument("--time-limit", type=float, default=20.0, metavar="S", help="seconds a solve (default 20)")
    parser.add_argument("--threads", type=int, default=1)


def _run(arguments: argparse.Namespace) -> int:
    kind: str = arguments.study
    folder: Path = arguments.output
    asked, own = (
        read_study(options_of(arguments), is_own=arguments.instance is not None, time_limit_s=LONGEST_SOLVE_S),
        None,
    )
    if arguments.instance is not None:
        own = instance_from_json(arguments.instance.read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    rows, ledger, code = _carried_out(kind, asked, own, Store(folder / "solves.jsonl"), stopping(arguments.within))
    write_results(folder, kind, rows)
    sys.stdout.write(csv_of(rows))
    for line in conclusions_of(kind, rows) if rows else ():
        _say(line)
    if code == UNFINISHED:
        _say(f"{ledger.done} of {ledger.of} solves are there: the same command goes on")
    return code


def _carried_out(
    kind: str, asked: Asked, own: SupplyChainInstance | None, store: Store, should_stop: Callable[[], bool]
) -> tuple[list[Row], Ledger, int]:
    subjects = subjects_of(asked, own)
    ledger = Ledger(store, of=n_solves(kind, asked, subjects), on_progress=Teller(), should_stop=should_stop)
    rows: list[Row] = []
    try:
        for row in rows_of(kind, asked, subjects, ledger):
            rows.append(row)
    except Stopped:
        return rows, ledger, UNFINISHED
    except Rejected as error:
        _say(str(error))
        return rows, ledger, REJECTED
    return rows, ledger, DONE


def options_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """As a request has them; a word that is no number is told by the reader of requests."""
    given = {"seed": arguments.seed, "draws": arguments.draws, "gap": arguments.gap, "threads": arguments.threads}
    given["time_limit_s"] = arguments.time_limit
    if arguments.size is not None:
        given["sizes"] = arguments.size
    if arguments.cases is not None:
        given["cases"] = [int(word) if word.isdecimal() else word for word in arguments.cases.split(",")]
    return given


def stopping(within_s: float | None = None) -> Callable[[], bool]:
    """True after so many seconds, or once the process was asked to end."""
    asked: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: asked.append(received))
    deadline = float("inf") if within_s is None else time.monotonic() + within_s
    return lambda: bool(asked) or time.monotonic() > deadline


def write_results(folder: Path, kind: str, rows: list[Row]) -> None:
    """STUDY.csv, STUDY.json and the figures, each whole or not at all."""
    write_whole(folder / f"{kind}.csv", csv_of(rows))
    write_whole(folder / f"{kind}.json", json.dumps(rows, indent=1, ensure_ascii=False, allow_nan=False) + "\n")
    write_figures(folder, kind, figures_of(kind, rows) if rows else {})


class Teller:
    """Progress on stderr: each new solve, and every few seconds of a long one."""

    def __init__(self) -> None:
        self._stage, self._told_s = "", 0.0

    def __call__(self, progress: StudyProgress) -> None:
        now = time.monotonic()
        if progress.stage == self._stage and now - self._told_s < TELL_EVERY_S:
            return
        self._stage, self._told_s = progress.stage, now
        gap = "" if progress.relative_gap is None else f", gap {progress.relative_gap:.2%}"
        _say(f"{progress.elapsed_s:7.1f} s  {progress.done} of {progress.of}  {progress.stage}{gap}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
