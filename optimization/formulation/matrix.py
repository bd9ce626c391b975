"""The program as arrays: what a solver takes, in units that suit its absolute tolerances."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyomo.environ as pyo
from pyomo.repn import generate_standard_repn

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Matrix:
    """min cost·x + offset, row_lower <= A x <= row_upper by rows, column bounds; in scaled units (see `matrix_of`)."""

    variables: list[pyo.Var]
    is_binary: npt.NDArray[np.bool_]
    is_shipment: npt.NDArray[np.bool_]
    cost: Floats
    offset: float
    lower: Floats
    upper: Floats
    row_lower: Floats
    row_upper: Floats
    row_scale: Floats
    start: npt.NDArray[np.int32]
    index: npt.NDArray[np.int32]
    value: Floats
    column_scale: Floats
    cost_scale: float


def matrix_of(program: pyo.ConcreteModel) -> Matrix:
    """Rows and columns as arrays, scaled by powers of two, which is exact, because HiGHS's tolerances are absolute.

    Tonnes are measured in a unit near the largest, costs likewise; a row is divided by its largest coefficient.
    """
    variables = list(program.component_data_objects(pyo.Var, active=True))
    column = {id(v): k for k, v in enumerate(variables)}
    is_binary = np.array([v.is_binary() for v in variables])
    lower, upper = (np.array([getattr(v, end) for v in variables], dtype=float) for end in ("lb", "ub"))
    upper[np.isnan(upper)] = np.inf
    column_scale = np.where(is_binary, 1.0, _power_of_two(_largest(upper[~is_binary]) / 64))
    starts, indices, values, lows, highs, row_scale = [0], [], [], [], [], []
    for row in program.component_data_objects(pyo.Constraint, active=True):
        repn = generate_standard_repn(row.body)
        columns = [column[id(v)] for v in repn.linear_vars]
        scaled = np.array(repn.linear_coefs, dtype=float) * column_scale[columns]
        scale = _power_of_two(_largest(scaled))
        row_scale.append(scale)
        indices += columns
        values.append(scaled / scale)
        starts.append(len(indices))
        lows.append((-np.inf if row.lower is None else pyo.value(row.lower) - repn.constant) / scale)
        highs.append((np.inf if row.upper is None else pyo.value(row.upper) - repn.constant) / scale)
    repn = generate_standard_repn(program.c1_cost.expr)
    cost = np.zeros(len(variables))
    np.add.at(cost, [column[id(v)] for v in repn.linear_vars], repn.linear_coefs)
    cost *= column_scale
    cost_scale = _power_of_two(_largest(cost) / 64)
    return Matrix(
        variables=variables,
        is_binary=is_binary,
        is_shipment=np.array([v.parent_component() in (program.p, program.q) for v in variables]),
        cost=cost / cost_scale,
        offset=repn.constant / cost_scale,
        lower=lower / column_scale,
        upper=upper / column_scale,
        row_lower=np.array(lows),
        row_upper=np.array(highs),
        row_scale=np.array(row_scale),
        start=np.array(starts, dtype=np.int32),
        index=np.array(indices, dtype=np.int32),
        value=np.concatenate(values),
        column_scale=column_scale,
        cost_scale=cost_scale,
    )


def _largest(values: Floats) -> float:
    finite = np.abs(values[np.isfinite(values)])
    return float(finite.max()) if finite.size and finite.max() > 0 else 1.0


def _power_of_two(size: float) -> float:
    return float(2.0 ** round(math.log2(size)))
