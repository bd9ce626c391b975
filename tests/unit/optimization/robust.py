"""What the program's row (4) lets through, by another solver: scipy's linprog over the prices mu and nu."""

from __future__ import annotations

import numpy as np
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn
from scipy.optimize import linprog

from optimization.data import Plan, SupplyChainInstance
from optimization.formulation.program import build_program


def best_left_side_t(instance: SupplyChainInstance, plan: Plan, *element: str) -> float:
    """The largest left side of (4) in the first period of the first mine, with x as in the plan and y = 0."""
    program, mine = build_program(instance), instance.mines[0].name
    for key, data in program.x.items():
        data.fix(plan.x.get((*key[:3], instance.periods[key[-1]]), 0.0))
    program.y.fix(0.0)
    prices = [*program.mu.values(), *program.nu.values()]
    left = generate_standard_repn(_at_least_zero(program.c4_blended_grade[mine, 0, *element]), compute_values=True)
    rows = [generate_standard_repn(_at_least_zero(row), compute_values=True) for row in _protections(program)]
    if not prices:
        return float(left.constant)
    column = {id(v): k for k, v in enumerate(prices)}
    answer = linprog(
        -_dense(left, column), -np.array([_dense(row, column) for row in rows]), [row.constant for row in rows]
    )
    assert answer.status == 0
    return float(left.constant - answer.fun)


def _protections(program: pyo.ConcreteModel) -> list[pyo.Constraint]:
    return list(program.c4_protection.values())


def _at_least_zero(row: pyo.Constraint) -> object:
    return row.body - row.lower if row.lower is not None else row.upper - row.body


def _dense(repn: object, column: dict[int, int]) -> np.ndarray:
    dense = np.zeros(len(column))
    for variable, coefficient in zip(repn.linear_vars, repn.linear_coefs, strict=True):  # type: ignore[attr-defined]
        dense[column[id(variable)]] += coefficient
    return dense
