"""Lanes and centres: rows (9), (11) to (14), and the stock cuts that close most of the relaxation's gap.

v[m,n,t]    mill to centre, t        p[m,n,t]    that shipment runs, 0/1
z[m,n,s,t]  centre to user, t        q[m,n,s,t]  that shipment runs, 0/1
w[m,n,t]    stock at the centre, t   w0[m,n]     opening stock, t; w_end[m,n] least closing stock, t
R[m,n,t]    transport ability, t     V[n,t]      room at the centre, t
D[m,s,t]    demand, t
"""

from __future__ import annotations

import pyomo.environ as pyo

from optimization.data import SupplyChainInstance
from optimization.formulation.limits import Lane, Limits


def add_lanes(program: pyo.ConcreteModel, instance: SupplyChainInstance, limits: Limits) -> None:
    """Variables of the lanes with (13) and the bound of (12); a shipment that can't be of use does not exist."""
    periods = range(len(instance.periods))
    shipments = {(*lane, t): tonnes for lane, by_period in limits.v.items() for t, tonnes in enumerate(by_period)}
    deliveries = {
        (m, n, s, t): instance.demand_by_key[m, s].D[t]
        for m, n, s in instance.routes
        for t in periods
        if instance.demand_by_key[m, s].D[t] > 0
    }
    program.MNT = pyo.Set(initialize=list(shipments), dimen=3)
    program.MNST = pyo.Set(initialize=list(deliveries), dimen=4)
    program.v = pyo.Var(program.MNT, bounds=lambda _, *key: (0.0, shipments[key]))
    program.p = pyo.Var(program.MNT, domain=pyo.Binary)
    program.w = pyo.Var(program.MNT, bounds=lambda _, m, n, t: (limits.w[m, n][0][t], limits.w[m, n][1][t]))
    program.z = pyo.Var(program.MNST, bounds=lambda _, *key: (0.0, deliveries[key]))
    program.q = pyo.Var(program.MNST, domain=pyo.Binary)
    program.c12_shipment_runs = pyo.Constraint(
        program.MNT, rule=lambda program, *key: program.v[key] <= shipments[key] * program.p[key]
    )
    program.c13_delivery_runs = pyo.Constraint(
        program.MNST, rule=lambda program, *key: program.z[key] <= deliveries[key] * program.q[key]
    )


def add_centres(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """(9) stock of each mine's product, (11) the room all mines share, (14) demand."""
    lanes, users = instance.mill_lane_by_key, _users_of_lane(instance)

    def centre_stock(program: pyo.ConcreteModel, m: str, n: str, t: int) -> object:
        opening = program.w[m, n, t - 1] if t else lanes[m, n].w0
        delivered = sum(program.z[m, n, s, t] for s in users[m, n] if (m, n, s, t) in program.z)
        return program.w[m, n, t] == opening + program.v[m, n, t] - delivered

    def centre_room(program: pyo.ConcreteModel, n: str, t: int) -> object:
        stocks = [program.w[m, n, t] for m in instance.mine_by_name if (m, n) in lanes]
        return sum(stocks) <= instance.centre_by_name[n].V[t] if stocks else pyo.Constraint.Skip

    def demand_is_met(program: pyo.ConcreteModel, m: str, s: str, t: int) -> object:
        wanted = instance.demand_by_key[m, s].D[t]
        arriving = [program.z[key] for n in instance.centre_by_name if (key := (m, n, s, t)) in program.z]
        return sum(arriving) >= wanted if wanted > 0 else pyo.Constraint.Skip

    periods = list(range(len(instance.periods)))
    program.c9_centre_stock = pyo.Constraint(program.MNT, rule=centre_stock)
    program.c11_centre_room = pyo.Constraint(list(instance.centre_by_name), periods, rule=centre_room)
    demands = [(m, s, t) for m, s in instance.demand_by_key for t in periods]
    program.c14_demand = pyo.Constraint(demands, rule=demand_is_met)


def add_stock_cuts(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> None:
    """Valid inequalities: b[m,n,s,t], the part of z that arrived in t, is at most D p; the rest is from stock.

    In this split form they are all one-period (l,S) inequalities over the subsets of users (Barany, Van Roy and Wolsey
    1984). No plan is lost: any split whose old part is within the stock will do.
    """
    lanes, users = instance.mill_lane_by_key, _users_of_lane(instance)
    program.b = pyo.Var(program.MNST, domain=pyo.NonNegativeReals)

    def runs(program: pyo.ConcreteModel, m: str, n: str, s: str, t: int) -> object:
        return program.b[m, n, s, t] <= instance.demand_by_key[m, s].D[t] * program.p[m, n, t]

    def from_stock(program: pyo.ConcreteModel, m: str, n: str, t: int) -> object:
        leaving = [key for s in users[m, n] if (key := (m, n, s, t)) in program.z]
        opening = program.w[m, n, t - 1] if t else lanes[m, n].w0
        old = sum(program.z[key] - program.b[key] for key in leaving)
        return old <= opening if leaving else pyo.Constraint.Skip

    program.cut_arrived_now = pyo.Constraint(program.MNST, rule=runs)
    program.cut_part = pyo.Constraint(program.MNST, rule=lambda program, *key: program.b[key] <= program.z[key])
    program.cut_from_stock = pyo.Constraint(program.MNT, rule=from_stock)


def _users_of_lane(instance: SupplyChainInstance) -> dict[Lane, list[str]]:
    users: dict[Lane, list[str]] = {lane: [] for lane in instance.mill_lane_by_key}
    for m, n, s in instance.routes:
        users[m, n].append(s)
    return users
