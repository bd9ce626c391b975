"""Whether a clause opens anything now, and if not, why not. Pure; tests hold it against the database's policies."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from tenants.agreements.lifecycle import State, state_of


class Reason(StrEnum):
    """Why a clause opens nothing now."""

    NOT_AGREED = "not_agreed"
    SUSPENDED = "suspended"
    EXPIRED = "expired"
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"
    NOT_BEGUN = "not_begun"
    OVER = "over"
    PURPOSE = "purpose"
    NOT_DELEGATED = "not_delegated"
    ROLE = "role"


WORDS: Final = {
    Reason.NOT_AGREED: "the agreement is not in force yet",
    Reason.SUSPENDED: "the agreement is suspended",
    Reason.EXPIRED: "the agreement has expired",
    Reason.TERMINATED: "the agreement was terminated",
    Reason.SUPERSEDED: "another agreement has taken its place",
    Reason.NOT_BEGUN: "its window has not begun",
    Reason.OVER: "its window is over",
    Reason.PURPOSE: "it is for another purpose than the one stated",
    Reason.NOT_DELEGATED: "your organisation has not delegated it to you",
    Reason.ROLE: "your role does not include it",
}
_BY_STATE: Final = {
    State.ACTIVE: None,
    State.SUSPENDED: Reason.SUSPENDED,
    State.EXPIRED: Reason.EXPIRED,
    State.TERMINATED: Reason.TERMINATED,
    State.SUPERSEDED: Reason.SUPERSEDED,
}


@dataclass(frozen=True, slots=True)
class Terms:
    """What the force of a clause depends on: its agreement's status and end, its window and purpose ('': any)."""

    status: str
    agreement_ends_at: datetime | None
    begins_at: datetime | None
    ends_at: datetime | None
    purpose: str = ""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who of the partner asks: for which purpose, and what their own organisation and role allow them."""

    purpose: str
    is_delegated: bool
    may: bool


def why_not(terms: Terms, now: datetime, asker: Asker | None = None) -> tuple[Reason, ...]:
    """Nothing if it is in force: for the partner as a whole, or for this `asker`."""
    of_state = _BY_STATE.get(state_of(terms.status, terms.agreement_ends_at, now), Reason.NOT_AGREED)
    found = {
        of_state: of_state is not None,
        Reason.NOT_BEGUN: terms.begins_at is not None and now < terms.begins_at,
        Reason.OVER: terms.ends_at is not None and now >= terms.ends_at,
    }
    if asker is not None:
        found[Reason.PURPOSE] = terms.purpose not in ("", asker.purpose)
        found[Reason.NOT_DELEGATED] = not asker.is_delegated
        found[Reason.ROLE] = not asker.may
    return tuple(reason for reason, holds in found.items() if reason is not None and holds)
