"""What can be varied, by the planners' names, and the document form of a list of variations.

The tables below are the one place: reader, JSON Schema and words follow them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from optimization.data import (
    Centre,
    Cutoff,
    Demand,
    InstanceError,
    MillLane,
    Mine,
    Problem,
    UserLane,
)

MOST_VARIATIONS: Final = 200
MOST_PERIODS: Final = 1000
NAME_CHARS: Final = 120
TOO_LARGE: Final = 1e9
SELECTORS: Final = ("mine", "location", "cutoff", "centre", "user")
NAMES_OF: Final[dict[type, tuple[str, ...]]] = {
    Mine: ("mine",),
    Cutoff: ("mine", "location", "cutoff"),
    Centre: ("centre",),
    MillLane: ("mine", "centre"),
    UserLane: ("centre", "user"),
    Demand: ("mine", "user"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """A number that rows of one kind have; `symbol` is its name in the instance."""

    owner: type
    symbol: str
    words: str

    @property
    def names(self) -> tuple[str, ...]:
        """Which names tell one row."""
        return ("mine",) if self.symbol == "Gamma" else NAMES_OF[self.owner]

    @property
    def is_per_period(self) -> bool:
        return any(f.name == self.symbol and f.type == "PerPeriod" for f in fields(self.owner))


SHIPMENTS: Final = {
    "shipment_to_centre": Figure(MillLane, "F", "start-up of a shipment to the centre"),
    "shipment_to_user": Figure(UserLane, "G", "start-up of a shipment to the user"),
}
# kind → `of` → the figure. Without `of` a factor is for all of the kind.
FIGURES: Final[dict[str, dict[str, Figure]]] = {
    "capacity": {
        "mining": Figure(Mine, "P", "mining capacity"),
        "milling": Figure(Mine, "Q", "milling capacity"),
        "room": Figure(Centre, "V", "room"),
        "lane": Figure(MillLane, "R", "transport capacity"),
    },
    "demand": {"demand": Figure(Demand, "D", "demand")},
    "price": {
        "mining": Figure(Cutoff, "c", "price of mining"),
        "location_start_up": Figure(Cutoff, "K", "price of starting a location"),
        "processing": Figure(Mine, "pc", "price of processing"),
        "mill_storage": Figure(Mine, "h", "price of storage at the mill"),
        "centre_storage": Figure(MillLane, "g", "price of storage at the centre"),
        **SHIPMENTS,
    },
    "freight": {
        "to_centre": Figure(MillLane, "f", "freight to the centre"),
        "to_user": Figure(UserLane, "e", "freight to the user"),
        **SHIPMENTS,
    },
    "grade": {
        "nominal": Figure(Cutoff, "gamma", "nominal grade"),
        "fall": Figure(Cutoff, "delta", "largest fall of the grade"),
    },
}
# What is out of order, and by which names it is told.
OUTAGES: Final[dict[str, tuple[str, ...]]] = {
    "mine": ("mine",),
    "mill": ("mine",),
    "centre": ("centre",),
    "lane": ("mine", "centre"),
}
# `set` reaches every number of the instance, by its symbol.
OTHER_WORDS: Final = {
    "alpha": "least grade of the blend",
    "beta": "product per tonne of ore",
    "u0": "opening stock at the mill",
    "Umin": "least stock at the mill",
    "Umax": "room at the mill",
    "a": "resource per tonne",
    "xmax": "ore available",
    "w0": "opening stock at the centre",
    "w_end": "closing stock at the centre",
}
WORDS: Final = OTHER_WORDS | {figure.symbol: figure.words for known in FIGURES.values() for figure in known.values()}
SETTABLE: Final[dict[str, Figure]] = {
    f.name: Figure(owner, f.name, WORDS[f.name])
    for owner in NAMES_OF
    for f in fields(owner)
    if f.type in ("float", "PerPeriod")
} | {"Gamma": Figure(Mine, "Gamma", "number of grades that may fall at once")}
KINDS: Final = (*FIGURES, "outage", "set")


@dataclass(frozen=True, slots=True)
class Variation:
    """One change; names and periods that are not given mean all. A factor multiplies, a value replaces."""

    kind: str
    of: str | None = None
    factor: float | None = None
    value: float | None = None
    mine: str | None = None
    location: str | None = None
    cutoff: str | None = None
    centre: str | None = None
    user: str | None = None
    periods: tuple[str, ...] | None = None

    @property
    def names(self) -> dict[str, str]:
        """The names that are given."""
        given = {name: getattr(self, name) for name in SELECTORS}
        return {name: value for name, value in given.items() if value is not None}

    @property
    def figures(self) -> tuple[Figure, ...]:
        """What is changed; of several, those that have all the given names. Not for outages."""
        if self.kind == "set":
            return (SETTABLE[str(self.of)],)
        known = FIGURES[self.kind]
        chosen = tuple(known.values()) if self.of is None else (known[self.of],)
        return tuple(figure for figure in chosen if set(self.names) <= set(figure.names))

    def to_document(self) -> dict[str, Any]:
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        document = {name: value for name, value in given.items() if value is not None}
        return document | ({} if self.periods is None else {"periods": list(self.periods)})


# Reading ------------------------------------------------------------------------------------------------------------


def read_variations(document: object, path: str = "/variations") -> tuple[Variation, ...]:
    """A list of variations; InstanceError with pointers below `path`. What they name is looked up by `vary`."""
    if not isinstance(document, list):
        raise InstanceError([Problem(path, "must be a list of variations; an empty one changes nothing")])
    if len(document) > MOST_VARIATIONS:
        raise InstanceError([Problem(path, f"has {len(document):,} variations: at most {MOST_VARIATIONS}")])
    problems = [found for k, row in enumerate(document) for found in _problems(row, f"{path}/{k}")]
    if problems:
        raise InstanceError(problems)
    return tuple(_variation(row) for row in document)


def _variation(row: Mapping[str, Any]) -> Variation:
    read = dict(row)
    for amount in ("factor", "value"):
        if amount in read:
            read[amount] = float(read[amount])
    if "periods" in read:
        read["periods"] = tuple(read["periods"])
    if row["kind"] == "demand":
        read.pop("of", None)
    return Variation(**read)


def _problems(row: object, path: str) -> Iterator[Problem]:
    if not isinstance(row, Mapping):
        yield Problem(path, "must be an object such as {'kind': 'demand', 'user': 'user 1', 'factor': 1.1}")
    elif not isinstance(row.get("kind"), str) or row["kind"] not in KINDS:
        yield Problem(f"{path}/kind", f"must be one of {', '.join(KINDS)}")
    else:
        yield from _of_problems(row, path)
        yield from _amount_problems(row, path)
        yield from _name_problems(row, path)
        if "periods" in row:
            yield from _period_problems(row["periods"], f"{path}/periods")


def _choices(kind: str) -> tuple[str, ...]:
    return tuple(OUTAGES if kind == "outage" else SETTABLE if kind == "set" else FIGURES[kind])


def _of_is_needed(row: Mapping[str, Any]) -> bool:
    return row["kind"] in ("outage", "set") or ("value" in row and row["kind"] != "demand")


def _of_problems(row: Mapping[str, Any], path: str) -> Iterator[Problem]:
    choices = _choices(row["kind"])
    if "of" in row:
        if not isinstance(row["of"], str) or row["of"] not in choices:
            yield Problem(f"{path}/of", f"must be one of {', '.join(choices)}")
    elif _of_is_needed(row):
        yield Problem(f"{path}/of", f"is missing: say which, {', '.join(choices)}")


def _amount_problems(row: Mapping[str, Any], path: str) -> Iterator[Problem]:
    wanted = {"outage": (), "set": ("value",)}.get(row["kind"], ("factor", "value"))
    given = [name for name in ("factor", "value") if name in row]
    for name in given:
        if name not in wanted:
            yield Problem(f"{path}/{name}", f"is not for {row['kind']}: leave it out")
        elif not _is_amount(row[name]):
            yield Problem(f"{path}/{name}", "must be a number from 0 to below 1e9")
    if wanted and len(given) != 1:
        yield Problem(path, f"needs {' or '.join(wanted)}{', not both' if len(given) == 2 else ''}")


def _is_amount(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < TOO_LARGE


def _name_problems(row: Mapping[str, Any], path: str) -> Iterator[Problem]:
    needed, allowed = _names_of(row)
    for name in row:
        if name in SELECTORS and name not in allowed:
            yield Problem(f"{path}/{name}", f"tells nothing here: use {' and '.join(allowed) or 'no names'}")
        elif name in SELECTORS and not _is_name(row[name]):
            yield Problem(f"{path}/{name}", "must be a name of the instance")
        elif name not in (*SELECTORS, "kind", "of", "factor", "value", "periods"):
            yield Problem(path, f"{str(name)[:40]!r} is unknown: leave it out")
    for name in needed:
        if name not in row:
            yield Problem(f"{path}/{name}", f"is missing: give the {name}")
    if "of" not in row and row["kind"] in FIGURES:
        given = set(row) & set(allowed)
        if not any(given <= set(figure.names) for figure in FIGURES[row["kind"]].values()):
            yield Problem(path, f"nothing of {row['kind']} is told by {', '.join(sorted(given))} together")


def _names_of(row: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names that must be given, and those that may be."""
    kind, of = row["kind"], row.get("of")
    if not isinstance(of, str) or of not in _choices(kind):
        owners = {name for figure in FIGURES.get(kind, SETTABLE).values() for name in figure.names}
        return (), tuple(name for name in SELECTORS if name in owners)
    if kind == "outage":
        return OUTAGES[of], OUTAGES[of]
    names = SETTABLE[of].names if kind == "set" else FIGURES[kind][of].names
    return (names if kind == "set" else ()), names


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= NAME_CHARS


