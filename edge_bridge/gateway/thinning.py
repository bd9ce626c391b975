"""Counts in the place of entries: pure."""

from collections.abc import Sequence
from datetime import datetime

from edge_bridge.protocol import Alarm, Body, Entry, Gap, GapReason, Reading


def span_of(body: Body) -> tuple[datetime, datetime]:
    """The earliest and the latest time the body speaks of."""
    match body:
        case Gap():
            return body.from_at, body.to_at
        case Reading():
            return body.measured_at, body.measured_at
        case Alarm():
            return body.occurred_at, body.occurred_at
        case _:
            return body.at, body.at


def gaps_instead_of(entries: Sequence[Entry]) -> list[Entry]:
    """Gaps, one a reason, that take exactly the numbers and the counts of consecutive `entries` of lane p2.

    There are at least as many numbers as reasons, because every reason comes from an entry of its own. The first
    gap takes the spare numbers.
    """
    by_reason: dict[GapReason, list[Body]] = {}
    for entry in entries:
        reason = entry.body.reason if isinstance(entry.body, Gap) else GapReason.THINNED
        by_reason.setdefault(reason, []).append(entry.body)
    gaps: list[Entry] = []
    if not entries:
        return gaps
    first, last = entries[0].first_seq, entries[-1].seq
    for left, (reason, bodies) in zip(range(len(by_reason) - 1, -1, -1), by_reason.items(), strict=True):
        gaps.append(Entry(last - left, _summed(first, reason, bodies)))
        first = last - left + 1
    return gaps


def _summed(first_seq: int, reason: GapReason, bodies: Sequence[Body]) -> Gap:
    spans = [span_of(body) for body in bodies]
    count = sum(body.count if isinstance(body, Gap) else 1 for body in bodies)
    return Gap(first_seq, reason, count, min(low for low, _ in spans), max(high for _, high in spans))
