"""An independent judge of plans: re-verifies (2) to (16) from the data alone and recomputes the cost (1).

It shares no code with formulation and solver. Row (4) is checked by the exact worst case over the uncertainty set.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from optimization.checker_grade import worst_case_grade_t
from optimization.data import Flow, Mine, Plan, SupplyChainInstance

RELATIVE_TOLERANCE = 1e-6
INTEGRALITY_TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Violation:
    """`amount` is how far the row is missed beyond 0, in its own unit; it counts from `tolerance` on."""

    constraint: str
    indices: tuple[str, ...]
    amount: float
    tolerance: float


@dataclass(frozen=True, slots=True)
class CheckResult:
    """`cost_usd` is the sum of `cost_terms_usd`, recomputed from the plan; None when the plan has unknown keys."""

    violations: tuple[Violation, ...]
    cost_usd: float | None
    cost_terms_usd: Mapping[str, float]

    @property
    def is_valid(self) -> bool:
        return not self.violations

    def to_document(self) -> dict[str, Any]:
        return {"is_valid": self.is_valid, **asdict(self)}


def check_plan(instance: SupplyChainInstance, plan: Plan, *, objective_usd: float | None = None) -> CheckResult:
    """All violations; with `objective_usd` also a stated cost that differs from the recomputed one, as (1)."""
    unknown = tuple(_unknown_keys(instance, plan))
    if unknown:
        return CheckResult(unknown, None, {})
    terms = cost_terms_usd(instance, plan)
    cost = math.fsum(terms.values())
    rows = [*_mining(instance, plan), *_milling(instance, plan), *_lanes(instance, plan), *_centres(instance, plan)]
    rows += [*_domains(plan)]
    if objective_usd is not None:
        rows.append(_at_most("(1) cost", (), abs(cost - objective_usd), 0.0, scale=cost))
    return CheckResult(tuple(row for row in rows if row.amount > row.tolerance), cost, terms)


def cost_terms_usd(instance: SupplyChainInstance, plan: Plan) -> dict[str, float]:
    """The nine terms of (1), $; keys of the plan must be known."""
    cutoffs, mines = instance.cutoff_by_key, instance.mine_by_name
    up, down, at = instance.mill_lane_by_key, instance.user_lane_by_key, _positions(instance)
    return {
        "exploitation": math.fsum(cutoffs[m, i, j].c * x for (m, i, j, _), x in plan.x.items()),
        "location_start_up": math.fsum(cutoffs[m, i, j].K[at[t]] * d for (m, i, j, t), d in plan.d.items()),
        "processing": math.fsum(mines[m].pc * y for (m, _), y in plan.y.items()),
        "mill_holding": math.fsum(mines[m].h * u for (m, _), u in plan.u.items()),
        "mill_to_centre_transport": math.fsum(up[m, n].f * v for (m, n, _), v in plan.v.items()),
        "mill_to_centre_start_up": math.fsum(up[m, n].F[at[t]] * p for (m, n, t), p in plan.p.items()),
        "centre_holding": math.fsum(up[m, n].g * w for (m, n, _), w in plan.w.items()),
        "centre_to_user_transport": math.fsum(down[n, s].e * z for (_, n, s, _), z in plan.z.items()),
        "centre_to_user_start_up": math.fsum(down[n, s].G[at[t]] * q for (_, n, s, t), q in plan.q.items()),
    }


def worst_case_useful_ore_t(instance: SupplyChainInstance, plan: Plan, mine: Mine, period: str) -> float:
    """min over the uncertainty set of sum gamma x, exactly, for the grade that alpha limits."""
    return worst_case_grade_t(instance, mine, instance.periods.index(period), _ore_t(plan, mine, period))


def _ore_t(plan: Plan, mine: Mine, period: str) -> dict[tuple[str, str], float]:
    pairs = [(i.name, j.name) for i in mine.locations for j in i.cutoffs]
    return {(i, j): plan.x.get((mine.name, i, j, period), 0.0) for i, j in pairs}


def _positions(instance: SupplyChainInstance) -> dict[str, int]:
    return {name: t for t, name in enumerate(instance.periods)}


def _unknown_keys(instance: SupplyChainInstance, plan: Plan) -> Iterator[Violation]:
    options, mines, lanes, routes = (
        instance.cutoff_by_key,
        {(name,) for name in instance.mine_by_name},
        instance.mill_lane_by_key,
        set(instance.routes),
    )
    known = {
        "x": options,
        "d": options,
        "y": mines,
        "u": mines,
        "v": lanes,
        "p": lanes,
        "w": lanes,
        "z": routes,
        "q": routes,
    }
    for name, keys in known.items():
        for key in getattr(plan, name):
            if key[:-1] not in keys or key[-1] not in instance.periods:
                yield Violation(f"{name}: not in the instance", key, 1.0, 0.0)


def _at_most(constraint: str, indices: tuple[str, ...], left: float, right: float, scale: float = 0.0) -> Violation:
    """left <= right, within a tolerance relative to the row's size; NaN is a violation."""
    size = max(1.0, abs(left), abs(right), abs(scale))
    amount = left - right
    return Violation(constraint, indices, math.inf if math.isnan(amount) else amount, RELATIVE_TOLERANCE * size)


def _equal(constraint: str, indices: tuple[str, ...], left: float, right: float, scale: float) -> Violation:
    return _at_most(constraint, indices, abs(left - right), 0.0, max(abs(left), abs(right), scale))


