"""From frame to journal: rules before filters, once per frame, and one state with what was said."""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from edge_bridge.gateway.filters import Deadband, filters_by_point
from edge_bridge.gateway.intake import MAX_TAGS, Frame, Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Birth,
    Gap,
    GapReason,
    Lane,
    Quality,
    Reading,
    Refused,
    Severity,
    Tag,
    Taken,
    TerminalBirth,
    TerminalReading,
    TerminalReadings,
)
from edge_bridge.rules.kinds import parse_rules
from edge_bridge.rules.thresholds import Level, Limit, Rule

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
SESSION = UUID("6f2c0c1e-7a55-4b0e-9f3e-0c8f3d1c2b4a")
RULE = Rule("methane", "GAS-1", "ch4", "methane", {Level.HI: Limit(1.0, Severity.CRITICAL)})
BAND = Deadband("GAS-1", "ch4", value=0.5, override_s=60)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
    yield journal
    journal.close()


def frame(n: int, *values: float, at_s: float = 0) -> TerminalReadings:
    at = NOW + timedelta(seconds=at_s)
    readings = tuple(TerminalReading("ch4", value, Quality.GOOD, at) for value in values)
    return TerminalReadings("probe", SESSION, n, "GAS-1", readings)


def intake(journal: Journal, rules: Sequence[Rule] = (RULE,), deadbands: Sequence[Deadband] = ()) -> Intake:
    return Intake(journal, Ways(rules, filters_by_point(deadbands, [])), NOW)


def said(journal: Journal) -> list[tuple[str, AlarmEvent]]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P0)]
    return [(body.alarm_type, body.event) for body in bodies if isinstance(body, Alarm)]


def passed(journal: Journal) -> list[float]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P2)]
    return [body.value for body in bodies if isinstance(body, Reading)]


RAISED = ("methane.hi", AlarmEvent.RAISED)
CLEARED = ("methane.hi", AlarmEvent.CLEARED)


def test_frame_becomes_readings_and_alarms(journal: Journal) -> None:
    assert intake(journal).take([frame(1, 0.5, 1.2), frame(2, 0.4)], NOW) == [Taken(1), Taken(2)]
    assert passed(journal) == [0.5, 1.2, 0.4]
    assert said(journal) == [RAISED, CLEARED]


def test_newest_reading_is_the_one_measured_last_but_for_times_to_come(journal: Journal) -> None:
    here, point = intake(journal), ("GAS-1", "ch4")
    for n, (value, at_s, newest) in enumerate([(1, 0, 1), (2, -60, 1), (3, 0, 3), (4, 3600, 4), (5, -1, 5)], 1):
        here.take([frame(n, value, at_s=at_s)], NOW)
        read = here.newest(point)
        assert read is not None and read[0].value == newest


def test_frame_sent_again_is_answered_without_a_second_effect(journal: Journal) -> None:
    taking = intake(journal)
    assert taking.take([frame(1, 1.2), frame(1, 1.2)], NOW) == [Taken(1), Taken(1)]
    assert taking.take([frame(1, 1.2)], NOW) == [Taken(1)]
    assert passed(journal) == [1.2]
    assert said(journal) == [RAISED]


def test_rules_see_what_the_filter_holds_back(journal: Journal) -> None:
    intake(journal, deadbands=[BAND]).take([frame(1, 0.9, 0.95, 0.7, 1.05, 1.1, 0.9)], NOW)
    assert said(journal) == [RAISED, CLEARED]
    assert passed(journal) == [0.9, 1.05, 0.9]  # the readings that raised and cleared travel as evidence
    journal.acknowledge(Lane.P2, 3)
    journal.beat(NOW)
    assert [entry.body for entry in journal.next_entries(Lane.P2)] == [Gap(4, GapReason.DEADBAND, 3, NOW, NOW)]


def test_filter_lets_a_reading_through_after_the_override_period(journal: Journal) -> None:
    taking = intake(journal, rules=[], deadbands=[BAND])
    taking.take([frame(n, 0.5, at_s=n * 20) for n in range(1, 8)], NOW)
    assert len(passed(journal)) == 3


