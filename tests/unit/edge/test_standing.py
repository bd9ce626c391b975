"""An alarm that stands is cleared by what is known to be well, not by what is not known."""

from collections.abc import Callable

import pytest

from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules.detector import Sample
from edge_bridge.rules.kinds import begin, judge, parse_rule, resumed, to_text
from edge_bridge.rules.trial import outcomes
from tests.unit.edge.test_detectors import made, noise
from tests.unit.edge.test_rule_kinds import NOW, SOON, reading

RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED


# Several sensors -----------------------------------------------------------------------------------------------------


Says = Callable[[int, int], float | str | None]


def told(name: str, say: Says, n_s: int = 900) -> list[tuple[int, AlarmEvent]]:
    """What is said at which second; `say` of second and input: a value, "?…" an uncertain one, None nothing."""
    heard = []
    for s in range(n_s):
        for source in range(3):
            value = say(s, source)
            if value is not None:
                sure = not isinstance(value, str)
                heard.append(Sample(1.7e9 + s, float(str(value).lstrip("?")), sure, source, 1.7e9 + s))
    detector = made(name, limit=1.0, **({"sigma": 0.05} if name == "fusion" else {}))
    return [(int(one.sample.at_s - 1.7e9), said.event) for one in outcomes(detector, heard) for said in one.findings]


@pytest.mark.parametrize("silence", [None, "?1.5", "?0.2"])
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_silence_or_doubt_of_those_over_the_limit_clears_nothing(name: str, silence: str | None) -> None:
    def say(s: int, source: int) -> float | str | None:
        if source == 2 or s < 100:
            return 0.2
        return silence if 200 <= s < 600 else 1.5 if s < 700 else 0.2

    events = told(name, say)
    assert [event for _, event in events] == [RAISED, CLEARED]
    assert events[1][0] == 700, "cleared when those who were over say that it is over"


@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_minority_clears_nothing(name: str) -> None:
    """Two well sensors die while the third, left alone, has raised the alarm."""

    def say(s: int, source: int) -> float | None:
        if source == 2:
            return 1.5 if 100 <= s < 300 else 0.2
        return 0.2 if s < 100 else None

    assert [event for _, event in told(name, say)] == [RAISED]


@pytest.mark.parametrize("every_s", [90, 600])
@pytest.mark.parametrize("name", ["vote", "fusion"])
def test_sensors_that_speak_more_seldom_than_a_voice_counts_clear_it_in_turn(name: str, every_s: int) -> None:
    def say(s: int, source: int) -> float | None:
        if s % every_s != source * every_s // 3:
            return None
        return 1.5 if 5400 <= s < 9000 and source < 2 else 0.2

    events = told(name, say, n_s=18_000)
    assert events[0][1] is RAISED and events[-1][1] is CLEARED and events[-1][0] >= 9000
    assert all(at >= 9000 for at, event in events if event is CLEARED)


def test_sensors_over_the_limit_that_come_to_disagree_clear_nothing() -> None:
    over = ((1.2, 1.2), (1.21, 1.6), (1.22, 2.4))

    def say(s: int, source: int) -> float:
        return 0.3 if s < 100 or s >= 600 else over[source][s >= 300]

    events = told("fusion", say)
    assert [event for _, event in events] == [RAISED, CLEARED]
    assert events[1][0] == 600


# A rule that was changed ---------------------------------------------------------------------------------------------

# Of one reading a second, by each input in turn: that of the first clearing, at which each knows enough to judge.
KNOWS_AT = {
    "rate": 10,
    "time_to_limit": 120,
    "ewma": 29,
    "cusum": 29,
    "page_hinkley": 29,
    "gaussian_tail": 29,
    "stuck": 1,
    "spike": 14,
    "twin": 60,
    "neighbours": 87,
    "surprise": 149,
}


@pytest.mark.parametrize("name", KNOWS_AT)
def test_alarm_of_a_changed_rule_stands_until_its_detector_has_learnt(name: str) -> None:
    detector = made(name)
    state, events = (True, *detector.begin()[1:]), []
    for index, value in enumerate(noise(400, spread=0.1)):
        at_s = 1.7e9 + index
        state, _, finding = detector.step(state, Sample(at_s, value, True, index % detector.n_inputs, at_s))
        events += [(index, finding.event)] if finding else []
    assert events[:1] == [(KNOWS_AT[name], CLEARED)]


def test_sensor_that_still_stands_as_its_rule_is_changed_stays_stuck() -> None:
    detector = made("stuck", for_s=60)
    state = (True, *detector.begin()[1:])
    for s in range(300):
        state, _, finding = detector.step(state, Sample(1.7e9 + s, 1.0))
        assert finding is None
    _, _, finding = detector.step(state, Sample(1.7e9 + 300, 1.1))
    assert finding is not None and finding.event is CLEARED


def test_early_warning_of_a_sensor_that_speaks_once_an_hour_ends_as_its_value_is_back() -> None:
    """No trend is ever known of it, but that the value is at the limit."""
    detector = made("time_to_limit", limit=10.0)
    heard = [Sample(1.7e9 + 3600 * n, value) for n, value in enumerate((5.0, 11.0, 5.0, 5.0))]
    said = [(n, finding.event) for n, one in enumerate(outcomes(detector, heard)) for finding in one.findings]
    assert said == [(1, RAISED), (2, CLEARED)]
    state = (True, *detector.begin()[1:])
    state, _, first = detector.step(state, Sample(1.7e9, 5.0))
    _, _, second = detector.step(state, Sample(1.7e9 + 3600, 5.0))
    assert first is None and second is not None and second.event is CLEARED


def test_other_words_are_no_other_rule() -> None:
    rule, other = (
        parse_rule(SOON | said) for said in ({"clause": "30 USC 863"}, {"clause": "30 USC 864", "unit": "%"})
    )
    state, _ = judge(rule, begin(rule), reading(0.4), NOW)
    assert resumed(other, to_text(rule, state), frozenset()) == state
