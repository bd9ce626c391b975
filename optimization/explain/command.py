"""`python -m optimization explain`: words on stdout, or everything as JSON. See docs/how-to/explain-a-plan.md."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from optimization.checker import check_plan
from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.documents import document_from_file
from optimization.explain.difference import difference, difference_words
from optimization.explain.elastic import diagnose, diagnosis_words
from optimization.explain.mine_test import explain_infeasibility
from optimization.explain.rules import rules_of_plan, rules_words
from optimization.explain.waterfall import cost_waterfall, waterfall_words
from optimization.instance_builder import build_instance, build_plan
from optimization.solver import marginal_values, minimise

DIAGNOSED = "no demand must be short and no rule be moved: a plan exists"


def register(commands: Any) -> None:
    """Add the subcommand to argparse's subparsers."""
    parser = commands.add_parser("explain", help="what a plan costs and why, what changed, or why there is none")
    parser.add_argument("instance", type=Path)
    parser.add_argument("plan", type=Path, nargs="?", help="without it: how few tonnes are short, cheapest repair")
    parser.add_argument("--than", type=Path, nargs=2, metavar=("INSTANCE", "PLAN"), help="compare with an older plan")
    parser.add_argument("--time-limit", type=float, default=20.0, metavar="S", help="seconds (default 20)")
    parser.add_argument("--json", action="store_true", help="all data instead of words")
    parser.set_defaults(run=_explain)


def _explain(arguments: argparse.Namespace) -> int:
    instance = _instance(arguments.instance)
    if arguments.plan is None:
        words, document = _shortage(instance, arguments.time_limit)
    else:
        words, document = _plan(instance, _fitting_plan(instance, arguments.plan))
    if arguments.than:
        older = _instance(arguments.than[0])
        plans = _fitting_plan(older, arguments.than[1]), _fitting_plan(instance, arguments.plan)
        found = difference(older, plans[0], instance, plans[1])
        words, document = difference_words(found), document | {"difference": found.to_document()}
    print(json.dumps(document, indent=1, ensure_ascii=False) if arguments.json else "\n".join(words))
    return 0


def _shortage(instance: SupplyChainInstance, limit_s: float) -> tuple[tuple[str, ...], dict[str, Any]]:
    proofs = explain_infeasibility(instance)
    diagnosis = diagnose(instance, minimise, SolveOptions(time_limit_s=limit_s))
    words = (*proofs, *diagnosis_words(diagnosis)) or (DIAGNOSED,)
    return words, {"proofs": proofs, "diagnosis": asdict(diagnosis), "words": words}


def _plan(instance: SupplyChainInstance, plan: Plan) -> tuple[tuple[str, ...], dict[str, Any]]:
    waterfall = cost_waterfall(instance, plan)
    rules = rules_of_plan(instance, plan, marginal_values)
    words = (*waterfall_words(waterfall), *rules_words(rules))
    return words, {"cost": waterfall.to_document(), "rules": [r.to_document() for r in rules], "words": words}


def _instance(path: Path) -> SupplyChainInstance:
    return build_instance(document_from_file(path))


def _fitting_plan(instance: SupplyChainInstance, path: Path | None) -> Plan:
    if path is None:
        raise ValueError("give the plan after the instance: there is nothing to compare with --than")
    plan = build_plan(document_from_file(path))
    check = check_plan(instance, plan)
    if check.cost_usd is None:
        first = check.violations[0]
        raise ValueError(f"{path}: {first.constraint}: {', '.join(first.indices)}: give the plan's own instance")
    return plan
