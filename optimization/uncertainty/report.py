"""A fitted set in words and as data, and back from data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from optimization.data import InstanceError, Problem
from optimization.uncertainty.checks import FEW_SAMPLES, Checks, MeanTest
from optimization.uncertainty.estimation import Coverage, FitOptions, FittedGrade, FittedSet
from optimization.uncertainty.samples import place_words

FORMAT = "cloudmining.uncertainty-set/1"
LEAST_P = 1e-12
NUMBERS = ("gamma_frac", "delta_frac", "low_frac", "high_frac", "std_frac")


def to_document(fitted: FittedSet) -> dict[str, Any]:
    """Everything, with the words; grades are fractions. `from_document` reads it back to an equal set."""
    return {"format": FORMAT, **asdict(fitted), "words": list(in_words(fitted))}


def from_document(document: object) -> FittedSet:
    """InstanceError where the document is not one of `to_document`."""
    if not isinstance(document, Mapping) or document.get("format") != FORMAT:
        raise InstanceError([Problem("/format", f"must be {FORMAT!r}: give a file that `fit` wrote")])
    body = {key: value for key, value in document.items() if key not in ("format", "words")}
    try:
        floors = tuple((str(i), str(j), float(floor)) for i, j, floor in body["options"]["floors"])
        body["options"] = FitOptions(**{**body["options"], "floors": floors})
        body["grades"] = tuple(_grade(row) for row in body["grades"])
        body["sources"] = tuple(body["sources"])
        return FittedSet(**body)
    except (TypeError, KeyError) as error:
        raise InstanceError([Problem("", f"is not a set that `fit` wrote: {error}")]) from error


def _grade(row: Mapping[str, Any]) -> FittedGrade:
    numbers = [row[key] for key in NUMBERS] + [row["checks"]["n_effective"]]
    if not all(isinstance(number, int | float) for number in numbers):
        raise TypeError(f"{NUMBERS} and n_effective of a grade must be numbers, got {numbers}")
    checks = Checks(**{**row["checks"], "outliers_frac": tuple(row["checks"]["outliers_frac"])})
    test = MeanTest(**row["test"]) if row["test"] else None
    coverage = Coverage(**row["coverage"]) if row["coverage"] else None
    return FittedGrade(**{**row, "checks": checks, "test": test, "coverage": coverage})


def in_words(fitted: FittedSet) -> tuple[str, ...]:
    """The evidence chain, one statement a line: samples, checks, test, interval, coverage, set."""
    return (*_origin(fitted), *(line for grade in fitted.grades for line in _grade_words(fitted, grade)), _set(fitted))


def _origin(fitted: FittedSet) -> Iterator[str]:
    sources = f" from {', '.join(fitted.sources)}" if fitted.sources else ""
    times = f", {fitted.first_at} to {fitted.last_at}" if fitted.first_at else ", without times"
    replaced = f", replaces {fitted.replaces}" if fitted.replaces else ""
    yield f"set {fitted.identity}, version {fitted.version}{replaced}"
    values = f"{fitted.n_samples} values in {len(fitted.grades)} groups"
    yield f"{values}{sources}{times}, SHA-256 {fitted.samples_sha256[:16]}…"


def _grade_words(fitted: FittedSet, grade: FittedGrade) -> Iterator[str]:
    place = place_words(grade.location, grade.cutoff)
    yield f"{place}: {'; '.join(_check_words(grade.checks))}"
    if grade.test is not None:
        test = grade.test
        yield f"{place}: H0 {test.h0}; H1 {test.h1}"
        p = f"p = {test.p:.2g}" if test.p >= LEAST_P else f"p < {LEAST_P:g}"
        critical = f"critical {test.critical_t:.3f}, {p}"
        yield f"{place}: t = {test.t:.2f} with {test.df:.4g} degrees of freedom, {critical}"
        yield f"{place}: {test.decision}"
    what = "one more realisation" if fitted.options.covers == "realisation" else "the mean only, not realisations"
    yield (
        f"{place}: {fitted.options.level:.4g} {fitted.options.method} interval of {what}"
        f" {grade.low_frac:.4f} to {grade.high_frac:.4f}; gamma {grade.gamma_frac:.4f}, delta {grade.delta_frac:.4f}"
    )
    floors = [floor for *there, floor in fitted.options.floors if there == [grade.location, grade.cutoff]]
    if floors and max(floors) == grade.low_frac:
        yield f"{place}: the lower end is the floor {grade.low_frac:.4f} that was given, not what the samples say"
    yield f"{place}: {_coverage_words(fitted, grade)}"


def _check_words(checks: Checks) -> Iterator[str]:
    yield f"n = {checks.n}" + (" (few)" if checks.n < FEW_SAMPLES else "")
    if checks.n < checks.n_given:
        yield f"{checks.n_given} rows repeat {checks.n} composites, which are what counts"
    if checks.lag1 is None:
        yield "independence can't be checked without times"
    elif checks.is_independent:
        yield f"neighbours in time look independent (lag-1 {checks.lag1:.2f})"
    else:
        worth = f"worth {checks.n_effective:.1f} independent samples"
        yield f"neighbours in time depend on one another (lag-1 {checks.lag1:.2f}), {worth}"
    if checks.shapiro_p is not None:
        yield f"{'normal' if checks.is_normal else 'not normal'} (Shapiro p = {checks.shapiro_p:.2g})"
    if checks.outliers_frac:
        yield f"{len(checks.outliers_frac)} outliers, kept"


def _coverage_words(fitted: FittedSet, grade: FittedGrade) -> str:
    if grade.coverage is None:
        return "too few samples to hold any out"
    stated = (1 + fitted.options.level) / 2
    covered, n = grade.coverage.covered, grade.coverage.n
    promise = (
        f", {stated:.4g} stated"
        if fitted.options.covers == "realisation"
        else "; an interval of the mean promises none"
    )
    return (
        f"fitted without them, it covers {covered} of {n} held-out samples ({grade.coverage.share_frac:.3f}{promise})"
    )


def _set(fitted: FittedSet) -> str:
    if fitted.budget is None or fitted.violation_bound is None or fitted.options.violation is None:
        return "box: every grade may be at its worst at once"
    n = len({grade.location for grade in fitted.grades})
    bound = f"a blend misses its grade with probability {fitted.violation_bound:.3g} at most"
    words = f"budget Gamma = {fitted.budget:.6g} of {n} locations: {bound}"
    if fitted.violation_bound > fitted.options.violation:
        words += f"; no budget of {n} locations proves {fitted.options.violation:g}, so this is the whole box"
    return words
