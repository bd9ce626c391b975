"""`python -m optimization workbook …`: instances and plans as Excel files. See docs/how-to/plan-with-a-workbook.md."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from optimization.checker import check_plan
from optimization.documents import document_from_file
from optimization.files import write_whole
from optimization.generator import generate
from optimization.instance_builder import build_instance, build_plan
from optimization.workbook import read_instance, template_bytes, workbook_bytes
from optimization.workbook.plan import plan_bytes

TEMPLATE_SIZES = {"mines": 2, "centres": 1, "users": 1, "periods": 4, "locations": 2, "cutoffs": 2}
DONE, REJECTED = 0, 1


def register(commands: Any) -> None:
    """Add `workbook` with its own commands to the subparsers of the command line, whose type argparse keeps private."""
    making = commands.add_parser("workbook", help="instances and plans as Excel files")
    kinds = making.add_subparsers(required=True, parser_class=type(making))
    template = kinds.add_parser("template", help="an empty workbook of the given size, to be filled in")
    for size, usual in TEMPLATE_SIZES.items():
        template.add_argument(f"--{size}", type=int, default=usual, help=f"default {usual}")
    template.set_defaults(run=_template)
    outward = kinds.add_parser("from-instance", help="an instance as a workbook")
    outward.add_argument("instance", type=Path)
    outward.set_defaults(run=_from_instance)
    inward = kinds.add_parser("to-instance", help="a filled workbook as an instance")
    inward.add_argument("workbook", type=Path)
    inward.set_defaults(run=_to_instance)
    plan = kinds.add_parser("plan", help="a plan as .xlsx, or its flows as .csv or .json")
    plan.add_argument("instance", type=Path)
    plan.add_argument("plan", type=Path)
    plan.set_defaults(run=_plan)
    for command in (template, outward, inward, plan):
        command.add_argument("--output", type=Path, required=True)


def _template(arguments: argparse.Namespace) -> int:
    _require_suffix(arguments.output, ".xlsx")
    sizes: dict[str, Any] = {f"n_{name}": getattr(arguments, name) for name in TEMPLATE_SIZES}
    write_whole(arguments.output, template_bytes(generate(**sizes, seed=0)))
    return DONE


def _from_instance(arguments: argparse.Namespace) -> int:
    _require_suffix(arguments.output, ".xlsx")
    instance = build_instance(document_from_file(arguments.instance))
    write_whole(arguments.output, workbook_bytes(instance))
    return DONE


def _to_instance(arguments: argparse.Namespace) -> int:
    _require_suffix(arguments.output, ".json")
    instance, options = read_instance(arguments.workbook)
    write_whole(arguments.output, f"{instance.to_json()}\n")
    asked = f"--gap {options.gap} --time-limit {options.time_limit_s:g} --threads {options.threads}"
    _tell(f"python -m optimization solve {arguments.output} {asked} --seed {options.seed} --output PLAN.json")
    return DONE


def _plan(arguments: argparse.Namespace) -> int:
    _require_suffix(arguments.output, ".xlsx", ".csv", ".json")
    instance = build_instance(document_from_file(arguments.instance))
    document = document_from_file(arguments.plan)
    plan = build_plan(document)
    report = document.get("report", {})
    stated = report.get("objective_usd") if isinstance(report, dict) else None
    check = check_plan(instance, plan, objective_usd=stated if isinstance(stated, int | float) else None)
    if not check.is_valid:
        _tell(f"the checker rejects the plan, nothing is written: {check.violations[:5]}")
        return REJECTED
    write_whole(arguments.output, plan_bytes(instance, plan, arguments.output.suffix))
    return DONE


def _require_suffix(path: Path, *allowed: str) -> None:
    if path.suffix not in allowed:
        raise ValueError(f"--output {path} must end in {' or '.join(allowed)}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
