"""Slack and worth of the named rules: against the hand-made plan and against solving again with a little more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from optimization.data import Plan, SolveOptions, SupplyChainInstance
from optimization.explain.named_rules import DEMAND, GRADE, LANE, MINING, ROOM, ruled_program
from optimization.explain.rules import Rule, rules_of_plan, rules_words
from optimization.generator import generate
from optimization.instance_builder import build_instance
from optimization.solver import marginal_values, minimise, solve
from tests.unit.optimization import tiny

EXACT = SolveOptions(gap=0.0, time_limit_s=30)


def planned(instance: SupplyChainInstance) -> Plan:
    plan = solve(instance, EXACT).plan
    assert plan is not None
    return plan


def found(rules: tuple[Rule, ...], name: str, period: str) -> Rule:
    return next(r for r in rules if r.rule == name and r.period == period)


def test_rules_of_the_plan_made_by_hand_have_the_slack_computed_by_hand() -> None:
    """Week 1: 80 t of ore of 100, 20 t in stock of 50, 40 t on a lane of 50; the blend is just at its least grade."""
    instance = tiny.instance()
    rules = rules_of_plan(instance, planned(instance))
    slacks = {name: found(rules, name, "week 1").slack for name in (MINING, ROOM, LANE, GRADE, DEMAND)}
    assert slacks == pytest.approx({MINING: 20, ROOM: 30, LANE: 10, GRADE: 0, DEMAND: 0}, abs=1e-6)
    assert [r.is_binding for r in rules] == sorted((r.is_binding for r in rules), reverse=True)
    assert any("binds at Aurora North in week 1" in sentence for sentence in rules_words(rules))


def test_worth_of_the_limits_of_the_hand_made_plan() -> None:
    """A tonne more in week 2: 2 t of ore (2/3 A at 2 $, 4/3 B at 1 $), milling 2, lane 1, holding 0.2, delivery 1.

    A tonne of useful ore more: A = y - (0.4 y - useful)/0.3 … trades A for B at 1 $ each 0.3 t: 10/3 $.
    """
    instance = tiny.instance()
    rules = rules_of_plan(instance, planned(instance), marginal_values)
    assert found(rules, DEMAND, "week 2").marginal_usd_per_unit == pytest.approx(8 / 3 + 2 + 1 + 0.2 + 1)
    assert found(rules, DEMAND, "week 1").marginal_usd_per_unit == pytest.approx(8 / 3 + 2 + 1 + 1)
    assert found(rules, GRADE, "week 1").marginal_usd_per_unit == pytest.approx(-10 / 3)
    assert found(rules, MINING, "week 1").marginal_usd_per_unit == pytest.approx(0)
    assert any("one more costs 6.87 $" in sentence for sentence in rules_words(rules))


def test_further_elements_of_a_blend_are_rules_of_their_own() -> None:
    """P at most 7 %: A has 10 %, B 5 %, so at most 0.4 of A, above the third that the least grade asks for."""
    document = tiny.document(elements=[{"name": "P", "most": 0.07}])
    for location, grade in zip(document["mines"][0]["locations"], (0.10, 0.05), strict=True):
        location["cutoffs"][0]["grades"] = [{"element": "P", "gamma": grade}]
    instance = build_instance(document)
    rules = rules_of_plan(instance, planned(instance), marginal_values)
    rule = next(r for r in rules if r.place == ("Aurora North", "P"))
    assert (rule.used, rule.limit) == pytest.approx((80 / 3 * 0.10 + 160 / 3 * 0.05, 80 * 0.07))
    assert not rule.is_binding and rule.marginal_usd_per_unit == pytest.approx(0)


def cost_at(instance: SupplyChainInstance, plan: Plan) -> float:
    """The cheapest cost with the yes-or-no decisions of the plan."""
    ruled = ruled_program(instance)
    for name in ("d", "p", "q"):
        for key, variable in getattr(ruled.program, name).items():
            value = getattr(plan, name).get((*key[:-1], instance.periods[key[-1]]), 0.0)
            variable.setlb(value)
            variable.setub(value)
    report = minimise(ruled.program, EXACT)
    assert report.objective_usd is not None
    return report.objective_usd


def more_mining(instance: SupplyChainInstance, rule: Rule, by: float) -> SupplyChainInstance:
    t = instance.periods.index(rule.period)
    mines = [replace(m, P=tuple(p + by * (k == t) for k, p in enumerate(m.P))) for m in instance.mines]
    pairs = zip(instance.mines, mines, strict=True)
    return replace(instance, mines=tuple(new if old.name in rule.place else old for old, new in pairs))


def more_wanted(instance: SupplyChainInstance, rule: Rule, by: float) -> SupplyChainInstance:
    t = instance.periods.index(rule.period)
    return replace(
        instance,
        demands=tuple(
            replace(d, D=tuple(v + by * (k == t) for k, v in enumerate(d.D))) if (d.mine, d.user) == rule.place else d
            for d in instance.demands
        ),
    )


@pytest.mark.parametrize(("name", "more"), [(MINING, more_mining), (DEMAND, more_wanted)])
@pytest.mark.parametrize("seed", [1, 4])
def test_worth_lies_between_the_costs_of_a_little_less_and_a_little_more(
    name: str, more: Callable[[SupplyChainInstance, Rule, float], SupplyChainInstance], seed: int
) -> None:
    instance = generate(2, 2, 2, 2, 2, 2, seed)
    plan = planned(instance)
    rules = [r for r in rules_of_plan(instance, plan, marginal_values) if r.rule == name and r.is_binding][:3]
    assert rules, "nothing binds: the test would show nothing"
    for rule in rules:
        step = 1e-3 * rule.limit
        here = cost_at(instance, plan)
        gain = (cost_at(more(instance, rule, step), plan) - here) / step
        loss = (here - cost_at(more(instance, rule, -step), plan)) / step
        assert rule.marginal_usd_per_unit is not None
        assert loss - 0.01 <= rule.marginal_usd_per_unit <= gain + 0.01


def test_program_with_named_rows_has_the_optimum_of_the_program() -> None:
    instance = generate(1, 2, 2, 2, 2, 2, seed=3)
    named = minimise(ruled_program(instance).program, EXACT).objective_usd
    assert named == pytest.approx(solve(instance, EXACT).report.objective_usd, rel=1e-6)