def _period_problems(periods: object, path: str) -> Iterator[Problem]:
    if not isinstance(periods, list) or not 1 <= len(periods) <= MOST_PERIODS:
        yield Problem(path, f"must be a list of 1 to {MOST_PERIODS} names of periods; leave it out for all periods")
    elif not all(_is_name(period) for period in periods):
        yield Problem(path, "must hold names of periods")
    elif len(set(periods)) < len(periods):
        yield Problem(path, "names a period twice: name it once")


# The schema ---------------------------------------------------------------------------------------------------------


def variations_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a list of variations; what the names stand for is the instance's affair."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "cloudmining variations",
        "description": "Changes to an instance, applied in order. Names and periods left out mean all.",
        "type": "array",
        "maxItems": MOST_VARIATIONS,
        "items": {"anyOf": [*_figure_schemas(), *_outage_schemas(), *_set_schemas()]},
    }


def _figure_schemas() -> Iterator[dict[str, Any]]:
    for kind, known in FIGURES.items():
        for of, figure in known.items():
            is_only = len(known) == 1
            named = {"kind": {"const": kind}, "of": {"const": of, "description": figure.words}}
            for amount in ("factor", "value"):
                required = ["kind", amount] if is_only else ["kind", "of", amount]
                yield _object_schema(named, figure.names, amount, required)
            yield _object_schema({"kind": {"const": kind}}, figure.names, "factor", ["kind", "factor"])


def _outage_schemas() -> Iterator[dict[str, Any]]:
    for of, names in OUTAGES.items():
        yield _object_schema({"kind": {"const": "outage"}, "of": {"const": of}}, names, None, ["kind", "of", *names])


def _set_schemas() -> Iterator[dict[str, Any]]:
    for of, figure in SETTABLE.items():
        named = {"kind": {"const": "set"}, "of": {"const": of}}
        yield _object_schema(named, figure.names, "value", ["kind", "of", "value", *figure.names])


def _object_schema(
    named: dict[str, Any], names: tuple[str, ...], amount: str | None, required: list[str]
) -> dict[str, Any]:
    name = {"type": "string", "minLength": 1, "maxLength": NAME_CHARS}
    amounts = {} if amount is None else {amount: {"type": "number", "minimum": 0, "exclusiveMaximum": TOO_LARGE}}
    periods = {"type": "array", "items": name, "minItems": 1, "maxItems": MOST_PERIODS, "uniqueItems": True}
    return {
        "type": "object",
        "properties": {**named, **dict.fromkeys(names, name), **amounts, "periods": periods},
        "required": required,
        "additionalProperties": False,
    }
