"""Rules over several sensors: what is foreseen of them, and that the gateway's own say the same."""

from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import groupby
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.protocol import AlarmEvent
from edge_bridge.rules import kinds
from edge_bridge.rules.detector import RATIO_MOST, Sample
from terminal_sim.foreseen import Seen
from terminal_sim.rule_file import read_rules, rules_of
from terminal_sim.several import KINDS, Together, TogetherWatch
from terminal_sim.toml import load_scenario
from terminal_sim.truth import truth
from tests.unit.terminal_sim.scenes import (
    SCENARIOS,
    Arrival,
    alarms_of_the_rules,
    arriving,
    event_of,
    foreseen,
    said_by_the_rules,
)

RULES = SCENARIOS / "groups.rules.toml"


@cache
def rows() -> list[dict[str, Any]]:
    return truth(load_scenario(SCENARIOS / "groups.toml"), read_rules(RULES), 1.0)


def told(equipment: str, alarm_type: str) -> list[tuple[str, str, str]]:
    """Of each alarm its origin, who stood behind it, and the last of its causes."""
    found = [row for row in rows() if (row["equipment"], row.get("alarm_type")) == (equipment, alarm_type)]
    return [(row["origin"], row["support"], row["causes"][-1]) for row in found]


def test_rules_over_groups_say_exactly_what_the_truth_foresees() -> None:
    expected = foreseen([row for row in rows() if row.get("origin") != "terminal"])
    assert sorted(said_by_the_rules(load_scenario(SCENARIOS / "groups.toml"), RULES)) == sorted(expected)
    assert {alarm_type.split(".")[1] for _, alarm_type, _, _ in expected} == set(KINDS)


@pytest.mark.parametrize("seed", range(3))
def test_whoever_is_heard_first_the_same_alarms_come_about_then(seed: int) -> None:
    scenario, random = load_scenario(SCENARIOS / "groups.toml"), Random(seed)
    came = [
        one
        for _, moment in groupby(arriving(scenario), key=lambda one: one[1])
        for one in in_another_order([*moment], random)
    ]
    said = sorted(event_of(alarm) for alarm in alarms_of_the_rules(scenario, RULES, came))
    expected = sorted(foreseen([row for row in rows() if row.get("origin") != "terminal"]))
    assert [event[:3] for event in said] == [event[:3] for event in expected]
    for (*_, alarm_type, _, at), (*_, then) in zip(said, expected, strict=True):
        assert abs(at - then) <= scenario.step_s * timedelta(seconds=4 if alarm_type == "methane.twin" else 1)


def in_another_order(moment: list[Arrival], random: Random) -> Iterator[Arrival]:
    """Each terminal's own frames stay in theirs."""
    waiting: defaultdict[str, list[Arrival]] = defaultdict(list)
    for one in moment:
        waiting[one[0].terminal.name].append(one)
    names = [one[0].terminal.name for one in moment]
    random.shuffle(names)
    return (waiting[name].pop(0) for name in names)


def test_gateway_says_in_words_who_stands_behind_an_alarm_as_the_truth_foresees() -> None:
    said = alarms_of_the_rules(load_scenario(SCENARIOS / "groups.toml"), RULES)
    raised = [alarm for alarm in said if alarm.event is AlarmEvent.RAISED and "twin" not in alarm.alarm_type]
    by_time = {(row["equipment"], row["alarm_type"], row["raised_to"]): row for row in rows() if row["what"] == "alarm"}
    assert len(raised) >= 10
    for alarm in raised:
        row = by_time[alarm.equipment, alarm.alarm_type, alarm.occurred_at.isoformat()]
        n, of_n = map(int, row["support"].split(" of "))
        words = f"confidence {n / of_n:.0%}" if "fusion" in alarm.alarm_type else row["support"]
        assert words in alarm.detail


def test_one_of_three_that_drifts_is_no_gas_but_differs_from_its_twin() -> None:
    assert told("GAS-G2", "methane.twin")[0] == ("sensor", "2 of 2", "one of three drifts")
    assert not any("drifts" in cause for _, _, cause in told("HEADING-G", "methane.vote"))
    assert told("ROOF-G1", "convergence.fusion") == [("world", "2 of 3", "roof moves")]


