"""Sets of several mines and elements as one: fitted, told, kept and held against new samples together."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import scipy

from optimization.data import InstanceError, Problem
from optimization.uncertainty.checks import LEAST_SAMPLES
from optimization.uncertainty.drift import Drift, Retest, retest
from optimization.uncertainty.estimation import FitOptions, FittedSet, fit, paper_set
from optimization.uncertainty.report import from_document, in_words, to_document
from optimization.uncertainty.samples import Place, Sample, by_mine, composites, grouped, place_words

FORMAT = "cloudmining.grade-set/1"
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Floor:
    """No ore of the place is poorer than floor_frac, because poorer ore is sorted out."""

    mine: str
    location: str
    cutoff: str
    floor_frac: float


@dataclass(frozen=True, slots=True)
class FitSettings:
    """How to fit all mines: `options` for each, with the mean tested of the grade that alpha limits only.

    unwanted: elements that are feared to rise. mines: only these, all if empty. skips_few: leave out places with too
    few samples instead of refusing them.
    """

    options: FitOptions
    floors: tuple[Floor, ...] = ()
    unwanted: tuple[str, ...] = ()
    mines: tuple[str, ...] = ()
    skips_few: bool = False

    def of(self, place: Place) -> FitOptions:
        """The options of one mine and element; ValueError as of FitOptions."""
        mine, element = place
        floors = tuple((f.location, f.cutoff, f.floor_frac) for f in self.floors if f.mine == mine and not element)
        return replace(
            self.options,
            element=element,
            is_unwanted=element in self.unwanted,
            floors=floors,
            mean0_frac=None if element else self.options.mean0_frac,
        )


@dataclass(frozen=True, slots=True)
class MineSet:
    """The set of one mine and element; `skipped` are places left out for want of samples."""

    mine: str
    element: str
    fitted: FittedSet
    skipped: tuple[str, ...] = ()

    @property
    def place(self) -> Place:
        return self.mine, self.element

    @property
    def title(self) -> str:
        return f"{self.mine}, {self.element}" if self.element else self.mine


def fit_mines(
    samples: Iterable[Sample], settings: FitSettings, *, version: int = 1, before: Iterable[MineSet] = ()
) -> tuple[MineSet, ...]:
    """A set for each mine and element; InstanceError names all that can't be fitted, ValueError bad settings."""
    older = {held.place: held.fitted.identity for held in before}
    chosen = [s for s in samples if not settings.mines or s.mine in settings.mines]
    problems = list(_absent(chosen, settings))
    made = []
    for place, held in by_mine(chosen).items():
        kept, skipped = _with_enough(held) if settings.skips_few else (held, ())
        if not kept:
            words = f"have no place of {place[0]} {place[1]}".strip() + " with enough samples: leave the mine out"
            problems.append(Problem("/batches", words))
            continue
        try:
            fitted = replace(fit(kept, settings.of(place)), version=version, replaces=older.get(place, ""))
            made.append(MineSet(*place, fitted, skipped))
        except InstanceError as error:
            title = f"{place[0]} {place[1]}".strip()
            problems += [
                Problem("/batches", f"{title}: {problem.path} {problem.message}") for problem in error.problems
            ]
    if problems:
        raise InstanceError(problems)
    return tuple(made)


def _absent(samples: Sequence[Sample], settings: FitSettings) -> Iterator[Problem]:
    """What the settings speak of and the samples lack; a name that is misspelt must not be passed over."""
    mines, elements = {s.mine for s in samples}, {s.element for s in samples}
    places = {(s.mine, s.location, s.cutoff) for s in samples if not s.element}
    if not samples and not settings.mines:
        yield Problem("/batches", "have no samples: send some first")
    for k, mine in enumerate(settings.mines):
        if mine not in mines:
            yield Problem(f"/settings/mines/{k}", f"is {mine!r}, of which the batches have no samples")
    for k, element in enumerate(settings.unwanted):
        if element not in elements or not element:
            yield Problem(f"/settings/unwanted/{k}", f"is {element!r}, of which the batches have no samples")
    for k, floor in enumerate(settings.floors):
        if (floor.mine, floor.location, floor.cutoff) not in places:
            yield Problem(f"/settings/floors/{k}", "is of a mine, location and cut-off without samples in the batches")
    if settings.options.mean0_frac is not None and samples and "" not in elements:
        yield Problem("/settings/mean0_frac", "is of the grade that alpha limits, of which there are no samples")


