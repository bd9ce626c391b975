"""The mine block as a function of one number: phi[m,t](y), the least cost of mining y tonnes of ore.

Rows (2), (4), (6), (7) touch the rest of the program through y[m,t] alone. For a *pattern*, each location closed or
open at one cut-off, the cost is convex and piecewise linear in y (`trace`); phi is the lower envelope over the patterns
(`envelope`). Tonnes and $.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from optimization.data import Mine, SupplyChainInstance
from optimization.decomposition.envelope import last_use
from optimization.decomposition.trace import Trace, patterns_of, shape_of, traced
from optimization.highs import Floats, Ints

# Patterns times places at once: enough to keep numpy busy, little enough for the processor's memory.
CHUNK = 24_000
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


@dataclass(frozen=True, slots=True)
class MinePhi(Sequence[Phi]):
    """phi of a mine in every period, empty where nothing can be mined; all modes in arrays, by period.

    Mode h runs in period t[h], with breakpoints first[h] to first[h + 1] of y, f, x.
    """

    n_periods: int
    t: Ints
    pattern: Ints
    K: Floats
    first: Ints
    y: Floats
    f: Floats
    x: Floats

    def __len__(self) -> int:
        return self.n_periods

    def __getitem__(self, t: int) -> Phi:  # type: ignore[override]
        if not -self.n_periods <= t < self.n_periods:
            raise IndexError(t)
        return tuple(self._mode(h) for h in np.flatnonzero(self.t == t % self.n_periods).tolist())

    def _mode(self, h: int) -> Mode:
        at = slice(self.first[h], self.first[h + 1])
        return Mode(tuple(self.pattern[h].tolist()), float(self.K[h]), self.y[at], self.f[at], self.x[at])

    @property
    def order(self) -> Ints:
        """The position of each mode among those of its period."""
        at: Ints = np.arange(len(self.t)) - np.searchsorted(self.t, self.t)
        return at

    @property
    def _within(self) -> npt.NDArray[np.bool_]:
        """Which differences of neighbouring breakpoints are segments of one mode."""
        within = np.ones(max(0, len(self.y) - 1), dtype=bool)
        within[self.first[1:-1] - 1] = False
        return within

    @property
    def lengths(self) -> Floats:
        """t of each segment, by mode."""
        return np.diff(self.y)[self._within]

    @property
    def starts(self) -> Floats:
        """t at which each segment begins, by mode."""
        return self.y[:-1][self._within]

    @property
    def slopes(self) -> Floats:
        """$/t of each segment, by mode."""
        slopes: Floats = np.diff(self.f)[self._within] / self.lengths
        return slopes


def n_patterns(mine: Mine) -> int:
    return int(np.prod([1 + len(i.cutoffs) for i in mine.locations]))


def value_functions(instance: SupplyChainInstance, members: Sequence[int] | None = None) -> list[MinePhi]:
    """phi of the mines at these positions, of all without; in their order."""
    asked = range(len(instance.mines)) if members is None else members
    groups: dict[tuple[object, ...], list[int]] = {}
    for m in asked:
        groups.setdefault(shape_of(instance, instance.mines[m]), []).append(m)
    found = {m: phi for group in groups.values() for m, phi in _group(instance, group)}
    return [found[m] for m in asked]


def _group(instance: SupplyChainInstance, members: list[int]) -> Iterator[tuple[int, MinePhi]]:
    """Mines of one shape, some at once."""
    patterns = patterns_of(instance.mines[members[0]])
    size = max(1, CHUNK // (len(patterns) * len(instance.periods)))
    for k in range(0, len(members), size):
        some = members[k : k + size]
        trace = traced(instance, [instance.mines[m] for m in some], patterns)
        yield from zip(some, _phis(trace, patterns, len(some)), strict=True)


def _phis(trace: Trace, patterns: Ints, n_mines: int) -> Iterator[MinePhi]:
    """Each pattern's breakpoints up to the last y where it is on the envelope."""
    last = last_use(trace.y, trace.f + trace.K)
    place, s = np.nonzero(last.T > 0)
    end, mode = last[s, place], np.arange(len(s))
    y, f, x = trace.y[:, s, place], trace.f[:, s, place], trace.x[:, :, s, place]
    stop = (y[:-1] < end * (1 - 1e-12)).sum(axis=0)
    before, after = (stop - 1, mode), (stop, mode)
    share = np.minimum(1.0, (end - y[before]) / (y[after] - y[before]))
    f[after] = f[before] + share * (f[after] - f[before])
    x[:, stop, mode] = x[:, stop - 1, mode] + share * (x[:, stop, mode] - x[:, stop - 1, mode])
    y[after] = np.minimum(end, y[after])
    kept = (np.arange(len(y))[:, None] <= stop).T
    first = np.concatenate([[0], np.cumsum(stop + 1)])
    y, f, x = y.T[kept], f.T[kept], x.transpose(2, 1, 0)[kept]
    T = last.shape[1] // n_mines
    ends = np.searchsorted(place, np.arange(n_mines + 1) * T)
    for g in range(n_mines):
        a, b = ends[g], ends[g + 1]
        points = slice(first[a], first[b])
        yield MinePhi(
            n_periods=T,
            t=place[a:b] - g * T,
            pattern=patterns[s[a:b]],
            K=trace.K[s[a:b], place[a:b]],
            first=first[a : b + 1] - first[a],
            y=y[points],
            f=f[points],
            x=x[points],
        )
