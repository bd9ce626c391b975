"""The rules of docs/formulation.md that have a limit, by name and place: one definition for plans and for programs.

What a rule uses is written over values that may be the tonnes of a plan or the variables of a program.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pyomo.environ as pyo

from optimization.data import Mine, Plan, SupplyChainInstance
from optimization.formulation.program import build_program

MINING, MILLING, GRADE, ORE = "(2) mining ability", "(3) processing ability", "(4) blended grade", "(6) ore available"
LEAST_STOCK, LARGEST_STOCK = "(10) least stock at the mill", "(10) largest stock at the mill"
ROOM, LANE = "(11) room at the centre", "(12) transport ability"
CLOSING = "(9) closing stock at the centre"
DELIVERY, DEMAND = "(13) delivery to the user", "(14) demand"
AT_LEAST = frozenset({LEAST_STOCK, CLOSING, DEMAND})
UNIT = {MINING: "resource", MILLING: "t ore", GRADE: "t useful ore", ORE: "t ore"}

# A number of a plan, or a variable of a Pyomo program; the key's last part is the position of the period.
Value = Any
ValueAt = Callable[[str, tuple[Any, ...]], Value]


@dataclass(frozen=True, slots=True)
class NamedRule:
    """`used` is at most `limit`, or at least for the rules in AT_LEAST; `t` is the period's position."""

    rule: str
    place: tuple[str, ...]
    t: int
    used: Value
    limit: float

    @property
    def unit(self) -> str:
        return UNIT.get(self.rule, "t")


def named_rules(instance: SupplyChainInstance, at: ValueAt) -> Iterator[NamedRule]:
    """All limits but the robust one, (4), whose value needs the uncertainty set."""
    for t in range(len(instance.periods)):
        for mine in instance.mines:
            yield from _mine_rules(mine, t, at)
        for centre in instance.centres:
            stocks = [at("w", (m, centre.name, t)) for m in instance.mine_by_name]
            yield NamedRule(ROOM, (centre.name,), t, sum(stocks), centre.V[t])
        for (m, n), lane in instance.mill_lane_by_key.items():
            yield NamedRule(LANE, (m, n), t, at("v", (m, n, t)), lane.R[t])
            if lane.w_end and t == len(instance.periods) - 1:
                yield NamedRule(CLOSING, (m, n), t, at("w", (m, n, t)), lane.w_end)
        yield from _delivery_rules(instance, t, at)


def _mine_rules(mine: Mine, t: int, at: ValueAt) -> Iterator[NamedRule]:
    options = [(i.name, j) for i in mine.locations for j in i.cutoffs]
    used = sum(j.a[t] * at("x", (mine.name, i, j.name, t)) for i, j in options if j.a[t] > 0)
    yield NamedRule(MINING, (mine.name,), t, used, mine.P[t])
    yield NamedRule(MILLING, (mine.name,), t, at("y", (mine.name, t)), mine.Q[t])
    for i, j in options:
        yield NamedRule(ORE, (mine.name, i, j.name), t, at("x", (mine.name, i, j.name, t)), j.xmax[t])
    yield NamedRule(LEAST_STOCK, (mine.name,), t, at("u", (mine.name, t)), mine.Umin[t])
    yield NamedRule(LARGEST_STOCK, (mine.name,), t, at("u", (mine.name, t)), mine.Umax[t])


def _delivery_rules(instance: SupplyChainInstance, t: int, at: ValueAt) -> Iterator[NamedRule]:
    centres: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for m, n, s in instance.routes:
        centres[m, s].append(n)
    for demand in instance.demands:
        m, s, wanted = demand.mine, demand.user, demand.D[t]
        arriving = {n: at("z", (m, n, s, t)) for n in centres[m, s]}
        if wanted > 0:
            yield NamedRule(DEMAND, (m, s), t, sum(arriving.values()), wanted)
            for n, tonnes in arriving.items():
                yield NamedRule(DELIVERY, (m, n, s), t, tonnes, wanted)


