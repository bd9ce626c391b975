"""Fewer points that still look like all of them. Pure; times and values are plain numbers, times ascending.

`extremes` keeps the lowest and highest of each stretch: no peak is ever lost. `lttb` keeps the points that span the
largest triangles with their neighbours (Steinarsson 2013): the shape as the eye sees it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from typing import Final

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Band:
    """What lies from `at` on to the next band: the mean of `n` good readings and their extremes; None without one."""

    at: datetime
    value: float | None
    lowest: float | None
    highest: float | None
    n: int


FEWEST: Final = 4


def extremes(points: Sequence[Point], n: int) -> list[Point]:
    """At most `n` (≥ 4): the first, the last, and of each of equally many points between them lowest and highest."""
    if len(points) <= _checked(n):
        return list(points)
    kept = [points[0]]
    for start, stop in _stretches(len(points), (n - 2) // 2):
        stretch = range(start, stop)
        lowest = min(stretch, key=lambda i: points[i][1])
        highest = max(stretch, key=lambda i: points[i][1])
        kept += [points[i] for i in sorted({lowest, highest})]
    return [*kept, points[-1]]


def lttb(points: Sequence[Point], n: int) -> list[Point]:
    """At most `n` (≥ 4), the first and the last among them."""
    if len(points) <= _checked(n):
        return list(points)
    stretches = _stretches(len(points), n - 2)
    kept = [points[0]]
    for (start, stop), (after, end) in pairwise([*stretches, (len(points) - 1, len(points))]):
        ahead = _centre(points[after:end])
        before = kept[-1]
        kept.append(max(points[start:stop], key=lambda point: _area(before, point, ahead)))
    return [*kept, points[-1]]


METHODS: Final[dict[str, Callable[[Sequence[Point], int], list[Point]]]] = {"extremes": extremes, "lttb": lttb}


def binned(bands: Iterable[Band], since: datetime, step: timedelta) -> list[Band]:
    """Ascending bands in steps of equal length from `since` on, each with the extremes of all in it; none is empty."""
    groups = groupby(bands, key=lambda band: (band.at - since) // step)
    return [_joined(since + k * step, [band for band in group if band.n]) for k, group in groups]


def _joined(at: datetime, bands: Sequence[Band]) -> Band:
    """Without `value` where one of them has none: it is hidden, or there was no good reading."""
    n = sum(band.n for band in bands)
    told = [(band.value, band.lowest, band.highest, band.n) for band in bands]
    whole = [(v, low, high, k) for v, low, high, k in told if v is not None and low is not None and high is not None]
    if not whole or len(whole) < len(told):
        return Band(at, None, None, None, n)
    mean = sum(v * (k / n) for v, _, _, k in whole)
    return Band(at, mean, min(low for _, low, _, _ in whole), max(high for _, _, high, _ in whole), n)


def _checked(n: int) -> int:
    if n < FEWEST:
        raise ValueError(f"at least {FEWEST} points")
    return n


def _stretches(n_points: int, n: int) -> list[tuple[int, int]]:
    """What lies between the first and the last point, in `n` parts of nearly equal size."""
    inner = n_points - 2
    return [(1 + inner * k // n, 1 + inner * (k + 1) // n) for k in range(n)]


def _centre(points: Sequence[Point]) -> Point:
    return sum(at for at, _ in points) / len(points), sum(value for _, value in points) / len(points)


def _area(a: Point, b: Point, c: Point) -> float:
    """Twice the triangle's."""
    return abs((b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1]))
