"""Extraction: rows (2), (4), (6), (7) over the locations i and cut-offs j of every mine m and period t.

    x[m,i,j,t]  ore mined, t                     d[m,i,j,t]  location i uses cut-off j, 0/1
    a           resource used, resource/t        P[m,t]      production ability, resource
    xmax        ore available above cut-off, t   alpha[m]    least grade of the blended ore, fraction
    gamma       nominal grade, fraction          delta       largest fall of the grade, fraction

Row (4) holds for every grade of the uncertainty set; its counterpart, with prices mu of the set's rows and nu of its
factors, comes from `uncertainty.counterpart`.
"""

from __future__ import annotations

from typing import Any

import pyomo.environ as pyo

from optimization.data import Cutoff, SupplyChainInstance
from optimization.formulation.limits import Limits
from optimization.uncertainty.counterpart import robust_rows


def add_mining(program: pyo.ConcreteModel, instance: SupplyChainInstance, bounds: Limits) -> None:
    limits = {(*key, t): tonnes for key, by_period in bounds.x.items() for t, tonnes in enumerate(by_period)}
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
    """Row (4), the robust one, for every element, in the exact counterpart of the set; (17) to (19). Needs x and y."""
    rows = {
        (m.name, t, *filter(None, [row.element])): row
        for m in instance.mines
        for t in range(len(instance.periods))
        for row in robust_rows(instance, m, t)
    }
    priced = [(*key, r) for key, row in rows.items() for r in range(len(row.limits))]
    fallen = [(*key, k) for key, row in rows.items() for k in range(len(row.falls))]
    program.mu = pyo.Var(pyo.Set(initialize=priced, dimen=None), domain=pyo.NonNegativeReals)
    program.nu = pyo.Var(pyo.Set(initialize=fallen, dimen=None), domain=pyo.NonNegativeReals)

    def blended_grade(program: pyo.ConcreteModel, *key: Any) -> object:
        (m, t, *_), row = key, rows[key]
        useful = sum(grade * program.x[m, i, j, t] for (i, j), grade in row.sure.items())
        prices = sum(limit * program.mu[*key, r] for r, limit in enumerate(row.limits))
        falls = sum(program.nu[*key, k] for k in range(len(row.falls)))
        return useful - prices - falls >= row.required_frac * program.y[m, t]

    def protection(program: pyo.ConcreteModel, *key: Any) -> object:
        *place, k = key
        (m, t, *_), row = place, rows[tuple(place)]
        priced = sum(a * program.mu[*place, r] for r, a in row.priced[k].items())
        loss = sum(fall * program.x[m, i, j, t] for (i, j), fall in row.falls[k].items())
        return priced + program.nu[key] >= loss

    program.c4_blended_grade = pyo.Constraint(pyo.Set(initialize=list(rows), dimen=None), rule=blended_grade)
    program.c4_protection = pyo.Constraint(pyo.Set(initialize=fallen, dimen=None), rule=protection)


def _options(instance: SupplyChainInstance, mine: str) -> list[tuple[str, Cutoff]]:
    return [(i.name, j) for i in instance.mine_by_name[mine].locations for j in i.cutoffs]
