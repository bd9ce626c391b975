"""The mine block as a function of one number: phi[m,t](y), the least cost of mining y tonnes of ore.

Rows (2), (4), (6), (7) touch the rest of the program through y[m,t] alone. For a *pattern*, each location closed or
open at one cut-off, the cost is convex and piecewise linear in y; phi is the lower envelope over the patterns. All
patterns of all mines and periods of one shape are traced at once by a parametric simplex on stacked tableaus. Tonnes
and $.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
import numpy.typing as npt

from optimization.data import BoxSet, BudgetSet, Mine, PaperSet, SupplyChainInstance

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ZERO = 1e-11
CHUNK = 40_000
MOST_PATTERNS = 4_096


@dataclass(frozen=True, slots=True)
class Mode:
    """One pattern that phi uses: `pattern[i]` is the cut-off of location i or -1; K $.

    At breakpoint k, y[k] t of ore cost K + f[k] $ and are made of x[k, i] t. y[0] = 0; the slopes of f do not fall.
    """

    pattern: tuple[int, ...]
    K: float
    y: Floats
    f: Floats
    x: Floats

    def cost_at(self, y: float) -> float:
        """$, infinite beyond the mode's last breakpoint."""
        return self.K + float(np.interp(y, self.y, self.f)) if y <= self.y[-1] * (1 + 1e-12) else np.inf

    def ore_at(self, y: float) -> Floats:
        """x[i] of y tonnes, by interpolation; shape (locations,)."""
        return np.array([np.interp(y, self.y, column) for column in self.x.T])


Phi = tuple[Mode, ...]


def n_patterns(mine: Mine) -> int:
    return int(np.prod([1 + len(i.cutoffs) for i in mine.locations]))


