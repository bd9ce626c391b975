"""The convex hull of phi: what a linear program sees of the modes, as segments of rising slope."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from optimization.decomposition.value_function import MinePhi
from optimization.highs import Floats, Ints

# Segments of a period, the spare ones of no length: disturbed data then seldom need more columns than before.
SEGMENTS = 12
HAIR = 1e-9


@dataclass(frozen=True, slots=True)
class Hull:
    """Arrays of (periods, segments): segment k ends at y[t, k] t of ore, with mode[t, k]; slope in $/t.

    Each period starts at no ore and no cost; its slopes rise.
    """

    y: Floats
    slope: Floats
    mode: Ints

    @property
    def length(self) -> Floats:
        return np.diff(self.y, axis=1, prepend=0.0)

    def mixed(self, ore: Floats) -> tuple[Ints, Floats, Floats]:
        """Modes, the share of each, and of what tonnage, that together make ore[t] at the hull's cost."""
        period, start = np.arange(len(ore)), self.y - self.length
        k = np.minimum((self.y < ore[:, None]).sum(axis=1), (self.length > 0).sum(axis=1).clip(1) - 1)
        y, begin = self.y[period, k], start[period, k]
        share = np.clip((ore - begin) / np.where(y > begin, y - begin, 1.0), 0.0, 1.0)
        shares, ends = np.concatenate([share, 1.0 - share]), np.concatenate([y, begin])
        modes = np.concatenate([self.mode[period, k], self.mode[period, k - 1]])
        used = (shares > 0) & (ends > 0)
        return modes[used], shares[used], ends[used]


def hull_of(phi: MinePhi) -> Hull:
    """From breakpoint to breakpoint along the least slope, in all periods at once; the modes are phi's positions."""
    mode = np.repeat(np.arange(len(phi.t)), np.diff(phi.first))
    T, t, cost = phi.n_periods, phi.t[mode], phi.f + phi.K[mode]
    order = np.argsort(phi.y, kind="stable")
    t, y, cost, mode = t[order], phi.y[order], cost[order], mode[order]
    at_y, at_cost, steps = np.zeros(T), np.zeros(T), []
    while (beyond := np.flatnonzero(y > at_y[t] * (1 + HAIR))).size:
        here = t[beyond]
        slope, least = (cost[beyond] - at_cost[here]) / (y[beyond] - at_y[here]), np.full(T, np.inf)
        np.minimum.at(least, here, slope)
        nearest = beyond[slope <= least[here]]
        at_y[t[nearest]], at_cost[t[nearest]] = y[nearest], cost[nearest]
        last = np.full(T, -1)
        last[t[nearest]] = mode[nearest]
        steps.append((at_y.copy(), np.where(np.isfinite(least), least, 0.0), last))
    steps += [(at_y, np.zeros(T), np.full(T, -1))] * (SEGMENTS - len(steps))
    return Hull(*(np.stack(column, axis=1) for column in zip(*steps, strict=True)))
