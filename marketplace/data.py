"""What a service task is made of, checked at birth: the one place that knows which values are acceptable."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tenants.data import FieldError, Invalid
from tenants.roles import SITE_PERMISSIONS

CATEGORIES: Final = {
    "equipment_maintenance": "Equipment maintenance",
    "system_upgrade": "System upgrade",
    "planning": "Planning",
    "engineering_construction": "Engineering and construction",
    "remote_consultation": "Remote consultation",
    "geological_modelling": "Geological modelling",
    "reserve_estimate": "Reserve estimate",
    "design": "Design",
    "training": "Training",
}
VISIBILITIES: Final = {
    "public": "Every organisation",
    "invited": "Invited organisations",
    "partners": "Partners with an agreement in force",
}
SCOPES: Final = ("own", "market", "claimed")
TITLE_CHARS: Final = 200
DESCRIPTION_CHARS: Final = 10_000
NOTE_CHARS: Final = 10_000
ACCESS_H: Final = 24 * 366
FEE_MINOR: Final = 10**15
RETENTION_BP: Final = 5_000


@dataclass(frozen=True, slots=True)
class TaskTerms:
    """What the poster offers. `opens` are site permissions, for at most `access_h` hours from the claim.

    `fee_minor` is in the currency's minor units (cents), `currency` three capital letters (ISO 4217).
    Raises Invalid with a pointer for each value that is not acceptable.
    """

    title: str
    category: str
    description: str = ""
    opens: tuple[str, ...] = ()
    access_h: int = 72
    fee_minor: int = 0
    currency: str = "USD"

    def __post_init__(self) -> None:
        errors = tuple(self._errors())
        if errors:
            raise Invalid("Some terms of the task are not acceptable.", errors)

    def _errors(self) -> Iterator[FieldError]:
        if not self.title.strip() or len(self.title) > TITLE_CHARS:
            yield FieldError("/title", f"give 1 to {TITLE_CHARS} characters")
        if len(self.description) > DESCRIPTION_CHARS:
            yield FieldError("/description", f"give at most {DESCRIPTION_CHARS} characters")
        if self.category not in CATEGORIES:
            yield FieldError("/category", f"use one of {', '.join(CATEGORIES)}")
        for permission in self.opens:
            if permission not in SITE_PERMISSIONS:
                yield FieldError("/opens", f"{permission[:40]!r} is none of {', '.join(SITE_PERMISSIONS)}")
        if not 1 <= self.access_h <= ACCESS_H:
            yield FieldError("/access_h", f"give 1 to {ACCESS_H} hours")
        if not 0 <= self.fee_minor <= FEE_MINOR:
            yield FieldError("/fee_minor", f"give 0 to {FEE_MINOR} minor units")
        if not (len(self.currency) == 3 and self.currency.isascii() and self.currency.isupper()):
            yield FieldError("/currency", "give three capital letters (ISO 4217), such as USD")
