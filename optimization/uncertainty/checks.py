"""What may be said of a group of samples before anything is built on it, and the five-step test of its mean."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy

LEAST_SAMPLES = 3
FEW_SAMPLES = 8
SIGNIFICANCE = 0.05
# scipy's Shapiro–Wilk p-values are approximations for up to 5,000 samples (Royston 1995).
MOST_FOR_SHAPIRO = 5_000


@dataclass(frozen=True, slots=True)
class Checks:
    """Of one group: n_given rows, n composites, n_effective independent ones; None where it can't be known.

    lag1 is the autocorrelation of neighbours in time, significant beyond 1.96/sqrt(n); outliers lie beyond Tukey's
    fences, 1.5 interquartile ranges outside the quartiles, and are kept: poor ore is ore.
    """

    n_given: int
    n: int
    n_effective: float
    lag1: float | None
    is_independent: bool | None
    shapiro_p: float | None
    is_normal: bool | None
    outliers_frac: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class MeanTest:
    """Student's test of H0: mean = mean0_frac against H1: mean != mean0_frac, in five steps."""

    h0: str
    h1: str
    n: float
    mean_frac: float
    std_frac: float
    t: float
    df: float
    significance: float
    critical_t: float
    p: float
    is_rejected: bool
    decision: str


def check_group(values: Sequence[float], n_given: int, *, in_time: bool) -> Checks:
    """`values` are composites, in order of time when `in_time`."""
    n = len(values)
    lag1 = _lag1(values) if in_time else None
    is_dependent = lag1 is not None and abs(lag1) > 1.96 / math.sqrt(n)
    low, high = np.percentile(values, [25, 75])
    reach = 1.5 * (high - low)
    is_varied = LEAST_SAMPLES <= n <= MOST_FOR_SHAPIRO and min(values) < max(values)
    shapiro_p = float(scipy.stats.shapiro(values).pvalue) if is_varied else None
    return Checks(
        n_given=n_given,
        n=n,
        n_effective=max(2.0, n * (1 - lag1) / (1 + lag1)) if is_dependent and lag1 and lag1 > 0 else float(n),
        lag1=lag1,
        is_independent=None if lag1 is None else not is_dependent,
        shapiro_p=shapiro_p,
        is_normal=None if shapiro_p is None else shapiro_p >= SIGNIFICANCE,
        outliers_frac=tuple(v for v in values if not low - reach <= v <= high + reach),
    )


def _lag1(values: Sequence[float]) -> float | None:
    """None for a constant series, or one too short."""
    centred = np.asarray(values) - np.mean(values)
    total = float(centred @ centred)
    return float(centred[:-1] @ centred[1:]) / total if len(values) >= LEAST_SAMPLES and total > 0 else None


def mean_test(values: Sequence[float], mean0_frac: float, *, significance: float, n_effective: float) -> MeanTest:
    """ValueError when the values don't vary: then there is nothing to test against."""
    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    if std == 0:
        raise ValueError(f"all {len(values)} samples are {mean:g}: a test of the mean needs samples that vary")
    t, df = (mean - mean0_frac) / (std / math.sqrt(n_effective)), n_effective - 1
    critical, p = float(scipy.stats.t.ppf(1 - significance / 2, df)), float(2 * scipy.stats.t.sf(abs(t), df))
    is_rejected = abs(t) > critical
    return MeanTest(
        h0=f"the mean grade is {mean0_frac:g}",
        h1=f"the mean grade is not {mean0_frac:g}",
        n=n_effective,
        mean_frac=mean,
        std_frac=std,
        t=t,
        df=df,
        significance=significance,
        critical_t=critical,
        p=p,
        is_rejected=is_rejected,
        decision=_decision(t, critical, mean0_frac, is_rejected),
    )


def _decision(t: float, critical: float, mean0_frac: float, is_rejected: bool) -> str:
    if not is_rejected:
        return f"|t| = {abs(t):.2f} does not exceed {critical:.3f}: a mean grade of {mean0_frac:g} is not rejected"
    side = "above" if t > 0 else "below"
    return f"|t| = {abs(t):.2f} exceeds {critical:.3f}: rejected, the mean grade is {side} {mean0_frac:g}"
