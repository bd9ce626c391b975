"""An event as it is sent, and as far as it is open to whom. Pure."""

from dataclasses import dataclass, replace
from functools import cached_property
from uuid import UUID

from tenants.feed.frames import Ev, encode
from tenants.feed.line import Line
from tenants.sharing.feed_grant import FeedGrant, hidden_by, without


@dataclass(frozen=True)
class Entry:
    """An event as it is sent; encoded once for all sockets. `grants` are None for what is the organisation's own."""

    frame: Ev
    permission: str
    grants: tuple[FeedGrant, ...] | None = None

    @cached_property
    def line(self) -> Line:
        return encode(self.frame)

    def opened_to(self, purpose: str, withheld: frozenset[UUID]) -> "Entry | None":
        """The entry as far as it is open to one with this purpose and these agreements closed to them."""
        if self.grants is None:
            return self
        masks = [grant.mask for grant in self.grants if grant.serves(purpose, withheld)]
        return self._masked(hidden_by(masks)) if masks else None

    def _masked(self, mask: frozenset[str]) -> "Entry":
        if mask not in self._variants:
            body = without(self.frame.body, mask)
            same = body is self.frame.body
            self._variants[mask] = self if same else Entry(replace(self.frame, body=body), self.permission)
        return self._variants[mask]

    @cached_property
    def _variants(self) -> "dict[frozenset[str], Entry]":
        return {}
