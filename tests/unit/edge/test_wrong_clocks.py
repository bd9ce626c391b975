"""Detectors where clocks are wrong: no stamp silences a rule, and no sensor with a bad one decides alone."""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import AlarmEvent, Quality, Reading
from edge_bridge.rules.detector import Detector, Sample, State, state_from_text, state_to_text
from edge_bridge.rules.kinds import DETECTORS, begin, judge, parse_rules
from edge_bridge.rules.trial import outcomes
from tests.unit.edge.test_detectors import made, noise

BEGIN_S, PUT_S, ILL_S, END_S = 1.7e9, 800, 1000, 1300
HOUR_S, YEARS_S = 3600.0, 75 * 365 * 86400.0
RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED
SEVERAL = ("twin", "vote", "fusion", "neighbours")

Told = list[tuple[int, AlarmEvent]]  # index of the sample, and what was said at it


# One sensor, or all of a rule ----------------------------------------------------------------------------------------

ILLNESSES: dict[str, Callable[[int, int], float]] = {  # value at so many seconds of it, of so many inputs
    "rate": lambda s, _: 3.0 * s,
    "time_to_limit": lambda s, _: 0.02 * s,
    "stuck": lambda s, _: 1.25,
    "twin": lambda s, source: 4.0 * source,
    "neighbours": lambda s, source: 8.0 * (source == 0),
}
PARAMETERS = {"stuck": {"for_s": 60.0}, "time_to_limit": {"limit": 10.0}}


def ill_detector(name: str, **parameters: float) -> Detector:
    return made(name, **PARAMETERS.get(name, {}) | parameters)


def seconds(name: str, stamp: Callable[[int], float], *, is_recording: bool) -> list[Sample]:
    """A reading a second, well until ILL_S, ill until END_S; `stamp`: what the clock adds."""
    detector, found = ill_detector(name), []
    illness = ILLNESSES.get(name, lambda s, source: 9.0 * (s % 200 < 100))
    for s, value in enumerate(noise(END_S, spread=0.3)):
        source, at_s = s % detector.n_inputs, BEGIN_S + s
        if s >= ILL_S and name == "silence" and s < ILL_S + 100:
            continue
        if s >= ILL_S:
            value = illness(s - ILL_S, source)
        off_s = stamp(s) - (100.0 if name == "clock" and s >= ILL_S else 0.0)
        found.append(Sample(at_s + off_s, value, True, source, None if is_recording else at_s))
    return found


def told(detector: Detector, samples: Sequence[Sample]) -> Told:
    found = enumerate(outcomes(detector, samples))
    return [(index, finding.event) for index, outcome in found for finding in outcome.findings]


def stood(name: str, stamp: Callable[[int], float], *, is_recording: bool, **parameters: float) -> bool:
    found = outcomes(ill_detector(name, **parameters), seconds(name, stamp, is_recording=is_recording))
    return any(outcome.is_raised for outcome in list(found)[ILL_S:])


@pytest.mark.parametrize("is_recording", [False, True])
@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("ahead_s", [HOUR_S, YEARS_S])
def test_stamp_from_the_future_silences_no_rule(name: str, ahead_s: float, is_recording: bool) -> None:
    assert stood(name, lambda s: 0.0, is_recording=is_recording), "it is found where no clock is wrong"
    assert stood(name, lambda s: ahead_s if s == PUT_S else 0.0, is_recording=is_recording)


@pytest.mark.parametrize("is_recording", [False, True])
@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("back_s", [20.0, 100.0, HOUR_S])
def test_clock_that_was_put_back_silences_no_rule(name: str, back_s: float, is_recording: bool) -> None:
    assert stood(name, lambda s: -back_s if s >= PUT_S else 0.0, is_recording=is_recording)


