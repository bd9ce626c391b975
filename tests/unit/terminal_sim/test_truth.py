"""The truth of a scenario: worked out apart from the gateway's rules, and the same as what they say."""

import json
import subprocess
import sys
from dataclasses import MISSING, fields, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.gateway.silence import Patience, Voice, fell_silent, heard
from edge_bridge.protocol import AlarmEvent, Quality, Reading
from edge_bridge.rules import kinds
from edge_bridge.rules.detector import RATIO_MOST, Sample
from terminal_sim.faults import Fault, FaultKind
from terminal_sim.foreseen import Seen
from terminal_sim.learning import KINDS, LearningWatch, Learnt
from terminal_sim.process import TerminalKind
from terminal_sim.rule_file import SETTINGS, RuleFile, read_rules, rules_of
from terminal_sim.scenario import Scenario, ScenarioError, Terminal
from terminal_sim.simulation import Links, Mine, seconds
from terminal_sim.toml import load_scenario
from terminal_sim.truth import SILENT_TYPE, truth
from tests.unit.terminal_sim.scenes import DEMO_RULES, ROOT, SCENARIOS, foreseen, said_by_the_rules


@cache
def told(name: str, rules: Path, duration_s: float, step_s: float) -> tuple[Scenario, list[dict[str, Any]]]:
    scenario = replace(load_scenario(SCENARIOS / f"{name}.toml"), duration_s=duration_s, step_s=step_s)
    return scenario, truth(scenario, read_rules(rules), 1.0)


@pytest.mark.parametrize(
    ("name", "rules", "duration_s", "step_s", "most_alarms"),
    [
        ("demo", DEMO_RULES, 1_800, 2, 10),
        ("ventilation", SCENARIOS / "ventilation.rules.toml", 2_400, 1, 11),
        ("zoo", SCENARIOS / "zoo.rules.toml", 7_200, 4, 40),
        ("shift", SCENARIOS / "shift.rules.toml", 14_400, 20, 10),
    ],
)
def test_rules_say_exactly_what_the_truth_foresees(
    name: str, rules: Path, duration_s: float, step_s: float, most_alarms: int
) -> None:
    scenario, rows = told(name, rules, duration_s, step_s)
    expected = foreseen(rows)
    assert sorted(said_by_the_rules(scenario, rules)) == sorted(expected)
    assert 5 <= len(expected) <= 2 * most_alarms


# Few values and steps, so that a series often stands, leaves its range and lets its clock go back.
AFTER_S = st.sampled_from([-20.0, 0.0, 1.0, 10.0, 50.0, 100.0])
SERIES = st.lists(st.tuples(AFTER_S, st.sampled_from([0.0, 0.5, 1.0, 3.0]), st.booleans()), min_size=1, max_size=40)


