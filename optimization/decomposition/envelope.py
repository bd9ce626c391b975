"""The lower envelope of many convex piecewise-linear curves, for many places at once.

Arrays are (k, curves, places): breakpoint k of each curve, the last one repeated. A curve ends at its last y.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from optimization.highs import Floats, Ints

HAIR = 1e-12
# Stretches on which curves that are plainly above another one are told apart, before the sweep.
STRETCHES = 8
Bools = npt.NDArray[np.bool_]


def last_use(y: Floats, f: Floats) -> Floats:
    """(curves, places): the last y at which each curve is on the envelope, 0 where it never is."""
    last = np.zeros(y.shape[1:])
    chosen = _candidates(y, f)
    held = np.maximum(chosen, 0)[None]
    found = _swept(np.take_along_axis(y, held, axis=1) * (chosen >= 0), np.take_along_axis(f, held, axis=1))
    curve, place = np.nonzero(found > 0)
    last[chosen[curve, place], place] = found[curve, place]
    return last


def _slopes(y: Floats, f: Floats) -> Floats:
    length = np.diff(y, axis=0)
    slopes: Floats = np.diff(f, axis=0) / np.where(length > 0, length, 1.0)
    return slopes


# Curves that may be on it -------------------------------------------------------------------------------------------


def _candidates(y: Floats, f: Floats) -> Ints:
    """(candidates, places) curves, -1 where there are fewer: all but those that a chord of another one rules out.

    A curve is no lower than its tangents. Where these are above a chord of another curve over a whole stretch, that
    other curve is better there. The curves whose chords are used stay.
    """
    slope, ends, n_segments = _slopes(y, f), y[-1], (np.diff(y, axis=0) > 0).sum(axis=0)
    marks = np.linspace(0.0, 1.0, STRETCHES + 1)[:, None] * ends.max(axis=0)
    keep = np.zeros(ends.shape, dtype=bool)
    value, rise = _tangents(y, f, slope, n_segments, marks[0])
    for a, b in pairwise(marks):
        next_value, next_rise = _tangents(y, f, slope, n_segments, b)
        chord = np.where(ends >= b, value + next_value, np.inf).argmin(axis=0)[None]
        left, right = (np.take_along_axis(values, chord, axis=0) for values in (value, next_value))
        incline = (right - left) / np.where(b > a, b - a, 1.0)
        ruled_out = _is_above(value - left, next_value - right, rise - incline, next_rise - incline, b - a)
        keep |= (ends > a) & ~(ruled_out & (ends.max(axis=0) >= b))
        np.put_along_axis(keep, chord, True, axis=0)
        value, rise = next_value, next_rise
    count = keep.sum(axis=0)
    order = np.argsort(~keep, axis=0, kind="stable")[: count.max()]
    chosen: Ints = np.where(np.arange(len(order))[:, None] < count, order, -1)
    return chosen


def _tangents(y: Floats, f: Floats, slope: Floats, n_segments: Ints, mark: Floats) -> tuple[Floats, Floats]:
    """Value and slope at the mark, of the last segment beyond a curve's end."""
    segment = np.minimum((y[1:] <= mark).sum(axis=0), np.maximum(n_segments - 1, 0))[None]
    rise, start, base = (np.take_along_axis(values, segment, axis=0)[0] for values in (slope, y, f))
    return base + rise * (mark - start), rise


def _is_above(left: Floats, right: Floats, falls: Floats, rises: Floats, length: Floats) -> Bools:
    """Whether tangents of these values and slopes at a stretch's ends leave nothing below zero between them."""
    with np.errstate(divide="ignore", invalid="ignore"):
        meet = left / -falls + right / rises >= length
    above: Bools = (left >= 0) & (right >= 0) & ((falls >= 0) | (rises <= 0) | meet)
    return above


# The sweep ----------------------------------------------------------------------------------------------------------


def _swept(y: Floats, f: Floats) -> Floats:
    """From y = 0 along the lowest curve, to the place where another one drops below it, and on along that one."""
    slope, ends, at = _slopes(y, f), y[-1], np.zeros(y.shape[2])
    last = np.zeros(ends.shape)
    alive = np.flatnonzero(ends.max(axis=0) > 0)
    y, f, slope, ends = y[:, :, alive], f[:, :, alive], slope[:, :, alive], ends[:, alive]
    at = at[alive]
    current = _cheapest_beyond(y, f, slope, at)
    while alive.size:
        at, follower = _next(y, f, slope, at, current)
        last[current, alive] = at
        goes_on = at < ends.max(axis=0) * (1 - HAIR)
        if not goes_on.all():
            y, f, slope, ends = (values[..., goes_on] for values in (y, f, slope, ends))
            alive, follower, at = alive[goes_on], follower[goes_on], at[goes_on]
        stuck = (follower < 0) | (ends[follower, np.arange(len(alive))] <= at * (1 + HAIR))
        current = np.where(stuck, _cheapest_beyond(y, f, slope, at), follower) if stuck.any() else follower
    return last


def _value(y: Floats, f: Floats, slope: Floats, at: Floats) -> tuple[Floats, Floats]:
    """f of every curve and its slope to the right of `at`; infinite from the curve's end on."""
    segment = np.minimum((y[1:] <= at * (1 + HAIR)).sum(axis=0), len(slope) - 1)[None]
    rise, start, base = (np.take_along_axis(values, segment, axis=0)[0] for values in (slope, y, f))
    return np.where(y[-1] > at * (1 + HAIR), base + rise * (at - start), np.inf), rise


def _cheapest_beyond(y: Floats, f: Floats, slope: Floats, at: Floats) -> Ints:
    value, rise = _value(y, f, slope, at)
    least = value.min(axis=0)
    with np.errstate(invalid="ignore"):
        tied = value <= least + 1e-9 * np.abs(least)
    return np.where(tied, rise, np.inf).argmin(axis=0)


def _next(y: Floats, f: Floats, slope: Floats, at: Floats, current: Ints) -> tuple[Floats, Ints]:
    """From `at` on the current curve: the end of its segment or the first crossing; who goes on from there or -1."""
    place = np.arange(y.shape[2])
    own_y, own_f, own_slope = y[:, current, place], f[:, current, place], slope[:, current, place]
    segment = np.minimum((own_y[1:] <= at * (1 + HAIR)).sum(axis=0), len(own_slope) - 1)
    own_rise, end = own_slope[segment, place], own_y[segment + 1, place]
    own = own_f[segment, place] - own_rise * own_y[segment, place]
    left, right = np.maximum(y[:-1], at), np.minimum(y[1:], end)
    base = f[:-1] - slope * y[:-1] - own
    steeper = slope - own_rise
    before, after = np.maximum(base + steeper * left, 0.0), base + steeper * right
    crosses = (right > left * (1 + 2 * HAIR)) & (after < -1e-10 * np.abs(f).max(axis=(0, 1)))
    crosses[:, current, place] = False
    if not crosses.any():
        return end, np.where(own_y[-1] > end, current, -1)
    where = np.where(crosses, left + (right - left) * before / np.where(crosses, before - after, 1.0), np.inf)
    flat = where.reshape(-1, len(place))
    first = flat.min(axis=0)
    near = (flat <= first * (1 + HAIR)) & crosses.reshape(flat.shape)
    steepest = np.where(near, slope.reshape(flat.shape), np.inf).argmin(axis=0) % y.shape[1]
    is_crossed = np.isfinite(first)
    return np.where(is_crossed, first, end), np.where(is_crossed, steepest, np.where(own_y[-1] > end, current, -1))
