"""Terminals that speak for what is not theirs: counted in the journal, and told to the cloud.

It is told when it begins, then at most once a minute while it goes on, and as over when none came for a while. Used in
the journal's thread.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from edge_bridge.gateway.journal import Journal
from edge_bridge.protocol import MAX_TEXT_CHARS, Lane, Trespass

log = logging.getLogger(__name__)

Deed = tuple[str, str]  # the terminal, and for what it spoke
MOST_DEEDS = 100
OTHERS: Deed = ("others", "more")
TELL_EVERY = timedelta(minutes=1)
OVER_AFTER = timedelta(minutes=10)


class Trespasses:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._deeds, self._last_at = journal.notes.trespasses()
        self._told, self._told_at = 0, datetime.min.replace(tzinfo=UTC)

    def note(self, fresh: Mapping[Deed, int], now: datetime) -> bool:
        """Counts what came since the last time; whether there is something to tell."""
        deeds, last_at = added(self._deeds, fresh), now if fresh else self._last_at
        if not deeds:
            return False
        count = deeds.total()
        is_over = abs(now - last_at) > OVER_AFTER  # a clock that was put ends it early
        is_due = is_over or (count != self._told and abs(now - self._told_at) >= TELL_EVERY)
        if not (fresh or is_due):
            return False
        with self._journal.transaction():
            self._journal.notes.save_trespasses({} if is_over else deeds, last_at)
            if is_due:
                said = Trespass(now, 0, "") if is_over else Trespass(now, count, _words(deeds))
                self._journal.append(Lane.P1, [said])
                log.warning("%d frames refused for what is not their terminal's: %s", said.count, said.detail or "over")
        self._deeds, self._last_at = Counter() if is_over else deeds, last_at
        if is_due:
            self._told, self._told_at = said.count, datetime.min.replace(tzinfo=UTC) if is_over else now
        return is_due


def added(deeds: Mapping[Deed, int], fresh: Mapping[Deed, int]) -> Counter[Deed]:
    """The sum; what would make too many of them is counted together."""
    total = Counter(deeds)
    for deed, count in fresh.items():
        total[deed if deed in total or len(total) < MOST_DEEDS else OTHERS] += count
    return total


def _words(deeds: Counter[Deed]) -> str:
    told = "; ".join(f"{terminal!r} for {what!r} ({count})" for (terminal, what), count in deeds.most_common())
    return told if len(told) <= MAX_TEXT_CHARS else f"{told[: MAX_TEXT_CHARS - 2].rstrip()} …"
