"""The tag dictionary: what a tag measures, in which unit, within which limits, how often. Pure.

A name may stand for several quantities, such as `speed` of a shaft and of a vehicle; the unit tells which is meant.
Where a machine has a quantity in several places, a number after the name says in which: `temperature_2`,
`tyre_pressure_1.7`.
What the dictionary doesn't know is taken in all the same, and said to be unknown with a suggestion.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Final

from edge_bridge.readings.units import UnknownUnit, is_convertible, suggested_unit, unit_of

MOST_SUGGESTED: Final = 3
_PLACE: Final = re.compile(r"_\d[\d.]*$", re.ASCII)


@dataclass(frozen=True, slots=True)
class TagDefinition:
    """`lowest` to `highest` is what is plausible, in `unit` (UCUM); `period_s` how often a reading is expected.

    A `steady` quantity, such as a state, may keep its value for long: that is no sign of a stuck sensor.
    """

    tag: str
    quantity: str
    unit: str
    lowest: float
    highest: float
    period_s: float
    steady: bool
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the dictionary says of a tag with its unit.

    `definition` is None for an unknown one. `problems` say what is wrong and what to do; `suggestions` are names.
    """

    definition: TagDefinition | None
    problems: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()


@cache
def definitions() -> tuple[TagDefinition, ...]:
    with Path(__file__).with_name("tags.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_definition(row) for row in csv.DictReader(file))


def meaning(tag: str, unit: str = "") -> TagDefinition | None:
    """The definition of a tag; with a unit, the one that is measured in it or in one that converts to it."""
    found = _known(tag)
    if not unit:
        return found[0] if len(found) == 1 else None
    return next((each for each in found if is_convertible(unit, each.unit)), None)


def judged(tag: str, unit: str) -> Verdict:
    """What is wrong with a tag as a birth or a message in another form names it."""
    problems = _unit_problems(unit)
    known = _known(tag)
    if not known:
        names = suggested_tags(tag)
        advice = f"; perhaps {names[0]!r} is meant" if names else ""
        return Verdict(None, (f"The dictionary does not know the tag {tag!r}{advice}.", *problems), names)
    definition = meaning(tag, unit)
    if definition is None and unit and not problems:
        units = " or ".join(each.unit for each in known)
        problems = (f"{tag!r} is measured in {units}, which {unit!r} does not convert to.",)
    return Verdict(definition, problems)


def suggested_tags(tag: str) -> tuple[str, ...]:
    """Tags of the dictionary that the name is an alias of or nearly reads like, the likeliest first."""
    name = tag.casefold().replace("-", "_").replace(" ", "_")
    aliases = _by_alias()
    if name in aliases:
        return (aliases[name],)
    close = get_close_matches(name, aliases, n=2 * MOST_SUGGESTED, cutoff=0.75)
    return tuple(dict.fromkeys(aliases[each] for each in close))[:MOST_SUGGESTED]


def plain_name(tag: str) -> str:
    """A tag as the dictionary calls it, whichever alias, case or place was used: `CH4_2` and `methane` are `ch4`."""
    name = _PLACE.sub("", tag.strip().casefold().replace("-", "_").replace(" ", "_"))
    return _by_alias().get(name, name)


def _unit_problems(unit: str) -> tuple[str, ...]:
    if not unit:
        return ("No unit is named; give its UCUM code.",)
    try:
        unit_of(unit)
    except UnknownUnit as error:
        hint = suggested_unit(unit)
        return (str(error) if hint else f"{error} Give a UCUM code (ucum.org).",)
    return ()


def _known(tag: str) -> Sequence[TagDefinition]:
    names = _by_name()
    return names.get(tag) or names.get(_PLACE.sub("", tag), ())


@cache
def _by_name() -> dict[str, Sequence[TagDefinition]]:
    found = defaultdict[str, list[TagDefinition]](list)
    for definition in definitions():
        found[definition.tag].append(definition)
    return dict(found)


@cache
def _by_alias() -> dict[str, str]:
    """Names and aliases → the tag."""
    aliases = {alias: each.tag for each in definitions() for alias in each.aliases}
    return aliases | {each.tag: each.tag for each in definitions()}


def _definition(row: dict[str, str]) -> TagDefinition:
    return TagDefinition(
        tag=row["tag"],
        quantity=row["quantity"],
        unit=row["unit"],
        lowest=float(row["lowest"]),
        highest=float(row["highest"]),
        period_s=float(row["period_s"]),
        steady=row["steady"] == "yes",
        aliases=tuple(row["aliases"].split()),
    )