@pytest.mark.parametrize(
    "settings",
    [
        {"kind": "limits", "hi": {"value": 1.0, "severity": "low", "clear": 0.5}, "off_delay_s": 10},
        {"kind": "limits", "lo": {"value": 0.5, "severity": "low"}, "deadband": 0.25, "on_delay_s": 5},
        {"kind": "stuck", "for_s": 100},
        {"kind": "stuck", "for_s": 60, "tolerance": 0.5, "hold_s": 55},
        {"kind": "out_of_range", "lowest": 0.5, "highest": 1.0},
        {"kind": "out_of_range", "lowest": 0.5, "highest": 1.0, "hold_s": 30},
        {"kind": "stuck", "for_s": 100, "clear_frac": 0.3, "tolerance": 0.5},
        {"kind": "stuck", "for_s": 60, "clear_frac": 0.0},
        {"kind": "out_of_range", "lowest": -1.0, "highest": 2.0, "clear_frac": 0.1},
        {"kind": "out_of_range", "lowest": 0.5, "highest": 1.0, "clear_frac": 1.0},
    ],
)
@given(series=SERIES)
def test_rules_on_sensors_say_of_any_series_what_is_foreseen(settings: dict[str, Any], series: list[Any]) -> None:
    table = {"name": "n", "equipment": "E", "tag": "t", "alarm_type": "a", **settings}
    if settings["kind"] != "limits":
        table["severity"] = "low"
    rule = kinds.parse_rule(table)
    (alarm,) = rules_of([table]).alarms
    watch, state, said, at_s, heard_s = alarm.watch(), kinds.begin(rule), [], 1000.0, 2000.0
    for after_s, value, is_sure in series:
        at_s, heard_s = at_s + after_s, heard_s + max(abs(after_s), 1.0)
        quality = Quality.GOOD if is_sure else Quality.UNCERTAIN
        reading = Reading("E", "t", value, quality, datetime.fromtimestamp(at_s, UTC))
        state, alarms = kinds.judge(rule, state, reading, datetime.fromtimestamp(heard_s, UTC))
        said += [(each.event, each.occurred_at.timestamp()) for each in alarms]
        watch.see(at_s, Seen(timedelta(seconds=at_s), value, is_sure, timedelta(seconds=heard_s)))
    foreseen = [(AlarmEvent.RAISED, span.raised.total_seconds()) for span in watch.spans]
    foreseen += [(AlarmEvent.CLEARED, span.cleared.total_seconds()) for span in watch.spans if span.cleared]
    assert sorted(said) == sorted(foreseen)


# Rules that judge by time or that learn, on the terminals of the zoo whose faults they are for.
LEARNING: list[dict[str, Any]] = [
    {"kind": "clock", "equipment": "GAS-A2", "tag": "ch4"},
    {"kind": "clock", "equipment": "GAS-A", "tag": "ch4", "limit_s": 20},
    {"kind": "rate", "equipment": "GAS-A", "tag": "ch4", "limit_per_s": 0.004, "over_s": 20, "clear_frac": 0.2},
    {"kind": "spike", "equipment": "GAS-A", "tag": "co", "hold_s": 60},
    {"kind": "ewma", "equipment": "VIB-B", "tag": "vibration", "group_n": 5},
    {"kind": "cusum", "equipment": "AIR-B", "tag": "o2", "memory_n": 200, "clear_frac": 0.4},
    {"kind": "page_hinkley", "equipment": "AIR-B", "tag": "temperature"},
    {"kind": "gaussian_tail", "equipment": "GAS-A2", "tag": "ch4", "short_n": 5},
    {"kind": "time_to_limit", "equipment": "GAS-A", "tag": "ch4", "limit": 1.0, "over_s": 24, "unit": "%"},
    {"kind": "time_to_limit", "equipment": "AIR-B", "tag": "o2", "limit": 19.5, "is_high": False, "over_s": 24},
]


