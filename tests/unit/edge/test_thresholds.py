"""The limit rule: when it raises, when it clears, and when it must keep quiet."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.protocol import Alarm, AlarmEvent, Quality, Reading, Severity
from edge_bridge.rules.kinds import parse_rules
from edge_bridge.rules.thresholds import (
    Level,
    Limit,
    Rule,
    RuleError,
    RuleState,
    state_from_text,
    state_to_text,
    step,
)

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)


def rule(**settings: Any) -> Rule:
    limits = settings.pop("limits", {Level.HI: Limit(1.0, Severity.CRITICAL)})
    return Rule("methane", "GAS-1", "ch4", "methane", limits, **settings)


def reading(value: float, at_s: float = 0, quality: Quality = Quality.GOOD) -> Reading:
    return Reading("GAS-1", "ch4", value, quality, NOW + timedelta(seconds=at_s))


def judged(rule: Rule, readings: Iterable[Reading], state: RuleState | None = None) -> list[Alarm]:
    state, said = state or {}, []
    for one in readings:
        state, alarms = step(rule, state, one)
        said += alarms
    return said


def events(rule: Rule, values: Iterable[float]) -> list[AlarmEvent]:
    """One reading a second."""
    return [alarm.event for alarm in judged(rule, (reading(value, at_s) for at_s, value in enumerate(values)))]


RAISED, CLEARED = AlarmEvent.RAISED, AlarmEvent.CLEARED


def test_alarm_says_what_was_passed_and_when() -> None:
    (alarm,) = judged(rule(), [reading(0.9), reading(1.0, 5)])
    assert alarm == Alarm(
        equipment="GAS-1",
        alarm_type="methane.hi",
        event=RAISED,
        severity=Severity.CRITICAL,
        tag="ch4",
        value=1.0,
        limit=1.0,
        rule="methane",
        occurred_at=NOW + timedelta(seconds=5),
        historical=False,
    )


def test_alarm_stays_raised_inside_deadband() -> None:
    assert events(rule(deadband=0.2), [1.1, 0.9, 1.0, 0.85, 0.801, 1.2]) == [RAISED]
    assert events(rule(deadband=0.2), [1.1, 0.79]) == [RAISED, CLEARED]


def test_power_that_was_cut_at_one_value_comes_back_only_beyond_another() -> None:
    cut = rule(limits={Level.HI_HI: Limit(1.5, Severity.CRITICAL, clear=1.0)}, deadband=0.02)
    assert events(cut, [1.5, 1.4, 1.0]) == [RAISED]
    assert events(cut, [1.5, 1.0, 0.99]) == [RAISED, CLEARED]
    oxygen = rule(limits={Level.LO: Limit(19.5, Severity.HIGH, clear=20.0)})
    assert events(oxygen, [19.4, 19.9, 20.0, 20.1]) == [RAISED, CLEARED]


@pytest.mark.parametrize(("level", "clear"), [(Level.HI, 1.1), (Level.LO, 0.9)])
def test_alarm_that_would_clear_where_it_is_raised_is_refused(level: Level, clear: float) -> None:
    with pytest.raises(RuleError, match=rf"{level}\.clear: must not be"):
        rule(limits={level: Limit(1.0, Severity.HIGH, clear)})


def test_alarm_waits_for_the_on_delay() -> None:
    assert events(rule(on_delay_s=3), [1.1, 1.1, 1.1]) == []
    assert events(rule(on_delay_s=3), [1.1, 1.1, 1.1, 1.1]) == [RAISED]
    assert events(rule(on_delay_s=3), [1.1, 1.1, 0.9, 1.1, 1.1, 1.1]) == []


def test_alarm_waits_for_the_off_delay() -> None:
    assert events(rule(off_delay_s=2), [1.1, 0.5, 0.5]) == [RAISED]
    assert events(rule(off_delay_s=2), [1.1, 0.5, 0.5, 0.5]) == [RAISED, CLEARED]
    assert events(rule(off_delay_s=2), [1.1, 0.5, 1.0, 0.5, 0.5]) == [RAISED]


def test_low_limits_work_downwards() -> None:
    low = rule(limits={Level.LO: Limit(10, Severity.LOW), Level.LO_LO: Limit(5, Severity.HIGH)}, deadband=1)
    said = judged(low, (reading(value, at_s) for at_s, value in enumerate([12, 10, 4, 5.5, 6.5, 11, 11.5])))
    assert [(alarm.alarm_type, alarm.event) for alarm in said] == [
        ("methane.lo", RAISED),
        ("methane.lo_lo", RAISED),
        ("methane.lo_lo", CLEARED),
        ("methane.lo", CLEARED),
    ]


def test_each_limit_is_an_alarm_of_its_own() -> None:
    both = rule(limits={Level.HI: Limit(1.0, Severity.HIGH), Level.HI_HI: Limit(1.5, Severity.CRITICAL)})
    said = judged(both, [reading(2.0)])
    assert [(alarm.alarm_type, alarm.severity) for alarm in said] == [
        ("methane.hi", Severity.HIGH),
        ("methane.hi_hi", Severity.CRITICAL),
    ]


def test_bad_reading_is_not_judged() -> None:
    assert judged(rule(), [reading(5.0, 0, Quality.BAD)]) == []
    assert [a.event for a in judged(rule(), [reading(5.0), reading(0.1, 1, Quality.BAD)])] == [RAISED]


def test_uncertain_reading_raises_but_does_not_clear() -> None:
    said = judged(rule(), [reading(5.0, 0, Quality.UNCERTAIN), reading(0.1, 1, Quality.UNCERTAIN)])
    assert [alarm.event for alarm in said] == [RAISED]


def test_wrong_clock_delays_an_alarm_but_cannot_silence_it() -> None:
    from_the_future = reading(1.1, 1e9)
    normal = [reading(1.1, at_s) for at_s in range(5)]
    assert [alarm.event for alarm in judged(rule(on_delay_s=3), [from_the_future, *normal])] == [RAISED]


values = st.lists(st.floats(0, 3, allow_nan=False), max_size=60)
delays = st.sampled_from([0.0, 1.0, 2.5])


@given(values, st.sampled_from([0.0, 0.1, 0.5]), delays, delays)
def test_events_alternate_whatever_is_measured(
    values: list[float], deadband: float, on_delay_s: float, off_delay_s: float
) -> None:
    said = events(rule(deadband=deadband, on_delay_s=on_delay_s, off_delay_s=off_delay_s), values)
    assert said == [RAISED, CLEARED] * (len(said) // 2) + [RAISED] * (len(said) % 2)


@given(st.lists(st.floats(0.8, 3), max_size=60))
def test_nothing_chatters_inside_the_deadband(values: list[float]) -> None:
    assert events(rule(deadband=0.2), [1.0, *values]) == [RAISED]


@given(values)
def test_delay_never_makes_more_events(values: list[float]) -> None:
    assert len(events(rule(on_delay_s=2, off_delay_s=2), values)) <= len(events(rule(), values))


@given(values, st.integers(0, 60))
def test_state_survives_a_restart_at_any_reading(values: list[float], cut: int) -> None:
    guarded = rule(deadband=0.1, on_delay_s=2, off_delay_s=1)
    readings = [reading(value, at_s) for at_s, value in enumerate(values)]
    state: RuleState = {}
    said: list[Alarm] = []
    for index, one in enumerate(readings):
        state, alarms = step(guarded, state_from_text(state_to_text(state)) if index == cut else state, one)
        said += alarms
    assert said == judged(guarded, readings)


GOOD = {
    "name": "methane",
    "equipment": "GAS-1",
    "tag": "ch4",
    "alarm_type": "methane",
    "hi": {"value": 1, "severity": "critical"},
}


def test_settings_become_a_rule() -> None:
    assert parse_rules([GOOD]) == (rule(),)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, r"rules\[0\]: name: must be printable text"),
        ({"hi": {"value": 1}}, r"rules\[0\]: hi: must be such as"),
        ({"hi": {"value": "1", "severity": "high"}}, r"hi\.value: must be a number"),
        ({"hi": {"value": 1, "severity": "urgent"}}, r"hi\.severity: must be one of low"),
        ({"lo": {"value": 2, "severity": "low"}}, "hi: must be above lo"),
        ({"lo": {"value": 0.5, "severity": "low"}, "deadband": 0.3}, "room for the deadband"),
        ({"deadband": -1}, "deadband: must be zero"),
        ({"on_delay_s": True}, "on_delay_s: must be a number"),
        ({"colour": "red"}, "colour: is not known"),
    ],
)
def test_rule_that_cannot_work_is_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(RuleError, match=words):
        parse_rules([GOOD | change])


def test_two_rules_of_one_name_are_refused() -> None:
    with pytest.raises(RuleError, match="used twice"):
        parse_rules([GOOD, GOOD])


def test_rule_without_a_limit_is_refused() -> None:
    with pytest.raises(RuleError, match="at least one of"):
        parse_rules([{name: value for name, value in GOOD.items() if name != "hi"}])
