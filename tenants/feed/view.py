"""What one follower is shown of a feed: their rights, the purpose they stated, and what they asked for. Pure.

Followers with equal views are shown the same, so that it is worked out once for all of them.
"""

from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from tenants.feed.entry import Entry
from tenants.feed.filters import EVERYTHING, Filter


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """`withheld` are agreements that the organisation did not delegate to the follower.

    Compared by identity, of which `view_of` sees to that there are few: the tailer looks one up with each delivery.
    """

    capabilities: frozenset[str]
    withheld: frozenset[UUID] = frozenset()
    purpose: str = ""
    filter: Filter = EVERYTHING

    def shown(self, entry: Entry) -> Entry | None:
        """The entry as far as the follower may see it, None if not at all or not asked for."""
        if entry.permission not in self.capabilities or not self.filter.wants_kind(entry.frame.kind):
            return None
        seen = entry.opened_to(self.purpose, self.withheld)
        if seen is None or self.filter is EVERYTHING:
            return seen
        frame = seen.frame
        return seen if self.filter.wants(frame.kind, frame.site, frame.equipment, frame.body) else None


@lru_cache(1024)
def view_of(
    capabilities: frozenset[str],
    withheld: frozenset[UUID] = frozenset(),
    purpose: str = "",
    wanted: Filter = EVERYTHING,
) -> View:
    return View(capabilities, withheld, purpose, wanted)