@pytest.mark.parametrize("is_recording", [False, True])
@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("late_at", [PUT_S, ILL_S + 50])
def test_one_sample_out_of_order_changes_nothing(name: str, late_at: int, is_recording: bool) -> None:
    def said(off_s: float) -> Told:
        given = seconds(name, lambda s: off_s if s == late_at else 0.0, is_recording=is_recording)
        return told(ill_detector(name), given)

    assert said(-7.5) == said(0.0)


# What each clock adds: it stands still, or starts over every 9 s; since PUT_S, or all along.
HALTING: list[Callable[[int], float]] = [
    lambda s: min(PUT_S - s, 0),
    lambda s: -s,
    lambda s: -(s - s % 9) if s >= PUT_S else 0.0,
    lambda s: -(s - s % 9),
]


@pytest.mark.parametrize("name", DETECTORS)
@pytest.mark.parametrize("stamp", HALTING)
def test_clock_that_stands_still_or_starts_over_silences_no_rule(name: str, stamp: Callable[[int], float]) -> None:
    assert stood(name, stamp, is_recording=False, **({"over_s": 30.0} if name == "time_to_limit" else {}))


@pytest.mark.parametrize("stamp", HALTING)
def test_delays_of_limits_run_on_whatever_the_clock_does(stamp: Callable[[int], float]) -> None:
    detector = DETECTORS["limits"].made({"hi": 1.0, "on_delay_s": 10.0, "off_delay_s": 10.0})
    heard = [Sample(BEGIN_S + s + stamp(s), 2.0 * (900 <= s < 1000), received_s=BEGIN_S + s) for s in range(1100)]
    (raised, up), (cleared, down) = told(detector, heard)
    assert (up, down) == (RAISED, CLEARED)
    assert 910 <= raised <= 919 and 1010 <= cleared <= 1019


def test_alarm_of_a_sensor_that_stamps_by_the_minute_stands_as_long_as_its_value_runs() -> None:
    heard = [Sample(BEGIN_S + s - s % 60, 2.0 * min(s, 400), received_s=BEGIN_S + s) for s in range(600)]
    (raised, up), (cleared, down) = told(made("rate", limit_per_s=1.0, over_s=10.0), heard)
    assert (up, down) == (RAISED, CLEARED)
    assert raised < 30 and 400 < cleared < 430


@pytest.mark.parametrize("name", ["rate", "time_to_limit"])
@pytest.mark.parametrize("every", [1, 4])
def test_backlog_between_live_samples_does_not_hide_a_trend(name: str, every: int) -> None:
    live = seconds(name, lambda s: 0.0, is_recording=False)
    mixed = [
        each
        for s, one in enumerate(live)
        for each in ([one, one._replace(at_s=one.at_s - 10 * HOUR_S, value=0.0)] if s % every == 0 else [one])
    ]
    times = [
        [(one.sample.at_s, said) for one in outcomes(ill_detector(name), samples) for said in one.findings]
        for samples in (live, mixed)
    ]
    assert times[0] == times[1] != []


@pytest.mark.parametrize("begins", [0, 1])
def test_slow_sensors_whose_clocks_stand_still_have_their_voice(begins: int) -> None:
    """A reading each 90 s, where a voice counts for 60 s; the second sensor `begins` with the so-manieth."""
    heard = [
        Sample(BEGIN_S, 6.0 * (k >= 5), True, source, BEGIN_S + 90 * k + 10 * source)
        for k in range(30)
        for source in range(2)
        if k >= begins * source
    ]
    assert [event for _, event in told(made("vote", n=2), heard)] == [RAISED]


@pytest.mark.parametrize("name", ["rate", "time_to_limit"])
def test_alarm_raised_at_a_stamp_from_the_future_is_cleared(name: str) -> None:
    wild = Sample(BEGIN_S + 400 + HOUR_S, 9000.0)
    heard = [wild if s == 400 else Sample(BEGIN_S + s, 1.0) for s in range(700)]
    found = list(outcomes(made(name), heard))
    assert (found[400].is_raised, found[699].is_raised) == (True, False)


# Several sensors -----------------------------------------------------------------------------------------------------