def _sum(flow: Flow, keys: Iterator[tuple[str, ...]]) -> float:
    return math.fsum(flow.get(key, 0.0) for key in keys)


def _mining(instance: SupplyChainInstance, plan: Plan) -> Iterator[Violation]:
    for mine in instance.mines:
        for t, period in enumerate(instance.periods):
            yield from _mine_period(instance, plan, mine, t, period)


def _mine_period(instance: SupplyChainInstance, plan: Plan, mine: Mine, t: int, period: str) -> Iterator[Violation]:
    where, options = (mine.name, period), [(i, j) for i in mine.locations for j in i.cutoffs]
    key = {(i.name, j.name): (mine.name, i.name, j.name, period) for i, j in options}
    x = _ore_t(plan, mine, period)
    y = plan.y.get(where, 0.0)
    used = math.fsum(j.a[t] * x[i.name, j.name] for i, j in options)
    yield _at_most("(2) mining ability", where, used, mine.P[t])
    yield _at_most("(3) processing ability", where, y, mine.Q[t])
    if mine.alpha > 0:
        useful = worst_case_grade_t(instance, mine, t, x)
        yield _at_most("(4) blended grade, worst case", where, mine.alpha * y, useful, scale=y)
    for element in mine.elements:
        worst = worst_case_grade_t(instance, mine, t, x, element)
        within = (worst, element.most * y) if element.most is not None else ((element.least or 0.0) * y, worst)
        yield _at_most("(4) blended grade, worst case", (*where, element.name), *within, scale=y)
    yield _equal("(5) all ore is blended", where, y, math.fsum(x.values()), scale=mine.Q[t])
    for i, j in options:
        pair = i.name, j.name
        limit = j.xmax[t] * plan.d.get(key[pair], 0.0)
        yield _at_most("(6) ore of an open location", key[pair], x[pair], limit, scale=j.xmax[t])
    for i in mine.locations:
        n_open = _sum(plan.d, ((mine.name, i.name, j.name, period) for j in i.cutoffs))
        yield _at_most("(7) one cut-off a location", (mine.name, i.name, period), n_open, 1.0)


def _milling(instance: SupplyChainInstance, plan: Plan) -> Iterator[Violation]:
    for mine in instance.mines:
        stock = mine.u0
        for t, period in enumerate(instance.periods):
            where, u = (mine.name, period), plan.u.get((mine.name, period), 0.0)
            shipped = _sum(plan.v, ((mine.name, n, period) for n in instance.centre_by_name))
            made = mine.beta * plan.y.get(where, 0.0)
            yield _equal("(8) stock at the mill", where, u, stock + made - shipped, scale=max(stock, made, shipped))
            yield _at_most("(10) least stock at the mill", where, mine.Umin[t], u)
            yield _at_most("(10) largest stock at the mill", where, u, mine.Umax[t])
            stock = u


def _lanes(instance: SupplyChainInstance, plan: Plan) -> Iterator[Violation]:
    for (m, n), lane in instance.mill_lane_by_key.items():
        stock, users = lane.w0, [s for k, j, s in instance.routes if (k, j) == (m, n)]
        for t, period in enumerate(instance.periods):
            where = (m, n, period)
            v, w = plan.v.get(where, 0.0), plan.w.get(where, 0.0)
            delivered = _sum(plan.z, ((m, n, s, period) for s in users))
            yield _equal("(9) stock at the centre", where, w, stock + v - delivered, scale=max(stock, v, delivered))
            yield _at_most("(12) shipment to the centre", where, v, lane.R[t] * plan.p.get(where, 0.0), scale=lane.R[t])
            stock = w
            if t == len(instance.periods) - 1:
                yield _at_most("(9) closing stock at the centre", where, lane.w_end, w)
            for s in users:
                yield _delivery(instance, plan, (m, n, s, period), t)


def _delivery(instance: SupplyChainInstance, plan: Plan, key: tuple[str, str, str, str], t: int) -> Violation:
    wanted = instance.demand_by_key[key[0], key[2]].D[t]
    limit = wanted * plan.q.get(key, 0.0)
    return _at_most("(13) delivery to the user", key, plan.z.get(key, 0.0), limit, scale=wanted)


def _centres(instance: SupplyChainInstance, plan: Plan) -> Iterator[Violation]:
    for t, period in enumerate(instance.periods):
        for centre in instance.centres:
            stock = _sum(plan.w, ((m, centre.name, period) for m in instance.mine_by_name))
            yield _at_most("(11) room at the centre", (centre.name, period), stock, centre.V[t])
        for demand in instance.demands:
            m, s = demand.mine, demand.user
            arriving = _sum(plan.z, ((m, n, s, period) for n in instance.centre_by_name))
            yield _at_most("(14) demand", (m, s, period), demand.D[t], arriving)


def _domains(plan: Plan) -> Iterator[Violation]:
    for name in ("x", "y", "u", "v", "w", "z"):
        for key, value in getattr(plan, name).items():
            yield _at_most(f"(15) {name} is not negative", key, -value, 0.0)
    for name in ("d", "p", "q"):
        for key, value in getattr(plan, name).items():
            amount = min(abs(value), abs(value - 1.0))
            yield Violation(f"(16) {name} is 0 or 1", key, amount, INTEGRALITY_TOLERANCE)
