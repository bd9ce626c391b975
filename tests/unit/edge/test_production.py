"""Intervals cover every moment once, shifts tile their days, and figures add up."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.production.cycles import Load, loads_of
from edge_bridge.production.figures import HOUR, ZERO, Figures, causes, figures_of, hour_by_hour, total
from edge_bridge.production.intervals import (
    HOLD,
    Correction,
    Interval,
    Sample,
    clipped,
    corrected,
    filled,
    intervals_of,
    joined,
    scheduled,
)
from edge_bridge.production.shifts import ShiftRule, calendar_of
from edge_bridge.production.time_model import DOWN, OF_STOPS, Category, categorise
from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from tenants.data import Invalid
from terminal_sim.faults import FaultKind
from terminal_sim.simulation import simulate
from terminal_sim.toml import load_scenario

SHIFT = Path(__file__).parents[3] / "terminal_sim" / "scenarios" / "shift.toml"
DAWN = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)
HAULING, DUMPING, RETURNING = MachineState.HAULING, MachineState.DUMPING, MachineState.RETURNING
WAITING, STOPPED, BREAKDOWN = MachineState.WAITING, MachineState.STOPPED, MachineState.BREAKDOWN


def at(s: float) -> datetime:
    return DAWN + timedelta(seconds=s)


def stay(begins_s: float, ends_s: float, state: MachineState | None, reason: StopReason = StopReason.NONE) -> Interval:
    return Interval(at(begins_s), at(ends_s), state, reason, categorise(state, reason))


def minutely(state: MachineState, first_s: int, last_s: int) -> list[Sample]:
    return [Sample(at(second), float(state)) for second in range(first_s, last_s, 60)]


FEW = settings(max_examples=30, deadline=None)
moments = st.integers(-600, 90_000).map(at)
codes = st.one_of(st.none(), st.sampled_from([float(state) for state in MachineState]), st.sampled_from([0.0, 1.5, 99]))
sample_lists = st.lists(st.builds(Sample, moments, codes), max_size=60)
reason_lists = st.lists(st.builds(Sample, moments, st.integers(0, 9).map(float)), max_size=30)
corrections = st.lists(
    st.tuples(moments, moments, st.sampled_from(sorted(OF_STOPS))).map(
        lambda said: Correction(min(said[:2]), max(said[:2]), said[2])
    ),
    max_size=4,
)


def test_every_state_has_a_category() -> None:
    assert {categorise(state) for state in MachineState} <= set(Category) - {Category.NO_DATA, Category.UNSCHEDULED}


def test_waiting_for_work_is_standby_and_for_a_truck_a_delay() -> None:
    assert categorise(WAITING, StopReason.NO_WORK) is Category.STANDBY
    assert categorise(WAITING, StopReason.NO_TRUCK) is Category.OPERATING_DELAY


@settings(FEW)
@given(sample_lists, reason_lists)
def test_intervals_cover_the_span_once(states: list[Sample], reasons: list[Sample]) -> None:
    found = intervals_of(states, reasons, since=DAWN, until=DAWN + DAY)
    assert (found[0].begins_at, found[-1].ends_at) == (DAWN, DAWN + DAY)
    assert all(first.ends_at == second.begins_at and first.label != second.label for first, second in pairwise(found))
    assert sum((one.duration for one in found), ZERO) == timedelta(seconds=86_400)


@settings(FEW)
@given(sample_lists, reason_lists, st.randoms(use_true_random=False))
def test_samples_in_another_order_give_the_same_intervals(
    states: list[Sample], reasons: list[Sample], chance: object
) -> None:
    before = intervals_of(states, reasons, since=DAWN, until=DAWN + DAY)
    chance.shuffle(states)  # type: ignore[attr-defined]
    assert intervals_of(states, reasons, since=DAWN, until=DAWN + DAY) == before


@settings(FEW)
@given(sample_lists, reason_lists, st.integers(1, 86_399).map(at))
def test_a_span_cut_in_two_gives_the_same_intervals(states: list[Sample], reasons: list[Sample], cut: datetime) -> None:
    """Each part from its own samples and those up to HOLD before, as they are rolled up day by day."""
    parts = []
    for since, until in ((DAWN, cut), (cut, DAWN + DAY)):
        near = [[one for one in samples if since - HOLD < one.at < until] for samples in (states, reasons)]
        parts += intervals_of(*near, since=since, until=until)
    assert list(joined(parts)) == intervals_of(states, reasons, since=DAWN, until=DAWN + DAY)


def test_silence_is_no_data_after_five_minutes() -> None:
    found = intervals_of([Sample(DAWN, float(HAULING))], [], since=DAWN, until=DAWN + HOUR)
    assert found == [stay(0, 300, HAULING), stay(300, 3600, None)]


def test_bad_reading_ends_what_was_known() -> None:
    states = [Sample(DAWN, float(HAULING)), Sample(at(60), None), Sample(at(120), float(DUMPING))]
    found = intervals_of(states, [], since=DAWN, until=at(180))
    assert [one.state for one in found] == [HAULING, None, DUMPING]


def test_reason_counts_only_in_states_that_have_one() -> None:
    states = [Sample(DAWN, float(STOPPED)), Sample(at(60), float(HAULING))]
    found = intervals_of(states, [Sample(DAWN, float(StopReason.MEAL))], since=DAWN, until=at(120))
    assert [one.stop_reason for one in found] == [StopReason.MEAL, StopReason.NONE]


@settings(FEW)
@given(sample_lists, corrections)
def test_corrections_change_no_sum_and_no_work(states: list[Sample], said: list[Correction]) -> None:
    raw = intervals_of(states, [], since=DAWN, until=DAWN + DAY)
    found = corrected(raw, said)
    before = figures_of(raw, [], since=DAWN, until=DAWN + DAY)
    after = figures_of(found, [], since=DAWN, until=DAWN + DAY)
    assert after.calendar == before.calendar == DAY
    assert after.in_(Category.PRODUCTIVE) == before.in_(Category.PRODUCTIVE)


def test_later_correction_holds() -> None:
    said = [
        Correction(at(0), at(600), Category.STANDBY),
        Correction(at(300), at(900), Category.PLANNED_MAINTENANCE),
    ]
    found = corrected([stay(0, 1200, BREAKDOWN)], said)
    assert [(one.begins_at, one.category) for one in found] == [
        (at(0), Category.STANDBY),
        (at(300), Category.PLANNED_MAINTENANCE),
        (at(900), Category.UNPLANNED_MAINTENANCE),
    ]


def test_withdrawn_correction_gives_back_what_the_readings_say() -> None:
    said = [Correction(at(0), at(600), Category.STANDBY), Correction(at(0), at(300), None)]
    found = corrected([stay(0, 600, BREAKDOWN)], said)
    assert [one.category for one in found] == [Category.UNPLANNED_MAINTENANCE, Category.STANDBY]


def test_standby_outside_shifts_is_unscheduled_and_work_is_work() -> None:
    raw = [stay(0, 100, STOPPED), stay(100, 200, HAULING), stay(200, 300, None), stay(300, 400, STOPPED)]
    found = scheduled(raw, [(at(50), at(150)), (at(350), at(900))])
    assert [(one.category, one.duration.seconds) for one in found] == [
        (Category.UNSCHEDULED, 50),
        (Category.STANDBY, 50),
        (Category.PRODUCTIVE, 100),
        (Category.UNSCHEDULED, 100),
        (Category.UNSCHEDULED, 50),
        (Category.STANDBY, 50),
    ]


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 23), (date(2026, 10, 24), 25), (date(2026, 6, 1), 24)])
def test_day_and_its_shifts_are_as_long_as_the_clocks_say(day: date, hours: int) -> None:
    calendar = calendar_of("Europe/Berlin")
    begins_at, ends_at = calendar.day(day)
    shifts = calendar.shifts(day)
    assert ends_at - begins_at == timedelta(hours=hours)
    assert [shift.name for shift in shifts] == ["day", "night"]
    assert (shifts[0].begins_at, shifts[0].ends_at, shifts[1].ends_at) == (begins_at, shifts[1].begins_at, ends_at)


@settings(FEW)
@given(
    st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "America/Santiago", "Australia/Lord_Howe", "Asia/Beirut"]),
    st.integers(0, 23),
    st.dates(date(2025, 1, 1), date(2027, 12, 31)),
)
def test_days_follow_each_other_and_shifts_tile_them(zone: str, first_h: int, day: date) -> None:
    second = time((first_h + 9) % 24, 30)
    rules = [ShiftRule("early", time(first_h), second), ShiftRule("late", second, time(first_h))]
    calendar = calendar_of(zone, rules)
    begins_at, ends_at = calendar.day(day)
    assert ends_at == calendar.day(day + timedelta(days=1))[0]
    assert calendar.day_of(begins_at) == calendar.day_of(ends_at - timedelta(seconds=1)) == day
    shifts = calendar.shifts(day)
    assert sum((shift.ends_at - shift.begins_at for shift in shifts), ZERO) == ends_at - begins_at
    assert shifts == calendar.shifts_between(begins_at, ends_at)


def test_shift_of_the_night_before_reaches_into_a_span() -> None:
    calendar = calendar_of("UTC")
    found = calendar.shifts_between(datetime(2026, 3, 2, 5, tzinfo=UTC), datetime(2026, 3, 2, 7, tzinfo=UTC))
    assert [shift.name for shift in found] == ["night", "day"]


@pytest.mark.parametrize(
    "rules",
    [
        [],
        [ShiftRule("a", time(6), time(18)), ShiftRule("b", time(17), time(6))],
        [ShiftRule("a", time(6), time(18)), ShiftRule("a", time(18), time(6))],
        [ShiftRule("long", time(20), time(7), frozenset({6})), ShiftRule("early", time(6), time(14), frozenset({0}))],
    ],
)
def test_shifts_that_overlap_are_refused(rules: list[ShiftRule]) -> None:
    with pytest.raises(Invalid):
        calendar_of("UTC", rules)


@settings(FEW)
@given(sample_lists, st.lists(st.tuples(st.integers(0, 86_399), st.integers(1, 200)), max_size=20))
def test_hours_add_up_to_shifts_and_shifts_to_days(states: list[Sample], dumps: list[tuple[int, int]]) -> None:
    raw = intervals_of(states, [], since=DAWN - HOUR, until=DAWN + DAY)
    loads = [Load(at(s - 900), at(s), float(t), LoadKind.ORE) for s, t in dumps]
    whole = figures_of(raw, loads, since=DAWN, until=DAWN + DAY, rate_t_per_h=128)
    by_hour = total(each for _, each in hour_by_hour(raw, loads, since=DAWN, until=DAWN + DAY, rate_t_per_h=128))
    shifts = calendar_of("UTC").shifts(DAWN.date())
    by_shift = total(
        figures_of(raw, loads, since=shift.begins_at, until=shift.ends_at, rate_t_per_h=128) for shift in shifts
    )
    for part in (by_hour, by_shift):
        assert (part.time, part.n_down, part.n_loads, part.hauled_t) == (
            whole.time,
            whole.n_down,
            whole.n_loads,
            whole.hauled_t,
        )
        assert part.planned_t == pytest.approx(whole.planned_t)
    assert whole.calendar == timedelta(seconds=86_400)


@settings(FEW)
@given(sample_lists)
def test_oee_is_the_product_of_its_factors(states: list[Sample]) -> None:
    raw = intervals_of(states, [], since=DAWN, until=DAWN + DAY)
    found = figures_of(raw, [Load(None, at(9), 90.0, LoadKind.ORE)], since=DAWN, until=DAWN + DAY, rate_t_per_h=300)
    factors = (found.availability_frac, found.use_of_availability_frac, found.performance_frac)
    if None not in factors:
        assert found.oee_frac == pytest.approx(factors[0] * factors[1] * factors[2])  # type: ignore[operator]
    assert all(frac is None or 0 <= frac <= 1 for frac in factors[:2])


def test_figures_of_a_morning_as_counted_by_hand() -> None:
    raw = [
        stay(-600, 600, BREAKDOWN),
        stay(600, 4200, HAULING),
        stay(4200, 6000, STOPPED, StopReason.MEAL),
        stay(6000, 7200, BREAKDOWN),
        stay(7200, 9000, MachineState.QUEUEING),
        stay(9000, 10_800, None),
    ]
    found = figures_of(raw, [], since=DAWN, until=at(10_800))
    assert found.availability_frac == pytest.approx(7200 / 9000)
    assert found.use_of_availability_frac == pytest.approx(5400 / 7200)
    assert found.operating_efficiency_frac == pytest.approx(3600 / 5400)
    assert (found.n_down, found.n_failures) == (1, 1)  # the first began before
    assert found.mtbs_h == pytest.approx(1.5)
    assert found.mttr_h == pytest.approx(0.5)
    assert found.oee_frac is None


def test_nothing_known_gives_no_figure() -> None:
    found = figures_of([stay(0, 3600, None)], [], since=DAWN, until=at(3600), rate_t_per_h=100)
    shown = (found.availability_frac, found.utilisation_frac, found.oee_frac, found.mtbs_h, found.mttr_h)
    assert shown == (None, None, None, None, None)
    assert total([]) == Figures()


def test_causes_come_longest_first_and_reach_the_whole() -> None:
    raw = [stay(0, 100, STOPPED, StopReason.MEAL), stay(100, 400, BREAKDOWN), stay(400, 500, HAULING)]
    found = causes([*raw, stay(500, 600, STOPPED, StopReason.MEAL)], DAWN, at(600))
    assert [(each.state, each.n, each.through_frac) for each in found] == [(BREAKDOWN, 1, 0.6), (STOPPED, 2, 1.0)]


def cycles(n: int, first_s: int = 0) -> tuple[list[Interval], list[Sample]]:
    """Each 1,000 s: hauling 600, dumping 100, returning 300; 90 t a time."""
    raw, payloads = [], []
    for begins_s in range(first_s, first_s + 1000 * n, 1000):
        raw += [
            stay(begins_s, begins_s + 600, HAULING),
            stay(begins_s + 600, begins_s + 700, DUMPING),
            stay(begins_s + 700, begins_s + 1000, RETURNING),
        ]
        payloads += [Sample(at(begins_s + s), 90.0) for s in range(0, 600, 60)]
        payloads += [Sample(at(begins_s + 650), 45.0), Sample(at(begins_s + 700), 0.0)]
    return raw, payloads


def test_load_counts_when_it_is_dumped() -> None:
    raw, payloads = cycles(3)
    kinds = [Sample(one.at, float(LoadKind.WASTE)) for one in payloads]
    found = loads_of(raw, payloads, kinds, since=DAWN)
    assert [load.dumped_at for load in found] == [at(700), at(1700), at(2700)]
    assert {(load.payload_t, load.kind) for load in found} == {(90.0, LoadKind.WASTE)}
    assert [load.cycle for load in found] == [None, timedelta(seconds=1000), timedelta(seconds=1000)]


def test_spike_of_the_scale_is_no_payload() -> None:
    raw, payloads = cycles(1)
    found = loads_of(raw, sorted([*payloads, Sample(at(30), 900.0)]), [], since=DAWN)
    assert found == [Load(None, at(700), 90.0, LoadKind.NONE)]


def test_silent_scale_leaves_the_load_unweighed() -> None:
    raw, _ = cycles(1)
    assert loads_of(raw, [], [], since=DAWN) == [Load(None, at(700), None, LoadKind.NONE)]


@pytest.mark.parametrize("value", [1.7e308, -9999.0, 65_535.0])
def test_what_no_truck_carries_is_no_payload(value: float) -> None:
    raw, payloads = cycles(1)
    assert loads_of(raw, [Sample(one.at, value) for one in payloads], [], since=DAWN)[0].payload_t is None
    mostly = [one if n % 5 == 0 else Sample(one.at, value) for n, one in enumerate(payloads)]
    assert loads_of(raw, mostly, [], since=DAWN)[0].payload_t == 90.0
    stored = [Load(None, at(s), value, LoadKind.ORE) for s in (0, 60)]
    found = figures_of(raw, [*stored, Load(None, at(90), 90.0, LoadKind.ORE)], since=DAWN, until=at(1000))
    assert (found.n_loads, found.n_weighed, found.hauled_t) == (3, 1, 90.0)


def test_dump_that_is_not_over_is_no_load_yet() -> None:
    raw, payloads = cycles(1)
    assert loads_of(list(clipped(raw, DAWN, at(650))), payloads, [], since=DAWN) == []


@settings(FEW)
@given(st.integers(1, 12_000))
def test_loads_are_the_same_whole_and_in_parts(cut_s: int) -> None:
    raw, payloads = cycles(12)
    parts: list[Load] = []
    for since_s, until_s in ((0, cut_s), (cut_s, 12_000)):
        parts += loads_of(list(clipped(raw, DAWN, at(until_s))), payloads, [], since=at(since_s))
    assert parts == loads_of(raw, payloads, [], since=DAWN)


def test_filled_span_says_where_nothing_is_known() -> None:
    found = list(filled([stay(10, 20, HAULING)], DAWN, at(30)))
    assert [one.state for one in found] == [None, HAULING, None]


def _down(intervals: Sequence[Interval]) -> timedelta:
    return sum((one.duration for one in intervals if one.category in DOWN), ZERO)


def test_truck_that_reports_each_minute_is_known_throughout() -> None:
    states = [*minutely(HAULING, 0, 3600), *minutely(BREAKDOWN, 3600, 7200)]
    found = intervals_of(states, [], since=DAWN, until=at(7200))
    assert [one.state for one in found] == [HAULING, BREAKDOWN]
    assert _down(found) == HOUR


def test_simulated_shift_is_told_as_its_faults_are_labelled() -> None:
    scenario = replace(load_scenario(SHIFT), duration_s=21_900)  # until the service of the grader is over
    measured: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
    for one in simulate(scenario):
        for tag in ("state", "stop_reason", "payload", "load_kind"):
            if tag in one.values:
                at_s = scenario.start_at + timedelta(seconds=one.at_s)
                measured[one.terminal.equipment][tag].append(Sample(at_s, one.values[tag]))
    span = {"since": scenario.start_at, "until": scenario.start_at + timedelta(seconds=scenario.duration_s)}
    told = {}
    for code, tags in measured.items():
        if "state" in tags:
            found = intervals_of(tags["state"], tags["stop_reason"], **span)
            loads = loads_of(found, tags["payload"], tags["load_kind"], since=span["since"])
            told[code] = figures_of(found, loads, **span)
    down = {code: figures.in_(*DOWN).total_seconds() for code, figures in told.items() if figures.n_down}
    kinds = (FaultKind.BREAKDOWN, FaultKind.PLANNED_SERVICE)
    assert down == {
        fault.equipment: fault.duration_s
        for fault in scenario.faults
        if fault.kind in kinds and fault.equipment in told
    }
    hauled_t = [figures.hauled_t / figures.n_loads for figures in told.values() if figures.n_loads]
    assert len(hauled_t) == 5 and all(85 < mean_t < 95 for mean_t in hauled_t)
    assert {figures.calendar for figures in told.values()} == {timedelta(seconds=21_900)}
