"""What a partner is told of an event: by which grants, and without which keys of its body. Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

MASKED: Final = "masked"
# Keys of bodies that say what fields of other names say.
FIELDS_OF: Final = {
    "type": ("alarm_type",),
    "site_name": ("name",),
    **dict.fromkeys(("rule_version", "clause", "clause_status", "clause_source"), ("rule",)),
    "clause_words": ("rule", "limit"),
    "detail": ("tag", "value", "limit", "rule"),
}
# As if it were a field, which a grant on a single machine hides: words of what others beside it show.
OF_OTHERS: Final = "of_others"


@dataclass(frozen=True, slots=True)
class FeedGrant:
    """One grant in force: of which agreement, for which purpose ('': any), without which fields."""

    agreement: UUID
    purpose: str
    mask: frozenset[str]

    def serves(self, purpose: str, withheld: frozenset[UUID]) -> bool:
        """Whether it opens anything to one who states `purpose` and to whom the `withheld` agreements are closed."""
        return self.purpose in ("", purpose) and self.agreement not in withheld


def hidden_by(masks: Iterable[frozenset[str]]) -> frozenset[str]:
    """A field is hidden only if every grant hides it; of no grant nothing is said."""
    found = list(masks)
    return frozenset.intersection(*found) if found else frozenset()


def names_others(words: str | None) -> bool:
    """Whether the words of what judged name an input, which may be another machine than the alarm's."""
    return re.search(r"\binput \d", words or "") is not None


def without(body: dict[str, Any], mask: frozenset[str]) -> dict[str, Any]:
    """The body less the fields of the mask, with their keys named under `masked`."""
    hidden = {key for key in body if not mask.isdisjoint((key, *FIELDS_OF.get(key, ())))}
    if OF_OTHERS in mask and names_others(body.get("detail")):
        hidden.add("detail")
    if not hidden:
        return body
    said = {key: value for key, value in body.items() if key not in hidden | {MASKED}}
    return {**said, MASKED: sorted(hidden.union(body.get(MASKED, ())))}
