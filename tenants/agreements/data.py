"""What a clause says, checked in one place: which values are acceptable, and what lies within what."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypedDict

from tenants.data import PURPOSE, FieldError, time_errors
from tenants.roles import SITE_PERMISSIONS

MOST_CLAUSES: Final = 100
TITLE_CHARS: Final = 200
PURPOSE_CHARS: Final = 100
TERMS_CHARS: Final = 20_000
REASON_CHARS: Final = 200
MOST_DELAY_S: Final = 366 * 24 * 3600
MOST_FLOOR_N: Final = 1_000_000
MOST_MINOR: Final = 10**15
PRICE_PER: Final = ("once", "day", "month", "thousand_reads")
DELAYED: Final = frozenset(name for name in SITE_PERMISSIONS if name.startswith("view_"))
FLOORED: Final = frozenset({"view_telemetry"})


class Heading(TypedDict, total=False):
    """What a version says before its clauses; what is left out stays as it is."""

    title: str
    purpose: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Place:
    """A site or a piece of equipment as the other party may know it: from a clause that was offered."""

    pk: object
    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClauseTerms:
    """A clause without its place. `delay_s` holds rows back; figures are told of `floor_n` readings at least.

    `purpose` '' is any. `price_minor` is in the owner's currency, in cents, for each `price_per`.
    """

    permissions: frozenset[str]
    begins_at: datetime
    ends_at: datetime | None = None
    purpose: str = ""
    field_mask: frozenset[str] = frozenset()
    delay_s: int = 0
    floor_n: int = 0
    price_minor: int | None = None
    price_per: str = ""

    def errors(self, maskable: Collection[str]) -> Iterator[FieldError]:
        """What is not acceptable, by pointers into the clause; `maskable` are the fields that may be hidden in it."""
        yield from self._scope_errors()
        yield from self._narrowing_errors(maskable)
        if (self.price_minor is None) != (self.price_per == ""):
            yield FieldError("/price_per", "give a price together with what it is for, or neither")
        elif self.price_minor is not None and not 0 <= self.price_minor <= MOST_MINOR:
            yield FieldError("/price_minor", f"give 0 to {MOST_MINOR} minor units")
        elif self.price_per and self.price_per not in PRICE_PER:
            yield FieldError("/price_per", f"use one of {', '.join(PRICE_PER)}")

    def _scope_errors(self) -> Iterator[FieldError]:
        if not self.permissions or not self.permissions <= set(SITE_PERMISSIONS):
            yield FieldError("/permissions", f"name some of {', '.join(SITE_PERMISSIONS)}")
        yield from time_errors("/during/begins_at", self.begins_at)
        yield from time_errors("/during/ends_at", self.ends_at)
        if self.ends_at is not None and self.ends_at <= self.begins_at:
            yield FieldError("/during/ends_at", "end after the beginning")
        if self.purpose and not PURPOSE.fullmatch(self.purpose):
            yield FieldError("/purpose", "use up to 40 small letters, digits, - and _, such as maintenance")

    def _narrowing_errors(self, maskable: Collection[str]) -> Iterator[FieldError]:
        unknown = sorted(self.field_mask.difference(maskable))
        if unknown:
            words = ", ".join(sorted(maskable)) or "nothing"
            yield FieldError("/field_mask", f"{unknown[0][:40]!r} can't be hidden in this clause; {words} can")
        if not 0 <= self.delay_s <= MOST_DELAY_S:
            yield FieldError("/delay_s", f"give 0 to {MOST_DELAY_S} seconds")
        elif self.delay_s and not self.permissions <= DELAYED:
            yield FieldError("/delay_s", "only what is seen is delayed; put the other permissions in another clause")
        if self.floor_n == 1 or not 0 <= self.floor_n <= MOST_FLOOR_N:
            yield FieldError("/floor_n", f"give 0 for none, or 2 to {MOST_FLOOR_N} readings")
        elif self.floor_n and not self.permissions <= FLOORED:
            yield FieldError("/floor_n", "only view_telemetry has a floor; put the other permissions in another clause")

    def beyond(self, limit: "ClauseTerms") -> str:
        """In words, the first limit of a framework's clause that this one passes; '' if it lies within."""
        return next(self._passed(limit), "")

    def _passed(self, limit: "ClauseTerms") -> Iterator[str]:
        if more := sorted(self.permissions - limit.permissions):
            yield f"it opens {', '.join(more)}"
        if self.begins_at < limit.begins_at:
            yield f"it begins before {limit.begins_at:%Y-%m-%d %H:%M} UTC"
        if limit.ends_at is not None and (self.ends_at is None or self.ends_at > limit.ends_at):
            yield f"it ends after {limit.ends_at:%Y-%m-%d %H:%M} UTC"
        if limit.purpose not in ("", self.purpose):
            yield f"its purpose is not {limit.purpose}"
        if shown := sorted(limit.field_mask - self.field_mask):
            yield f"it shows {', '.join(shown)}"
        if self.delay_s < limit.delay_s:
            yield f"its delay is less than {limit.delay_s} s"
        if self.floor_n < limit.floor_n:
            yield f"its floor is less than {limit.floor_n} readings"
        if (self.price_minor, self.price_per) != (limit.price_minor, limit.price_per):
            yield "its price is another"
