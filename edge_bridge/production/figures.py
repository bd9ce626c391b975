"""What is said of a span of a machine's time, or of several machines' together. Pure.

Shares are of scheduled time of which something is known: `no_data` lowers no figure, and is told beside them. A figure
is None where its denominator is 0. Everything that isn't a share adds up: hours to shifts to days, machines to fleets.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import reduce

from edge_bridge.production.cycles import Load, is_plausible
from edge_bridge.production.intervals import Interval, clipped, joined
from edge_bridge.production.shifts import hours
from edge_bridge.production.time_model import AVAILABLE, DOWN, KNOWN, OF_STOPS, OPERATING, WORKING, Category
from edge_bridge.protocol.machine import MachineState, StopReason

ZERO = timedelta()
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Figures:
    """`n_down` and `n_failures` count stops for maintenance, planned and unplanned, or unplanned, that began in it.

    `n_weighed` of `n_loads` have a plausible payload. `cycles` is the time of `n_cycles` loads whose beginning is
    known. Of machines with a planned rate: `planned_t` at that rate in known scheduled time, `planned_operating_t` in
    operating time, and `of_planned_t`, what they hauled.
    """

    time: Mapping[Category, timedelta] = field(default_factory=dict)
    n_down: int = 0
    n_failures: int = 0
    n_loads: int = 0
    n_weighed: int = 0
    hauled_t: float = 0.0
    n_cycles: int = 0
    cycles: timedelta = ZERO
    planned_t: float = 0.0
    planned_operating_t: float = 0.0
    of_planned_t: float = 0.0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(
            time={each: self.in_(each) + other.in_(each) for each in Category},
            n_down=self.n_down + other.n_down,
            n_failures=self.n_failures + other.n_failures,
            n_loads=self.n_loads + other.n_loads,
            n_weighed=self.n_weighed + other.n_weighed,
            hauled_t=self.hauled_t + other.hauled_t,
            n_cycles=self.n_cycles + other.n_cycles,
            cycles=self.cycles + other.cycles,
            planned_t=self.planned_t + other.planned_t,
            planned_operating_t=self.planned_operating_t + other.planned_operating_t,
            of_planned_t=self.of_planned_t + other.of_planned_t,
        )

    def in_(self, *categories: Category) -> timedelta:
        return sum((self.time.get(each, ZERO) for each in categories), ZERO)

    @property
    def calendar(self) -> timedelta:
        return self.in_(*Category)

    @property
    def availability_frac(self) -> float | None:
        """Available of known scheduled time."""
        return _ratio(self.in_(*AVAILABLE), self.in_(*KNOWN))

    @property
    def use_of_availability_frac(self) -> float | None:
        """Operating of available time."""
        return _ratio(self.in_(*OPERATING), self.in_(*AVAILABLE))

    @property
    def utilisation_frac(self) -> float | None:
        """Operating of known scheduled time: availability × use of availability."""
        return _ratio(self.in_(*OPERATING), self.in_(*KNOWN))

    @property
    def operating_efficiency_frac(self) -> float | None:
        """Working of operating time."""
        return _ratio(self.in_(*WORKING), self.in_(*OPERATING))

    @property
    def performance_frac(self) -> float | None:
        """Tonnes of those that the planned rate makes of operating time; above 1 where the rate was beaten."""
        return self.of_planned_t / self.planned_operating_t if self.planned_operating_t else None

    @property
    def oee_frac(self) -> float | None:
        """Availability × use of availability × performance of machines with a rate; every tonne counts as good."""
        return self.of_planned_t / self.planned_t if self.planned_t else None

    @property
    def t_per_operating_h(self) -> float | None:
        operating = self.in_(*OPERATING)
        return self.hauled_t / (operating / HOUR) if operating else None

    @property
    def mean_cycle_s(self) -> float | None:
        return self.cycles.total_seconds() / self.n_cycles if self.n_cycles else None

    @property
    def mtbs_h(self) -> float | None:
        """Mean operating time between stops for maintenance."""
        return self.in_(*OPERATING) / HOUR / self.n_down if self.n_down else None

    @property
    def mttr_h(self) -> float | None:
        """Mean time of unplanned maintenance for each failure."""
        return self.in_(Category.UNPLANNED_MAINTENANCE) / HOUR / self.n_failures if self.n_failures else None


@dataclass(frozen=True, slots=True)
class Cause:
    """One bar of a Pareto chart; `through_frac` is the share of it and all longer ones."""

    category: Category
    state: MachineState | None
    stop_reason: StopReason
    duration: timedelta
    n: int
    through_frac: float


def figures_of(
    intervals: Iterable[Interval],
    loads: Iterable[Load],
    *,
    since: datetime,
    until: datetime,
    rate_t_per_h: float | None = None,
) -> Figures:
    """Of one machine. `intervals` cover the span; what reaches beyond it tells when a stop began.

    `rate_t_per_h` is what is planned for known scheduled time.
    """
    whole = list(intervals)
    time = dict.fromkeys(Category, ZERO)
    for one in clipped(whole, since, until):
        time[one.category] += one.duration
    begun = Counter(one.category for one in _runs(whole) if since <= one.begins_at < until)
    of_time = Figures(time, n_down=sum(begun[each] for each in DOWN), n_failures=begun[Category.UNPLANNED_MAINTENANCE])
    return _planned(of_time + _hauled([load for load in loads if since <= load.dumped_at < until]), rate_t_per_h)


def _hauled(loads: Sequence[Load]) -> Figures:
    weighed = [load.payload_t for load in loads if load.payload_t is not None and is_plausible(load.payload_t)]
    cycles = [load.cycle for load in loads if load.cycle is not None]
    return Figures(
        n_loads=len(loads),
        n_weighed=len(weighed),
        hauled_t=sum(weighed),
        n_cycles=len(cycles),
        cycles=sum(cycles, ZERO),
    )


def _planned(figures: Figures, rate_t_per_h: float | None) -> Figures:
    if rate_t_per_h is None:
        return figures
    return replace(
        figures,
        planned_t=rate_t_per_h * (figures.in_(*KNOWN) / HOUR),
        planned_operating_t=rate_t_per_h * (figures.in_(*OPERATING) / HOUR),
        of_planned_t=figures.hauled_t,
    )


def hour_by_hour(
    intervals: Sequence[Interval],
    loads: Sequence[Load],
    *,
    since: datetime,
    until: datetime,
    rate_t_per_h: float | None = None,
) -> list[tuple[datetime, Figures]]:
    """The strip of short-interval control: each hour from `since` on, with when it began."""
    return [
        (begins_at, figures_of(intervals, loads, since=begins_at, until=ends_at, rate_t_per_h=rate_t_per_h))
        for begins_at, ends_at in hours(since, until)
    ]


def total(figures: Iterable[Figures]) -> Figures:
    return reduce(Figures.__add__, figures, Figures())


def causes(intervals: Iterable[Interval], since: datetime, until: datetime) -> list[Cause]:
    """Why machines stood in scheduled time, the longest first."""
    duration: dict[tuple[Category, MachineState | None, StopReason], timedelta] = {}
    n: Counter[tuple[Category, MachineState | None, StopReason]] = Counter()
    for one in clipped(intervals, since, until):
        if one.category in OF_STOPS and one.category is not Category.UNSCHEDULED:
            duration[one.label] = duration.get(one.label, ZERO) + one.duration
            n[one.label] += 1
    in_order = sorted(duration.items(), key=lambda each: (-each[1], str(each[0])))
    whole, through, found = sum(duration.values(), ZERO), ZERO, []
    for label, stood in in_order:
        through += stood
        found.append(Cause(*label, duration=stood, n=n[label], through_frac=through / whole))
    return found


def _runs(intervals: Iterable[Interval]) -> Iterable[Interval]:
    """By category alone: a breakdown of which a part was put in by hand is one stop."""
    return joined(Interval(one.begins_at, one.ends_at, None, category=one.category) for one in intervals)


def _ratio(part: timedelta, whole: timedelta) -> float | None:
    return part / whole if whole else None