def spoken(
    values: Callable[[int, int], float], n_s: int = 600, *, n: int = 3, off_s: Sequence[float] = (0.0, 0.0, 0.0, 0.0)
) -> list[Sample]:
    """Each of `n` sensors every second, its clock off by its `off_s`."""
    return [
        Sample(BEGIN_S + s + off_s[source], values(s, source), True, source, BEGIN_S + s + source / n)
        for s in range(n_s)
        for source in range(n)
    ]


BAD_CLOCKS = [-YEARS_S / 2, -HOUR_S, -90.0, 90.0, HOUR_S, YEARS_S]


@pytest.mark.parametrize("off_s", BAD_CLOCKS)
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_sensor_with_a_wrong_clock_raises_nothing_alone(name: str, off_s: float) -> None:
    assert told(made(name), spoken(lambda s, source: 6.0 * (source == 2), off_s=(0, 0, off_s))) == []


@pytest.mark.parametrize("off_s", BAD_CLOCKS)
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_sensor_with_a_wrong_clock_clears_nothing_alone(name: str, off_s: float) -> None:
    heard = spoken(lambda s, source: 6.0 * (source < 2), off_s=(0, 0, off_s))
    assert [event for _, event in told(made(name), heard)] == [RAISED]


@pytest.mark.parametrize("name", ["vote", "fusion"])
@settings(max_examples=10, deadline=None)
@given(
    steps_s=st.lists(st.sampled_from([1.0, 0.0, 30.0, 70.0, -5.0, -70.0, HOUR_S, -HOUR_S, YEARS_S]), max_size=40),
    values=st.lists(st.sampled_from([0.0, 6.0, 99.0]), min_size=400, max_size=400),
)
def test_two_right_ones_decide_whatever_the_third_says(name: str, steps_s: list[float], values: list[float]) -> None:
    off_s = [*accumulate(steps_s, initial=0.0)]
    heard = [
        one._replace(at_s=one.at_s + off_s[index // 3 % len(off_s)], value=values[index // 3])
        if one.source == 2
        else one
        for index, one in enumerate(spoken(lambda s, source: 6.0 * (100 <= s < 300), 400))
    ]
    raised, cleared = told(made(name), heard)
    assert (raised[1], 300 <= raised[0] <= 303) == (RAISED, True)
    assert (cleared[1], 900 <= cleared[0] <= 900 + 3 * 61) == (CLEARED, True)


@pytest.mark.parametrize("off_s", BAD_CLOCKS)
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_sensor_with_a_wrong_clock_has_its_voice(name: str, off_s: float) -> None:
    """The second is wrong itself, so that without the third nobody would tell."""
    heard = spoken(lambda s, source: 6.0 * (s >= 300 and source != 1), off_s=(0, 0, off_s))
    ((index, event),) = told(made(name), heard)
    assert (event, 900 <= index < 906) == (RAISED, True)


@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_clock_that_is_put_back_costs_a_voice_no_longer_than_it_counts(name: str) -> None:
    heard = [
        one._replace(at_s=one.at_s - HOUR_S) if one.source == 2 and index >= 900 else one
        for index, one in enumerate(spoken(lambda s, source: 6.0 * (s >= 300 and source != 1)))
    ]
    ((index, event),) = told(made(name), heard)
    assert (event, 900 <= index <= 900 + 3 * 61) == (RAISED, True)


def test_twins_of_which_one_has_a_wrong_clock_are_told_apart() -> None:
    heard = spoken(lambda s, source: 4.0 * source * (s >= 300), n=2, off_s=(0, -90.0))
    assert [event for _, event in told(made("twin"), heard)] == [RAISED]


def test_neighbours_with_wrong_clocks_speak() -> None:
    value = noise(4 * 2000, 5)

    def gas(s: int, source: int) -> float:
        return value[4 * s + source] + min(max(s - 1000, 0) / 10, 8.0)

    heard = spoken(gas, 2000, n=4, off_s=(0, -90.0, HOUR_S, -HOUR_S))
    (finding, *_) = chain.from_iterable(o.findings for o in outcomes(made("neighbours", n=4), heard))
    assert finding.words.endswith("3 of 3 neighbours with it: gas")


def late(heard: Sequence[Sample], source: int, since: int, until: int, took_s: float = 1.0) -> Iterator[Sample]:
    """What this input measured in these seconds comes at their end, within the last `took_s` of them."""
    held = []
    for one in heard:
        s = one.at_s - BEGIN_S
        if one.source == source and since <= s < until:
            held.append(one)
            continue
        if one.source == source and s == until:
            now_s = one.received_s or 0.0
            begun_s = now_s - took_s
            yield from (each._replace(received_s=begun_s + took_s * k / len(held)) for k, each in enumerate(held))
        yield one


def in_order(heard: Sequence[Sample]) -> list[Sample]:
    return sorted(heard, key=lambda one: one.heard_s)


@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_what_was_held_on_its_way_is_not_mixed_with_what_is_now(name: str) -> None:
    """The first sensor is wrong from 1200 s; the third saw gas before, and tells of it only then."""

    def values(s: int, source: int) -> float:
        return 6.0 * (source == 0 and s >= 1200) + 6.0 * (source == 2 and 700 <= s < 800)

    backlog = late(spoken(values, 2000), 2, 600, 1500)
    assert told(made(name), in_order([*backlog])) == []
    gas = late(spoken(lambda s, source: values(s, source) + 6.0 * (source == 2 and s > 1600), 2000), 2, 600, 1500)
    assert [event for _, event in told(made(name), in_order([*gas]))] == [RAISED], "it has its voice again"


@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_backlogs_of_all_clear_nothing_that_stands(name: str) -> None:
    """Who is through first does not decide for those who are not."""
    heard: Sequence[Sample] = spoken(lambda s, source: 6.0 * (s >= 300 and source != 1), 2000)
    for source in range(3):
        heard = [*late(heard, source, 600, 1510 + source * 20, took_s=10.0 + source * 20)]
    assert [event for _, event in told(made(name), in_order(heard))] == [RAISED]


def test_held_sample_between_live_ones_changes_nothing() -> None:
    heard = spoken(lambda s, source: 6.0 * (source != 1))
    mixed = [
        each
        for one in heard
        for each in ((one, Sample(one.at_s - HOUR_S, 0.0, True, 2, one.received_s)) if one.source == 2 else (one,))
    ]
    assert [event for _, event in told(made("vote"), mixed)] == [RAISED]


def test_clock_that_stands_still_mutes_nobody_and_holds_no_alarm() -> None:
    heard = [
        one._replace(at_s=min(one.at_s, BEGIN_S + 100)) if one.source == 2 else one
        for one in spoken(lambda s, source: 6.0 * (300 <= s < 500 and source != 1), 1000)
    ]
    assert [event for _, event in told(made("vote"), heard)] == [RAISED, CLEARED]


def test_nobody_decides_alone_after_the_gateway_did_not_listen() -> None:
    for standing, value in ((False, 6.0), (True, 0.0)):
        detector, state = after(spoken(lambda s, source: 6.0 * standing, 300))  # noqa: B023
        state = detector.begun_again(state, BEGIN_S + 9000)
        _, _, finding = detector.step(state, Sample(BEGIN_S + 9001, value, True, 2, BEGIN_S + 9001))
        assert finding is None


@pytest.mark.parametrize("name", SEVERAL)
@pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S])
def test_gateway_whose_clock_was_put_judges_as_before(name: str, by_s: float) -> None:
    detector = made(name)
    heard = spoken(lambda s, source: 6.0 * (source == 0 and s >= 400), 600, n=detector.n_inputs)
    half = len(heard) // 2
    one = stepped(detector, detector.begin(), heard[:half])
    two = detector.clock_was_put(one, by_s)
    for sample in heard[half:]:
        one, score, finding = detector.step(one, sample)
        two, same_score, same = detector.step(two, sample._replace(received_s=(sample.received_s or 0.0) + by_s))
        assert (same_score, same) == (pytest.approx(score), finding)


