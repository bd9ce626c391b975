"""Extraction: rows (2), (4), (6), (7) over the locations i and cut-offs j of every mine m and period t.

    x[m,i,j,t]  ore mined, t                     d[m,i,j,t]  location i uses cut-off j, 0/1
    a           resource used, resource/t        P[m,t]      production ability, resource
    xmax        ore available above cut-off, t   alpha[m]    least grade of the blended ore, fraction
    gamma       nominal grade, fraction          delta       largest fall of the grade, fraction

Row (4) holds for every grade of the uncertainty set. For the budget set its exact counterpart is written in location
form, one nu per location instead of one dual per cut-off, which (7) allows: only one cut-off of a location runs.
"""

from __future__ import annotations

import math

import pyomo.environ as pyo

from optimization.data import BoxSet, BudgetSet, Cutoff, Mine, NominalSet, PaperSet, SupplyChainInstance


def ore_limit_t(mine: Mine, cutoff: Cutoff, t: int) -> float:
    """The bound of (6): min(xmax, P/a, Q), the tightest one that data alone give."""
    by_resource = mine.P[t] / cutoff.a[t] if cutoff.a[t] > 0 else math.inf
    return min(cutoff.xmax[t], by_resource, mine.Q[t])


def add_mining(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    limits = {
        (m.name, i.name, j.name, t): ore_limit_t(m, j, t)
        for m in instance.mines
        for i in m.locations
        for j in i.cutoffs
        for t in range(len(instance.periods))
    }
    program.X = pyo.Set(initialize=list(limits), dimen=4)
    program.x = pyo.Var(program.X, bounds=lambda _, *key: (0.0, limits[key]))
    program.d = pyo.Var(program.X, domain=pyo.Binary)
    program.MT = pyo.Set(
        initialize=[(m.name, t) for m in instance.mines for t in range(len(instance.periods))], dimen=2
    )

    def mining_ability(program: pyo.ConcreteModel, m: str, t: int) -> object:
        used = [j.a[t] * program.x[m, i, j.name, t] for i, j in _options(instance, m) if j.a[t] > 0]
        return sum(used) <= instance.mine_by_name[m].P[t] if used else pyo.Constraint.Skip

    def ore_needs_open_location(program: pyo.ConcreteModel, *key: object) -> object:
        return program.x[key] <= limits[key] * program.d[key]  # type: ignore[index]

    def one_cutoff_a_location(program: pyo.ConcreteModel, m: str, i: str, t: int) -> object:
        return sum(program.d[m, i, j.name, t] for k, j in _options(instance, m) if k == i) <= 1

    program.MIT = pyo.Set(initialize=sorted({(m, i, t) for m, i, _, t in limits}), dimen=3)
    program.c2_mining_ability = pyo.Constraint(program.MT, rule=mining_ability)
    program.c6_open_location = pyo.Constraint(program.X, rule=ore_needs_open_location)
    program.c7_one_cutoff = pyo.Constraint(program.MIT, rule=one_cutoff_a_location)


def add_grade(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """Row (4), the robust one, in the exact counterpart of the instance's uncertainty set. Needs x and y."""
    if isinstance(instance.uncertainty, BudgetSet):
        _add_budget_counterpart(program, instance)

    def blended_grade(program: pyo.ConcreteModel, m: str, t: int) -> object:
        if instance.mine_by_name[m].alpha == 0:
            return pyo.Constraint.Skip  # no grade is negative
        ore = ((worst_grade_frac(instance, j, t), program.x[m, i, j.name, t]) for i, j in _options(instance, m))
        useful = sum(grade * x for grade, x in ore)
        return useful - _protection(program, instance, m, t) >= instance.mine_by_name[m].alpha * program.y[m, t]

    program.c4_blended_grade = pyo.Constraint(program.MT, rule=blended_grade)


def worst_grade_frac(instance: SupplyChainInstance, cutoff: Cutoff, t: int) -> float:
    """The grade each tonne is sure of by itself: for the budget set the nominal one, protection comes apart."""
    match instance.uncertainty:
        case NominalSet() | BudgetSet():
            return cutoff.gamma[t]
        case BoxSet():
            return cutoff.gamma[t] - cutoff.delta[t]
        case PaperSet() as paper:
            return paper.floor_frac


def _options(instance: SupplyChainInstance, mine: str) -> list[tuple[str, Cutoff]]:
    return [(i.name, j) for i in instance.mine_by_name[mine].locations for j in i.cutoffs]


def _add_budget_counterpart(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """mu[m,t] + nu[m,i,t] >= sum_j delta x: by duality Gamma mu + sum_i nu is the largest loss the budget allows."""

    def protection(program: pyo.ConcreteModel, m: str, i: str, t: int) -> object:
        loss = sum(j.delta[t] * program.x[m, i, j.name, t] for k, j in _options(instance, m) if k == i)
        return program.mu[m, t] + program.nu[m, i, t] >= loss

    program.mu = pyo.Var(program.MT, domain=pyo.NonNegativeReals)
    program.nu = pyo.Var(program.MIT, domain=pyo.NonNegativeReals)
    program.c4_protection = pyo.Constraint(program.MIT, rule=protection)


def _protection(program: pyo.ConcreteModel, instance: SupplyChainInstance, m: str, t: int) -> object:
    if not isinstance(instance.uncertainty, BudgetSet):
        return 0.0
    locations = instance.mine_by_name[m].locations
    return instance.budget(m) * program.mu[m, t] + sum(program.nu[m, i.name, t] for i in locations)
