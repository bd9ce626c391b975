"""Values of people and stock, without a database: levels, units, windows of validity and what they leave uncovered."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

LEVELS: Final = {1: "knows of it", 2: "works under guidance", 3: "works alone", 4: "leads others", 5: "teaches it"}
# UCUM, case sensitive; what is counted has an annotation in braces.
UNITS: Final = {
    "{piece}": "pieces",
    "{box}": "boxes",
    "{pair}": "pairs",
    "g": "grams",
    "kg": "kilograms",
    "t": "tonnes",
    "L": "litres",
    "m3": "cubic metres",
    "m": "metres",
    "km": "kilometres",
    "m2": "square metres",
}
CODE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,39}")
PLACES: Final = 3
MOST: Final = Decimal(10) ** 12
LONGEST: Final = timedelta(days=366)
SOON_DAYS: Final = (30, 90)

Validity = tuple[date, date | None]


@dataclass(frozen=True, slots=True)
class Window:
    """From `begins_at`, which is in it, to `ends_at`, which is not."""

    begins_at: datetime
    ends_at: datetime

    def days(self, time_zone: str) -> tuple[date, date]:
        """The first and the last day that it touches in a time zone."""
        zone = ZoneInfo(time_zone)
        last = self.ends_at - timedelta(microseconds=1)
        return self.begins_at.astimezone(zone).date(), last.astimezone(zone).date()

    def __str__(self) -> str:
        return f"{_minute(self.begins_at)} to {_minute(self.ends_at)} UTC"


def _minute(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M")


def first_uncovered(held: Iterable[Validity], first: date, last: date) -> date | None:
    """The first day from `first` to `last` on which nothing held is valid; None if each has something."""
    day = first
    for begins_on, expires_on in sorted(held, key=lambda validity: validity[0]):
        if begins_on > day:
            break
        if expires_on is None or expires_on >= last:
            return None
        day = max(day, expires_on + timedelta(days=1))
    return day


def expiry_band(expires_on: date, today: date) -> str:
    """`expired`, `within_30`, `within_90`, or `later`."""
    if expires_on < today:
        return "expired"
    days = (expires_on - today).days
    return next((f"within_{most}" for most in SOON_DAYS if days <= most), "later")


# The matrix ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What a site wants of a skill: `n_people` at `level` or above, each holding `certificates` that are valid."""

    site_id: UUID
    skill_id: UUID
    level: int
    n_people: int
    certificates: frozenset[str]


@dataclass(frozen=True, slots=True)
class Holder:
    """A person at their home site, with the level of each skill and the kinds of certificate valid today."""

    code: str
    site_id: UUID
    levels: dict[UUID, int]
    certificates: frozenset[str]


class Held(NamedTuple):
    """A person, by their code, with their level."""

    code: str
    level: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One skill at one site. `uncertified` have the level and lack a certificate, so they don't count in `have`."""

    site_id: UUID
    skill_id: UUID
    level: int
    needed: int
    have: int
    uncertified: tuple[str, ...]
    people: tuple[Held, ...]

    @property
    def gap(self) -> int:
        return max(0, self.needed - self.have)


def skills_matrix(needs: Iterable[Need], holders: Iterable[Holder]) -> list[Cell]:
    """A cell for each site and skill of which something is needed or somebody has it, by site and skill."""
    wanted = {(need.site_id, need.skill_id): need for need in needs}
    skilled: dict[tuple[UUID, UUID], list[Holder]] = {place: [] for place in wanted}
    for holder in holders:
        for skill_id in holder.levels:
            skilled.setdefault((holder.site_id, skill_id), []).append(holder)
    return [_cell(place, wanted.get(place), skilled[place]) for place in sorted(skilled)]


def _cell(place: tuple[UUID, UUID], need: Need | None, holders: list[Holder]) -> Cell:
    site_id, skill_id = place
    least, certificates = (need.level, need.certificates) if need else (1, frozenset[str]())
    able = [holder for holder in holders if holder.levels[skill_id] >= least]
    uncertified = tuple(sorted(holder.code for holder in able if not certificates <= holder.certificates))
    people = sorted(
        (Held(each.code, each.levels[skill_id]) for each in holders), key=lambda who: (-who.level, who.code)
    )
    have = len(able) - len(uncertified)
    return Cell(site_id, skill_id, least, need.n_people if need else 0, have, uncertified, _best_first(people))


def _best_first(people: list[Held]) -> tuple[Held, ...]:
    return tuple(sorted(people, key=lambda held: (-held.level, held.code)))
