"""Variations applied to an instance: one after the other, and the result validated as any instance is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from optimization.data import (
    Centre,
    Cutoff,
    Demand,
    InstanceError,
    MillLane,
    Mine,
    Problem,
    SupplyChainInstance,
    UserLane,
)
from optimization.instance_builder import build_instance
from optimization.variations.form import Figure, Variation

MOST_NAMED = 8
SECTIONS: dict[type, str] = {
    Centre: "centres",
    MillLane: "mill_lanes",
    UserLane: "user_lanes",
    Demand: "demands",
}
NOTHING = 0.0


@dataclass(frozen=True, slots=True)
class Place:
    """Where one figure of one row is: `holder[key]`, at `path` in the document, known by `names`."""

    names: Mapping[str, str]
    holder: Any
    key: str | int
    path: str


def vary(
    instance: SupplyChainInstance, variations: Sequence[Variation], path: str = "/variations"
) -> SupplyChainInstance:
    """The varied instance, under the same name; the given one is untouched.

    InstanceError with pointers below `path`: names and periods that the instance doesn't have, and results that no
    instance may have, the first at each variation that is to blame.
    """
    document = instance.to_document()
    for held, _ in _budgets(document):
        held["Gamma"] = list(held["Gamma"])
    problems: list[Problem] = []
    changed: dict[str, int] = {}
    for k, variation in enumerate(variations):
        found = list(_problems(document, variation, f"{path}/{k}"))
        problems += found
        if not found:
            changed |= dict.fromkeys(_apply(document, variation), k)
    if problems:
        raise InstanceError(problems)
    try:
        return build_instance(document)
    except InstanceError as error:
        blamed = [_blamed(problem, changed, variations, path) for problem in error.problems]
        raise InstanceError({problem.path: problem for problem in reversed(blamed)}.values()) from error


def _blamed(problem: Problem, changed: Mapping[str, int], variations: Sequence[Variation], path: str) -> Problem:
    """The refusal of the result, told at the last variation of that number, or else of its row."""
    at, row = problem.path, problem.path.rpartition("/")[0]
    hits = [place for place in changed if at == place or at.startswith(f"{place}/") or place.startswith(f"{at}/")]
    hits = hits or [place for place in changed if place.rpartition("/")[0] == row]
    message = f"makes {at} what no instance may have: it {problem.message}"
    if not hits:
        return Problem(path, message)
    k = max(changed[place] for place in hits)
    amounts = {"factor": variations[k].factor, "value": variations[k].value}
    given = [name for name, amount in amounts.items() if amount is not None]
    return Problem("/".join([f"{path}/{k}", *given]), message)


# Looking up ---------------------------------------------------------------------------------------------------------


def _problems(document: Mapping[str, Any], variation: Variation, path: str) -> Iterator[Problem]:
    """What the variation names and the instance has not; at most one problem a name."""
    known = _known_names(document)
    unknown = [name for name, value in variation.names.items() if value not in known[name]]
    for name in unknown:
        yield Problem(f"{path}/{name}", _no_such(name, variation.names[name], known[name]))
    missing = [period for period in variation.periods or () if period not in document["periods"]]
    if missing:
        yield Problem(f"{path}/periods", _no_such("period", missing[0], document["periods"]))
    if variation.periods is not None and (whole := _without_periods(variation)):
        yield Problem(f"{path}/periods", f"{whole[0].words} is one number for all periods: leave the periods out")
    if not unknown and not list(_places(document, variation)):
        yield Problem(path, f"changes nothing: the instance has no {_what(variation)}")


def _known_names(document: Mapping[str, Any]) -> dict[str, list[str]]:
    locations = [location for mine in document["mines"] for location in mine["locations"]]
    return {
        "mine": [mine["name"] for mine in document["mines"]],
        "location": [location["name"] for location in locations],
        "cutoff": [cutoff["name"] for location in locations for cutoff in location["cutoffs"]],
        "centre": [centre["name"] for centre in document["centres"]],
        "user": list(document["users"]),
    }


def _no_such(what: str, name: str, known: Sequence[str]) -> str:
    names = list(dict.fromkeys(known))
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return f"the instance has no {what} {name!r}: it has {', '.join(names[:MOST_NAMED])}{more}"


def _without_periods(variation: Variation) -> list[Figure]:
    figures = () if variation.kind == "outage" else variation.figures
    return [figure for figure in figures if not figure.is_per_period]


def _what(variation: Variation) -> str:
    what = "figure" if variation.kind == "outage" else variation.figures[0].words
    names = ", ".join(f"{name} {value!r}" for name, value in variation.names.items())
    return f"{what} of {names}" if names else what


def _places(document: Mapping[str, Any], variation: Variation) -> Iterator[Place]:
    places = _out(document, variation) if variation.kind == "outage" else _figures(document, variation)
    for place in places:
        if all(place.names[name] == value for name, value in variation.names.items()):
            yield place


def _figures(document: Mapping[str, Any], variation: Variation) -> Iterator[Place]:
    for figure in variation.figures:
        yield from _budget_rows(document) if figure.symbol == "Gamma" else _rows(document, figure.owner, figure.symbol)


def _out(document: Mapping[str, Any], variation: Variation) -> Iterator[Place]:
    """What is zero while something is out of order; a centre that is takes nothing in, and keeps what it holds."""
    match variation.of:
        case "mine":
            yield from _rows(document, Mine, "P")
            # Ore that takes no resource is not held by P.
            yield from (place for place in _rows(document, Cutoff, "xmax") if not all(place.holder["a"]))
        case "mill":
            yield from _rows(document, Mine, "Q")
        case _:
            yield from _rows(document, MillLane, "R")


def _rows(document: Mapping[str, Any], owner: type, symbol: str) -> Iterator[Place]:
    for names, row, path in _named_rows(document, owner):
        yield Place(names, row, symbol, f"{path}/{symbol}")


def _named_rows(document: Mapping[str, Any], owner: type) -> Iterator[tuple[dict[str, str], dict[str, Any], str]]:
    if owner in (Mine, Cutoff):
        for m, mine in enumerate(document["mines"]):
            at = f"/mines/{m}"
            yield from [({"mine": mine["name"]}, mine, at)] if owner is Mine else _cutoffs(mine, at)
        return
    for k, row in enumerate(document[SECTIONS[owner]]):
        names = {"centre": row["name"]} if owner is Centre else row
        yield names, row, f"/{SECTIONS[owner]}/{k}"


def _cutoffs(mine: Mapping[str, Any], path: str) -> Iterator[tuple[dict[str, str], dict[str, Any], str]]:
    for i, location in enumerate(mine["locations"]):
        for j, cutoff in enumerate(location["cutoffs"]):
            names = {"mine": mine["name"], "location": location["name"], "cutoff": cutoff["name"]}
            yield names, cutoff, f"{path}/locations/{i}/cutoffs/{j}"


def _budgets(document: Mapping[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """The set or its base, where it is a budget."""
    uncertainty = document["uncertainty"]
    sets = [(uncertainty, "/uncertainty"), (uncertainty.get("base", {}), "/uncertainty/base")]
    return [(held, path) for held, path in sets if "Gamma" in held]


def _budget_rows(document: Mapping[str, Any]) -> Iterator[Place]:
    for held, path in _budgets(document):
        for m, mine in enumerate(document["mines"]):
            yield Place({"mine": mine["name"]}, held["Gamma"], m, f"{path}/Gamma/{m}")


# Changing -----------------------------------------------------------------------------------------------------------


def _apply(document: Mapping[str, Any], variation: Variation) -> Iterator[str]:
    """Change the document in place; the paths of what was changed."""
    chosen = variation.periods
    for place in _places(document, variation):
        was = place.holder[place.key]
        if isinstance(was, list | tuple):
            in_periods = zip(document["periods"], was, strict=True)
            place.holder[place.key] = [
                _new(value, variation) if chosen is None or period in chosen else value for period, value in in_periods
            ]
        else:
            place.holder[place.key] = _new(was, variation)
        yield place.path


def _new(value: float, variation: Variation) -> float:
    if variation.factor is not None:
        return value * variation.factor
    return NOTHING if variation.value is None else variation.value
