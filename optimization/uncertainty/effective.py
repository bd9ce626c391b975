"""A set of grades put into an instance, as a document that nobody has validated yet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from optimization.data import InstanceError, Problem
from optimization.uncertainty.samples import Group

Part = Mapping[str, Any]
Document = Mapping[str, Any]
AT = "/instance/mines"


def put_into(held: Document, instance: object) -> object:
    """The instance with gamma, delta and Gamma of `held`, a document of `mines.set_document`, for the mines it has.

    Other mines keep theirs. InstanceError for a mine that the instance lacks, a cut-off or element that the set lacks,
    and kinds of uncertainty that say grades by themselves. What is no instance at all comes back as it is.
    """
    if not isinstance(instance, Mapping):
        return instance
    mines = _rows(instance, "mines")
    parts: dict[str, list[Part]] = {}
    for part in held["sets"]:
        parts.setdefault(part["mine"], []).append(part)
    problems = list(_problems(parts, mines, instance))
    if problems:
        raise InstanceError(problems)
    made = [_mine(mine, parts.get(_name(mine), [])) for mine in mines]
    return {**instance, "mines": made, "uncertainty": _uncertainty(instance, mines, parts)}


# What is in the way -------------------------------------------------------------------------------------------------


def _problems(parts: Mapping[str, list[Part]], mines: list[Any], instance: Document) -> Iterator[Problem]:
    names = [_name(mine) for mine in mines]
    for name in parts:
        if name not in names:
            words = f"has mine {name!r}, which {AT} does not: correct the name there, or fit a set without it"
            yield Problem("/grade_set", words)
    for m, mine in enumerate(mines):
        for part in parts.get(names[m], []):
            yield from _mine_problems(part, mine, f"{AT}/{m}")
    held = instance.get("uncertainty")
    kind, base = _get(held, "kind"), _get(held, "base")
    if kind == "paper" or (kind == "polyhedron" and not isinstance(base, Mapping)):
        words = f"is {kind!r}, which sets the grades by itself: use nominal, box or budget, or a base, with a grade set"
        yield Problem("/instance/uncertainty/kind", words)


def _mine_problems(part: Part, mine: Any, path: str) -> Iterator[Problem]:
    known = {(g["location"], g["cutoff"]) for g in part["grades"]}
    for i, j, group in _places(mine):
        if group not in known:
            what = part["element"] or "the grade"
            words = f"the grade set knows nothing of {what} here: take samples of it, or leave the option out"
            yield Problem(f"{path}/locations/{i}/cutoffs/{j}", words)
    if part["element"]:
        yield from _element_problems(part, _rows(mine, "elements"), f"{path}/elements")


def _element_problems(part: Part, elements: list[Any], path: str) -> Iterator[Problem]:
    feared, found = "most" if part["is_unwanted"] else "least", False
    for e, element in enumerate(elements):
        if _name(element) != part["element"]:
            continue
        found = True
        if feared not in element:
            side = "rise" if part["is_unwanted"] else "fall"
            yield Problem(
                f"{path}/{e}", f"has no {feared!r}, but the grade set was fitted for a grade feared to {side}"
            )
    if not found:
        yield Problem(path, f"lack {part['element']!r}, which the grade set has: add its limit, or fit without it")


# The instance -------------------------------------------------------------------------------------------------------


def _mine(mine: Any, parts: list[Part]) -> Any:
    for part in parts:
        grades = {(g["location"], g["cutoff"]): g for g in part["grades"]}
        locations = [_location(location, part["element"], grades) for location in _rows(mine, "locations")]
        mine = {**mine, "locations": locations}
    return mine


def _location(location: Any, element: str, grades: Mapping[Group, Part]) -> Any:
    def changed(cutoff: Any) -> Any:
        return _cutoff(cutoff, element, grades[_name(location), _name(cutoff)])

    cutoffs = _rows(location, "cutoffs")
    return {**location, "cutoffs": [changed(cutoff) for cutoff in cutoffs]} if cutoffs else location


def _cutoff(cutoff: Any, element: str, grade: Part) -> dict[str, Any]:
    fitted = {"gamma": grade["gamma"], "delta": grade["delta"]}
    if not element:
        return {**cutoff, **fitted}
    others = [row for row in _rows(cutoff, "grades") if _get(row, "element") != element]
    return {**cutoff, "grades": [*others, {"element": element, **fitted}]}


def _uncertainty(instance: Document, mines: list[Any], parts: Mapping[str, list[Part]]) -> Any:
    """Nominal is a budget of 0 and a box one of all locations, so mines that the set lacks stay as they were."""
    held = instance.get("uncertainty", {"kind": "nominal"})
    base = _get(held, "base") if _get(held, "kind") == "polyhedron" else held
    own = _own_budgets(base, mines)
    if own is None:
        return held
    sizes = [len(_rows(mine, "locations")) for mine in mines]
    budgets = [_budget(parts.get(_name(mine), []), own[m], sizes[m]) for m, mine in enumerate(mines)]
    made = {"kind": "box"} if budgets == sizes else {"kind": "budget", "Gamma": budgets}
    return {**held, "base": made} if base is not held else made


def _own_budgets(base: object, mines: list[Any]) -> list[Any] | None:
    """None where the kind is none that we know: the validation will say so."""
    kind, gamma = _get(base, "kind"), _get(base, "Gamma")
    if kind in ("nominal", "box"):
        return [0 if kind == "nominal" else len(_rows(mine, "locations")) for mine in mines]
    if kind != "budget":
        return None
    if not isinstance(gamma, list):
        return [gamma] * len(mines)
    return gamma if len(gamma) == len(mines) else None


def _budget(parts: list[Part], own: Any, n_locations: int) -> Any:
    """Of several elements the largest; never above the locations there are."""
    if not parts:
        return own
    return max(min(n_locations, n_locations if part["Gamma"] is None else part["Gamma"]) for part in parts)


# Documents of unknown shape -----------------------------------------------------------------------------------------


def _places(mine: Any) -> Iterator[tuple[int, int, Group]]:
    for i, location in enumerate(_rows(mine, "locations")):
        for j, cutoff in enumerate(_rows(location, "cutoffs")):
            yield i, j, (_name(location), _name(cutoff))


def _get(owner: object, key: str) -> Any:
    return owner.get(key) if isinstance(owner, Mapping) else None


def _name(owner: object) -> str:
    """Empty, which no place is called, where there is none."""
    found = _get(owner, "name")
    return found if isinstance(found, str) else ""


def _rows(owner: object, key: str) -> list[Any]:
    found = owner.get(key) if isinstance(owner, Mapping) else None
    return found if isinstance(found, list) else []
