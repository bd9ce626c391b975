"""The cost of mining y tonnes with each pattern: a parametric simplex on many small tableaus at once.

A *pattern* says for each location that it is closed or at which one cut-off it is open. What it costs is convex and
piecewise linear in y: max sum (lambda - c) x as lambda rises from 0, where nothing is mined. Tonnes and $.
Arrays end in (patterns, places), a place being a mine and a period: long rows are what makes numpy fast.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations, product
from operator import attrgetter

import numpy as np

from optimization.data import BoxSet, BudgetSet, Cutoff, Mine, PaperSet, SupplyChainInstance
from optimization.highs import Floats, Ints
from optimization.uncertainty.sets import targets

ZERO = 1e-11
Step = tuple[Ints, Floats, Floats, Floats]


@dataclass(frozen=True, slots=True)
class Trace:
    """Breakpoints y, f of (k, patterns, places), the last one repeated; x has a first axis for locations."""

    y: Floats
    f: Floats
    x: Floats
    K: Floats


def patterns_of(mine: Mine) -> Ints:
    """(patterns, locations) cut-offs, -1 for closed; the one with all closed comes first."""
    return np.array(list(product(*(range(-1, len(i.cutoffs)) for i in mine.locations))), dtype=np.int64)


def shape_of(instance: SupplyChainInstance, mine: Mine) -> tuple[object, ...]:
    """Mines of one shape have tableaus of one shape."""
    budget = instance.budget(mine.name) if isinstance(instance.uncertainty, BudgetSet) else 0.0
    return tuple(len(i.cutoffs) for i in mine.locations), len(mine.elements), budget


def falls(instance: SupplyChainInstance, mine: Mine) -> Floats:
    """Vertices xi of the set that can bind, (vertices, locations): the whole budget is spent, as no fall is a rise."""
    n = len(mine.locations)
    match instance.uncertainty:
        case BoxSet():
            return np.ones((1, n))
        case BudgetSet():
            return np.array(list(_budget_falls(instance.budget(mine.name), n)))
        case _:
            return np.zeros((1, n))


def _budget_falls(budget: float, n: int) -> Iterator[list[float]]:
    whole, part = int(budget), budget - int(budget)
    for fallen in combinations(range(n), whole):
        xi = [1.0 if i in fallen else 0.0 for i in range(n)]
        if not part:
            yield xi
        for k in range(n) if part else ():
            if k not in fallen:
                yield [part if i == k else value for i, value in enumerate(xi)]


def traced(instance: SupplyChainInstance, mines: Sequence[Mine], patterns: Ints) -> Trace:
    """All patterns of mines of one shape in all periods; places go by mine and then by period."""
    stack = _Stack(instance, mines, patterns)
    n, *shape = stack.limit.shape
    unit = np.maximum(stack.limit.max(axis=0), 1e-300).reshape(-1)
    y, f, x = _simplex(_tableau(stack, unit), n, unit)
    return Trace(y.reshape(-1, *shape), f.reshape(-1, *shape), x.reshape(n, -1, *shape), stack.K.sum(axis=0))


class _Stack:
    """Data of the patterns' cut-offs, (locations, patterns, places); zero where the location is closed."""

    def __init__(self, instance: SupplyChainInstance, mines: Sequence[Mine], patterns: Ints) -> None:
        self.mines, self.n_periods = mines, len(instance.periods)
        self.is_open, self._chosen = (patterns.T >= 0)[:, :, None], np.maximum(patterns.T, 0)
        self.P, self.Q = (np.array([getattr(mine, name) for mine in mines]).reshape(-1) for name in ("P", "Q"))
        self.a, self.c, self.K, xmax = (self._of(attrgetter(name)) for name in ("a", "c", "K", "xmax"))
        with np.errstate(divide="ignore", invalid="ignore"):
            by_resource = np.where(self.a > 0, self.P / self.a, np.inf)
        self.limit = np.minimum(np.minimum(xmax, by_resource), self.Q) * self.is_open
        xi = falls(instance, mines[0])
        floor = instance.uncertainty.floor_frac if isinstance(instance.uncertainty, PaperSet) else None
        n_targets = len(targets(mines[0]))
        self.surplus = np.concatenate([self._surplus(k, xi, floor) for k in range(n_targets)]) * self.is_open

    def _of(self, value: Callable[[Cutoff], float | Sequence[float]]) -> Floats:
        return self._by_mine([value] * len(self.mines))

    def _by_mine(self, values: Sequence[Callable[[Cutoff], float | Sequence[float]]]) -> Floats:
        locations = self.mines[0].locations
        table = np.zeros((len(locations), max(len(i.cutoffs) for i in locations), len(self.mines), self.n_periods))
        for i, location in enumerate(locations):
            for j in range(len(location.cutoffs)):
                pairs = zip(values, self.mines, strict=True)
                given = np.array([value(mine.locations[i].cutoffs[j]) for value, mine in pairs])
                table[i, j] = given if given.ndim == 2 else given[:, None]
        chosen = table.reshape(*table.shape[:2], -1)[np.arange(len(locations))[:, None], self._chosen]
        data: Floats = chosen * self.is_open
        return data

    def _surplus(self, k: int, xi: Floats, floor: float | None) -> Floats:
        """By how much ore is better than the mine's k-th limit on grades, at each vertex of the set."""
        limits = [targets(mine)[k] for mine in self.mines]
        sense = np.repeat([float(limit.sense) for limit in limits], self.n_periods)
        gamma, delta = (
            self._by_mine([partial(_grade, limit.element, name) for limit in limits]) for name in ("gamma", "delta")
        )
        if floor is not None:
            gamma, delta = np.full_like(gamma, floor), np.zeros_like(delta)
        sure = sense * (gamma - np.repeat([limit.limit_frac for limit in limits], self.n_periods))
        surplus: Floats = sure - xi[:, :, None, None] * delta
        return surplus


