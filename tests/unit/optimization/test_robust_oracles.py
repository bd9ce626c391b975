"""The robust program against three others that share nothing with its counterpart: vertices, PyROS and RSOME.

Every set is written anew here as rows over the grades of a period, A gamma <= b, from what the set means.
"""

from __future__ import annotations

import logging
from functools import cache
from itertools import combinations, pairwise

import numpy as np
import pyomo.environ as pyo
import pytest
from pyomo.contrib import pyros
from rsome import ro
from scipy.optimize import linprog

from optimization.data import (
    BoxSet,
    BudgetSet,
    GradeRow,
    GradeTerm,
    NominalSet,
    PolyhedronSet,
    SolveOptions,
    SupplyChainInstance,
    UncertaintySet,
)
from optimization.solver import solve
from tests.unit.optimization.continuous import ALPHA, continuous_instance, linear_program, program_without_grades

System = tuple[np.ndarray, np.ndarray]
MINE, PLACES = "mine 1", tuple((i.name, i.cutoffs[0].name) for i in continuous_instance(BoxSet()).mines[0].locations)


def over_grades(*values: float, limit: tuple[float, float]) -> GradeRow:
    return GradeRow(MINE, tuple(GradeTerm(*place, v) for place, v in zip(PLACES, values, strict=True) if v), limit)


# The first two don't fall together; the mean keeps up; the third is poor where the first is rich.
TOGETHER = over_grades(-1.0, -1.0, 0.0, limit=(-0.84, -0.82))
MEAN = over_grades(-1.0, -1.0, -1.0, limit=(-1.13, -1.1))
SETS: dict[str, UncertaintySet] = {
    "box": BoxSet(),
    "budget of a half": BudgetSet((0.5,)),
    "budget of one": BudgetSet((1.0,)),
    "budget between": BudgetSet((1.7,)),
    "polyhedron": PolyhedronSet((TOGETHER, MEAN, *(over_grades(*row, limit=(-0.25, -0.24)) for row in -np.eye(3)))),
    "rows on a box": PolyhedronSet((TOGETHER, MEAN), BoxSet()),
    "rows on a budget": PolyhedronSet((MEAN,), BudgetSet((1.4,))),
}
names = pytest.mark.parametrize("name", SETS)


def systems(instance: SupplyChainInstance) -> list[System]:
    """A gamma <= b for each period."""
    return [_system(instance.uncertainty, instance, t) for t in range(len(instance.periods))]


def _system(held: UncertaintySet, instance: SupplyChainInstance, t: int) -> System:
    cutoffs = [i.cutoffs[0] for i in instance.mines[0].locations]
    gamma, delta = (np.array([getattr(j, name)[t] for j in cutoffs]) for name in ("gamma", "delta"))
    match held:
        case PolyhedronSet(rows, base):
            A, b = _within(np.zeros(3), np.ones(3)) if base is None else _system(base, instance, t)
            more = np.array([[sum(e.value for e in row.terms if e.location == i) for i, _ in PLACES] for row in rows])
            return np.vstack([A, more]), np.append(b, [row.limit[t] for row in rows])
        case BudgetSet((budget,)):
            A, b = _within(gamma - delta, gamma)
            return np.vstack([A, -1.0 / delta]), np.append(b, budget - (gamma / delta).sum())
        case _:
            return _within(gamma - delta, gamma)


def _within(low: np.ndarray, high: np.ndarray) -> System:
    return np.vstack([np.eye(3), -np.eye(3)]), np.concatenate([high, -low])


@cache
def cost_of_ours(name: str) -> float:
    report = solve(continuous_instance(SETS[name]), SolveOptions(gap=0.0, time_limit_s=30)).report
    assert report.objective_usd is not None
    return report.objective_usd


def test_every_set_asks_for_another_blend() -> None:
    """Else the comparisons below would prove nothing of row (4)."""
    nominal = solve(continuous_instance(NominalSet()), SolveOptions(gap=0.0)).report.objective_usd
    costs = sorted([nominal or 0.0, *map(cost_of_ours, SETS)])
    assert all(later > earlier * 1.0005 for earlier, later in pairwise(costs))


