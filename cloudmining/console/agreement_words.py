"""Clauses in words, and versions of an agreement side by side."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from cloudmining.console.money import in_words
from tenants.roles import SITE_PERMISSIONS

T = TypeVar("T")
PER = {"once": "once", "day": "a day", "month": "a month", "thousand_reads": "a thousand rows read"}


@dataclass(frozen=True, slots=True)
class Cell:
    """What one version says of a place, clause by clause; nothing if it doesn't name it."""

    clauses: list[list[str]]
    is_changed: bool


@dataclass(frozen=True, slots=True)
class Said:
    """One part of the heading, or the terms, as each version has it; `is_changed` from the one before."""

    label: str
    cells: list[tuple[str, bool]]


@dataclass(frozen=True, slots=True)
class Row:
    code: str
    name: str
    cells: list[Cell]


def permitted(permissions: Sequence[str]) -> str:
    return ", ".join(SITE_PERMISSIONS[name].lower() for name in permissions)


def in_lines(clause: Any, currency: str, zone: ZoneInfo) -> list[str]:
    """A clause, one limit a line; `currency` is the owner's, '' where it is not known; times are the reader's."""
    lines = [permitted(clause.permissions), _window(clause.during, zone)]
    if clause.purpose:
        lines.append(f"only for the purpose {clause.purpose}")
    if clause.field_mask:
        lines.append(f"without {', '.join(clause.field_mask)}")
    if clause.delay_s:
        lines.append(f"{_duration(clause.delay_s)} later")
    if clause.floor_n:
        lines.append(f"only figures over at least {clause.floor_n} readings")
    if clause.price_minor is not None:
        lines.append(f"{in_words(clause.price_minor, currency or 'in its owner’s currency')} {PER[clause.price_per]}")
    return lines


def beside(versions: Sequence[Any], currency: str, zone: ZoneInfo) -> list[Row]:
    """A row for each place that any of the versions names; a cell is changed if it differs from the one before it."""
    said: list[dict[tuple[str, str], list[list[str]]]] = []
    for version in versions:
        places = defaultdict(list)
        for clause in version.clauses.all():
            places[clause.code, clause.name].append(in_lines(clause, currency, zone))
        said.append(places)
    named = dict.fromkeys(place for places in said for place in places)
    return [Row(*place, _cells([places.get(place, []) for places in said])) for place in named]


def said_beside(versions: Sequence[Any], zone: ZoneInfo) -> tuple[list[Said], Said]:
    """The heading part by part, and the terms."""
    heading = [
        Said("Title", _said([version.title for version in versions])),
        Said("Purpose", _said([version.purpose for version in versions])),
        Said("Ends", _said([_moment(version.ends_at, zone) if version.ends_at else "" for version in versions])),
    ]
    return heading, Said("Terms", _said([version.terms for version in versions]))


def _cells(clauses: list[list[list[str]]]) -> list[Cell]:
    return [Cell(now, is_changed) for now, is_changed in _said(clauses)]


def _said(said: list[T]) -> list[tuple[T, bool]]:
    return [(now, now != then) for now, then in zip(said, [*said[:1], *said], strict=False)]


def _window(during: Any, zone: ZoneInfo) -> str:
    begins = f"from {_moment(during.lower, zone)}"
    return f"{begins} on" if during.upper is None else f"{begins} to {_moment(during.upper, zone)}"


def _moment(moment: datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%-d %b %Y, %H:%M %Z}"


def _duration(seconds: int) -> str:
    for unit_s, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds % unit_s == 0:
            count = seconds // unit_s
            return f"{count} {unit if count > 1 else unit[:-1]}"
    return f"{seconds} seconds"
