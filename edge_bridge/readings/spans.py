"""Where readings are missing, and what they say in between. Pure; times are aware."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice, pairwise, takewhile
from statistics import median
from typing import Final

from edge_bridge.readings.downsampling import Band

# So many expected periods without a reading are a gap: one or two that come late are not.
TOO_LONG_PERIODS: Final = 3.0
SILENT: Final = "silent"
FEWEST_TO_TELL: Final = 5


@dataclass(frozen=True, slots=True)
class MissingSpan:
    """No reading between the two times. `reason`: `silent`, or what the gateway said (`lost`, `thinned`, …)."""

    from_at: datetime
    to_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class HeldSpan:
    """From the one time to the other good readings lay between `lowest` and `highest`, both of them read."""

    from_at: datetime
    to_at: datetime
    lowest: float
    highest: float


def usual_period(times: Sequence[datetime]) -> timedelta | None:
    """The median distance of ascending times; None of too few."""
    if len(times) < FEWEST_TO_TELL:
        return None
    distances_s = [(later - earlier).total_seconds() for earlier, later in pairwise(times) if later > earlier]
    return timedelta(seconds=median(distances_s)) if distances_s else None


def missing(
    times: Sequence[datetime],
    since: datetime,
    until: datetime,
    period: timedelta,
    lasting: timedelta = timedelta(),
) -> list[MissingSpan]:
    """Stretches of `since` … `until` without a reading for more than three periods, in order; each is silent.

    `times` ascend; each says that something was heard for as long as `lasting` from then on. `until` is not later than
    now, or the future would be missing too.
    """
    ends = [since, *(time + lasting for time in times)]
    return [
        MissingSpan(end, begin, SILENT)
        for end, begin in zip(ends, [*times, until], strict=True)
        if begin - end > TOO_LONG_PERIODS * period
    ]


def explained(stretches: Iterable[MissingSpan], told: Iterable[MissingSpan]) -> list[MissingSpan]:
    """Each with the reason of the `told` spans that cover most of it, and at least half; else as it was."""
    by_reason = defaultdict[str, list[MissingSpan]](list)
    for each in told:
        by_reason[each.reason].append(each)
    known = {reason: _joined(spans) for reason, spans in by_reason.items()}
    return [_explained(stretch, known) for stretch in stretches]


def _explained(stretch: MissingSpan, known: Mapping[str, Sequence[MissingSpan]]) -> MissingSpan:
    covered = {reason: _covered(stretch, spans) for reason, spans in known.items()}
    reason = max(covered, key=lambda reason: (covered[reason], reason), default=SILENT)
    is_told = reason in covered and 2 * covered[reason] >= stretch.to_at - stretch.from_at
    return replace(stretch, reason=reason) if is_told else stretch


def _joined(spans: Iterable[MissingSpan]) -> list[MissingSpan]:
    """Of one reason: those that touch as one, so that both their times ascend."""
    joined: list[MissingSpan] = []
    for each in sorted(spans, key=lambda span: span.from_at):
        if joined and each.from_at <= joined[-1].to_at:
            joined[-1] = replace(joined[-1], to_at=max(joined[-1].to_at, each.to_at))
        else:
            joined.append(each)
    return joined


def _covered(stretch: MissingSpan, joined: Sequence[MissingSpan]) -> timedelta:
    first = bisect_right(joined, stretch.from_at, key=lambda span: span.to_at)
    within = takewhile(lambda span: span.from_at < stretch.to_at, islice(joined, first, None))
    parts = (min(each.to_at, stretch.to_at) - max(each.from_at, stretch.from_at) for each in within)
    return sum(parts, timedelta())


def held(bands: Iterable[Band], until: datetime, period: timedelta, lasting: timedelta = timedelta()) -> list[HeldSpan]:
    """What ascending `bands` say up to `until`: each holds up to the next, or as long as it lasts where a gap follows.

    A gap is what `missing` calls one. A reading before a gap has a span without length: it was read all the same.
    """
    good = [(band.at, band.lowest, band.highest) for band in bands if band.n]
    ends = [*(at for at, _, _ in good[1:]), until]
    return [
        HeldSpan(at, end if end - at - lasting <= TOO_LONG_PERIODS * period else at + lasting, low, high)
        for (at, low, high), end in zip(good, ends, strict=False)
        if low is not None and high is not None
    ]
