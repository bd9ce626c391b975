"""Detectors: what holds for all of them, and what each of them finds."""

import math
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules.detector import Detector, Finding, Sample, state_from_text, state_to_text
from edge_bridge.rules.kinds import DETECTORS
from edge_bridge.rules.thresholds import RuleError
from edge_bridge.rules.trial import Window, outcomes, verdict

NEEDED: dict[str, dict[str, Any]] = {
    "limits": {"hi": 5.0, "lo": -5.0, "deadband": 0.5, "on_delay_s": 2.0},
    "rate": {"limit_per_s": 1.0},
    "time_to_limit": {"limit": 5.0},
    "out_of_range": {"lowest": -5.0, "highest": 5.0},
    "twin": {"tolerance": 2.0},
    "vote": {"limit": 5.0},
    "fusion": {"limit": 5.0, "sigma": 1.0},
}
LEARNING = [name for name, kind in DETECTORS.items() if kind.claims_invariance]
VALUES = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([1.7e308, -1.7e308]), min_size=1, max_size=120)
RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED


def made(name: str, **parameters: Any) -> Detector:
    return DETECTORS[name].made(NEEDED.get(name, {}) | parameters)


def samples(values: Sequence[float], step_s: float = 1.0, n_inputs: int = 1) -> list[Sample]:
    return [Sample(1.7e9 + k * step_s, value, source=k % n_inputs) for k, value in enumerate(values)]


def noise(n: int, seed: int = 1, spread: float = 1.0) -> list[float]:
    rng = Random(seed)
    return [rng.gauss(0, spread) for _ in range(n)]


def said(detector: Detector, given_samples: Sequence[Sample]) -> list[tuple[int, Finding]]:
    """The index of the sample, and what was said at it."""
    found = enumerate(outcomes(detector, given_samples))
    return [(index, finding) for index, outcome in found for finding in outcome.findings]


# What holds for all --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=8, deadline=None)
@given(values=VALUES, cut=st.integers(0, 120))
def test_state_that_went_through_text_goes_on_as_the_other(name: str, values: list[float], cut: int) -> None:
    detector = made(name)
    one = two = detector.begin()
    for index, sample in enumerate(samples(values, n_inputs=detector.n_inputs)):
        if index == cut:
            two = state_from_text(detector, state_to_text(detector, two))
        judged = detector.step(one, sample)
        assert detector.step(two, sample) == judged
        one = two = judged[0]


@pytest.mark.parametrize("name", DETECTORS)
@settings(max_examples=8, deadline=None)
@given(values=VALUES, steps_s=st.lists(st.sampled_from([0.0, 0.001, 1.0, 300.0, 1e6, -3600.0]), min_size=120))
def test_score_is_from_0_to_1_whatever_comes(name: str, values: list[float], steps_s: list[float]) -> None:
    detector, at_s = made(name), 1.7e9
    state = detector.begin()
    for index, value in enumerate(values):
        at_s += steps_s[index]
        was_raised = detector.is_raised(state)
        state, score, finding = detector.step(state, Sample(at_s, value, index % 7 > 0, index % detector.n_inputs))
        assert 0 <= score <= 1
        if name != "limits":  # whose levels are alarms of their own
            assert (finding is not None) == (detector.is_raised(state) != was_raised)


@pytest.mark.parametrize("name", sorted(DETECTORS.keys() - {"stuck", "vote", "fusion"}))
@pytest.mark.parametrize("value", [0.0, 4.2, -1e-300])
def test_constant_series_raises_nothing(name: str, value: float) -> None:
    detector = made(name)
    assert said(detector, samples([value] * 1000, n_inputs=detector.n_inputs)) == []


@pytest.mark.parametrize("name", LEARNING)
@settings(max_examples=6, deadline=None)
@given(power=st.integers(-8, 8), shift=st.integers(-1000, 1000), seed=st.integers(0, 99))
def test_scores_do_not_depend_on_the_unit(name: str, power: int, shift: int, seed: int) -> None:
    detector, rng = made(name), Random(seed)
    # Whole numbers, scaled by powers of two, so that the arithmetic itself is nearly the same.
    values = [float(rng.randint(-64, 64) + (200 if index > 150 else 0)) for index in range(200)]
    other = [value * 2.0**power + shift for value in values]
    ours, theirs = (
        [outcome.score for outcome in outcomes(detector, samples(series, n_inputs=detector.n_inputs))]
        for series in (values, other)
    )
    assert theirs == pytest.approx(ours, abs=1e-6)


