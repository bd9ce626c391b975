"""From samples to an uncertainty set: checks, test of the mean, interval, budget, coverage on held-out samples."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import scipy

from optimization.data import (
    BoxSet,
    BudgetSet,
    Cutoff,
    InstanceError,
    Mine,
    PaperSet,
    Problem,
    SupplyChainInstance,
)
from optimization.uncertainty.checks import LEAST_SAMPLES, Checks, MeanTest, check_group, mean_test
from optimization.uncertainty.samples import Group, Sample, by_mine, composites, grouped, samples_sha256

Floats: TypeAlias = "np.ndarray[Any, np.dtype[np.float64]]"
METHODS, COVERS = ("t", "bootstrap"), ("realisation", "mean")
BOOTSTRAP_DRAWS = 4_000
DRAWN_AT_ONCE = 1_000_000


def _refuse(wrong: bool, message: str) -> None:
    if wrong:
        raise ValueError(message)


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How to fit; ValueError when out of range.

    level: two-sided confidence of the interval. covers: a single realisation of the grade, or only its mean.
    violation: probability with which a blend may miss its grade; with it the set is a budget, without it a box.
    mean0_frac: grade that the five-step test holds the mean against. held_out: share kept back to measure coverage.
    is_unwanted: a contaminant, whose grade is feared to rise. element: its name, empty for that of alpha.
    floors: (location, cut-off, grade) that no ore there is poorer than, because it is sorted out, say.
    """

    method: str = "t"
    covers: str = "realisation"
    level: float = 0.95
    violation: float | None = None
    mean0_frac: float | None = None
    held_out: float = 0.25
    is_unwanted: bool = False
    element: str = ""
    seed: int = 0
    floors: tuple[tuple[str, str, float], ...] = ()

    def __post_init__(self) -> None:
        _refuse(self.method not in METHODS, f"method must be one of {METHODS}, got {self.method!r}")
        _refuse(self.covers not in COVERS, f"covers must be one of {COVERS}, got {self.covers!r}")
        _refuse(not 0.5 <= self.level < 1, f"level is a fraction from 0.5 to below 1, got {self.level}")
        wrong = self.violation is not None and not 0 < self.violation < 1
        _refuse(wrong, f"violation is a probability between 0 and 1, got {self.violation}")
        wrong = self.mean0_frac is not None and not 0 <= self.mean0_frac <= 1
        _refuse(wrong, f"mean0 is a grade, a fraction from 0 to 1, got {self.mean0_frac}")
        _refuse(not 0 <= self.held_out <= 0.5, f"held_out is a fraction from 0 to 0.5, got {self.held_out}")
        _refuse(not 0 <= self.seed < 2**31, f"seed must be 0 to 2147483647, got {self.seed}")
        wrong = any(not 0 <= floor <= 1 for _, _, floor in self.floors)
        _refuse(wrong or (self.is_unwanted and bool(self.floors)), "floors are grades from 0 to 1 of what is wanted")


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of n held-out samples, those inside the interval that the others gave, on the side that is feared."""

    n: int
    covered: int

    @property
    def share_frac(self) -> float:
        return self.covered / self.n


@dataclass(frozen=True, slots=True)
class FittedGrade:
    """gamma_frac and delta_frac are those of the instance; low and high the interval that gave them."""

    location: str
    cutoff: str
    gamma_frac: float
    delta_frac: float
    low_frac: float
    high_frac: float
    std_frac: float
    checks: Checks
    test: MeanTest | None
    coverage: Coverage | None


@dataclass(frozen=True, slots=True)
class FittedSet:
    """A versioned set: `identity` names exactly these samples fitted in exactly this way.

    budget is Gamma, None for a box; violation_bound is the probability it proves. `replaces` is the identity before.
    """

    identity: str
    version: int
    replaces: str
    samples_sha256: str
    n_samples: int
    sources: tuple[str, ...]
    first_at: str
    last_at: str
    options: FitOptions
    budget: float | None
    violation_bound: float | None
    grades: tuple[FittedGrade, ...]


def fit(
    samples: Iterable[Sample],
    options: FitOptions = FitOptions(),
    *,
    replaces: FittedSet | None = None,
) -> FittedSet:
    """The whole chain; InstanceError names the groups with too few samples. The same input gives the same set."""
    given = tuple(samples)
    groups = grouped(given)
    problems = [
        *_origin_problems(given),
        *(p for group, held in groups.items() for p in _problems(group, held, options)),
    ]
    if problems:
        raise InstanceError(problems)
    grades = tuple(_fit_group(group, held, options) for group, held in groups.items())
    n_locations = len({grade.location for grade in grades})
    budget = None if options.violation is None else budget_for(n_locations, options.violation)
    sha256 = samples_sha256(given)
    times = sorted(s.taken_at.isoformat() for s in given if s.taken_at)
    return FittedSet(
        identity=_identity(sha256, options),
        version=replaces.version + 1 if replaces else 1,
        replaces=replaces.identity if replaces else "",
        samples_sha256=sha256,
        n_samples=len(given),
        sources=tuple(sorted({s.source for s in given if s.source})),
        first_at=times[0] if times else "",
        last_at=times[-1] if times else "",
        options=options,
        budget=budget,
        violation_bound=None if budget is None else violation_bound(n_locations, budget),
        grades=grades,
    )


def applied(fitted: FittedSet, instance: SupplyChainInstance, mine: str) -> SupplyChainInstance:
    """The instance with the mine's grades and the kind of set as fitted; ValueError where a fitted place is not there.

    With a budget every mine gets the same Gamma, at most its locations; mines that were not fitted keep their grades.
    """
    made = {(grade.location, grade.cutoff): grade for grade in fitted.grades}
    unknown = [pair for pair in made if (mine, *pair) not in instance.cutoff_by_key]
    _refuse(bool(unknown), f"mine {mine!r} has no location and cut-off {unknown[:5]}: use the instance's names")
    mines = tuple(_with_grades(m, made, fitted) if m.name == mine else m for m in instance.mines)
    uncertainty = BoxSet() if fitted.budget is None else BudgetSet((fitted.budget,) * len(mines))
    return replace(instance, mines=mines, uncertainty=uncertainty)


def _with_grades(mine: Mine, made: Mapping[Group, FittedGrade], fitted: FittedSet) -> Mine:
    def changed(location: str, cutoff: Cutoff) -> Cutoff:
        grade = made.get((location, cutoff.name))
        return cutoff if grade is None else _with_grade(cutoff, grade, fitted.options.element)

    locations = tuple(replace(i, cutoffs=tuple(changed(i.name, j) for j in i.cutoffs)) for i in mine.locations)
    return replace(mine, locations=locations)


def _with_grade(cutoff: Cutoff, grade: FittedGrade, element: str) -> Cutoff:
    n = len(cutoff.gamma)
    gamma, delta = (grade.gamma_frac,) * n, (grade.delta_frac,) * n
    if not element:
        return replace(cutoff, gamma=gamma, delta=delta)
    grades = tuple(replace(g, gamma=gamma, delta=delta) if g.element == element else g for g in cutoff.grades)
    return replace(cutoff, grades=grades)


def _identity(sha256: str, options: FitOptions) -> str:
    text = json.dumps([sha256, asdict(options)], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _origin_problems(samples: Sequence[Sample]) -> Iterator[Problem]:
    places = sorted(by_mine(samples))
    if not places:
        yield Problem("/rows", "has no samples: give some")
    if len(places) > 1:
        named = ", ".join(f"{mine} {element}".strip() for mine, element in places[:5])
        yield Problem("/rows", f"are of {named}: choose those of one mine and element, by --where say")


def _problems(group: Group, held: Sequence[Sample], options: FitOptions) -> Iterator[Problem]:
    path, n = "/groups/{}/{}".format(*group), len(composites(held))
    if n < LEAST_SAMPLES:
        words = f"has {n} different samples of {len(held)}: give {LEAST_SAMPLES} or more, or drop the group"
        yield Problem(path, words)
    floor = _floor(group, options)
    if below := sum(sample.value_frac < floor for sample in held):
        words = f"has {below} of {len(held)} samples below the floor {floor:g}: lower the floor or drop them"
        yield Problem(path, words)


def _floor(group: Group, options: FitOptions) -> float:
    return max((floor for *place, floor in options.floors if tuple(place) == group), default=0.0)


def _fit_group(group: Group, held: Sequence[Sample], options: FitOptions) -> FittedGrade:
    kept = composites(held)
    values = [s.value_frac for s in kept]
    checks = check_group(values, len(held), in_time=all(s.taken_at for s in kept))
    low, high = interval(values, options, n_effective=checks.n_effective)
    floor = _floor(group, options)
    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    low = min(mean, max(low, floor))
    test = None
    if options.mean0_frac is not None and std > 0:
        test = mean_test(values, options.mean0_frac, significance=1 - options.level, n_effective=checks.n_effective)
    return FittedGrade(
        *group,
        gamma_frac=mean,
        delta_frac=high - mean if options.is_unwanted else mean - low,
        low_frac=low,
        high_frac=high,
        std_frac=std,
        checks=checks,
        test=test,
        coverage=_coverage(kept, values, options, floor),
    )


def interval(values: Sequence[float], options: FitOptions, *, n_effective: float) -> tuple[float, float]:
    """Two-sided at the stated level, within 0 and 1: of the mean, or of one more realisation."""
    if options.method == "t":
        low, high = _t_interval(values, options, n_effective)
    else:
        low, high = _bootstrap_interval(values, options, n_effective)
    mean = float(np.mean(values))
    return min(mean, max(0.0, low)), max(mean, min(1.0, high))


def _t_interval(values: Sequence[float], options: FitOptions, n: float) -> tuple[float, float]:
    mean, std = float(np.mean(values)), float(np.std(values, ddof=1))
    spread = math.sqrt(1 + 1 / n) if options.covers == "realisation" else math.sqrt(1 / n)
    half = float(scipy.stats.t.ppf((1 + options.level) / 2, n - 1)) * std * spread
    return mean - half, mean + half


def _bootstrap_interval(values: Sequence[float], options: FitOptions, n: float) -> tuple[float, float]:
    """Percentiles of resampled means of n values; for a realisation the mean's error and a resampled deviation."""
    rng, sample = np.random.default_rng(options.seed), np.asarray(values)
    means = _resampled_means(sample, max(2, round(n)), rng)
    drawn = means
    if options.covers == "realisation":
        # A resample's deviations are too small by sqrt((n - 1)/n).
        deviations = (sample - sample.mean()) * math.sqrt(len(sample) / (len(sample) - 1))
        drawn = 2 * sample.mean() - means + rng.choice(deviations, BOOTSTRAP_DRAWS)
    low, high = np.quantile(drawn, [(1 - options.level) / 2, (1 + options.level) / 2])
    return float(low), float(high)