def value_functions(instance: SupplyChainInstance) -> list[list[Phi]]:
    """phi by mine and period; an empty tuple where nothing can be mined."""
    found: list[list[Phi]] = [[] for _ in instance.mines]
    for members in _groups(instance).values():
        patterns = _patterns(instance.mines[members[0]])
        size = max(1, CHUNK // (len(patterns) * len(instance.periods)))
        for k in range(0, len(members), size):
            for m, phis in zip(members[k : k + size], _phis(instance, members[k : k + size], patterns), strict=True):
                found[m] = phis
    return found


def _groups(instance: SupplyChainInstance) -> dict[tuple[object, ...], list[int]]:
    """Mines whose tableaus have the same shape."""
    groups: dict[tuple[object, ...], list[int]] = {}
    for k, mine in enumerate(instance.mines):
        budget = instance.budget(mine.name) if isinstance(instance.uncertainty, BudgetSet) else 0.0
        groups.setdefault((tuple(len(i.cutoffs) for i in mine.locations), budget), []).append(k)
    return groups


def _patterns(mine: Mine) -> Ints:
    """(patterns, locations) cut-offs, -1 for closed; the one with all closed comes first."""
    return np.array(list(product(*(range(-1, len(i.cutoffs)) for i in mine.locations))), dtype=np.int64)


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


# Data of a group, stacked: (mines, periods, patterns, locations) --------------------------------------------


@dataclass(frozen=True, slots=True)
class _Stack:
    c: Floats
    K: Floats
    a: Floats
    limit: Floats
    surplus: Floats
    P: Floats
    Q: Floats


def _stack(instance: SupplyChainInstance, mines: Sequence[Mine], patterns: Ints) -> _Stack:
    """`surplus[..., r]` is grade above alpha at vertex r of the set, with a last axis for locations."""
    n_periods, widest = len(instance.periods), max(len(i.cutoffs) for i in mines[0].locations)
    is_open, chosen = patterns >= 0, np.maximum(patterns, 0)
    columns = np.arange(patterns.shape[1])

    def gathered(name: str) -> Floats:
        table = np.zeros((len(mines), n_periods, patterns.shape[1], widest))
        for g, mine in enumerate(mines):
            for i, location in enumerate(mine.locations):
                for j, cutoff in enumerate(location.cutoffs):
                    table[g, :, i, j] = getattr(cutoff, name)
        values: Floats = table[:, :, columns, chosen] * is_open
        return values

    P, Q = (np.array([getattr(mine, name) for mine in mines])[:, :, None] for name in ("P", "Q"))
    a, delta = gathered("a"), gathered("delta")
    with np.errstate(divide="ignore", invalid="ignore"):
        by_resource = np.where(a > 0, P[..., None] / a, np.inf)
    limit = np.minimum(np.minimum(gathered("xmax"), by_resource), Q[..., None]) * is_open
    gamma = gathered("gamma")
    if isinstance(instance.uncertainty, PaperSet):
        gamma = np.full_like(gamma, instance.uncertainty.floor_frac)
    alpha = np.array([mine.alpha for mine in mines])[:, None, None, None]
    xi = falls(instance, mines[0])
    nets = gamma[..., None, :] - xi * delta[..., None, :] - alpha[..., None]
    return _Stack(gathered("c"), gathered("K").sum(axis=-1), a, limit, nets, P, Q)


def _phis(instance: SupplyChainInstance, members: Sequence[int], patterns: Ints) -> list[list[Phi]]:
    stack = _stack(instance, [instance.mines[m] for m in members], patterns)
    shape = stack.c.shape
    trace = _traced(stack, patterns >= 0)
    K = stack.K.reshape(-1, shape[2])
    used = _envelope(trace.y.reshape(*K.shape, -1), (trace.f + K.reshape(-1, 1)).reshape(*K.shape, -1))
    flat = [_modes(trace, K[b], patterns, used[b], b * shape[2]) for b in range(len(K))]
    return [flat[g * shape[1] : (g + 1) * shape[1]] for g in range(len(members))]


# Tracing: max sum (lambda - c) x as lambda rises ------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Trace:
    """Breakpoints (patterns, k), the last one repeated; x has a last axis for locations."""

    y: Floats
    f: Floats
    x: Floats


def _traced(stack: _Stack, is_open: npt.NDArray[np.bool_]) -> _Trace:
    """Rows of a tableau: mining ability, milling, each location's limit, a grade row a vertex, y, f.

    Columns: one a location, the right-hand side, and a symbolic perturbation of it that settles ties: all grade rows
    are zero at the start, and without it the simplex might circle.
    """
    n_rows_of_grade, n = stack.surplus.shape[-2:]
    size, opened = stack.c.size // n, np.broadcast_to(is_open, stack.c.shape).reshape(-1, n)
    limit = stack.limit.reshape(-1, n)
    unit = np.maximum(limit.max(axis=1), 1e-300)
    n_rows = 2 + n + n_rows_of_grade
    table = np.zeros((size, n_rows + 2, n + 2))
    table[:, 0, :n] = stack.a.reshape(-1, n)
    table[:, 0, n] = np.broadcast_to(stack.P, stack.c.shape[:3]).reshape(-1) / unit
    table[:, 1, :n] = opened
    table[:, 1, n] = np.broadcast_to(stack.Q, stack.c.shape[:3]).reshape(-1) / unit
    table[:, 2 : 2 + n, :n] = np.eye(n) * opened[:, None, :]
    table[:, 2 : 2 + n, n] = limit / unit[:, None]
    grade = stack.surplus.reshape(size, n_rows_of_grade, n)
    table[:, 2 + n : n_rows, :n] = -grade * opened[:, None, :]
    largest = np.abs(table[:, :n_rows, :n]).max(axis=2, keepdims=True)
    table[:, :n_rows] /= np.where(largest > 0, largest, 1.0)
    table[:, :n_rows, n + 1] = 1.0 + (np.arange(1, n_rows + 1) * 0.6180339887498949) % 1.0
    table[:, n_rows, :n] = opened
    table[:, n_rows + 1, :n] = stack.c.reshape(-1, n)
    return _simplex(table, n, unit)


def _simplex(table: Floats, n: int, unit: Floats) -> _Trace:
    size, n_rows = len(table), table.shape[1] - 2
    alive = np.arange(size)
    basic = np.tile(np.arange(n, n + n_rows), (size, 1))
    nonbasic = np.tile(np.arange(n), (size, 1))
    steps = [(alive, np.zeros(size), np.zeros(size), np.zeros((size, n)))]
    # Each step raises y or is degenerate; the number of bases is a safe end of what a handful of steps does.
    for _ in range(50 * (n_rows + n)):
        gain, cost = table[:, n_rows, :n], table[:, n_rows + 1, :n]
        with np.errstate(divide="ignore", invalid="ignore"):
            price = np.where(gain > ZERO, cost / gain, np.inf)
        enters = price.argmin(axis=1)
        goes_on = np.isfinite(price[np.arange(len(price)), enters])
        if not goes_on.any():
            break
        if not goes_on.all():
            table, basic, nonbasic = table[goes_on], basic[goes_on], nonbasic[goes_on]
            alive, enters = alive[goes_on], enters[goes_on]
        _pivot(table, basic, nonbasic, enters, n)
        x = np.zeros((len(alive), n + n_rows))
        np.put_along_axis(x, basic, table[:, :n_rows, n], axis=1)
        steps.append((alive, -table[:, n_rows, n], -table[:, n_rows + 1, n], x[:, :n]))
    else:
        raise ArithmeticError("the trace of the mining cost does not end: the instance is out of scale")
    return _gathered(steps, unit)


def _pivot(table: Floats, basic: Ints, nonbasic: Ints, enters: Ints, n: int) -> None:
    """Exchange in place; the leaving row is the one that binds first, ties settled by the perturbation."""
    at, n_rows = np.arange(len(table)), table.shape[1] - 2
    column = table[at, :, enters]
    step = column[:, :n_rows]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(step > ZERO, np.maximum(table[:, :n_rows, n], 0.0) / step, np.inf)
        least = ratio.min(axis=1, keepdims=True)
        tied = np.where(ratio <= least + ZERO, table[:, :n_rows, n + 1] / step, np.inf)
    leaves = tied.argmin(axis=1)
    pivot = column[at, leaves]
    row = table[at, leaves] / pivot[:, None]
    table -= column[:, :, None] * row[:, None, :]
    table[at, leaves] = row
    table[at, :, enters] = -column / pivot[:, None]
    table[at, leaves, enters] = 1.0 / pivot
    entering = nonbasic[at, enters].copy()
    nonbasic[at, enters], basic[at, leaves] = basic[at, leaves], entering


def _gathered(steps: list[tuple[Ints, Floats, Floats, Floats]], unit: Floats) -> _Trace:
    """Breakpoints that move y, side by side; the last one fills up."""
    size, n = len(unit), steps[0][3].shape[1]
    count = np.zeros(size, dtype=np.int64)
    y, f, x = np.zeros((size, len(steps))), np.zeros((size, len(steps))), np.zeros((size, len(steps), n))
    for k, (alive, y_k, f_k, x_k) in enumerate(steps):
        moved = np.full(len(alive), True) if k == 0 else y_k > y[alive, count[alive] - 1] + ZERO
        rows = alive[moved]
        y[rows, count[rows]], f[rows, count[rows]], x[rows, count[rows]] = y_k[moved], f_k[moved], x_k[moved]
        count[rows] += 1
    last = np.minimum(np.arange(max(2, int(count.max())))[None, :], count[:, None] - 1)
    y, f = (np.take_along_axis(values, last, axis=1) * unit[:, None] for values in (y, f))
    return _Trace(y, f, np.maximum(np.take_along_axis(x, last[:, :, None], axis=1), 0.0) * unit[:, None, None])


# The lower envelope -----------------------------------------------------------------------------------------


def _envelope(y: Floats, f: Floats) -> list[dict[int, float]]:
    """For each row b of (b, patterns, k): the patterns of the lower envelope and the last y at which each is on it."""
    slope = np.diff(f) / np.where(np.diff(y) > 0, np.diff(y), 1.0)
    ends, at = y[:, :, -1], np.zeros(len(y))
    used: list[dict[int, float]] = [{} for _ in range(len(y))]
    alive = np.flatnonzero(ends.max(axis=1) > 0)
    current = _cheapest_beyond(y[alive], f[alive], slope[alive], at[alive])
    while alive.size:
        position, follower = _next(y[alive], f[alive], slope[alive], at[alive], current)
        for b, pattern, value in zip(alive.tolist(), current.tolist(), position.tolist(), strict=True):
            used[b][pattern] = value
        at[alive] = position
        goes_on = position < ends[alive].max(axis=1) * (1 - 1e-12)
        alive, follower = alive[goes_on], follower[goes_on]
        stuck = (follower < 0) | (ends[alive, follower] <= at[alive] * (1 + 1e-12))
        beyond = _cheapest_beyond(y[alive], f[alive], slope[alive], at[alive])
        current = np.where(stuck, beyond, follower)
    return used


def _value(y: Floats, f: Floats, slope: Floats, at: Floats) -> tuple[Floats, Floats]:
    """f of every pattern and its slope to the right of `at`; infinite from the pattern's end on."""
    where = at[:, None, None]
    segment = np.minimum((y[:, :, 1:] <= where * (1 + 1e-12)).sum(axis=2), slope.shape[2] - 1)[:, :, None]
    rise = np.take_along_axis(slope, segment, 2)[:, :, 0]
    start, base = (np.take_along_axis(values[:, :, :-1], segment, 2)[:, :, 0] for values in (y, f))
    value = base + rise * (at[:, None] - start)
    return np.where(y[:, :, -1] > at[:, None] * (1 + 1e-12), value, np.inf), rise


def _cheapest_beyond(y: Floats, f: Floats, slope: Floats, at: Floats) -> Ints:
    value, rise = _value(y, f, slope, at)
    least = value.min(axis=1, keepdims=True)
    with np.errstate(invalid="ignore"):
        tied = value <= least + 1e-9 * np.abs(least)
    return np.where(tied, rise, np.inf).argmin(axis=1)


def _next(y: Floats, f: Floats, slope: Floats, at: Floats, current: Ints) -> tuple[Floats, Ints]:
    """From `at` on the current pattern: the end of its segment or the first crossing; who goes on from there or -1."""
    b = np.arange(len(y))
    value, rise = _value(y, f, slope, at)
    own_value, own_rise, own_y = value[b, current], rise[b, current], y[b, current]
    end = np.where(own_y > at[:, None] * (1 + 1e-12), own_y, np.inf).min(axis=1)
    left = np.maximum(y[:, :, :-1], at[:, None, None])
    right = np.minimum(y[:, :, 1:], end[:, None, None])

    def above(place: Floats) -> Floats:
        own = own_value[:, None, None] + own_rise[:, None, None] * (place - at[:, None, None])
        difference: Floats = f[:, :, :-1] + slope * (place - y[:, :, :-1]) - own
        return difference

    before, after = np.maximum(above(left), 0.0), above(right)
    crosses = (right > left * (1 + 2e-12)) & (after < -1e-10 * np.abs(f).max(axis=(1, 2))[:, None, None])
    crosses[b, current] = False
    place = np.where(crosses, left + (right - left) * before / np.where(crosses, before - after, 1.0), np.inf)
    flat = place.reshape(len(y), -1)
    first = flat.min(axis=1)
    near = flat <= (first * (1 + 1e-12))[:, None]
    steepest = np.where(near & crosses.reshape(len(y), -1), slope.reshape(len(y), -1), np.inf).argmin(axis=1)
    is_crossed = np.isfinite(first)
    stays = np.where(own_y[:, -1] > end, current, -1)
    return np.where(is_crossed, first, end), np.where(is_crossed, steepest // slope.shape[2], stays)


def _modes(trace: _Trace, K: Floats, patterns: Ints, used: dict[int, float], offset: int) -> Phi:
    return tuple(_mode(trace, K, patterns, s, last, offset) for s, last in sorted(used.items()))


def _mode(trace: _Trace, K: Floats, patterns: Ints, s: int, last: float, offset: int) -> Mode:
    """The pattern's breakpoints up to the last y where it is on the envelope."""
    y, f, x = trace.y[offset + s], trace.f[offset + s], trace.x[offset + s]
    keep = np.append(y[:-1] < last * (1 - 1e-12), False)
    stop = int(keep.sum())
    end = min(last, float(y[-1]))
    tail_f = np.interp(end, y, f)
    tail_x = np.array([np.interp(end, y, column) for column in x.T])
    return Mode(
        tuple(patterns[s].tolist()),
        float(K[s]),
        np.append(y[:stop], end),
        np.append(f[:stop], tail_f),
        np.vstack([x[:stop], tail_x]),
    )