def test_rules_that_learn_say_exactly_what_the_truth_foresees(tmp_path: Path) -> None:
    rules, tables = tmp_path / "rules.toml", []
    for n, table in enumerate(LEARNING):
        said = {"name": f"rule {n}", "alarm_type": f"{table['kind']} {n}", "severity": "low", **table}
        tables.append("[[rules]]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in said.items()))
    rules.write_text("\n".join(tables))
    scenario, rows = told("zoo", rules, 7_200, 8)
    expected = foreseen(rows)
    assert sorted(said_by_the_rules(scenario, rules)) == sorted(expected)
    assert {alarm_type.split()[0] for _, alarm_type, _, _ in expected} == set(KINDS)
    clocks = {row["equipment"]: row for row in rows if row.get("alarm_type", "").startswith("clock")}
    assert clocks["GAS-A2"]["origin"] == "sensor" and "clock" in " ".join(clocks["GAS-A2"]["causes"])
    assert "leaky feeder is cut" in clocks["GAS-A"]["causes"]  # what was held comes late


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "clock", "limit_s": 15},
        {"kind": "rate", "limit_per_s": 0.2, "hold_s": 25},
        {"kind": "spike", "width": 2.0, "memory_n": 12},
        {"kind": "ewma", "width_sigmas": 1.0, "memory_n": 30},
        {"kind": "cusum", "group_n": 2, "limit_sigmas": 1.0},
        {"kind": "page_hinkley", "limit_sigmas": 2.0},
        {"kind": "gaussian_tail", "short_n": 2, "tail_exponent": 0.5},
        {"kind": "time_to_limit", "limit": 3.5, "over_s": 30, "sigmas": 0.5, "horizon_s": 60},
    ],
)
@given(seed=st.integers(0, 2**32), n=st.integers(1, 120))
@settings(max_examples=25, deadline=None)
def test_rules_that_learn_say_of_any_series_what_is_foreseen(said: dict[str, Any], seed: int, n: int) -> None:
    """Of every sample the same ratio to the limit, so far as doubles are exact."""
    table = {"name": "n", "equipment": "E", "tag": "t", "alarm_type": "a", "severity": "low", **said}
    rule = kinds.parse_rule(table)
    (alarm,) = rules_of([table]).alarms
    assert isinstance(rule, kinds.DetectorRule) and isinstance(alarm, Learnt)
    watch, state, random, at_s, heard_s = alarm.watch(), rule.detector.begin(), Random(seed), 1000.0, 1000.0
    assert isinstance(watch, LearningWatch)
    for _ in range(n):
        at_s += random.choice([-700.0, -20.0, 0.0, 1.0, 1.0, 1.0, 10.0, 700.0])
        heard_s += random.choice([0.0, 1.0, 1.0, 20.0])
        value = random.choice([0.0, 0.5, 1.0, random.gauss(1, 0.2), 3.0])
        state, score, _ = rule.detector.step(state, Sample(at_s, value, True, 0, heard_s))
        seen = Seen(timedelta(seconds=at_s), value, True, timedelta(seconds=heard_s))
        ratio = min(watch.ratio(seen), RATIO_MOST)
        assert ratio / (1 + ratio) == pytest.approx(score, abs=1e-6)


@pytest.fixture
def zoo() -> list[dict[str, Any]]:
    return told("zoo", SCENARIOS / "zoo.rules.toml", 7_200, 4)[1]


def alarms(rows: list[dict[str, Any]], equipment: str, alarm_type: str) -> list[tuple[str, list[str]]]:
    return [
        (row["origin"], row["causes"])
        for row in rows
        if row["what"] == "alarm" and (row["equipment"], row["alarm_type"]) == (equipment, alarm_type)
    ]


def test_zoo_has_every_fault_and_labels_each(zoo: list[dict[str, Any]]) -> None:
    faults = [row for row in zoo if row["what"] == "fault"]
    assert {row["kind"] for row in faults} == set(FaultKind)
    assert len({row["label"] for row in faults}) == len(faults)


def test_alarm_of_a_bad_sensor_is_told_from_a_real_one(zoo: list[dict[str, Any]]) -> None:
    assert alarms(zoo, "AIR-B", "oxygen.lo") == [("sensor", ["oxygen cell ages"])]
    assert alarms(zoo, "AIR-B2", "methane.hi") == [("sensor", ["sensor was hung in heading A"])]
    assert ("world", ["fan A trips"]) in alarms(zoo, "GAS-A", "methane.hi")


def test_danger_that_a_frozen_sensor_conceals_is_told_as_hidden(zoo: list[dict[str, Any]]) -> None:
    assert ("hidden", ["twin is frozen", "fan A trips"]) in alarms(zoo, "GAS-A2", "methane.hi")


def test_alarm_of_a_wrong_clock_is_real_and_stamped_by_it(zoo: list[dict[str, Any]]) -> None:
    burst = {row["equipment"]: row for row in zoo if "outburst while a clock is wrong" in row.get("causes", ())}
    late, right = burst["GAS-A2"], burst["GAS-A"]
    assert late["origin"] == right["origin"] == "world"
    assert datetime.fromisoformat(right["raised_to"]) - datetime.fromisoformat(late["raised_to"]) == timedelta(hours=1)


def test_supply_that_fails_explains_methane_two_links_on(zoo: list[dict[str, Any]]) -> None:
    assert alarms(zoo, "GAS-A2", "methane.hi")[-1] == ("world", ["supply fails"])