def _resampled_means(sample: Floats, n: int, rng: np.random.Generator) -> Floats:
    """Of n values each, in pieces, so that the memory stays the same however many samples there are."""
    kind: type[np.unsignedinteger[Any]] = np.uint16 if len(sample) <= 2**16 else np.uint32
    n_piece = max(1, DRAWN_AT_ONCE // n)
    sizes = [min(n_piece, BOOTSTRAP_DRAWS - begun) for begun in range(0, BOOTSTRAP_DRAWS, n_piece)]
    drawn = (sample[rng.integers(0, len(sample), (size, n), dtype=kind)].mean(axis=1) for size in sizes)
    return np.concatenate(list(drawn))


def _coverage(kept: Sequence[Sample], values: Sequence[float], options: FitOptions, floor: float) -> Coverage | None:
    """The last samples in time are held out, or random ones without times; None where too few are left to fit."""
    n_out = round(options.held_out * len(values))
    if n_out == 0 or len(values) - n_out < LEAST_SAMPLES:
        return None
    order = list(values)
    if any(s.taken_at is None for s in kept):
        order = list(np.random.default_rng(options.seed).permutation(values))
    fitted, out = order[:-n_out], order[-n_out:]
    in_time = all(s.taken_at for s in kept)
    n_effective = check_group(fitted, len(fitted), in_time=in_time).n_effective
    low, high = interval(fitted, options, n_effective=n_effective)
    low = max(low, floor)
    covered = sum(value <= high for value in out) if options.is_unwanted else sum(value >= low for value in out)
    return Coverage(n_out, int(covered))


# The budget ---------------------------------------------------------------------------------------------------------


def violation_bound(n: int, budget: float) -> float:
    """Most probable failure of a row with n uncertain terms under the budget (Bertsimas and Sim 2004, theorem 3).

    For independent, symmetrically distributed grades: with nu = (budget + n)/2 and mu = nu - floor(nu) it is
    2^-n ((1 - mu) C(n, floor(nu)) + sum_{l > floor(nu)} C(n, l)).
    """
    nu = (min(budget, float(n)) + n) / 2
    whole = math.floor(nu)
    tail = sum(math.comb(n, count) for count in range(whole + 1, n + 1))
    return ((1 - (nu - whole)) * math.comb(n, whole) + tail) / 2**n


def budget_for(n: int, violation: float) -> float:
    """The least Gamma whose bound is at most `violation`; n, the whole box, where no budget proves it."""
    low, high = 0.0, float(n)
    if violation_bound(n, low) <= violation:
        return low
    while high - low > 1e-9:
        middle = (low + high) / 2
        low, high = (low, middle) if violation_bound(n, middle) <= violation else (middle, high)
    return math.ceil(high * 1e6) / 1e6 if high < n else float(n)


def paper_set(test: MeanTest, mean0_frac: float, Pi: float = -10.0) -> PaperSet:
    """The paper's set from its test: the mean is above mean0, so Pi gamma <= Pi mean0; ValueError unless shown."""
    _refuse(
        not (test.is_rejected and test.t > 0), f"the test does not show a mean above {mean0_frac:g}: no set follows"
    )
    return PaperSet(Pi, Pi * mean0_frac)