def _with_enough(samples: Sequence[Sample]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
    groups = grouped(samples)
    few = {group for group, held in groups.items() if len(composites(held)) < LEAST_SAMPLES}
    skipped = tuple(place_words(location, cutoff) for location, cutoff in sorted(few))
    return tuple(s for group, held in groups.items() if group not in few for s in held), skipped


# Documents ----------------------------------------------------------------------------------------------------------


def set_document(held: Sequence[MineSet]) -> dict[str, Any]:
    """What a plan takes from it: gamma and delta, fractions, by location and cut-off; Gamma is null for a box."""
    return {"format": FORMAT, "sets": [_part(each) for each in held]}


def _part(held: MineSet) -> dict[str, Any]:
    grades = [
        {"location": g.location, "cutoff": g.cutoff, "gamma": g.gamma_frac, "delta": g.delta_frac}
        for g in held.fitted.grades
    ]
    named = {"mine": held.mine, "element": held.element, "is_unwanted": held.fitted.options.is_unwanted}
    return {**named, "Gamma": held.fitted.budget, "grades": grades}


def evidence_document(held: Sequence[MineSet]) -> dict[str, Any]:
    """The evidence in words and as data, the coverage of all held-out samples, and the code that made it."""
    return {
        "words": [line for each in held for line in _words(each)],
        "coverage": _coverage(held),
        "code": code_version(),
        "sets": [
            {"mine": each.mine, "element": each.element, "skipped": list(each.skipped), **to_document(each.fitted)}
            | {"papers": _papers(each)}
            for each in held
        ],
    }


def sets_of(evidence: Mapping[str, Any]) -> tuple[MineSet, ...]:
    """Back from `evidence_document`."""
    own = ("mine", "element", "skipped", "papers")
    return tuple(
        MineSet(
            row["mine"],
            row["element"],
            from_document({key: value for key, value in row.items() if key not in own}),
            tuple(row["skipped"]),
        )
        for row in evidence["sets"]
    )


def _words(held: MineSet) -> Iterator[str]:
    yield from (f"{held.title}: {line}" for line in in_words(held.fitted))
    for place in held.skipped:
        yield f"{held.title}: {place} is left out: fewer than {LEAST_SAMPLES} different samples"
    for paper in _papers(held):
        where = f"{held.title}: {place_words(paper['location'], paper['cutoff'])}"
        yield f"{where}: as the paper has it, Pi = {paper['Pi']:g} and pi = {paper['pi']:g}"


def _papers(held: MineSet) -> list[dict[str, Any]]:
    """The paper's set of each place whose mean was shown to lie above mean0."""
    mean0, made = held.fitted.options.mean0_frac, []
    for grade in held.fitted.grades:
        if mean0 is not None and grade.test is not None and grade.test.is_rejected and grade.test.t > 0:
            paper = paper_set(grade.test, mean0)
            made.append({"location": grade.location, "cutoff": grade.cutoff, "Pi": paper.Pi, "pi": paper.pi})
    return made


def _coverage(held: Sequence[MineSet]) -> dict[str, int]:
    known = [grade.coverage for each in held for grade in each.fitted.grades if grade.coverage]
    return {"n": sum(c.n for c in known), "covered": sum(c.covered for c in known)}


@cache
def code_version() -> dict[str, str]:
    """What fitted: a hash of the sources of the evidence chain, and the libraries it counts with."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()
    return {
        "chain_sha256": digest,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "python": python_version(),
    }


# Re-test ------------------------------------------------------------------------------------------------------------


def covered_by(held: MineSet, samples: Iterable[Sample]) -> tuple[Sample, ...]:
    """Those of the samples that are of its places."""
    known = {(grade.location, grade.cutoff) for grade in held.fitted.grades}
    return tuple(s for s in samples if (s.mine, s.element) == held.place and (s.location, s.cutoff) in known)


def retest_mines(held: Iterable[MineSet], samples: Sequence[Sample]) -> dict[str, Any] | None:
    """The verdict on all sets together as a document, at 5 % for all tests; None if no sample is of their places."""
    concerned = [(each, new) for each in held if (new := covered_by(each, samples))]
    if not concerned:
        return None
    parts = [(each, retest(each.fitted, new, significance=SIGNIFICANCE / len(concerned))) for each, new in concerned]
    verdicts = {verdict.drift for _, verdict in parts}
    overall = next(drift for drift in (Drift.REFIT, Drift.STANDS, Drift.TOO_FEW) if drift in verdicts)
    return {
        "drift": overall.value,
        "significance": SIGNIFICANCE,
        "words": [f"{each.title}: {line}" for each, verdict in parts for line in _retest_words(verdict)],
        "parts": [{"mine": each.mine, "element": each.element, **verdict.to_document()} for each, verdict in parts],
    }


def _retest_words(verdict: Retest) -> Iterator[str]:
    """What speaks against the set first."""
    yield verdict.words[0]
    yield from (group.words for group in sorted(verdict.groups, key=lambda group: group.drift is not Drift.REFIT))
