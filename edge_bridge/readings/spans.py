"""Where readings are missing, and what they say in between. Pure; times are aware."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
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
    told: Iterable[MissingSpan] = (),
    lasting: timedelta = timedelta(),
) -> list[MissingSpan]:
    """Stretches of `since` … `until` without a reading for more than three periods, in order.

    A stretch has the reason of the `told` spans that cover most of it, else it is silent. `times` ascend; each says
    that something was heard for as long as `lasting` from then on. `until` is not later than now, or the future would
    be missing too.
    """
    known = list(told)
    ends = [since, *(time + lasting for time in times)]
    return [
        MissingSpan(end, begin, _reason(end, begin, known))
        for end, begin in zip(ends, [*times, until], strict=True)
        if begin - end > TOO_LONG_PERIODS * period
    ]


def _reason(from_at: datetime, to_at: datetime, told: Sequence[MissingSpan]) -> str:
    covered = defaultdict[str, timedelta](timedelta)
    for each in told:
        covered[each.reason] += max(timedelta(), min(each.to_at, to_at) - max(each.from_at, from_at))
    reason = max(covered, key=lambda reason: (covered[reason], reason), default=SILENT)
    return reason if covered[reason] > timedelta() else SILENT


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