def test_sensor_that_stands_still_is_foreseen_as_stuck(zoo: list[dict[str, Any]]) -> None:
    assert alarms(zoo, "AIR-B", "dust.stuck") == [("sensor", ["dust head is clogged"])]
    assert alarms(zoo, "GAS-A2", "methane.stuck")[0] == ("sensor", ["twin is frozen"])
    assert alarms(zoo, "GAS-A", "methane.stuck") == []


def test_terminal_that_says_nothing_is_foreseen_as_silent(zoo: list[dict[str, Any]]) -> None:
    silent = {row["equipment"]: row["causes"] for row in zoo if row.get("alarm_type") == SILENT_TYPE}
    assert silent == {
        "VIB-B": ["terminal is silent"],
        "GAS-A": ["leaky feeder is cut"],
        "ROOF-Z": ["battery of the roof sensor"],
    }


def test_gateway_finds_silent_terminals_when_the_truth_says(zoo: list[dict[str, Any]]) -> None:
    """By the gateway's own judgement of silence, asked every half second."""
    scenario, _ = told("zoo", SCENARIOS / "zoo.rules.toml", 7_200, 4)
    mine, links, patience = Mine(scenario), Links(scenario), Patience()
    voices: dict[str, Voice] = {}
    said: list[tuple[str, AlarmEvent, datetime]] = []
    for at_s in seconds(scenario):
        now = scenario.start_at + timedelta(seconds=at_s)
        for measured in links.through(mine.step(at_s), at_s):
            equipment = measured.terminal.equipment
            if measured.values:
                if equipment in voices and voices[equipment].is_silent:
                    said.append((equipment, AlarmEvent.CLEARED, now))
                voices[equipment] = heard(voices.get(equipment), now)
        for later in (now + timedelta(seconds=half / 2) for half in range(1, 8)):
            for equipment in [code for code, voice in voices.items() if fell_silent(voice, patience, later)]:
                said.append((equipment, AlarmEvent.RAISED, later))
                voices[equipment] = replace(voices[equipment], is_silent=True)
    rows = [row for row in zoo if row.get("alarm_type") == SILENT_TYPE]
    assert len(said) == 2 * len(rows) == 6
    for row in rows:
        raised, cleared = (at for equipment, _, at in said if equipment == row["equipment"])
        assert row["raised_from"] <= raised.isoformat() <= row["raised_to"]
        assert row["cleared_from"] <= cleared.isoformat() <= row["cleared_to"]


def test_silence_at_the_end_has_no_clearing() -> None:
    scenario = Scenario(
        "cut",
        1,
        datetime.fromisoformat("2026-03-01T06:00:00Z"),
        600,
        1,
        (Terminal("camera", TerminalKind.CAMERA, "CAM"),),
        (Fault(FaultKind.SILENT, "CAM", "gone", 100, 500),),
    )
    (row,) = (row for row in truth(scenario, RuleFile(), 1.0) if row["what"] == "alarm")
    assert (row["raised_from"], row["cleared_from"]) == ("2026-03-01T06:02:09+00:00", None)
    assert [row for row in truth(scenario, RuleFile(), 60.0) if row["what"] == "alarm"] == []


@pytest.mark.parametrize(
    ("kind", "more", "why"),
    [
        ("surprise", "", "nothing but itself"),
        ("silence", "hold_s = 20", "says hold_s"),
        ("vote", "deadband = 0.5", "says deadband"),
        ("cusum", "deadband = 0.5", "says deadband"),
        ("stuck", "deadband = 0.5", "says deadband"),
        ("augury", "", "no known kind"),
    ],
)
def test_rules_that_cannot_be_foreseen_are_told_with_the_reason(tmp_path: Path, kind: str, more: str, why: str) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text(f'[[rules]]\nkind = "{kind}"\nname = "ch4 shifts"\nequipment = "GAS-A"\n{more}\n')
    scenario = replace(load_scenario(SCENARIOS / "zoo.toml"), duration_s=10, faults=())
    (row,) = truth(scenario, read_rules(rules), 1.0)
    assert (row["what"], row["rule"], row["kind"]) == ("not_foreseen", "ch4 shifts", kind) and why in row["why"]


