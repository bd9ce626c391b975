"""What may be wrong with elements and rows of an instance, beyond its schema: every problem with its place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from typing import TypeVar

from optimization.data import (
    BudgetSet,
    Cutoff,
    Element,
    GradeRow,
    Mine,
    PaperSet,
    PolyhedronSet,
    Problem,
    SupplyChainInstance,
)
from optimization.uncertainty.sets import MAIN, grade_set
from optimization.uncertainty.worst_case import minimum

Key = TypeVar("Key", bound=Hashable)


def grade_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """No grade can fall below 0."""
    for m, mine in enumerate(instance.mines):
        for i, location in enumerate(mine.locations):
            for j, cutoff in enumerate(location.cutoffs):
                for t, (gamma, delta) in enumerate(zip(cutoff.gamma, cutoff.delta, strict=True)):
                    if delta > gamma:
                        path = f"/mines/{m}/locations/{i}/cutoffs/{j}/delta"
                        yield Problem(
                            path, f"is {delta:g} in period {t}, above gamma {gamma:g}: a grade can't fall below 0"
                        )


def element_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """Each element once, with one limit, and with a grade at every cut-off of its mine."""
    for m, mine in enumerate(instance.mines):
        if mine.elements and isinstance(instance.uncertainty, PaperSet):
            yield Problem("/uncertainty/kind", "paper knows one grade: with elements use another kind")
        for name in _repeated([element.name for element in mine.elements]):
            yield Problem(f"/mines/{m}/elements", f"gives {name!r} twice: keep one")
        for e, element in enumerate(mine.elements):
            if (element.least is None) == (element.most is None):
                yield Problem(f"/mines/{m}/elements/{e}", "give either least or most")
        for i, location in enumerate(mine.locations):
            for j, cutoff in enumerate(location.cutoffs):
                yield from _cutoff_problems(mine, cutoff, f"/mines/{m}/locations/{i}/cutoffs/{j}/grades")


def _cutoff_problems(mine: Mine, cutoff: Cutoff, path: str) -> Iterator[Problem]:
    known, given = {e.name: e for e in mine.elements}, [grade.element for grade in cutoff.grades]
    for name in [name for name in known if name not in given]:
        yield Problem(path, f"has no grade of {name!r}, which the mine's elements name: add it")
    for name in _repeated(given):
        yield Problem(path, f"gives {name!r} twice: keep one")
    for k, grade in enumerate(cutoff.grades):
        if grade.element not in known:
            yield Problem(f"{path}/{k}/element", f"is {grade.element!r}, which the mine's elements lack")
            continue
        for t, (gamma, delta) in enumerate(zip(grade.gamma, grade.delta, strict=True)):
            if not 0 <= _worst(known[grade.element], gamma, delta) <= 1:
                words = f"is {delta:g} in period {t}, with gamma {gamma:g} the grade would leave 0 to 1: lower it"
                yield Problem(f"{path}/{k}/delta", words)


def _worst(element: Element, gamma: float, delta: float) -> float:
    return gamma + delta if element.least is None else gamma - delta


def budget_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """A budget counts locations that exist; the floor of the paper's set is a grade."""
    if isinstance(instance.uncertainty, PaperSet) and instance.uncertainty.floor_frac > 1:
        yield Problem("/uncertainty/pi", f"pi/Pi is {instance.uncertainty.floor_frac:g}: a grade is at most 1")
    most = max(len(mine.locations) for mine in instance.mines)
    held, path = instance.uncertainty, "/uncertainty"
    if isinstance(held, PolyhedronSet) and held.base is not None:
        held, path = held.base, "/uncertainty/base"
    if isinstance(held, BudgetSet):
        for gamma in sorted({g for g in held.Gamma if g > most}):
            yield Problem(f"{path}/Gamma", f"is {gamma:g}, above the {most} locations of any mine: give 0 to {most}")


def polyhedron_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """Rows name what the instance has, each grade once."""
    if not isinstance(instance.uncertainty, PolyhedronSet):
        return
    for r, row in enumerate(instance.uncertainty.rows):
        path = f"/uncertainty/rows/{r}"
        if row.mine not in instance.mine_by_name:
            yield Problem(f"{path}/mine", f"names the mine {row.mine!r}, which /mines does not have: correct the name")
        else:
            yield from _term_problems(instance, row, path)


def _term_problems(instance: SupplyChainInstance, row: GradeRow, path: str) -> Iterator[Problem]:
    elements = {MAIN, *(element.name for element in instance.mine_by_name[row.mine].elements)}
    for k, term in enumerate(row.terms):
        if (row.mine, term.location, term.cutoff) not in instance.cutoff_by_key:
            words = f"names {term.location!r} with cut-off {term.cutoff!r}, which mine {row.mine!r} does not have"
            yield Problem(f"{path}/terms/{k}", words)
        if term.element not in elements:
            yield Problem(f"{path}/terms/{k}/element", f"is {term.element!r}, which the mine's elements lack")
    for key in _repeated([(term.element, term.location, term.cutoff) for term in row.terms]):
        yield Problem(f"{path}/terms", f"gives the grade of {' '.join(key).strip()} twice: add the coefficients up")


def empty_set_problems(instance: SupplyChainInstance) -> Iterator[Problem]:
    """Rows that no grades satisfy would make every plan safe, which is never meant. Needs names that are right."""
    if not isinstance(instance.uncertainty, PolyhedronSet):
        return
    for mine in instance.mines:
        for t, period in enumerate(instance.periods):
            held = grade_set(instance, mine, t)
            if minimum([0.0] * held.n_factors, held.rows) is None:
                words = f"no grades of mine {mine.name!r} satisfy them all in {period!r}: loosen or drop a row"
                yield Problem("/uncertainty/rows", words)
                break


def _repeated(items: list[Key]) -> list[Key]:
    return [item for item, n in Counter(items).items() if n > 1]