def _grade(element: str, name: str, cutoff: Cutoff) -> Sequence[float]:
    graded = next(grade for grade in cutoff.grades if grade.element == element) if element else cutoff
    values: Sequence[float] = getattr(graded, name)
    return values


def _tableau(stack: _Stack, unit: Floats) -> Floats:
    """(rows, columns, size). Rows: mining ability, milling, each location's limit, a grade row a vertex, y, f.

    Columns: one a location, the right-hand side, and a symbolic perturbation of it that settles ties: all grade rows
    are zero at the start, and without it the simplex might circle.
    """
    n, *shape = stack.limit.shape
    n_rows = 2 + n + len(stack.surplus)
    table = np.zeros((n_rows + 2, n + 2, *shape))
    opened = np.broadcast_to(stack.is_open, (n, *shape))
    table[0, :n], table[0, n] = stack.a, stack.P
    table[1, :n], table[1, n] = opened, stack.Q
    table[np.arange(2, 2 + n), np.arange(n)] = opened
    table[2 : 2 + n, n] = stack.limit
    table[2 + n : n_rows, :n] = -stack.surplus
    table = table.reshape(n_rows + 2, n + 2, -1)
    table[:n_rows, n] /= unit
    largest = np.abs(table[:n_rows, :n]).max(axis=1, keepdims=True)
    table[:n_rows] /= np.where(largest > 0, largest, 1.0)
    table[:n_rows, n + 1] = 1.0 + ((np.arange(1, n_rows + 1) * 0.6180339887498949) % 1.0)[:, None]
    table[n_rows, :n] = opened.reshape(n, -1)
    table[n_rows + 1, :n] = stack.c.reshape(n, -1)
    return table