def test_two_of_three_raise_beside_a_frozen_twin_and_after_one_fell_silent() -> None:
    vote = told("HEADING-G", "methane.vote")
    assert [(origin, support) for origin, support, _ in vote] == [
        ("world", "2 of 3"),
        ("sensor", "2 of 3"),
        ("world", "2 of 2"),
        ("world", "2 of 2"),
    ]
    assert vote[0][2] == "fan trips beside a frozen twin" and vote[1][2] == "second of two is recalibrated"


def test_sensor_that_is_cut_off_hides_its_own_alarm_and_not_that_of_the_group() -> None:
    assert told("GAS-G1", "methane.neighbours")[-1] == ("hidden", "2 of 2", "fan trips behind the cut")
    assert told("HEADING-G", "methane.vote")[-1] == ("world", "2 of 2", "fan trips behind the cut")


COMMON = {"name": "n", "equipment": "HEADING", "tag": "t", "alarm_type": "a", "severity": "low"}


@pytest.mark.parametrize(
    ("n", "said"),
    [
        (2, {"kind": "twin", "tolerance": 1.01, "over_s": 20.0}),
        (2, {"kind": "twin", "tolerance": 0.61, "over_s": 2.0, "hold_s": 45, "fresh_s": 15}),
        (3, {"kind": "vote", "limit": 1.0}),
        (5, {"kind": "vote", "limit": 1.0, "k": 3, "is_high": False, "fresh_s": 25, "hold_s": 20}),
        (4, {"kind": "vote", "limit": 1.0, "k": 3, "clear_frac": 0.5}),
        (2, {"kind": "twin", "tolerance": 1.01, "over_s": 8.0, "clear_frac": 0.95}),
        (3, {"kind": "fusion", "limit": 1.1, "sigma": 0.16}),
        (4, {"kind": "fusion", "limit": 0.7, "sigma": 0.3, "is_high": False, "fresh_s": 25}),
        (3, {"kind": "neighbours", "width_sigmas": 1.5, "memory_n": 40}),
    ],
)
@given(seed=st.integers(0, 2**32), n_samples=st.integers(1, 200))
@settings(max_examples=50, deadline=None)
def test_rules_over_several_say_of_any_series_what_is_foreseen(
    n: int, said: dict[str, Any], seed: int, n_samples: int
) -> None:
    """Whatever clocks are put, frames held and sensors uncertain; so far as doubles are exact."""
    table = {**COMMON, **said, "inputs": [{"equipment": f"E{source}", "tag": "t"} for source in range(n)]}
    rule = kinds.parse_rule(table)
    (alarm,) = rules_of([table]).alarms
    assert isinstance(rule, kinds.DetectorRule) and isinstance(alarm, Together)
    watch, state, random, now_s = alarm.watch(), rule.detector.begin(), Random(seed), 1e6
    assert isinstance(watch, TogetherWatch)
    late_s, events = [0.0] * n, []
    for _ in range(n_samples):
        now_s += random.choice([0.0, 1.0, 1.0, 1.0, 10.0, 40.0, 70.0])
        source, is_sure = random.randrange(n), random.random() < 0.9
        if random.random() < 0.15:
            late_s[source] = random.choice([0.0, 0.0, 20.0, 50.0, 90.0, -30.0, 3600.0])
        value, stamp_s = random.choice([0.0, 0.5, 1.0, random.gauss(1, 0.2), 1.2, 3.0]), now_s - late_s[source]
        state, score, finding = rule.detector.step(state, Sample(stamp_s, value, is_sure, source, now_s))
        seen = Seen(timedelta(seconds=stamp_s), value, is_sure, timedelta(seconds=now_s), source)
        watch.see(now_s, seen)
        events += [(finding.event, now_s)] if finding else []
        ratio = min(watch.ratio(seen), RATIO_MOST)
        assert ratio / (1 + ratio) == pytest.approx(score, abs=1e-6)
    expected = [(AlarmEvent.RAISED, span.raised.total_seconds()) for span in watch.spans]
    expected += [(AlarmEvent.CLEARED, span.cleared.total_seconds()) for span in watch.spans if span.cleared]
    assert sorted(events) == sorted(expected)
