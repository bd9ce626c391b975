"""The automatic re-test: does a fitted set still describe what the newest samples say?"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import scipy

from optimization.data import InstanceError, Problem
from optimization.uncertainty.checks import LEAST_SAMPLES, check_group
from optimization.uncertainty.estimation import FittedGrade, FittedSet
from optimization.uncertainty.samples import Sample, composites, grouped, samples_sha256

POPULATIONS = 4_000


class Drift(StrEnum):
    """`STANDS`: nothing speaks against the set. `REFIT`: it no longer fits. `TOO_FEW`: too few new samples to say."""

    STANDS = "stands"
    REFIT = "refit"
    TOO_FEW = "too_few"


@dataclass(frozen=True, slots=True)
class GroupDrift:
    """Of one group: Welch's test of the means, and how many new samples miss the interval on the feared side.

    missed_p is the probability of at least so many misses from the population that the set was fitted to, whose
    interval is itself an estimate: from few samples it may be too short by chance, and that alone is no drift.
    """

    location: str
    cutoff: str
    n: int
    mean_before_frac: float
    mean_now_frac: float | None
    mean_p: float | None
    missed: int
    missed_p: float | None
    drift: Drift
    words: str


@dataclass(frozen=True, slots=True)
class Retest:
    """The verdict on a set; `significance` is for all tests together (Bonferroni)."""

    identity: str
    drift: Drift
    significance: float
    samples_sha256: str
    groups: tuple[GroupDrift, ...]

    @property
    def words(self) -> tuple[str, ...]:
        heading = {
            Drift.STANDS: f"set {self.identity} stands",
            Drift.REFIT: f"set {self.identity} no longer fits: fit it again with the new samples",
            Drift.TOO_FEW: f"set {self.identity}: too few new samples to say",
        }[self.drift]
        return (heading, *(group.words for group in self.groups))

    def to_document(self) -> dict[str, Any]:
        return {"format": "cloudmining.retest/1", **asdict(self), "words": list(self.words)}


def retest(fitted: FittedSet, samples: Iterable[Sample], *, significance: float = 0.05) -> Retest:
    """New samples against the set; InstanceError for a group that the set does not have, ValueError out of range."""
    if not 0 < significance < 1:
        raise ValueError(f"significance is a probability between 0 and 1, got {significance}")
    given = tuple(samples)
    known = {(grade.location, grade.cutoff): grade for grade in fitted.grades}
    groups = grouped(given)
    unknown = [
        Problem(f"/groups/{i}/{j}", "is not in the set: drop it or fit a new set")
        for i, j in groups
        if (i, j) not in known
    ]
    if unknown or not groups:
        raise InstanceError(unknown or [Problem("/rows", "has no samples: give some")])
    n_tests = 2 * len(groups)
    found = tuple(_group(fitted, known[key], held, significance / n_tests) for key, held in groups.items())
    verdicts = {group.drift for group in found}
    overall = next(drift for drift in (Drift.REFIT, Drift.STANDS, Drift.TOO_FEW) if drift in verdicts)
    return Retest(fitted.identity, overall, significance, samples_sha256(given), found)


def _group(fitted: FittedSet, grade: FittedGrade, held: Sequence[Sample], significance: float) -> GroupDrift:
    kept = composites(held)
    values = [s.value_frac for s in kept]
    place = f"{grade.location}, cut-off {grade.cutoff}"
    is_unwanted, covers_one = fitted.options.is_unwanted, fitted.options.covers == "realisation"
    missed = sum(v > grade.high_frac if is_unwanted else v < grade.low_frac for v in values)
    n = len(values)
    if n < LEAST_SAMPLES:
        words = f"{place}: {n} new samples, {LEAST_SAMPLES} needed"
        return GroupDrift(*_place(grade), n, grade.gamma_frac, None, None, missed, None, Drift.TOO_FEW, words)
    checks = check_group(values, len(held), in_time=all(s.taken_at for s in kept))
    mean_p = _mean_p(grade, values, checks.n_effective)
    expected = (1 - fitted.options.level) / 2
    missed_p = _missed_p(missed, n, grade.checks.n_effective, fitted.options.level) if covers_one else None
    reasons = []
    now = float(np.mean(values))
    if mean_p < significance:
        reasons.append(f"the mean moved from {grade.gamma_frac:.4f} to {now:.4f} (p = {mean_p:.2g})")
    if missed_p is not None and missed_p < significance:
        side = "above" if is_unwanted else "below"
        reasons.append(f"{missed} of {n} lie {side} the set, {expected * n:.1f} expected (p = {missed_p:.2g})")
    words = f"{place}: {'; '.join(reasons) or f'mean {now:.4f}, {missed} of {n} outside, no drift seen'}"
    drift = Drift.REFIT if reasons else Drift.STANDS
    return GroupDrift(*_place(grade), n, grade.gamma_frac, now, mean_p, missed, missed_p, drift, words)


def _place(grade: FittedGrade) -> tuple[str, str]:
    return grade.location, grade.cutoff


def _missed_p(missed: int, n: int, n_before: float, level: float) -> float:
    """Averaged over what mean and deviation of n_before normal samples may come out as, by drawing them."""
    rng = np.random.default_rng(0)
    mean = rng.normal(size=POPULATIONS) / math.sqrt(n_before)
    std = np.sqrt(rng.chisquare(n_before - 1, POPULATIONS) / (n_before - 1))
    reach = scipy.stats.t.ppf((1 + level) / 2, n_before - 1) * math.sqrt(1 + 1 / n_before)
    outside = scipy.stats.norm.cdf(mean - reach * std)
    return float(np.mean(scipy.stats.binom.sf(missed - 1, n, outside)))


def _mean_p(grade: FittedGrade, values: Sequence[float], n_now: float) -> float:
    """Welch's test, two-sided, with effective numbers of samples; without any spread means are equal or not."""
    n_before = grade.checks.n_effective
    before, now = grade.std_frac**2 / n_before, float(np.var(values, ddof=1)) / n_now
    difference = float(np.mean(values)) - grade.gamma_frac
    if before + now == 0:
        return 1.0 if difference == 0 else 0.0
    df = (before + now) ** 2 / (before**2 / (n_before - 1) + now**2 / (n_now - 1))
    return float(2 * scipy.stats.t.sf(abs(difference) / math.sqrt(before + now), df))
