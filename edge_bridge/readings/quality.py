"""How good the readings of one sensor were in a span of time, such as a day. Pure.

Five shares from 0 to 1, each of which is 1 when nothing is wrong, and their product as the score: one bad share makes
a bad sensor, however good the others are.
"""

from dataclasses import dataclass
from math import prod


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the readings in a span: `n` good, uncertain and bad ones together at `n_times` different times.

    `n_repeated` good readings had the value of the good one before them in the span; of `n_minutes` with a reading
    `n_late` were complete only after a while, and `n_outside` held a value beyond what is plausible.
    """

    n_good: int
    n_uncertain: int
    n_bad: int
    n_times: int
    n_repeated: int
    n_minutes: int
    n_late: int
    n_outside: int

    @property
    def n(self) -> int:
        return self.n_good + self.n_uncertain + self.n_bad


@dataclass(frozen=True, slots=True)
class Quality:
    """`completeness`: readings that came, of those expected. `timeliness`: minutes that were complete in time.
    `validity`: neither uncertain, bad nor implausible. `uniqueness`: different times of measurement. `liveliness`:
    values that changed; 1 for what may stay as it is."""

    n: int
    completeness: float
    timeliness: float
    validity: float
    uniqueness: float
    liveliness: float

    @property
    def score(self) -> float:
        shares = (self.completeness, self.timeliness, self.validity, self.uniqueness, self.liveliness)
        return prod(shares)

    @property
    def worst(self) -> str:
        """The share that is lowest."""
        names = ("completeness", "timeliness", "validity", "uniqueness", "liveliness")
        return min(names, key=lambda name: float(getattr(self, name)))


def quality_of(figures: Figures, period_s: float, span_s: float, *, steady: bool) -> Quality:
    """Of a span in which a reading was expected each `period_s`."""
    n, n_good, n_minutes = figures.n, figures.n_good, figures.n_minutes
    if not n:
        return Quality(0, 0.0, 0.0, 0.0, 0.0, 0.0)
    return Quality(
        n=n,
        completeness=min(1.0, figures.n_times * period_s / span_s),
        timeliness=1 - figures.n_late / n_minutes,
        validity=n_good / n * (1 - figures.n_outside / n_minutes),
        uniqueness=figures.n_times / n,
        liveliness=1.0 if steady or n_good < 2 else 1 - figures.n_repeated / (n_good - 1),
    )