def _simplex(table: Floats, n: int, unit: Floats) -> tuple[Floats, Floats, Floats]:
    n_rows, size = len(table) - 2, table.shape[2]
    alive = np.arange(size)
    basic = np.repeat(np.arange(n, n + n_rows)[:, None], size, axis=1)
    nonbasic = np.repeat(np.arange(n)[:, None], size, axis=1)
    steps: list[Step] = [(alive, np.zeros(size), np.zeros(size), np.zeros((n, size)))]
    # Each step raises y or is degenerate; the number of bases is a safe end of what a handful of steps does.
    for _ in range(50 * (n_rows + n)):
        gain, cost = table[n_rows, :n], table[n_rows + 1, :n]
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.where(gain > ZERO, cost / gain, np.inf)
        enters = price.argmin(axis=0)
        goes_on = np.flatnonzero(np.isfinite(price.min(axis=0)))
        if not goes_on.size:
            return _gathered(steps, unit)
        if goes_on.size < alive.size:
            table, basic, nonbasic = table.take(goes_on, axis=2), basic[:, goes_on], nonbasic[:, goes_on]
            alive, enters = alive[goes_on], enters[goes_on]
        _pivot(table, basic, nonbasic, enters, n)
        x = np.zeros((n + n_rows, len(alive)))
        np.put_along_axis(x, basic, table[:n_rows, n], axis=0)
        steps.append((alive, -table[n_rows, n], -table[n_rows + 1, n], x[:n]))
    raise ArithmeticError("the trace of the mining cost does not end: the instance is out of scale")


def _pivot(table: Floats, basic: Ints, nonbasic: Ints, enters: Ints, n: int) -> None:
    """Exchange in place; the leaving row is the one that binds first, ties settled by the perturbation.

    Columns and rows are taken by flat positions, which numpy does several times faster than by pairs.
    """
    (n_all, width, size), n_rows = table.shape, len(table) - 2
    at, entering_at = np.arange(size), enters * size + np.arange(size)
    column = table.reshape(n_all, -1).take(entering_at, axis=1)
    step = column[:n_rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(step > ZERO, np.maximum(table[:n_rows, n], 0.0) / step, np.inf)
        tied = np.where(ratio <= ratio.min(axis=0) + ZERO, table[:n_rows, n + 1] / step, np.inf)
    leaves = tied.argmin(axis=0)
    leaving_at = leaves * (width * size) + at + (np.arange(width) * size)[:, None]
    flat, pivot = table.reshape(-1), column.reshape(-1).take(leaves * size + at)
    row = flat.take(leaving_at) / pivot
    for values, factor in zip(table, column, strict=True):
        values -= factor * row
    flat[leaving_at] = row
    table.reshape(n_all, -1)[:, entering_at] = -column / pivot
    flat[leaves * (width * size) + entering_at] = 1.0 / pivot
    entering = nonbasic[enters, at]
    nonbasic[enters, at], basic[leaves, at] = basic[leaves, at], entering


def _gathered(steps: list[Step], unit: Floats) -> tuple[Floats, Floats, Floats]:
    """Breakpoints that move y, one below the other; the last one fills up."""
    n, size = steps[0][3].shape
    count = np.zeros(size, dtype=np.int64)
    y, f, x = np.zeros((len(steps), size)), np.zeros((len(steps), size)), np.zeros((n, len(steps), size))
    for k, (alive, y_k, f_k, x_k) in enumerate(steps):
        moved = np.full(len(alive), True) if k == 0 else y_k > y[count[alive] - 1, alive] + ZERO
        kept = alive[moved]
        y[count[kept], kept], f[count[kept], kept], x[:, count[kept], kept] = y_k[moved], f_k[moved], x_k[:, moved]
        count[kept] += 1
    last = np.minimum(np.arange(max(2, int(count.max())))[:, None], count - 1)
    y, f = (np.take_along_axis(values, last, axis=0) * unit for values in (y, f))
    return y, f, np.maximum(np.take_along_axis(x, last[None], axis=1), 0.0) * unit
