"""The dead man at the edge: who speaks seldom is waited for, who falls silent is told of once."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from edge_bridge.gateway.clock import Clock
from edge_bridge.gateway.filters import SwingingDoor, filters_by_point
from edge_bridge.gateway.intake import Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.silence import Patience
from edge_bridge.protocol import Alarm, Heartbeat, Lane, Quality, Reading, TerminalReading, TerminalReadings
from edge_bridge.rules.kinds import parse_rules

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
SESSION = uuid4()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
    yield journal
    journal.close()


def at(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


def speaks(intake: Intake, second: int, code: str = "GAS-1") -> None:
    said = (TerminalReading("ch4", 0.5, Quality.GOOD, at(second)),)
    intake.take([TerminalReadings("probe", SESSION, second + 1, code, said)], at(second))


def told(journal: Journal) -> list[tuple[str, str, float]]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P0)]
    return [(body.alarm_type, body.event, body.value) for body in bodies if isinstance(body, Alarm)]


def listening(journal: Journal, since: datetime = NOW) -> Intake:
    doors = filters_by_point([], [SwingingDoor("FAN-1", "ch4", 1.0, override_s=60)])
    return Intake(journal, Ways(filters=doors, patience=Patience(periods=5, least_s=10)), since)


def test_silence_is_told_once_and_ends_with_the_next_reading(journal: Journal) -> None:
    intake = listening(journal)
    for second in range(5):
        speaks(intake, second)
    assert not intake.watch(at(14))
    assert intake.watch(at(15))
    assert not intake.watch(at(16))
    speaks(intake, 20)
    assert told(journal) == [("terminal_silent", "raised", 11.0), ("terminal_silent", "cleared", 16.0)]


@pytest.mark.parametrize("hours", [-1, 1, 490_000])
def test_clock_that_is_put_is_no_silence_and_hides_none(journal: Journal, hours: int) -> None:
    intake, put_by = listening(journal), timedelta(hours=hours)
    for second in range(5):
        speaks(intake, second)
    intake.clock_was_put(put_by)
    assert not intake.watch(at(14) + put_by)
    assert intake.watch(at(15) + put_by)
    assert told(journal) == [("terminal_silent", "raised", 11.0)]


def with_rule(journal: Journal, since: datetime = NOW) -> Intake:
    """Of one tag that is to speak every thirty seconds; the machine itself may be silent for long."""
    rule = {"kind": "silence", "name": "probe", "equipment": "GAS-1", "tag": "ch4", "alarm_type": "ch4.silent"}
    rules = parse_rules([{**rule, "severity": "high", "for_s": 30.0}])
    return Intake(journal, Ways(rules, patience=Patience(periods=5, least_s=1e9)), since)


@pytest.mark.parametrize("hours", [-1, 1, 490_000])
def test_clock_that_is_put_makes_no_rule_of_silence_alarm_and_keeps_none_from_it(journal: Journal, hours: int) -> None:
    intake, put_by = with_rule(journal), timedelta(hours=hours)
    speaks(intake, 0)
    intake.clock_was_put(put_by)
    assert not intake.watch(at(29) + put_by)
    assert intake.watch(at(31) + put_by)
    assert told(journal) == [("ch4.silent", "raised", 0.5)]


def test_sensor_is_not_silent_for_the_time_in_which_nobody_listened(journal: Journal) -> None:
    speaks(with_rule(journal), 0)
    again = with_rule(journal, since=at(900))
    assert not again.watch(at(901))
    assert again.watch(at(931))
    afterwards = with_rule(journal, since=at(1_800))
    assert not afterwards.watch(at(1_801))  # it stands, and is not told again
    assert told(journal) == [("ch4.silent", "raised", 0.5)]
    speaks(afterwards, 1_802)
    assert told(journal)[-1] == ("ch4.silent", "cleared", 0.5)


def test_clock_says_by_how_much_it_was_put(monkeypatch: pytest.MonkeyPatch) -> None:
    wall_s, steady_s = 100.0, 7.0
    monkeypatch.setattr("edge_bridge.gateway.clock.time.time", lambda: wall_s)
    monkeypatch.setattr("edge_bridge.gateway.clock.time.monotonic", lambda: steady_s)
    clock = Clock()
    wall_s, steady_s = 160.4, 67.0
    assert not clock.put_by()
    wall_s -= 3_600
    assert clock.put_by().total_seconds() == pytest.approx(-3_600 + 0.4)
    assert not clock.put_by()


def test_machine_that_speaks_seldom_is_given_its_own_time(journal: Journal) -> None:
    intake = listening(journal)
    for second in range(0, 400, 60):
        speaks(intake, second)
    assert not intake.watch(at(360 + 299))
    assert intake.watch(at(360 + 301))


def test_terminal_that_left_has_only_the_least_time(journal: Journal) -> None:
    intake = listening(journal)
    for second in range(0, 400, 60):
        speaks(intake, second)
    intake.leave(["GAS-1", "NOBODY"], at(370))
    assert not intake.watch(at(380))
    assert intake.watch(at(381))


def test_silence_stands_over_a_restart(journal: Journal) -> None:
    speaks(listening(journal), 0)
    intake = listening(journal)
    speaks(intake, 1)
    intake.watch(at(20))
    again = listening(journal, at(30))
    assert not again.watch(at(100))
    speaks(again, 101)
    assert [event for _, event, _ in told(journal)] == ["raised", "cleared"]


def test_held_reading_travels_after_the_override_and_after_a_restart_and_counts_balance(journal: Journal) -> None:
    intake = listening(journal)
    for second in range(4):
        speaks(intake, second, "FAN-1")
    assert intake.watch(at(61))
    speaks(intake, 62, "FAN-1")
    listening(journal, at(63))
    journal.beat(at(64))
    (beat,) = [entry.body for entry in journal.next_entries(Lane.P1) if isinstance(entry.body, Heartbeat)]
    entries = journal.next_entries(Lane.P2)
    travelled = [entry.body.measured_at for entry in entries if isinstance(entry.body, Reading)]
    assert travelled == [at(0), at(3), at(62)]
    assert beat.readings_produced == 5
    assert beat.readings_through == entries[-1].seq
