"""The objective (1), term by term, in $.

c[m,i,j] $/t ore · K[m,i,j,t] $ · pc[m] $/t ore · h[m] $/t·period · f[m,n] $/t · F[m,n,t] $ · g[m,n] $/t·period
· e[n,s] $/t · G[n,s,t] $
"""

from __future__ import annotations

import pyomo.environ as pyo

from optimization.data import SupplyChainInstance


def add_costs(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """Needs all variables; minimises (1)."""
    cutoffs, mines = instance.cutoff_by_key, instance.mine_by_name
    up, down = instance.mill_lane_by_key, instance.user_lane_by_key
    mining = sum(cutoffs[m, i, j].c * program.x[m, i, j, t] for m, i, j, t in program.X)
    locations = sum(cutoffs[m, i, j].K[t] * program.d[m, i, j, t] for m, i, j, t in program.X)
    mill = sum(mines[m].pc * program.y[m, t] + mines[m].h * program.u[m, t] for m, t in program.MT)
    shipments = sum(
        up[m, n].f * program.v[m, n, t] + up[m, n].F[t] * program.p[m, n, t] + up[m, n].g * program.w[m, n, t]
        for m, n, t in program.MNT
    )
    deliveries = sum(
        down[n, s].e * program.z[m, n, s, t] + down[n, s].G[t] * program.q[m, n, s, t] for m, n, s, t in program.MNST
    )
    program.c1_cost = pyo.Objective(expr=mining + locations + mill + shipments + deliveries, sense=pyo.minimize)
