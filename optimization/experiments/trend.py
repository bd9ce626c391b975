"""Spread of a sample, a straight line through points, and the proof that more ability never costs more."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

TOLERANCE = 1e-6


@dataclass(frozen=True, slots=True)
class Spread:
    """`variance` is the sample's; the coefficient of variation has no unit, so that sizes can be compared."""

    n: int
    mean: float
    variance: float
    coefficient_of_variation: float
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Trend:
    """y = intercept + slope x by least squares; `r_squared` is 1 when all y are the same."""

    slope: float
    intercept: float
    r_squared: float


@dataclass(frozen=True, slots=True)
class Point:
    """An ability, the best cost found there (None: infeasible or no plan) and the proven bound."""

    ability: float
    objective_usd: float | None
    bound_usd: float | None
    is_infeasible: bool = False


@dataclass(frozen=True, slots=True)
class Reversal:
    """At `ability` the cost found is `rise_usd` above the best at a smaller one, `at`; None: there is no plan at all.

    `is_gap`: the solves' gaps explain it, since the bound at `ability` is not above. Otherwise the data differ or
    something is wrong: with more ability every older plan stays possible.
    """

    at: float
    ability: float
    rise_usd: float | None
    is_gap: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """`is_monotone`: nothing contradicts that cost falls with ability; each reversal is then only a gap."""

    is_monotone: bool
    reversals: tuple[Reversal, ...]


def spread(values: Sequence[float]) -> Spread | None:
    """None without values."""
    if not values:
        return None
    mean, spread_out = fmean(values), variance(values) if len(values) > 1 else 0.0
    relative = math.sqrt(spread_out) / abs(mean) if mean else 0.0
    return Spread(len(values), mean, spread_out, relative, min(values), max(values))


def linear_trend(xs: Sequence[float], ys: Sequence[float]) -> Trend:
    """ValueError for fewer than two different x."""
    if len(set(xs)) < 2:
        raise ValueError("a trend needs two different abilities or more")
    x_mean, y_mean = fmean(xs), fmean(ys)
    sxx = math.fsum((x - x_mean) ** 2 for x in xs)
    sxy = math.fsum((x - x_mean) * (y - y_mean) for x, y in zip(xs, ys, strict=True))
    syy = math.fsum((y - y_mean) ** 2 for y in ys)
    slope = sxy / sxx
    return Trend(slope, y_mean - slope * x_mean, sxy**2 / (sxx * syy) if syy > 0 else 1.0)


def certify_monotone(points: Sequence[Point]) -> Certificate:
    """The cost must not rise with the ability; what looks as if it did is flagged and judged by the bounds."""
    reversals: list[Reversal] = []
    best: Point | None = None
    for point in sorted(points, key=lambda p: p.ability):
        if best is not None and best.objective_usd is not None:
            reversals += _reversal(best, best.objective_usd, point)
        if point.objective_usd is not None and (
            best is None or best.objective_usd is None or point.objective_usd < best.objective_usd
        ):
            best = point
    return Certificate(all(r.is_gap for r in reversals), tuple(reversals))


def _reversal(best: Point, best_usd: float, point: Point) -> list[Reversal]:
    if point.is_infeasible:
        return [Reversal(best.ability, point.ability, None, is_gap=False)]
    slack = TOLERANCE * max(1.0, best_usd)
    if point.objective_usd is None or point.objective_usd <= best_usd + slack:
        return []
    is_gap = point.bound_usd is None or point.bound_usd <= best_usd + slack
    return [Reversal(best.ability, point.ability, point.objective_usd - best_usd, is_gap)]
