"""The whole program (1) to (16) as one Pyomo model, and the plan read back from it."""

from __future__ import annotations

import pyomo.environ as pyo

from optimization.data import Plan, SupplyChainInstance
from optimization.formulation.costs import add_costs
from optimization.formulation.limits import Limits, limits_of
from optimization.formulation.logistics import add_centres, add_lanes, add_stock_cuts
from optimization.formulation.milling import add_milling
from optimization.formulation.mining import add_grade, add_mining


def build_program(
    instance: SupplyChainInstance, *, cuts: bool = True, limits: Limits | None = None
) -> pyo.ConcreteModel:
    """The robust mixed-integer program in tonnes and $; (15) and (16) are the variables' domains.

    Without `cuts` it holds exactly the numbered rows; with them the same plans and optimum, and a tighter relaxation.
    `limits` are the tightest ones unless given.
    """
    program = pyo.ConcreteModel(name=instance.name)
    limits = limits or limits_of(instance)
    add_mining(program, instance, limits)
    add_lanes(program, instance, limits)
    add_milling(program, instance, limits)
    add_grade(program, instance)
    add_centres(program, instance)
    if cuts:
        add_stock_cuts(program, instance)
    add_costs(program, instance)
    return program


def plan_from_program(program: pyo.ConcreteModel, instance: SupplyChainInstance) -> Plan:
    """The values of the program's variables; zeros are left out and periods get their names."""

    def flow(variable: pyo.Var) -> dict[tuple[str, ...], float]:
        return {
            (*key[:-1], instance.periods[key[-1]]): value for key, data in variable.items() if (value := data.value)
        }

    return Plan(**{name: flow(getattr(program, name)) for name in ("x", "d", "y", "u", "v", "p", "w", "z", "q")})
