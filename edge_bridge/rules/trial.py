"""A detector run over recorded samples, and its alarms held against what was known to be wrong."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from edge_bridge.rules.detector import Detector, Finding, Sample

WEEK_S = 7 * 86400.0


class Outcome(NamedTuple):
    """`score` in 0..1; `is_raised`: the alarm stands after this sample; `findings`: it was raised or cleared here."""

    sample: Sample
    score: float
    is_raised: bool
    findings: tuple[Finding, ...]


def outcomes(detector: Detector, samples: Iterable[Sample]) -> Iterator[Outcome]:
    """One pass without look-ahead; before each sample the detector is told how time has passed."""
    state = detector.begin()
    for sample in samples:
        now_s = sample.at_s if sample.received_s is None else sample.received_s
        state, waited, missed = detector.tick(state, now_s)
        state, score, finding = detector.step(state, sample)
        findings = tuple(said for said in (missed, finding) if said is not None)
        yield Outcome(sample, max(score, waited), detector.is_raised(state) or missed is not None, findings)


class Window(NamedTuple):
    """A fault to be found between `start_s` and `end_s`; `due_s`: when its harm is there, which warning precedes."""

    start_s: float
    end_s: float
    due_s: float


@dataclass(frozen=True, slots=True)
class Verdict:
    """`leads_s`: for each window that was hit, the seconds from its first alarm to its `due_s`."""

    n_windows: int
    n_false: int
    n_alarms: int
    span_s: float
    leads_s: tuple[float, ...]

    @property
    def n_hits(self) -> int:
        return len(self.leads_s)

    @property
    def n_misses(self) -> int:
        return self.n_windows - self.n_hits

    @property
    def precision(self) -> float | None:
        """Of the alarms, those inside a window; None if there was none."""
        return (self.n_alarms - self.n_false) / self.n_alarms if self.n_alarms else None

    @property
    def recall(self) -> float | None:
        return self.n_hits / self.n_windows if self.n_windows else None

    @property
    def false_alarms_per_week(self) -> float | None:
        return self.n_false * WEEK_S / self.span_s if self.span_s > 0 else None

    @property
    def lead_s(self) -> float | None:
        """The median."""
        return median(self.leads_s) if self.leads_s else None


def verdict(raised_s: Sequence[float], windows: Sequence[Window], span_s: float) -> Verdict:
    """`raised_s`: when alarms were raised, in rising order; `span_s`: how long the detector listened."""
    inside = {at_s for at_s in raised_s for window in windows if window.start_s <= at_s <= window.end_s}
    firsts = (_first_after(raised_s, window.start_s) for window in windows)
    leads = (
        window.due_s - at_s
        for window, at_s in zip(windows, firsts, strict=True)
        if at_s is not None and at_s <= window.end_s
    )
    n_false = sum(at_s not in inside for at_s in raised_s)
    return Verdict(len(windows), n_false, len(raised_s), span_s, tuple(leads))


def _first_after(times_s: Sequence[float], start_s: float) -> float | None:
    index = bisect_left(times_s, start_s)
    return times_s[index] if index < len(times_s) else None
