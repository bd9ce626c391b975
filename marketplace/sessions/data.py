"""What is agreed of a session and how its minutes are counted. Pure.

The rounding rule, in one place: every minute that was begun counts, up to the ceiling; a session costs its minutes
times its rate, in whole minor units, so that nothing else is rounded.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from tenants.data import FieldError, Invalid

MINUTE: Final = timedelta(minutes=1)
SUBJECT_CHARS: Final = 160
LOOKED_AT_CHARS: Final = 200
CEILING_MIN: Final = 24 * 60
RATE_MINOR: Final = 10**9
MOST_SESSIONS: Final = 200
MOST_ENTRIES: Final = 200
# So much sooner than planned a session may begin.
EARLY: Final = timedelta(minutes=15)


class Rate(Protocol):
    """A line of a firm's rate card."""

    @property
    def category(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def amount_minor(self) -> int: ...
    @property
    def currency(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SessionTerms:
    """What both agree to before a session. `rate_minor`: for each minute; without it the firm's rate card says it.

    Raises Invalid with a pointer for each value that is not acceptable.
    """

    subject: str
    from_at: datetime
    to_at: datetime
    ceiling_min: int
    rate_minor: int | None = None

    def __post_init__(self) -> None:
        errors = tuple(self._errors())
        if errors:
            raise Invalid("The session can't be booked like this.", errors)

    def _errors(self) -> Iterator[FieldError]:
        if not self.subject.strip() or len(self.subject) > SUBJECT_CHARS:
            yield FieldError("/subject", f"give 1 to {SUBJECT_CHARS} characters")
        if self.to_at <= self.from_at:
            yield FieldError("/to_at", "give a time after its begin")
        if not 1 <= self.ceiling_min <= CEILING_MIN:
            yield FieldError("/ceiling_min", f"give 1 to {CEILING_MIN} minutes")
        if self.rate_minor is not None and not 1 <= self.rate_minor <= RATE_MINOR:
            yield FieldError("/rate_minor", f"give 1 to {RATE_MINOR} minor units for each minute")


def minutes_of(elapsed: timedelta, ceiling_min: int) -> int:
    """Each begun minute, up to the ceiling."""
    return max(0, min(-(-elapsed // MINUTE), ceiling_min))


def amount_of(minutes: int, rate_minor: int) -> int:
    """In minor units of the contract's currency."""
    return minutes * rate_minor


def rate_on_card(card: Iterable[Rate], category: str, currency: str) -> int | None:
    """Minor units for each minute: the card's own, else a sixtieth of its hour, half up; None without either."""
    found = {line.unit: line.amount_minor for line in card if (line.category, line.currency) == (category, currency)}
    if "minute" in found:
        return found["minute"]
    return (found["hour"] + 30) // 60 if found.get("hour", 0) >= 30 else None