@names
def test_robust_plan_costs_what_a_row_for_every_vertex_costs(name: str) -> None:
    instance = continuous_instance(SETS[name])
    program, rows = linear_program(instance), []
    for t, system in enumerate(systems(instance)):
        for grades in vertices(*system):
            row = np.zeros(len(program.cost))
            row[program.x[:, t]], row[program.y[t]] = -grades, ALPHA
            rows.append(row)
    A, b = np.vstack([program.A, *rows]), np.append(program.b, np.zeros(len(rows)))
    answer = linprog(program.cost, A, b, program.E, program.f, program.bounds)
    assert cost_of_ours(name) == pytest.approx(answer.fun, rel=1e-7)


def vertices(A: np.ndarray, b: np.ndarray) -> list[np.ndarray]:
    """Where three of the rows meet and all others hold."""
    found = []
    for chosen in map(list, combinations(range(len(b)), 3)):
        if abs(np.linalg.det(A[chosen])) > 1e-9:
            point = np.linalg.solve(A[chosen], b[chosen])
            if (A @ point <= b + 1e-9).all():
                found.append(point)
    return found


@names
def test_robust_plan_costs_what_rsome_finds(name: str) -> None:
    instance = continuous_instance(SETS[name])
    program, model = linear_program(instance), ro.Model()
    plan, grades = model.dvar(len(program.cost)), model.rvar((2, 3))
    model.min(program.cost @ plan)
    model.st(program.A @ plan <= program.b, program.E @ plan == program.f)
    for k, (low, high) in enumerate(program.bounds):
        model.st(plan[k] >= low, *([] if high is None else [plan[k] <= high]))
    for t, (A, b) in enumerate(systems(instance)):
        useful = sum(grades[t, i] * plan[int(program.x[i, t])] for i in range(3))
        model.st((useful >= ALPHA * plan[int(program.y[t])]).forall(A @ grades[t] <= b))
    model.solve(display=False)
    assert cost_of_ours(name) == pytest.approx(model.get(), rel=1e-6)


@names
def test_robust_plan_costs_what_pyros_finds(name: str) -> None:
    instance = continuous_instance(SETS[name])
    program, (mine,) = program_without_grades(instance), instance.mines
    places = [(i, t) for t in range(2) for i in range(3)]
    nominal = {(i, t): mine.locations[i].cutoffs[0].gamma[t] for i, t in places}
    program.gamma = pyo.Param(places, initialize=nominal, mutable=True)
    program.blended = pyo.Constraint(range(2), rule=lambda p, t: _blend(p, t) >= ALPHA * p.y[MINE, t])
    by_period = systems(instance)
    rows = [[*row, *np.zeros(3)] for row in by_period[0][0]] + [[*np.zeros(3), *row] for row in by_period[1][0]]
    answer = pyo.SolverFactory("pyros").solve(
        model=program,
        first_stage_variables=[v for v in program.component_data_objects(pyo.Var) if not v.fixed],
        second_stage_variables=[],
        uncertain_params=[program.gamma],
        uncertainty_set=pyros.PolyhedralSet(rows, np.concatenate([b for _, b in by_period])),
        local_solver=pyo.SolverFactory("highs"),
        global_solver=pyo.SolverFactory("highs"),
        objective_focus=pyros.ObjectiveType.worst_case,
        solve_master_globally=True,
        progress_logger=logging.getLogger("pyros"),
        load_solution=False,
        nominal_uncertain_param_vals=list(nominal.values()) if _holds(by_period, nominal) else None,
    )
    assert answer.pyros_termination_condition is pyros.pyrosTerminationCondition.robust_optimal
    assert cost_of_ours(name) == pytest.approx(answer.final_objective_value, rel=1e-5)


def _blend(program: pyo.ConcreteModel, t: int) -> object:
    return sum(program.gamma[i, t] * program.x[MINE, *place, t] for i, place in enumerate(PLACES))


def _holds(by_period: list[System], nominal: dict[tuple[int, int], float]) -> bool:
    return all((A @ [nominal[i, t] for i in range(3)] <= b + 1e-9).all() for t, (A, b) in enumerate(by_period))