@pytest.mark.parametrize("name", DETECTORS)
def test_parameter_that_cannot_work_is_named(name: str) -> None:
    with pytest.raises(RuleError, match="colour: is not known"):
        made(name, colour=1)


# What each finds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "step_sigmas", "within_n"),
    [("ewma", 2.0, 10), ("cusum", 1.0, 25), ("cusum", 3.0, 6), ("page_hinkley", 0.7, 60), ("gaussian_tail", 4.0, 8)],
)
@pytest.mark.parametrize("seed", range(5))
def test_step_is_found_within_so_many_samples(name: str, step_sigmas: float, within_n: int, seed: int) -> None:
    rng = Random(seed)
    series = [rng.gauss(0, 1) + (step_sigmas if index >= 1000 else 0.0) for index in range(1000 + within_n)]
    raised = [outcome.is_raised for outcome in outcomes(made(name), samples(series))]
    assert raised[1000:].count(True) > 0


@pytest.mark.parametrize(("name", "once_in"), [("ewma", 500), ("cusum", 465), ("page_hinkley", 1170)])
def test_false_alarms_are_as_rare_as_the_theory_says(name: str, once_in: int) -> None:
    n = 20_000
    alarms = sum(finding.event is RAISED for _, finding in said(made(name), samples(noise(n))))
    assert 0.4 * n / once_in < alarms < 2 * n / once_in


def test_time_to_limit_names_limit_time_and_clause() -> None:
    rng = Random(3)
    rise = [0.4 + 0.001 * max(index - 300, 0) + rng.gauss(0, 0.004) for index in range(600)]
    detector = made("time_to_limit", limit=1.0, unit="%", clause="30 USC 863 (i)", horizon_s=540, over_s=60)
    (index, finding), *_ = said(detector, samples(rise))
    assert finding.event is RAISED
    assert finding.limit == 1.0
    assert finding.words.startswith("reaches 1 % in 9 min (")
    assert finding.words.endswith("), 30 USC 863 (i)")
    assert 360 <= index < 500, "the line takes two to three times over_s to follow the bend at 300"


def test_time_to_limit_is_silent_on_noise_and_on_a_falling_value() -> None:
    level = [0.5 + value for value in noise(5000, spread=0.01)]
    falling = [0.9 - 0.0001 * index for index in range(5000)]
    assert said(made("time_to_limit", limit=1.0), samples(level)) == []
    assert said(made("time_to_limit", limit=1.0), samples(falling)) == []
    assert said(made("time_to_limit", limit=0.35, is_high=False), samples(falling))[0][1].event is RAISED


def test_trend_is_not_moved_by_one_wild_sample() -> None:
    level = [0.5 + value for value in noise(500, spread=0.01)]
    level[400] = 50.0
    assert [index for index, _ in said(made("time_to_limit", limit=60.0), samples(level))] == []


def test_rate_is_raised_by_a_ramp_and_not_by_its_own_noise() -> None:
    ramp = [max(0.0, 2.0 * (index - 200)) for index in range(260)]
    (index, finding), *_ = said(made("rate", limit_per_s=1.0, over_s=10), samples(ramp))
    assert 200 < index < 215
    assert finding.words == f"changes by {finding.words.split()[2]} a minute; 60 is allowed"


def test_stuck_sensor_is_found_after_its_time() -> None:
    (index, finding), (later, cleared) = said(made("stuck", for_s=60), samples([*noise(100), *[1.5] * 100, 1.6]))
    assert (index, later) == (160, 200)
    assert (finding.limit, cleared.event) == (1.5, CLEARED)


def test_spike_is_found_at_once_and_gone_with_the_next_sample() -> None:
    series = noise(300)
    series[200] += 60
    assert [(index, finding.event) for index, finding in said(made("spike"), samples(series))] == [
        (200, RAISED),
        (201, CLEARED),
    ]


def test_value_that_no_instrument_shows_is_out_of_range() -> None:
    assert [finding.limit for _, finding in said(made("out_of_range"), samples([0.0, 5.1, 0.0, -6.0]))][::2] == [
        5.0,
        -5.0,
    ]


