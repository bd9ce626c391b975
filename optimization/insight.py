"""What explains the outcome of a solve: made once, by the worker that solved it, and kept beside it as a document."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from optimization.data import Plan, ShouldStop, SolveOptions, SolveResult, SupplyChainInstance, Termination
from optimization.explain.elastic import Diagnosis, diagnose, diagnosis_words
from optimization.explain.rules import Rule, rules_of_plan, rules_words
from optimization.explain.waterfall import cost_waterfall, waterfall_words
from optimization.solver import EXPLAIN_S, marginal_values, minimise

# Pairs of a lane or cut-off and a period; beyond, the programs of the explanation take longer to build than they tell.
MANY_TO_PRICE = 25_000
# Who gave a search less than this is told soonest by giving it more.
LEAST_S = 5.0
# The tightest of each kind are kept: thousands of rules of one kind hide the others.
MOST_OF_A_KIND = 60
MOST_MOVED = 500
NOTHING_SHORT = "no demand must be short and no rule be moved: a plan exists, and more time may find it"

Insight = dict[str, Any]


def insight_of(
    instance: SupplyChainInstance, options: SolveOptions, result: SolveResult, should_stop: ShouldStop
) -> Insight | None:
    """Cost and rules of a plan, or the shortage and its repair where there is none; None where neither is known.

    A wish to stop leaves out what takes long: marginal values, a diagnosis not yet made, rules by the ten thousand.
    """
    if result.plan is not None:
        return _of_plan(instance, result.plan, should_stop)
    words, found = list(result.report.explanation), result.diagnosis
    is_open = result.report.termination is Termination.NO_PLAN and options.time_limit_s >= LEAST_S
    if found is None and is_open and _is_small(instance):
        limit_s = min(EXPLAIN_S, options.time_limit_s)
        found = diagnose(instance, partial(minimise, should_stop=should_stop), replace(options, time_limit_s=limit_s))
        words += diagnosis_words(found) or [NOTHING_SHORT] if found.shortages is not None else []
    return None if found is None and not words else _document(words, diagnosis=found)


def _of_plan(instance: SupplyChainInstance, plan: Plan, should_stop: ShouldStop) -> Insight:
    waterfall, used = cost_waterfall(instance, plan), _in_use(instance, plan)
    is_small, is_wanted = _is_small(used), not should_stop()
    rules = (
        rules_of_plan(used, plan, marginal_values if is_small and is_wanted else None) if is_small or is_wanted else ()
    )
    words = [*waterfall_words(waterfall), *rules_words(rules)]
    return _document(words, cost=waterfall.to_document(), rules=rules)


def _in_use(instance: SupplyChainInstance, plan: Plan) -> SupplyChainInstance:
    """Without the lanes on which nothing runs or lies: they stay shut, so that no limit there is worth anything."""
    up = {key[:2] for flow in (plan.p, plan.w) for key, value in flow.items() if value > 0}
    down = {key[1:3] for key, value in plan.q.items() if value > 0}
    return replace(
        instance,
        mill_lanes=tuple(lane for lane in instance.mill_lanes if (lane.mine, lane.centre) in up or lane.w0 > 0),
        user_lanes=tuple(lane for lane in instance.user_lanes if (lane.centre, lane.user) in down),
    )


def _document(
    words: list[str],
    *,
    cost: dict[str, Any] | None = None,
    rules: tuple[Rule, ...] = (),
    diagnosis: Diagnosis | None = None,
) -> Insight:
    kept = list(_tightest(rules))
    left_out = Counter(rule.rule for rule in rules) - Counter(rule.rule for rule in kept)
    return {
        "words": words,
        "cost": cost,
        "rules": [rule.to_document() for rule in kept],
        "rules_left_out": dict(left_out),
        "diagnosis": None if diagnosis is None else _diagnosis(diagnosis),
    }


def _tightest(rules: tuple[Rule, ...]) -> Iterable[Rule]:
    """In the given order, which has those that bind first; of the others those with the smallest part of slack."""
    by_kind: defaultdict[str, list[Rule]] = defaultdict(list)
    for rule in rules:
        by_kind[rule.rule].append(rule)
    for kind in by_kind.values():
        binding = [rule for rule in kind if rule.is_binding]
        loose = sorted((rule for rule in kind if not rule.is_binding), key=_part_of_slack)
        yield from [*binding, *loose][:MOST_OF_A_KIND]


def _part_of_slack(rule: Rule) -> float:
    return rule.slack / max(abs(rule.limit), abs(rule.used))


def _diagnosis(found: Diagnosis) -> dict[str, Any]:
    """The largest shortages and the dearest repairs."""
    shortages = sorted(found.shortages or (), key=lambda shortage: -shortage.tonnes)
    repairs = sorted(found.repairs or (), key=lambda repair: -repair.usd)
    return {
        "shortages": None if found.shortages is None else [asdict(each) for each in shortages[:MOST_MOVED]],
        "repairs": None if found.repairs is None else [asdict(each) for each in repairs[:MOST_MOVED]],
        "tonnes_short": None if found.shortages is None else sum(each.tonnes for each in shortages),
        "repair_usd": None if found.repairs is None else sum(each.usd for each in repairs),
        "is_fewest": found.is_fewest,
        "is_cheapest": found.is_cheapest,
    }


def _is_small(instance: SupplyChainInstance) -> bool:
    lanes = len(instance.cutoff_by_key) + len(instance.mill_lanes) + len(instance.routes)
    return lanes * len(instance.periods) <= MANY_TO_PRICE
