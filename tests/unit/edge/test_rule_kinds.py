"""Rules of every kind: from tables, judged by one function, their state kept as text."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge_bridge.gateway.intake import Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Lane,
    Quality,
    Reading,
    Severity,
    TerminalReading,
    TerminalReadings,
)
from edge_bridge.rules.kinds import (
    DETECTORS,
    DetectorRule,
    alarm_types,
    begin,
    judge,
    judge_time,
    parse_rules,
    points,
    resumed,
    to_text,
)
from edge_bridge.rules.thresholds import Rule, RuleError

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
SESSION = UUID(int=1, version=4)
HEAD = {"name": "methane", "equipment": "GAS-1", "tag": "ch4", "alarm_type": "methane"}
LIMITS = HEAD | {"hi": {"value": 1.0, "severity": "critical"}}
SOON = HEAD | {"kind": "time_to_limit", "severity": "high", "limit": 1.0, "alarm_type": "methane.soon", "name": "soon"}
VOTE = HEAD | {
    "kind": "vote",
    "name": "vote",
    "severity": "critical",
    "alarm_type": "methane.vote",
    "limit": 1,
    "inputs": [{"equipment": f"GAS-{n}", "tag": "ch4"} for n in (1, 2, 3)],
}


def rule_of(**settings: Any) -> Any:
    (rule,) = parse_rules([SOON | settings])
    return rule


def reading(value: float, at_s: float = 0, equipment: str = "GAS-1", quality: Quality = Quality.GOOD) -> Reading:
    return Reading(equipment, "ch4", value, quality, NOW + timedelta(seconds=at_s))


def test_table_without_a_kind_is_a_limits_rule() -> None:
    limits, same = (parse_rules([table])[0] for table in (LIMITS, LIMITS | {"kind": "limits"}))
    assert isinstance(limits, Rule)
    assert limits == same
    assert alarm_types(limits) == ("methane.hi",)


def test_every_kind_is_parsed_by_its_name() -> None:
    needed = {
        "rate": {"limit_per_s": 1},
        "time_to_limit": {"limit": 1},
        "out_of_range": {"lowest": 0, "highest": 5},
        "twin": {"tolerance": 1},
        "vote": {"limit": 1},
        "fusion": {"limit": 1, "sigma": 0.1},
    }
    for kind in DETECTORS.keys() - {"limits"}:
        several = {"inputs": VOTE["inputs"][: 2 if kind == "twin" else 3]} if hasattr(DETECTORS[kind], "n") else {}
        (rule,) = parse_rules([HEAD | {"kind": kind, "severity": "low"} | needed.get(kind, {}) | several])
        assert isinstance(rule, DetectorRule)
        assert type(rule.detector) is DETECTORS[kind]
        state, _ = judge(rule, begin(rule), reading(0.4), NOW)
        assert resumed(rule, to_text(rule, state), frozenset()) == state


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (SOON | {"kind": "oracle"}, r"rules\[0\]: kind: must be one of"),
        (SOON | {"severity": "loud"}, r"rules\[0\]: severity: must be one of"),
        (SOON | {"limit": "1"}, r"rules\[0\]: limit: must be a number"),
        (SOON | {"limit": float("nan")}, r"rules\[0\]: limit: must be a number"),
        (SOON | {"horizon_s": 0}, r"rules\[0\]: horizon_s: must be a positive number"),
        (SOON | {"colour": 1}, r"rules\[0\]: colour: is not known"),
        ({name: value for name, value in SOON.items() if name != "limit"}, r"rules\[0\]: limit: is needed"),
        (SOON | {"is_high": 1}, r"rules\[0\]: is_high: must be true or false"),
        (VOTE | {"k": 4}, r"rules\[0\]: k: must be from 1 to 3"),
        (VOTE | {"n": 4}, r"rules\[0\]: inputs: must be 4, are 3"),
        (VOTE | {"inputs": [{"equipment": "GAS-1"}]}, r"rules\[0\]: inputs\[0\]: must be such as"),
        (VOTE | {"inputs": [VOTE["inputs"][0]] * 2}, r"rules\[0\]: inputs: must differ"),
        ("methane", r"rules\[0\]: rule: must be a table"),
    ],
)
def test_setting_that_cannot_work_is_named(table: Any, words: str) -> None:
    with pytest.raises(RuleError, match=words):
        parse_rules([table])


def test_two_rules_that_raise_the_same_alarm_are_refused() -> None:
    with pytest.raises(RuleError, match="raised by two rules"):
        parse_rules([SOON, SOON | {"name": "soon again"}])


def test_rule_on_several_sensors_sees_each_of_them() -> None:
    (rule,) = parse_rules([VOTE])
    assert points(rule) == (("GAS-1", "ch4"), ("GAS-2", "ch4"), ("GAS-3", "ch4"))
    state, said = judge(rule, begin(rule), reading(0.2, equipment="GAS-2"), NOW)
    state, raised = judge(rule, state, reading(1.2), NOW)
    assert (said, raised) == ((), ())
    state, raised = judge(rule, state, reading(1.3, equipment="GAS-3"), NOW)
    assert [(alarm.event, alarm.severity, alarm.equipment) for alarm in raised] == [
        (AlarmEvent.RAISED, Severity.CRITICAL, "GAS-1")
    ]


def test_bad_reading_is_not_judged() -> None:
    (rule,) = parse_rules([VOTE])
    assert judge(rule, begin(rule), reading(9, quality=Quality.BAD), NOW) == (begin(rule), ())


def test_silence_is_raised_by_time_and_cleared_by_a_reading() -> None:
    (rule,) = parse_rules([HEAD | {"kind": "silence", "severity": "medium", "for_s": 30}])
    state, _ = judge(rule, begin(rule), reading(0.4), NOW)
    state, early = judge_time(rule, state, NOW + timedelta(seconds=29))
    state, raised = judge_time(rule, state, NOW + timedelta(seconds=30))
    state, cleared = judge(rule, state, reading(0.4, 40), NOW + timedelta(seconds=40))
    assert early == ()
    assert [alarm.event for alarm in (*raised, *cleared)] == [AlarmEvent.RAISED, AlarmEvent.CLEARED]


@pytest.mark.parametrize("quality", [Quality.GOOD, Quality.UNCERTAIN])
@pytest.mark.parametrize("off_s", [-3600, 0, 45])
def test_silence_ends_by_the_gateways_clock_whatever_comes_and_however_stamped(off_s: int, quality: Quality) -> None:
    (rule,) = parse_rules([HEAD | {"kind": "silence", "severity": "medium", "for_s": 30}])
    state, _ = judge(rule, begin(rule), reading(0.4), NOW)
    state, _ = judge_time(rule, state, NOW + timedelta(seconds=35))
    _, (cleared,) = judge(rule, state, reading(0.4, 40 + off_s, quality=quality), NOW + timedelta(seconds=40))
    assert (cleared.event, cleared.occurred_at) == (AlarmEvent.CLEARED, NOW + timedelta(seconds=40))
    assert cleared.detail == "ch4 speaks again"


@pytest.mark.parametrize("put_by_s", [-3600, 0, 3600])
@pytest.mark.parametrize("off_s", [-3600, 0, 45])
def test_silence_that_is_held_is_held_by_the_gateways_clock(off_s: int, put_by_s: int) -> None:
    (rule,) = parse_rules([HEAD | {"kind": "silence", "severity": "medium", "for_s": 30, "hold_s": 20}])
    assert isinstance(rule, DetectorRule)
    state, _ = judge(rule, begin(rule), reading(0.4), NOW)
    state, _ = judge_time(rule, state, NOW + timedelta(seconds=35))
    state, now = rule.detector.clock_was_put(state, put_by_s), NOW + timedelta(seconds=put_by_s)
    state, held = judge(rule, state, reading(0.4, 40 + put_by_s + off_s), now + timedelta(seconds=40))
    state, still = judge_time(rule, state, now + timedelta(seconds=54))
    _, (cleared,) = judge_time(rule, state, now + timedelta(seconds=55))
    assert (held, still, cleared.event) == ((), (), AlarmEvent.CLEARED)


def test_state_of_other_parameters_counts_as_none_but_a_standing_alarm_is_kept() -> None:
    rule, other = rule_of(), rule_of(limit=2.0)
    state, _ = judge(rule, begin(rule), reading(0.4), NOW)
    text = to_text(rule, state)
    assert resumed(rule, text, frozenset()) == state
    assert resumed(other, text, frozenset()) == begin(other)
    assert resumed(rule, "{}", frozenset()) == begin(rule)
    assert resumed(rule, "", {"methane.soon"})[0] is True


def test_gateway_warns_before_the_limit_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    rules = parse_rules([LIMITS, SOON | {"over_s": 20, "horizon_s": 300}])
    alarms: list[Alarm] = []
    for part in range(3):  # the gateway is started anew for each part
        journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
        intake = Intake(journal, Ways(rules), NOW)
        for n in range(part * 100, part * 100 + 100):
            rising = TerminalReading("ch4", 0.4 + 0.0025 * n, Quality.GOOD, NOW + timedelta(seconds=n))
            intake.take([TerminalReadings("probe", SESSION, n + 1, "GAS-1", (rising,))], NOW)
        alarms = [entry.body for entry in journal.next_entries(Lane.P0) if isinstance(entry.body, Alarm)]
        journal.close()
    assert [(alarm.alarm_type, alarm.event) for alarm in alarms] == [
        ("methane.soon", AlarmEvent.RAISED),
        ("methane.hi", AlarmEvent.RAISED),
    ]
    assert alarms[1].occurred_at - alarms[0].occurred_at > timedelta(seconds=150)
    assert alarms[0].detail.startswith("ch4 reaches 1 in ")
