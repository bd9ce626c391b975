"""What a firm says of itself and a task wants of people, checked at birth. Pure, but for the list of countries."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final

from marketplace.data import CATEGORIES, FEE_MINOR
from tenants.countries import countries
from tenants.data import FieldError, Invalid
from tenants.resources.data import CODE, LEVELS

VISIBILITIES: Final = {
    "public": "Every organisation",
    "partners": "Partners with an agreement in force",
    "hidden": "Nobody else",
}
RATE_UNITS: Final = {
    "minute": "for each person and minute",
    "hour": "for each person and hour",
    "day": "for each person and day",
    "job": "for the whole job",
}
ABOUT_CHARS: Final = 5_000
KIND_CHARS: Final = 40
NAME_CHARS: Final = 200
MOST_LINES: Final = 100
MOST_NEEDS: Final = 20
MOST_PEOPLE: Final = 1_000


@dataclass(frozen=True, slots=True)
class RateLine:
    """What work of a category costs: `amount_minor` in minor units of `currency`, for each `unit` of `RATE_UNITS`."""

    category: str
    unit: str
    amount_minor: int
    currency: str

    def errors(self, at: str) -> Iterator[FieldError]:
        if self.category not in CATEGORIES:
            yield FieldError(f"{at}/category", f"use one of {', '.join(CATEGORIES)}")
        if self.unit not in RATE_UNITS:
            yield FieldError(f"{at}/unit", f"use one of {', '.join(RATE_UNITS)}")
        if not 0 < self.amount_minor <= FEE_MINOR:
            yield FieldError(f"{at}/amount_minor", f"give 1 to {FEE_MINOR} minor units")
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            yield FieldError(f"{at}/currency", "give three capital letters (ISO 4217), such as USD")


@dataclass(frozen=True, slots=True)
class Machines:
    """So many machines of a kind that the firm works with, named as owners name the kinds of theirs."""

    kind: str
    n: int

    def errors(self, at: str) -> Iterator[FieldError]:
        if not CODE.fullmatch(self.kind):
            yield FieldError(f"{at}/kind", "write it as machines are registered, such as pump or haul_truck")
        if not 1 <= self.n <= 100_000:
            yield FieldError(f"{at}/n", "give 1 to 100,000")


@dataclass(frozen=True, slots=True)
class Paper:
    """A certificate, valid on each day from `issued_on` to `expires_on`, for ever without one."""

    kind: str
    issued_on: date
    expires_on: date | None = None
    issuer: str = ""

    def errors(self, at: str) -> Iterator[FieldError]:
        if not CODE.fullmatch(self.kind):
            yield FieldError(f"{at}/kind", "write a code of 1 to 40 letters, digits, dots, dashes or slashes")
        if len(self.issuer) > NAME_CHARS:
            yield FieldError(f"{at}/issuer", f"give at most {NAME_CHARS} characters")
        if self.expires_on is not None and self.expires_on < self.issued_on:
            yield FieldError(f"{at}/expires_on", "give a day that is not before its issue")

    def document(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "issued_on": self.issued_on.isoformat(),
            "expires_on": self.expires_on and self.expires_on.isoformat(),
            "issuer": self.issuer,
        }

    @classmethod
    def of(cls, document: dict[str, Any]) -> "Paper":
        """From what `document` made."""
        expires_on = document["expires_on"]
        return cls(
            kind=document["kind"],
            issued_on=date.fromisoformat(document["issued_on"]),
            expires_on=date.fromisoformat(expires_on) if expires_on else None,
            issuer=document["issuer"],
        )


@dataclass(frozen=True, slots=True)
class ProfileTerms:
    """What a firm says of itself. `regions` are countries (ISO 3166-1 alpha-2), `categories` those of service tasks.

    Raises Invalid with a pointer for each value that is not acceptable.
    """

    about: str = ""
    visibility: str = "hidden"
    categories: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    rates: tuple[RateLine, ...] = ()
    machines: tuple[Machines, ...] = ()
    certificates: tuple[Paper, ...] = ()

    def __post_init__(self) -> None:
        errors = tuple(self._errors())
        if errors:
            raise Invalid("Some of the profile is not acceptable.", errors)

    def _errors(self) -> Iterator[FieldError]:
        if len(self.about) > ABOUT_CHARS:
            yield FieldError("/about", f"give at most {ABOUT_CHARS} characters")
        if self.visibility not in VISIBILITIES:
            yield FieldError("/visibility", f"use one of {', '.join(VISIBILITIES)}")
        for category in self.categories:
            if category not in CATEGORIES:
                yield FieldError("/categories", f"{category[:40]!r} is none of {', '.join(CATEGORIES)}")
        for region in self.regions:
            if region not in countries():
                yield FieldError("/regions", f"{region[:40]!r} is no country: use two capital letters, such as CN")
        for name in ("rates", "machines", "certificates"):
            yield from _each(f"/{name}", getattr(self, name))

    def documents(self) -> dict[str, Any]:
        """As the columns of the table hold it: each value once, lists as JSON."""
        return {
            "about": self.about.strip(),
            "visibility": self.visibility,
            "categories": sorted(set(self.categories)),
            "regions": sorted(set(self.regions)),
            "rates": [asdict(line) for line in self.rates],
            "machines": [asdict(line) for line in self.machines],
            "certificates": [paper.document() for paper in self.certificates],
        }


@dataclass(frozen=True, slots=True)
class NeedTerms:
    """`people_n` people with a skill (a code) at `level` or above, a kind of certificate, or both."""

    people_n: int = 1
    skill: str = ""
    level: int = 1
    certificate: str = ""

    def errors(self, at: str) -> Iterator[FieldError]:
        if not (self.skill or self.certificate):
            yield FieldError(f"{at}/skill", "name a skill, a kind of certificate, or both")
        for name in ("skill", "certificate"):
            if getattr(self, name) and not CODE.fullmatch(getattr(self, name)):
                yield FieldError(f"{at}/{name}", "write a code of 1 to 40 letters, digits, dots, dashes, slashes")
        if self.level not in LEVELS:
            yield FieldError(f"{at}/level", f"give {min(LEVELS)} to {max(LEVELS)}")
        if not 1 <= self.people_n <= MOST_PEOPLE:
            yield FieldError(f"{at}/people_n", f"give 1 to {MOST_PEOPLE}")


def check_needs(needs: tuple[NeedTerms, ...]) -> None:
    """Invalid with a pointer for each value that is not acceptable, or if one thing is wanted twice."""
    errors = list(_each("/needs", needs, MOST_NEEDS))
    if len({(need.skill, need.certificate) for need in needs}) < len(needs):
        errors.append(FieldError("/needs", "say once how many people of a skill and certificate are wanted"))
    if errors:
        raise Invalid("What the task wants of people is not acceptable.", tuple(errors))


def _each(at: str, lines: Iterable[Any], most: int = MOST_LINES) -> Iterator[FieldError]:
    for place, line in enumerate(lines):
        if place >= most:
            yield FieldError(at, f"give at most {most}")
            return
        yield from line.errors(f"{at}/{place}")
