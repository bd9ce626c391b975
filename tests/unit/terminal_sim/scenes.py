"""Where the scenarios are, and what the gateway's own rules say of them."""

import tomllib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from edge_bridge.protocol import Alarm, AlarmEvent, Reading
from edge_bridge.rules import kinds
from terminal_sim.scenario import Scenario
from terminal_sim.simulation import Links, Measured, Mine, seconds

ROOT = Path(__file__).parents[3]
SCENARIOS = ROOT / "terminal_sim/scenarios"
DEMO = SCENARIOS / "demo.toml"
DEMO_RULES = ROOT / "edge_bridge/gateway/demo_rules.toml"

LOOK_EVERY = timedelta(seconds=1)  # at what is silent

Arrival = tuple[Measured, datetime]  # and when it comes, by a right clock
Event = tuple[str, str, AlarmEvent, datetime]


def said_by_the_rules(scenario: Scenario, rules_path: Path) -> Iterator[Event]:
    return (event_of(alarm) for alarm in alarms_of_the_rules(scenario, rules_path))


def event_of(alarm: Alarm) -> Event:
    return alarm.equipment, alarm.alarm_type, alarm.event, alarm.occurred_at


def alarms_of_the_rules(scenario: Scenario, rules_path: Path, came: Iterable[Arrival] | None = None) -> Iterator[Alarm]:
    """What the gateway's own rules say of the scenario's frames as they `came`, and of the time between them."""
    rules = kinds.parse_rules(kinds_tables(rules_path))
    states = {rule.name: kinds.begin(rule) for rule in rules}
    watching: dict[tuple[str, str], list[kinds.AnyRule]] = {}
    for rule in rules:
        for point in kinds.points(rule):
            watching.setdefault(point, []).append(rule)
    looked_at = scenario.start_at
    for one, heard_at in arriving(scenario) if came is None else came:
        while looked_at + LOOK_EVERY < heard_at:
            looked_at += LOOK_EVERY
            for rule in rules:
                states[rule.name], alarms = kinds.judge_time(rule, states[rule.name], looked_at)
                yield from alarms
        stamp = scenario.start_at + timedelta(seconds=one.at_s + one.skew_s)
        for tag, value in one.values.items():
            reading = Reading(one.terminal.equipment, tag, value, one.quality, stamp)
            for rule in watching.get((one.terminal.equipment, tag), ()):
                states[rule.name], alarms = kinds.judge(rule, states[rule.name], reading, heard_at)
                yield from alarms


def arriving(scenario: Scenario) -> Iterator[Arrival]:
    """What comes to the gateway, in its order."""
    mine, links = Mine(scenario), Links(scenario)
    for at_s in seconds(scenario):
        for one in links.through(mine.step(at_s), at_s):
            yield one, scenario.start_at + timedelta(seconds=at_s)
    for one in links.rest():
        yield one, scenario.start_at + timedelta(seconds=scenario.duration_s)


def kinds_tables(path: Path) -> list[Any]:
    tables: list[Any] = tomllib.loads(path.read_text())["rules"]
    return tables


def foreseen(rows: list[dict[str, Any]]) -> list[Event]:
    events = []
    for row in rows:
        if row["what"] == "alarm" and row["origin"] in ("world", "sensor"):
            key = row["equipment"], row["alarm_type"]
            events.append((*key, AlarmEvent.RAISED, datetime.fromisoformat(row["raised_to"])))
            if row["cleared_to"]:
                events.append((*key, AlarmEvent.CLEARED, datetime.fromisoformat(row["cleared_to"])))
    return events