def test_filter_lets_a_change_of_quality_through(journal: Journal) -> None:
    doubted = TerminalReading("ch4", 0.5, Quality.UNCERTAIN, NOW)
    intake(journal, deadbands=[BAND]).take(
        [frame(1, 0.5), TerminalReadings("probe", SESSION, 2, "GAS-1", (doubted,))], NOW
    )
    assert passed(journal) == [0.5, 0.5]


def test_rule_state_survives_a_restart(journal: Journal) -> None:
    slow = Rule("methane", "GAS-1", "ch4", "methane", RULE.limits, on_delay_s=10)
    intake(journal, [slow]).take([frame(1, 1.2, at_s=0)], NOW)
    intake(journal, [slow]).take([frame(2, 1.2, at_s=10)], NOW)
    intake(journal, [slow]).take([frame(3, 1.2, at_s=20)], NOW)
    assert said(journal) == [RAISED]


def test_alarm_whose_rule_was_taken_away_is_cleared(journal: Journal) -> None:
    intake(journal).take([frame(1, 1.2)], NOW)
    intake(journal, rules=[])
    assert said(journal) == [RAISED, CLEARED]
    assert journal.standing_alarms() == []
    intake(journal).take([frame(2, 1.2)], NOW)
    assert said(journal) == [RAISED, CLEARED, RAISED]


def test_alarm_of_a_renamed_type_is_raised_under_its_new_name(journal: Journal) -> None:
    intake(journal).take([frame(1, 1.2)], NOW)
    renamed = Rule("methane", "GAS-1", "ch4", "firedamp", RULE.limits)
    intake(journal, [renamed]).take([frame(2, 1.2)], NOW)
    assert said(journal) == [RAISED, CLEARED, ("firedamp.hi", AlarmEvent.RAISED)]


def test_catalogue_is_announced_when_it_changes_and_only_then(journal: Journal) -> None:
    taking = intake(journal)
    tags = (Tag("GAS-1", "ch4", "%"), Tag("GAS-1", "co", "[ppm]"))
    births: list[Frame] = [TerminalBirth("probe", uuid4(), 1, tags) for _ in range(2)]
    taking.take(births[:1], NOW)
    taking.take(births[1:], NOW)
    taking.take([TerminalBirth("probe", uuid4(), 1, (Tag("GAS-1", "co", "mg/m3"),))], NOW)
    announced = [entry.body for entry in journal.next_entries(Lane.P1)]
    assert announced == [Birth(NOW, tags), Birth(NOW, (Tag("GAS-1", "co", "mg/m3"),))]


def test_catalogue_beyond_bounds_is_refused_and_the_rest_is_taken(journal: Journal) -> None:
    tags = [Tag("GAS-1", f"t{index}", "%") for index in range(MAX_TAGS + 1)]
    births = [TerminalBirth("probe", uuid4(), 1, tuple(tags[:1])), TerminalBirth("probe", uuid4(), 1, tuple(tags[1:]))]
    (_, *answers) = intake(journal).take([*births, frame(1, 0.5)], NOW)
    assert isinstance(answers[0], Refused)
    assert not answers[0].retry
    assert answers[1] == Taken(1)


VOTE = """
[[rules]]
kind = "vote"
name = "two of three"
equipment = "GAS-1"
tag = "ch4"
alarm_type = "gas"
severity = "critical"
k = 2
limit = 1.0
inputs = [{equipment = "GAS-1", tag = "ch4"}, {equipment = "GAS-2", tag = "ch4"}, {equipment = "GAS-3", tag = "ch4"}]

[[rules]]
kind = "silence"
name = "ch4 comes"
equipment = "GAS-1"
tag = "ch4"
alarm_type = "ch4_silent"
severity = "high"
"""


def test_rule_on_several_sensors_keeps_its_state_over_a_restart(journal: Journal) -> None:
    rules = parse_rules(tomllib.loads(VOTE)["rules"])
    first = replace(frame(1, 1.2), equipment="GAS-2")
    intake(journal, rules).take([first], NOW)
    assert said(journal) == []
    again = intake(journal, rules)
    again.take([frame(2, 1.3)], NOW)
    assert said(journal) == [("gas", AlarmEvent.RAISED)]
    assert again.watch(NOW + timedelta(days=1))
    assert ("ch4_silent", AlarmEvent.RAISED) in said(journal)
