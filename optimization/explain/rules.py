"""How close a plan is to every rule, where and when; and what one more unit of a limit would be worth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import pyomo.environ as pyo

from optimization.checker_grade import worst_case_grade_t
from optimization.data import Mine, Plan, SupplyChainInstance
from optimization.explain.named_rules import (
    AT_LEAST,
    DELIVERY,
    DEMAND,
    GRADE,
    UNIT,
    named_rules,
    of_plan,
    ruled_program,
)

BINDING = 1e-6
ONE_CUTOFF = "(7) one cut-off a location"
MarginalValues = Callable[[pyo.ConcreteModel], list[float] | None]
Key = tuple[str, tuple[str, ...], str]


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule at a place in a period. `slack` is how far `used` may still move, in `unit`; 0 when binding.

    `marginal_usd_per_unit` is what one more unit of the limit adds to the cost, with the yes-or-no decisions as they
    are: below 0 it saves. None when not asked for, or for rules that are no limit to be moved.
    """

    rule: str
    place: tuple[str, ...]
    period: str
    used: float
    limit: float
    slack: float
    unit: str
    marginal_usd_per_unit: float | None = None

    @property
    def is_binding(self) -> bool:
        return self.slack <= BINDING * max(1.0, abs(self.limit))

    def to_document(self) -> dict[str, Any]:
        return asdict(self) | {"is_binding": self.is_binding}


def rules_of_plan(
    instance: SupplyChainInstance, plan: Plan, marginal_values: MarginalValues | None = None
) -> tuple[Rule, ...]:
    """(2) to (14) with their slack, binding ones first and the most valuable of them first.

    With `marginal_values` (the solver's door) also what each limit is worth. The balances (5), (8), (9) have no slack
    and are left out, as are cut-offs and shipments that do not run.
    """
    worth = {} if marginal_values is None else _marginals(instance, plan, marginal_values)
    values = [*_limits(instance, plan), *_grades(instance, plan), *_choices(instance, plan)]
    rules = [_rule(key, used, limit, worth.get(key)) for key, used, limit in values]
    return tuple(sorted(rules, key=lambda r: (not r.is_binding, -abs(r.marginal_usd_per_unit or 0.0))))


def rules_words(rules: tuple[Rule, ...], most: int = 10) -> tuple[str, ...]:
    """The binding rules that have a value, or all binding ones where no values were asked for."""
    binding = [r for r in rules if r.is_binding and r.marginal_usd_per_unit != 0 and r.rule != ONE_CUTOFF]
    told = [_words(rule) for rule in binding[:most]]
    return (*told, f"and {len(binding) - most} more") if len(binding) > most else tuple(told)


def _words(rule: Rule) -> str:
    where = f"{rule.rule} binds at {', '.join(rule.place)} in {rule.period}: {rule.limit:,.1f} {rule.unit}"
    worth = rule.marginal_usd_per_unit
    if worth is None:
        return where
    return f"{where}; one more {'saves' if worth < 0 else 'costs'} {abs(worth):,.2f} $"


def _rule(key: Key, used: float, limit: float, worth: float | None) -> Rule:
    slack = used - limit if key[0] in AT_LEAST else limit - used
    return Rule(*key, used=used, limit=limit, slack=slack, unit=UNIT.get(key[0], "t"), marginal_usd_per_unit=worth)


def _limits(instance: SupplyChainInstance, plan: Plan) -> list[tuple[Key, float, float]]:
    return [
        ((r.rule, r.place, instance.periods[r.t]), float(r.used), r.limit)
        for r in named_rules(instance, of_plan(instance, plan))
        if r.used > 0 or r.rule in AT_LEAST
    ]


def _grades(instance: SupplyChainInstance, plan: Plan) -> list[tuple[Key, float, float]]:
    return [
        row
        for mine in instance.mines
        for t, period in enumerate(instance.periods)
        if (ore := plan.y.get((mine.name, period), 0.0)) > 0
        for row in _blend(instance, plan, mine, t, ore)
    ]


def _blend(
    instance: SupplyChainInstance, plan: Plan, mine: Mine, t: int, ore: float
) -> Iterator[tuple[Key, float, float]]:
    """Useful ore that the blend needs and what the worst case of the grades leaves; then the further elements."""
    period = instance.periods[t]
    cutoffs = [(i.name, j.name) for i in mine.locations for j in i.cutoffs]
    x = {(i, j): plan.x.get((mine.name, i, j, period), 0.0) for i, j in cutoffs}
    yield (GRADE, (mine.name,), period), mine.alpha * ore, worst_case_grade_t(instance, mine, t, x)
    for element in mine.elements:
        key, worst = (GRADE, (mine.name, element.name), period), worst_case_grade_t(instance, mine, t, x, element)
        if element.least is not None:
            yield key, element.least * ore, worst
        if element.most is not None:
            yield key, worst, element.most * ore


def _choices(instance: SupplyChainInstance, plan: Plan) -> list[tuple[Key, float, float]]:
    open_at: dict[Key, float] = {}
    for (m, i, _, period), value in plan.d.items():
        key = (ONE_CUTOFF, (m, i), period)
        open_at[key] = open_at.get(key, 0.0) + value
    return [(key, count, 1.0) for key, count in open_at.items()]


def _marginals(instance: SupplyChainInstance, plan: Plan, marginal_values: MarginalValues) -> dict[Key, float]:
    ruled = ruled_program(instance)
    for name in ("d", "p", "q"):
        for key, variable in getattr(ruled.program, name).items():
            variable.set_value(round(getattr(plan, name).get((*key[:-1], instance.periods[key[-1]]), 0.0)))
    duals = marginal_values(ruled.program)
    if duals is None:
        return {}
    rows = ruled.program.component_data_objects(pyo.Constraint, active=True)
    dual_of = {id(row): dual for row, dual in zip(rows, duals, strict=True)}
    worth: dict[Key, float] = {}
    for k, rule in enumerate(ruled.rules):
        is_grade = rule.rule == GRADE
        dual = dual_of[id(rule.used)] if is_grade else dual_of[id(ruled.program.named[k])]
        # Wanting a tonne more moves two limits: the demand, and the most that may be delivered.
        name, place = (DEMAND, (rule.place[0], rule.place[2])) if rule.rule == DELIVERY else (rule.rule, rule.place)
        key = (name, place, instance.periods[rule.t])
        worth[key] = worth.get(key, 0.0) + (-abs(dual) if is_grade else dual)
    return worth