def of_plan(instance: SupplyChainInstance, plan: Plan) -> ValueAt:
    def at(name: str, key: tuple[Any, ...]) -> float:
        return float(getattr(plan, name).get((*key[:-1], instance.periods[key[-1]]), 0.0))

    return at


def of_program(program: pyo.ConcreteModel) -> ValueAt:
    def at(name: str, key: tuple[Any, ...]) -> Value:
        variable = getattr(program, name)
        return variable[key] if key in variable else 0.0  # noqa: SIM401, an indexed variable has no get

    return at


# The program with its named limits as rows of their own ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RuledProgram:
    """A program whose limits are the rows `rules`, each with a slack that is 0 until its upper bound is lifted."""

    program: pyo.ConcreteModel
    rules: tuple[NamedRule, ...]


def ruled_program(instance: SupplyChainInstance) -> RuledProgram:
    """Built from the instance with room everywhere, so that no other row or bound says the same as a named one."""
    program = build_program(_roomy(instance), cuts=False)
    program.del_component(program.c14_demand)
    for stock in (*program.u.values(), *program.w.values()):
        stock.setlb(0.0)
    rules = [rule for rule in named_rules(instance, of_program(program)) if not isinstance(rule.used, int | float)]
    grades = [(key, row) for key, row in program.c4_blended_grade.items() if row.active]
    program.slack = pyo.Var(range(len(rules) + len(grades)), bounds=(0.0, 0.0))
    program.named = pyo.Constraint(range(len(rules)), rule=lambda program, k: _row(rules[k], program.slack[k]))
    for (key, row), slack in zip(grades, list(program.slack.values())[len(rules) :], strict=True):
        rules.append(NamedRule(GRADE, (key[0], *filter(None, key[2:])), key[1], row, 0.0))
        _soften(row, slack)
    return RuledProgram(program, tuple(rules))


def _row(rule: NamedRule, slack: pyo.Var) -> object:
    if rule.rule in AT_LEAST:
        return rule.used + slack >= rule.limit
    return rule.used - slack <= rule.limit


def _soften(row: pyo.Constraint, slack: pyo.Var) -> None:
    if row.upper is None:
        row.set_value(row.body + slack >= row.lower)
    else:
        row.set_value(row.body - slack <= row.upper)


def _roomy(instance: SupplyChainInstance) -> SupplyChainInstance:
    """More room in every limit than all product ever wanted or in stock could need."""
    product_t = 1.0 + sum(sum(d.D) for d in instance.demands)
    product_t += sum(lane.w0 + lane.w_end for lane in instance.mill_lanes)
    product_t += sum(mine.u0 + max(mine.Umin) for mine in instance.mines)

    def more(values: tuple[float, ...], by: float = product_t) -> tuple[float, ...]:
        return tuple(value + by for value in values)

    return replace(
        instance,
        mines=tuple(_roomy_mine(mine, product_t / mine.beta, product_t) for mine in instance.mines),
        centres=tuple(replace(centre, V=more(centre.V)) for centre in instance.centres),
        mill_lanes=tuple(replace(lane, R=more(lane.R)) for lane in instance.mill_lanes),
        demands=tuple(replace(d, D=tuple(v + product_t if v > 0 else 0.0 for v in d.D)) for d in instance.demands),
    )


def _roomy_mine(mine: Mine, ore_t: float, product_t: float) -> Mine:
    heaviest = max(max(j.a) for i in mine.locations for j in i.cutoffs)

    def more(values: tuple[float, ...], by: float) -> tuple[float, ...]:
        return tuple(value + by for value in values)

    return replace(
        mine,
        P=more(mine.P, heaviest * (ore_t + sum(max(j.xmax) for i in mine.locations for j in i.cutoffs))),
        Q=more(mine.Q, ore_t),
        Umax=more(mine.Umax, product_t),
        locations=tuple(
            replace(i, cutoffs=tuple(replace(j, xmax=more(j.xmax, ore_t)) for j in i.cutoffs)) for i in mine.locations
        ),
    )
