"""The judge: a good plan passes, and every constraint broken in turn is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

import pytest

from optimization import checker
from optimization.checker import check_plan
from optimization.data import BoxSet, Plan, SolveOptions, SupplyChainInstance
from optimization.generator import generate
from optimization.solver import solve

INSTANCE = generate(2, 2, 2, 2, 2, 2, seed=4)
Case = tuple[SupplyChainInstance, Plan]


@pytest.fixture(scope="module")
def plan() -> Plan:
    result = solve(INSTANCE, SolveOptions(gap=0.005, time_limit_s=20))
    assert result.plan is not None
    return result.plan


def first(plan: Plan, variable: str) -> tuple[str, ...]:
    return next(iter(getattr(plan, variable)))


def moved(plan: Plan, variable: str, change: Callable[[float], float]) -> Plan:
    flow, key = dict(getattr(plan, variable)), first(plan, variable)
    flow[key] = change(flow[key])
    return replace(plan, **{variable: flow})


def without(plan: Plan, variable: str) -> Plan:
    flow = dict(getattr(plan, variable))
    flow.pop(first(plan, variable))
    return replace(plan, **{variable: flow})


def with_mines(**fields: Callable[[Any], Any]) -> SupplyChainInstance:
    mines = tuple(replace(m, **{k: change(getattr(m, k)) for k, change in fields.items()}) for m in INSTANCE.mines)
    return replace(INSTANCE, mines=mines)


def halved(values: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(value / 2 for value in values)


def both_cutoffs(plan: Plan) -> Plan:
    m, i, _, t = first(plan, "d")
    cutoffs = [j for mine, location, j in INSTANCE.cutoff_by_key if (mine, location) == (m, i)]
    return replace(plan, d={**plan.d, **{(m, i, j, t): 1.0 for j in cutoffs}})


def with_closing_stock(plan: Plan) -> SupplyChainInstance:
    wanted = 1.0 + max(plan.w.values(), default=0.0)
    return replace(INSTANCE, mill_lanes=tuple(replace(lane, w_end=wanted) for lane in INSTANCE.mill_lanes))


def stocked_over_room(plan: Plan) -> Case:
    m, n, t = next(iter(plan.v))
    return INSTANCE, replace(plan, w={**plan.w, (m, n, t): 2 * INSTANCE.centre_by_name[n].V[0]})


MUTANTS: dict[str, Callable[[Plan], Case]] = {
    "(2) mining ability": lambda plan: (with_mines(P=halved), plan),
    "(3) processing ability": lambda plan: (with_mines(Q=lambda q: tuple(v / 4 for v in q)), plan),
    "(4) blended grade, worst case": lambda plan: (replace(INSTANCE, uncertainty=BoxSet()), plan),
    "(5) all ore is blended": lambda plan: (INSTANCE, moved(plan, "y", lambda y: 0.99 * y)),
    "(6) ore of an open location": lambda plan: (INSTANCE, without(plan, "d")),
    "(7) one cut-off a location": lambda plan: (INSTANCE, both_cutoffs(plan)),
    "(8) stock at the mill": lambda plan: (INSTANCE, moved(plan, "u", lambda u: u + 1)),
    "(9) stock at the centre": lambda plan: (INSTANCE, moved(plan, "v", lambda v: v - 1)),
    "(10) least stock at the mill": lambda plan: (with_mines(Umin=lambda low: tuple(v + 1e4 for v in low)), plan),
    "(10) largest stock at the mill": lambda plan: (with_mines(Umax=lambda high: tuple(v / 100 for v in high)), plan),
    "(11) room at the centre": stocked_over_room,
    "(12) shipment to the centre": lambda plan: (INSTANCE, without(plan, "p")),
    "(13) delivery to the user": lambda plan: (INSTANCE, without(plan, "q")),
    "(14) demand": lambda plan: (INSTANCE, moved(plan, "z", lambda z: 0.9 * z)),
    "(9) closing stock at the centre": lambda plan: (with_closing_stock(plan), plan),
    "(15) x is not negative": lambda plan: (INSTANCE, moved(plan, "x", lambda _: -1.0)),
    "(15) u is not negative": lambda plan: (INSTANCE, moved(plan, "u", lambda _: -1.0)),
    "(15) y is not negative": lambda plan: (INSTANCE, moved(plan, "y", lambda _: -1.0)),
    "(15) v is not negative": lambda plan: (INSTANCE, moved(plan, "v", lambda _: -1.0)),
    "(15) z is not negative": lambda plan: (INSTANCE, moved(plan, "z", lambda _: -1.0)),
    "(15) w is not negative": lambda plan: (INSTANCE, replace(plan, w={(*next(iter(plan.v)),): -1.0})),
    "(16) d is 0 or 1": lambda plan: (INSTANCE, moved(plan, "d", lambda _: 0.5)),
    "(16) p is 0 or 1": lambda plan: (INSTANCE, moved(plan, "p", lambda _: 0.999)),
    "(16) q is 0 or 1": lambda plan: (INSTANCE, moved(plan, "q", lambda _: 2.0)),
}


def test_good_plan_passes_and_its_cost_is_the_sum_of_its_terms(plan: Plan) -> None:
    result = check_plan(INSTANCE, plan)
    assert result.violations == ()
    assert result.cost_usd == pytest.approx(sum(result.cost_terms_usd.values()), abs=0.005)


@pytest.mark.parametrize("constraint", MUTANTS)
def test_broken_constraint_is_named(constraint: str, plan: Plan) -> None:
    result = check_plan(*MUTANTS[constraint](plan))
    assert constraint in {violation.constraint for violation in result.violations}
    assert all(violation.amount > violation.tolerance for violation in result.violations)


def test_every_constraint_that_the_judge_knows_is_broken_above(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a tolerance below any amount every row of the judge is told."""
    monkeypatch.setattr(checker, "RELATIVE_TOLERANCE", -1e30)
    monkeypatch.setattr(checker, "INTEGRALITY_TOLERANCE", -1.0)
    full = replace(plan, w={next(iter(plan.v)): 0.0, **plan.w})
    assert {violation.constraint for violation in check_plan(INSTANCE, full).violations} == set(MUTANTS)


@pytest.mark.parametrize("variable", [f.name for f in fields(Plan)])
def test_row_of_a_plan_that_the_instance_does_not_have_is_named(variable: str, plan: Plan) -> None:
    key = first(plan, variable if getattr(plan, variable) else "v")
    for strange in (("nowhere", *key[1:]), (*key[:-1], "never"), key[1:]):
        (violation,) = check_plan(INSTANCE, replace(plan, **{variable: {strange: 1.0}})).violations
        assert (violation.constraint, violation.indices) == (f"{variable}: not in the instance", strange)


def test_stated_cost_that_differs_by_a_dollar_is_named(plan: Plan) -> None:
    cost = check_plan(INSTANCE, plan).cost_usd
    assert cost is not None
    assert check_plan(INSTANCE, plan, objective_usd=cost).is_valid
    (violation,) = check_plan(INSTANCE, plan, objective_usd=cost + 100).violations
    assert violation.constraint == "(1) cost" and violation.amount == pytest.approx(100)


def test_not_a_number_is_never_a_valid_plan(plan: Plan) -> None:
    for variable in ("x", "y", "u", "v", "z", "d", "p", "q"):
        broken = moved(plan, variable, lambda _: float("nan"))
        assert not check_plan(INSTANCE, broken).is_valid, variable


def test_empty_plan_fails_for_want_of_deliveries() -> None:
    named = {violation.constraint for violation in check_plan(INSTANCE, Plan()).violations}
    assert "(14) demand" in named