@pytest.mark.parametrize(
    ("name", "version", "kept"),
    [
        ("vote", 1, [True, 1.7e9, [[1.7e9], [1.7e9 + 300, 6.0], [1.7e9 + 301, 6.5], []]]),
        ("fusion", 1, [True, 1.7e9, [[1.7e9], [1.7e9 + 300, 6.0], [1.7e9 + 301, 6.5], []]]),
        ("twin", 1, [True, 1.7e9, [[1.7e9], [1.7e9 + 300, 6.0], [], [1.7e9 + 300, 2.5]]]),
        ("neighbours", 1, [True, 1.7e9, [[[40, 1.0, 0.5], 6.0, 1.7e9 + 300], *[[[30, 1.0, 0.5], 0.1, 1.7e9]] * 2]]),
        ("rate", 2, [True, 1.7e9, [1.7e9 + 300, 4.0, 2.0]]),
        ("time_to_limit", 2, [True, 1.7e9, [1.7e9 + 300, 5.5, 9, 5.0, -9.0, 30.0, 0.1, 0.1, 0.01]]),
        ("stuck", 2, [True, 1.7e9, [1.7e9 - 300, 6.0]]),
        ("vote", 2, [True, 1.7e9, [[1.7e9], *[[1.7e9 + 300, 6.0, 1.7e9, []]] * 2, [0.0, None, 0.0, []]]]),
    ],
)
def test_state_of_earlier_versions_goes_on(name: str, version: int, kept: list[object]) -> None:
    detector = made(name)
    mark = state_to_text(detector, detector.begin()).split(",")[0].replace('["3.', f'["{version}.')
    state = state_from_text(detector, f"{mark},{json.dumps(kept)}]")
    assert detector.is_raised(state)
    state, score, finding = detector.step(state, Sample(1.7e9 + 302, 6.0, True, 0, 1.7e9 + 302))
    assert (score > 0.4, finding) == (True, None)
    assert state_from_text(detector, state_to_text(detector, state)) == state


