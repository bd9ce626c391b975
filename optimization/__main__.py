"""The planner without a server: `python -m optimization --help`, and docs/how-to/plan-headless.md.

Exit codes: 0 plan written or valid, 1 plan rejected by the checker or solver failure, 2 infeasible with the reasons as
JSON on stdout, 3 time over or stopped without a plan, 4 bad input, named with its path on stderr.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from optimization.checker import CheckResult, check_plan
from optimization.data import (
    InstanceError,
    SolveOptions,
    SolveProgress,
    SolveResult,
    SupplyChainInstance,
    Termination,
)
from optimization.documents import document_from_file
from optimization.experiments import command as experiment_command
from optimization.explain import command as explain_command
from optimization.files import write_whole
from optimization.generator import generate, read_grade_tonnage
from optimization.instance_builder import build_instance, build_plan
from optimization.solver import solve
from optimization.uncertainty.command import add_arguments, answer
from optimization.workbook import command as workbook_command

SOLVED, REJECTED, INFEASIBLE, NO_PLAN, BAD_INPUT = range(5)
SIZES = ("mines", "centres", "users", "periods", "locations", "cutoffs")


class _Parser(argparse.ArgumentParser):
    """argparse ends with 2, which here means infeasible."""

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(BAD_INPUT, f"{self.prog}: {message}\n")


def main(argv: Sequence[str] | None = None) -> int:
    arguments = _parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except InstanceError as error:
        for problem in error.problems:
            _tell(f"{problem.path or '/'}: {problem.message}")
    except OSError as error:
        _tell(f"{error.filename}: {error.strerror}")
    except UnicodeDecodeError as error:
        _tell(f"the input is not UTF-8 text: {error.reason} at byte {error.start}")
    except ValueError as error:
        _tell(str(error))
    return BAD_INPUT


def _parser() -> _Parser:
    parser = _Parser(prog="python -m optimization", description="Robust mine supply-chain plans, without a server.")
    commands = parser.add_subparsers(required=True, parser_class=_Parser)
    solving = commands.add_parser("solve", help="plan an instance")
    solving.add_argument("instance", type=Path)
    solving.add_argument("--gap", type=float, default=0.01, help="relative gap, a fraction (default 0.01)")
    solving.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds (default 60)")
    solving.add_argument("--threads", type=int, default=1)
    solving.add_argument("--seed", type=int, default=0)
    solving.add_argument("--output", type=Path, help="file for the plan (default: stdout)")
    solving.set_defaults(run=_solve)
    generating = commands.add_parser("generate", help="make a seeded instance")
    for size in (*SIZES, "seed"):
        generating.add_argument(f"--{size}", type=int, required=True)
    generating.add_argument("--grade-tonnage", type=Path, metavar="CSV", help="cut-off options from this table")
    generating.add_argument("--deposit", metavar="SITE[:COMMODITY]", help="which deposit of the table")
    generating.add_argument("--output", type=Path, help="file for the instance (default: stdout)")
    generating.set_defaults(run=_generate)
    checking = commands.add_parser("check", help="verify a plan against its instance, independently of the solver")
    checking.add_argument("instance", type=Path)
    checking.add_argument("plan", type=Path)
    checking.set_defaults(run=_check)
    explain_command.register(commands)
    experiment_command.register(commands)
    workbook_command.register(commands)
    fitting = commands.add_parser("fit", help="samples to an uncertainty set, or test a set with new samples")
    add_arguments(fitting)
    fitting.set_defaults(run=_fit)
    return parser


def _solve(arguments: argparse.Namespace) -> int:
    options = SolveOptions(arguments.gap, arguments.time_limit, arguments.threads, arguments.seed)
    _require_writable(arguments.output)
    instance = _read_instance(arguments.instance)
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda received, _: stopping.append(received))
    result = solve(instance, options, on_progress=_tell_progress, should_stop=lambda: bool(stopping))
    _tell(_summary(result))
    if result.plan is None:
        return _without_plan(result)
    check = check_plan(instance, result.plan, objective_usd=result.report.objective_usd)
    if not check.is_valid:
        _tell(f"the checker rejects the plan, nothing is written: {check.violations[:5]}")
        return REJECTED
    _write(arguments.output, _plan_document(instance, result, check))
    return SOLVED


def _without_plan(result: SolveResult) -> int:
    if result.report.termination is Termination.INFEASIBLE:
        _write(None, {"termination": "infeasible", "explanation": result.report.explanation})
        return INFEASIBLE
    return REJECTED if result.report.termination is Termination.FAILED else NO_PLAN


def _plan_document(instance: SupplyChainInstance, result: SolveResult, check: CheckResult) -> dict[str, Any]:
    assert result.plan is not None
    return {
        "format": "cloudmining.plan/1",
        "instance": instance.name,
        "report": result.report.to_document(),
        "cost_terms_usd": check.cost_terms_usd,
        "plan": result.plan.to_document(),
    }


def _generate(arguments: argparse.Namespace) -> int:
    if (arguments.grade_tonnage is None) != (arguments.deposit is None):
        raise ValueError("give --grade-tonnage and --deposit together")
    _require_writable(arguments.output)
    table = read_grade_tonnage(arguments.grade_tonnage, arguments.deposit) if arguments.deposit else None
    size: dict[str, int] = {f"n_{name}": getattr(arguments, name) for name in SIZES}
    instance = generate(**size, seed=arguments.seed, grade_tonnage=table)
    _write(arguments.output, instance.to_document(short=True))
    return SOLVED


def _check(arguments: argparse.Namespace) -> int:
    instance = _read_instance(arguments.instance)
    document = document_from_file(arguments.plan)
    plan = build_plan(document)
    report = document.get("report", {})
    stated = report.get("objective_usd") if isinstance(report, dict) else None
    check = check_plan(instance, plan, objective_usd=stated if isinstance(stated, int | float) else None)
    _write(None, check.to_document())
    return SOLVED if check.is_valid else REJECTED


def _fit(arguments: argparse.Namespace) -> int:
    _require_writable(arguments.output)
    document, words, code = answer(arguments)
    for line in words:
        _tell(line)
    _write(arguments.output, document)
    return code


def _read_instance(path: Path) -> SupplyChainInstance:
    return build_instance(document_from_file(path))


def _require_writable(path: Path | None) -> None:
    """Before an hour of solving, not after it."""
    if path is not None and (path.is_dir() or not os.access(path.parent, os.W_OK)):
        raise ValueError(f"can't write {path}: give a file in an existing folder you may write to")


def _write(path: Path | None, document: dict[str, Any]) -> None:
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if path is None:
        sys.stdout.write(text)
    else:
        write_whole(path, text)


def _tell_progress(progress: SolveProgress) -> None:
    incumbent = "none" if progress.incumbent_usd is None else f"{progress.incumbent_usd:,.0f} $"
    gap = "" if progress.relative_gap is None else f"  gap {progress.relative_gap:.2%}"
    _tell(f"{progress.elapsed_s:6.1f} s  plan {incumbent}  bound {progress.dual_bound_usd:,.0f} ${gap}")


def _summary(result: SolveResult) -> str:
    report = result.report
    gap = "" if report.relative_gap is None else f", {report.objective_usd:,.0f} $, gap {report.relative_gap:.2%}"
    return f"{report.termination}{gap}, {report.elapsed_s:.1f} s, {report.solver}"


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
