"""The concentrating mill: rows (3), (5), (8), (10).

y[m,t]  ore blended, t             u[m,t]  product stock at the mill, t
Q[m,t]  processing ability, t ore  Umin, Umax[m,t]  stock limits, t
beta[m] product per tonne of ore   u0[m]  opening stock, t
"""

from __future__ import annotations

import pyomo.environ as pyo

from optimization.data import SupplyChainInstance
from optimization.formulation.limits import Limits


def add_milling(program: pyo.ConcreteModel, instance: SupplyChainInstance, limits: Limits) -> None:
    """Needs x and v. (3) and (10) are bounds of the variables."""
    mines = instance.mine_by_name
    program.y = pyo.Var(program.MT, bounds=lambda _, m, t: (0.0, limits.y[m][t]))
    program.u = pyo.Var(program.MT, bounds=lambda _, m, t: (limits.u[m][0][t], limits.u[m][1][t]))

    def all_ore_is_blended(program: pyo.ConcreteModel, m: str, t: int) -> object:
        keys = ((m, i.name, j.name, t) for i in mines[m].locations for j in i.cutoffs)
        return program.y[m, t] == sum(program.x[key] for key in keys)

    def mill_stock(program: pyo.ConcreteModel, m: str, t: int) -> object:
        opening = program.u[m, t - 1] if t else mines[m].u0
        shipped = sum(program.v[m, n, t] for n in instance.centre_by_name if (m, n) in instance.mill_lane_by_key)
        return program.u[m, t] == opening + mines[m].beta * program.y[m, t] - shipped

    program.c5_blend = pyo.Constraint(program.MT, rule=all_ore_is_blended)
    program.c8_mill_stock = pyo.Constraint(program.MT, rule=mill_stock)