def test_every_kind_of_rule_is_foreseen_or_says_why_not() -> None:
    common = {"name": "n", "equipment": "E", "tag": "t", "alarm_type": "a", "severity": "low"}
    needed = {"limit_per_s": 1.0, "limit": 1.0, "lowest": 0.0, "highest": 1.0, "hi": {"value": 1, "severity": "low"}}
    needed |= {
        "sigma": 1.0,
        "tolerance": 1.0,
        "inputs": [{"equipment": "E", "tag": "t"}, {"equipment": "F", "tag": "t"}],
    }
    for kind in kinds.DETECTORS:
        read = rules_of([{**common, "kind": kind, **{key: needed[key] for key in NEEDS.get(kind, ())}}])
        assert len(read.alarms) + len(read.others) == 1, kind
        if kind in SETTINGS:
            made = kinds.DETECTORS[kind]
            taken = {each.name: each.default for each in fields(made) if each.name in SETTINGS[kind]}
            assert {key: value for key, value in SETTINGS[kind].items() if value is not None} == {
                name: value for name, value in taken.items() if value is not MISSING
            }, kind


@pytest.mark.parametrize("kind", ["stuck", "rate", "silence"])
def test_alarm_may_stand_at_another_place_than_what_is_judged(kind: str) -> None:
    head = {"name": "n", "equipment": "HEADING", "tag": "air", "alarm_type": "a", "severity": "low", "kind": kind}
    needed = {"limit_per_s": 1.0} if kind == "rate" else {}
    table = {**head, **needed, "inputs": [{"equipment": "GAS-A", "tag": "ch4"}]}
    (alarm,) = rules_of([table]).alarms
    assert (alarm.equipment, alarm.points) == ("HEADING", kinds.points(kinds.parse_rule(table)))


NEEDS = {
    "limits": ["hi"],
    "rate": ["limit_per_s"],
    "time_to_limit": ["limit"],
    "out_of_range": ["lowest", "highest"],
    "twin": ["inputs", "tolerance"],
    "vote": ["inputs", "limit"],
    "fusion": ["inputs", "limit", "sigma"],
    "neighbours": ["inputs"],
}


def test_command_line_tells_the_truth_as_json_lines() -> None:
    command = [sys.executable, "-m", "terminal_sim", "truth", "terminal_sim/scenarios/demo.toml"]
    done = subprocess.run(
        [*command, "--rules", DEMO_RULES, "--speed", "20"], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["raised_to"] for row in rows if row.get("rule") == "methane in heading T0"] == [
        "2026-03-01T06:00:06+00:00",
        "2026-03-01T06:00:46.900000+00:00",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("rules = 1", "rules: must be tables"),
        ("[[rules]]\nname = 1", r"rules\[0\]\.name: must be text"),
        ('[[rules]]\nname="a"\nequipment="b"\ntag="c"\nalarm_type="d"\nhi = 3', r"rules\[0\]\.hi: must be such as"),
        ('[[rules]]\nname="a"\nequipment="b"\ntag="c"\nalarm_type="d"\ndeadband = "x"', r"deadband: must be a number"),
        ("silent_least_s = true", "silent_least_s: must be a number"),
        ('[[rules]]\nkind="vote"\nname="a"\nequipment="b"\ntag="c"\nalarm_type="d"\nlimit=1', "severity: must be text"),
        (
            '[[rules]]\nkind="vote"\nname="a"\nequipment="b"\ntag="c"\nalarm_type="d"\nlimit=1\nseverity="low"',
            r"rules\[0\]: needs inputs",
        ),
        ("[", "is not TOML"),
    ],
)
def test_mistake_in_a_rule_file_is_named(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "rules.toml").write_text(text)
    with pytest.raises(ScenarioError, match=words):
        read_rules(tmp_path / "rules.toml")