@pytest.mark.parametrize("name", ["rate", "time_to_limit", "stuck"])
@pytest.mark.parametrize("by_s", [-HOUR_S, HOUR_S])
def test_gateway_whose_clock_was_put_judges_on_sensors_whose_clock_stands_still(name: str, by_s: float) -> None:
    detector, heard = ill_detector(name), seconds(name, HALTING[0], is_recording=False)
    one = stepped(detector, detector.begin(), heard[:1010])
    two = detector.clock_was_put(one, by_s)
    for sample in heard[1010:]:
        one, score, finding = detector.step(one, sample)
        two, *same = detector.step(two, sample._replace(received_s=sample.heard_s + by_s))
        assert same == [score, finding]


def test_alarm_of_several_sensors_bears_the_time_of_the_gateway() -> None:
    inputs = [{"equipment": f"GAS-{n}", "tag": "ch4"} for n in range(3)]
    head = {"name": "vote", "equipment": "HEADING", "tag": "ch4", "alarm_type": "methane", "severity": "high"}
    (rule,) = parse_rules([head | {"kind": "vote", "limit": 1.0, "inputs": inputs}])
    now, state, said = datetime(2026, 3, 1, tzinfo=UTC), begin(rule), []
    for n in range(2):
        reading = Reading(f"GAS-{n}", "ch4", 2.0, Quality.GOOD, now + n * timedelta(days=900))
        state, alarms = judge(rule, state, reading, now)
        said += alarms
    assert [alarm.occurred_at for alarm in said] == [now]


def after(heard: Sequence[Sample]) -> tuple[Detector, State]:
    detector = made("vote")
    return detector, stepped(detector, detector.begin(), heard)


def stepped(detector: Detector, state: State, heard: Sequence[Sample]) -> State:
    for sample in heard:
        state, _, _ = detector.step(state, sample)
    return state