def test_silence_is_told_by_time_alone() -> None:
    detector = made("silence", for_s=60)
    state, _, _ = detector.step(detector.begin(), Sample(0.0, 1.0))
    state, score, nothing = detector.tick(state, 59.0)
    state, _, finding = detector.tick(state, 61.0)
    assert (score < 0.5, nothing) == (True, None)
    assert finding is not None
    assert finding.words == "has been silent for 61 s"


def test_clock_that_is_ahead_or_goes_back_is_told() -> None:
    detector = made("clock", limit_s=30)
    ahead = [Sample(1e9 + 45, 1.0, received_s=1e9)]
    back = [Sample(1e9 + at_s, 1.0, received_s=1e9) for at_s in (20.0, -20.0)]
    assert said(detector, ahead)[0][1].words == "its clock is 45 s ahead"
    assert said(detector, back)[0][1].words == "its clock went back by 40 s"


def test_twins_that_part_are_told_and_noise_is_not() -> None:
    pairs = [value for one, two in zip(noise(300, 1, 0.1), noise(300, 2, 0.1), strict=True) for value in (one, two)]
    assert said(made("twin"), samples(pairs, n_inputs=2)) == []
    frozen = [value + (0.05 * index if index % 2 == 0 else 0) for index, value in enumerate(pairs)]
    assert said(made("twin", over_s=10), samples(frozen, n_inputs=2))[0][1].event is RAISED


def test_one_bad_sensor_neither_raises_nor_mutes_a_vote() -> None:
    def vote(*values: float) -> list[tuple[int, Finding]]:
        return said(made("vote"), samples([value for _ in range(3) for value in values], n_inputs=3))

    assert vote(99.0, 0.1, 0.2) == []
    assert vote(5.5, 0.0, 5.6)[0][1].words == "2 of 3 at or above 5; in conflict: input 1 shows 0"


def test_silent_inputs_lose_their_voice_but_those_left_can_still_raise() -> None:
    heard = [Sample(0.0, 1.0, source=0), Sample(0.0, 1.0, source=1), Sample(500.0, 6.0, source=2)]
    assert said(made("vote"), heard)[0][1].words == "1 of 1 at or above 5"


def test_fusion_leaves_out_who_is_in_conflict_and_says_so() -> None:
    (_, finding), *_ = said(made("fusion", sigma=0.2), samples([-3.0, 5.2, 5.4] * 2, n_inputs=3))
    assert finding.words == "together 5.3, confidence 67%; in conflict: input 0 shows -3"


@pytest.mark.parametrize(("gas", "verdict_in_words"), [(True, "3 of 3 neighbours with it: gas"), (False, "bad sensor")])
def test_gas_is_told_from_a_bad_sensor_by_the_neighbours(gas: bool, verdict_in_words: str) -> None:
    rng = Random(5)

    def value(index: int) -> float:
        moved = index >= 2000 and (gas or index % 4 == 0)
        return rng.gauss(0, 1) + (min((index - 2000) / 10, 8.0) if moved else 0.0)

    detector = made("neighbours", n=4)
    (_, finding), *_ = said(detector, samples([value(index) for index in range(2400)], n_inputs=4))
    assert finding.words.endswith(verdict_in_words)


def test_alarm_is_held_for_its_time_and_not_cleared_by_an_uncertain_sample() -> None:
    detector = made("out_of_range", hold_s=10.0)
    doubtful = [Sample(0.0, 9.0), Sample(5.0, 0.0), Sample(11.0, 0.0, is_sure=False), Sample(12.0, 0.0)]
    assert [(index, finding.event) for index, finding in said(detector, doubtful)] == [(0, RAISED), (3, CLEARED)]


def test_verdict_counts_hits_misses_false_alarms_and_lead() -> None:
    windows = [Window(100, 200, 180), Window(300, 400, 390), Window(500, 600, 600)]
    told = verdict([10.0, 120.0, 130.0, 395.0], windows, span_s=7 * 86400 / 2)
    assert (told.n_hits, told.n_misses, told.n_false) == (2, 1, 1)
    assert told.leads_s == (60.0, -5.0)
    assert told.precision == 0.75
    assert told.recall == pytest.approx(2 / 3)
    assert told.false_alarms_per_week == 2
    assert math.isclose(told.lead_s or 0, 27.5)
