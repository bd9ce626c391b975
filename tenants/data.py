"""Values that cross app borders: who acts, what is announced, and how a refusal is worded."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from tenants.roles import capabilities_of


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, for which organisation, and through which credential (`session:…`, `key:…`, `device:…`, `task:…`).

    `purpose` is what they state that they act for: some grants are in force only for it.
    """

    tenant_id: UUID
    user_id: UUID | None
    roles: frozenset[str]
    via: str
    scopes: frozenset[str] | None = None
    purpose: str = ""

    @property
    def is_at_a_screen(self) -> bool:
        """Whether a person looks: what programs fetch by a key or a webhook nobody may have seen."""
        return self.user_id is not None and self.via.startswith("session:")

    def can(self, capability: str) -> bool:
        """True if one of the roles allows it and the credential's scopes, where it has any, include it."""
        within_scope = self.scopes is None or capability in self.scopes
        return within_scope and capability in capabilities_of(self.roles)


@dataclass(frozen=True, slots=True)
class Names:
    """Of an organisation and one of its users, as they are kept with what that user does ('' for nobody)."""

    organisation: str
    user: str


ANY: Final = "*"
# A purpose as a clause names it and a request states it; never ANY.
PURPOSE: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")


def reader_of(tenant_id: UUID) -> Actor:
    """Who reads a feed for all sockets of an organisation: what any of its members may see, for any purpose.

    What is read so goes to no one before it is held against that one's own roles, delegations and purpose.
    """
    return Actor(tenant_id, None, frozenset({ANY}), "feed:tailer", purpose=ANY)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened, in the past tense, for the feeds of those entitled to know.

    It goes to the acting organisation, to `owner_id` (the owner of the object, where that is another one) and, with
    `site_id` or `equipment_id`, to every partner to whom that owner opened `permission` there; `to` names further
    organisations. A user receives it if their role has `permission`. `author_id`: in whose name it is announced, where
    the others are not to learn who acts.
    """

    kind: str
    body: dict[str, Any]
    permission: str
    site_id: UUID | None = None
    equipment_id: UUID | None = None
    owner_id: UUID | None = None
    to: frozenset[UUID] = frozenset()
    occurred_at: datetime | None = None
    author_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FieldError:
    """One bad value: `pointer` is a JSON pointer into the request, `message` says what to do."""

    pointer: str
    message: str


# Of times that people give: what is added to one, and shown in any zone, is a time still.
EARLIEST: Final = datetime(1900, 1, 1, tzinfo=UTC)
LATEST: Final = datetime(2200, 1, 1, tzinfo=UTC)


def time_errors(pointer: str, at: datetime | None) -> Iterator[FieldError]:
    """What is wrong with a time that somebody gave; nothing with None."""
    if at is not None and not EARLIEST <= at < LATEST:
        yield FieldError(pointer, f"give a time from {EARLIEST.year} on, before {LATEST.year}")


@dataclass
class Refusal(Exception):
    """A request that can't be done, in words; becomes a problem detail (RFC 9457) at the border."""

    detail: str
    errors: tuple[FieldError, ...] = field(default=())

    status = 400
    title = "Bad request"

    def __str__(self) -> str:
        return self.detail


class Invalid(Refusal):
    """The input is well-formed but its values are not acceptable."""

    status = 422
    title = "Invalid input"


class Unauthenticated(Refusal):
    """No identity, or a credential that is unknown, expired or revoked."""

    status = 401
    title = "Not signed in"


class Forbidden(Refusal):
    """The actor's own role doesn't allow this, whatever the object."""

    status = 403
    title = "Not allowed"


class NotFound(Refusal):
    """Absent and foreign objects answer alike."""

    status = 404
    title = "Not found"

    def __init__(self, detail: str = "There is no such object, or you may not see it.") -> None:
        super().__init__(detail)


class Conflict(Refusal):
    """The object's state doesn't allow this now."""

    status = 409
    title = "Conflict"


class PreconditionFailed(Refusal):
    """The object is not any more what the caller has read (RFC 9110, If-Match)."""

    status = 412
    title = "Precondition Failed"

    def __init__(self, detail: str = "It has changed since you read it; read it again and decide anew.") -> None:
        super().__init__(detail)


def stated_purpose(text: str) -> str:
    """What a caller says in `X-Purpose` that they act for, '' if nothing; Invalid if no clause could name it."""
    if text and not PURPOSE.fullmatch(text):
        raise Invalid("The header X-Purpose is not usable.", (FieldError("/", "name the purpose as its clause does"),))
    return text


class PaymentRequired(Refusal):
    """The organisation's own budget is used up, and it was set to stop there."""

    status = 402
    title = "Payment required"
