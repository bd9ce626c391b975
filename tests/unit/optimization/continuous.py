"""A tiny instance without yes-or-no decisions, and its linear program without row (4), for other robust solvers.

Start-ups cost nothing and each location has one cut-off, so every binary may be 1. What is left of (1) to (16) is
linear, and row (4) can be given to whoever knows how to make it robust.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

from optimization.data import Location, NominalSet, SupplyChainInstance, UncertaintySet
from optimization.formulation.program import build_program
from optimization.generator import generate

# Rich ore is dear and its grade falls far; so each set asks for another blend.
GRADES = ((0.5, 0.12, 14.0), (0.42, 0.03, 9.0), (0.3, 0.05, 5.0))
ALPHA = 0.36


def continuous_instance(uncertainty: UncertaintySet) -> SupplyChainInstance:
    made = generate(1, 2, 2, 2, 3, 1, seed=5)
    (mine,), free = made.mines, (0.0, 0.0)
    locations = tuple(_location(i, *graded) for i, graded in zip(mine.locations, GRADES, strict=True))
    return replace(
        made,
        mines=(replace(mine, locations=locations, alpha=ALPHA, P=(1e6, 1e6)),),
        mill_lanes=tuple(replace(lane, F=free) for lane in made.mill_lanes),
        user_lanes=tuple(replace(lane, G=free) for lane in made.user_lanes),
        uncertainty=uncertainty,
    )


def _location(location: Location, gamma: float, delta: float, cost: float) -> Location:
    """The second period's grades are a little lower."""
    (cutoff,) = location.cutoffs
    grades = {"gamma": (gamma, gamma - 0.01), "delta": (delta, delta), "K": (0.0, 0.0)}
    return replace(location, cutoffs=(replace(cutoff, c=cost, **grades),))


def program_without_grades(instance: SupplyChainInstance) -> pyo.ConcreteModel:
    """All binaries 1 and no row (4)."""
    program = build_program(replace(instance, uncertainty=NominalSet()), cuts=False)
    program.del_component(program.c4_blended_grade)
    for name in ("d", "p", "q"):
        for variable in getattr(program, name).values():
            variable.domain = pyo.Reals
            variable.fix(1.0)
    return program


@dataclass(frozen=True)
class LinearProgram:
    """min cost·v with A v <= b, E v = f, lower <= v <= upper; `x[i, t]` and `y[t]` are columns."""

    cost: np.ndarray
    A: np.ndarray
    b: np.ndarray
    E: np.ndarray
    f: np.ndarray
    bounds: list[tuple[float, float | None]]
    x: np.ndarray
    y: np.ndarray


def linear_program(instance: SupplyChainInstance) -> LinearProgram:
    program = program_without_grades(instance)
    variables = [v for v in program.component_data_objects(pyo.Var) if not v.fixed]
    column = {id(v): k for k, v in enumerate(variables)}
    less: list[tuple[np.ndarray, float]] = []
    equal: list[tuple[np.ndarray, float]] = []
    for row in program.component_data_objects(pyo.Constraint, active=True):
        values, constant = _dense(row.body, column)
        if row.equality:
            equal.append((values, pyo.value(row.upper) - constant))
        elif row.upper is not None:
            less.append((values, pyo.value(row.upper) - constant))
        else:
            less.append((-values, constant - pyo.value(row.lower)))
    T, (mine,) = range(len(instance.periods)), instance.mines
    x = [[column[id(program.x[mine.name, i.name, i.cutoffs[0].name, t])] for t in T] for i in mine.locations]
    return LinearProgram(
        cost=_dense(program.c1_cost.expr, column)[0],
        A=np.array([values for values, _ in less]),
        b=np.array([right for _, right in less]),
        E=np.array([values for values, _ in equal]),
        f=np.array([right for _, right in equal]),
        bounds=[v.bounds for v in variables],
        x=np.array(x),
        y=np.array([column[id(program.y[mine.name, t])] for t in T]),
    )


def _dense(expression: object, column: dict[int, int]) -> tuple[np.ndarray, float]:
    repn, dense = generate_standard_repn(expression), np.zeros(len(column))
    for variable, value in zip(repn.linear_vars, repn.linear_coefs, strict=True):
        dense[column[id(variable)]] += value
    return dense, float(repn.constant)
