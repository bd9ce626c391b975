"""Scenarios: the same seed gives the same bytes, faults show where and when they are labelled, mistakes are named."""

import hashlib
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from edge_bridge.protocol import TerminalBirth, TerminalReadings, decode
from terminal_sim.scenario import Scenario, ScenarioError
from terminal_sim.simulation import scenario_frames, simulate
from terminal_sim.toml import load_scenario

ROOT = Path(__file__).parents[3]
DEMO = ROOT / "terminal_sim/scenarios/demo.toml"


def printed(*arguments: str) -> bytes:
    command = [sys.executable, "-m", "terminal_sim", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True, timeout=60).stdout


def series(scenario: Scenario, equipment: str, tag: str) -> Mapping[float, float]:
    return {
        measured.at_s: measured.values[tag]
        for measured in simulate(scenario)
        if measured.terminal.equipment == equipment
    }


@pytest.fixture(scope="module")
def demo() -> Scenario:
    return load_scenario(DEMO)


def test_two_processes_print_the_same_bytes() -> None:
    first, second = (printed("print", str(DEMO)) for _ in range(2))
    assert hashlib.sha256(first).hexdigest() == hashlib.sha256(second).hexdigest()
    assert len(first) > 100_000


def test_another_seed_prints_other_bytes(demo: Scenario) -> None:
    assert list(scenario_frames(demo)) != list(scenario_frames(replace(demo, seed=demo.seed + 1)))


def test_every_printed_line_is_a_message_of_the_protocol() -> None:
    messages = [decode(line) for line in printed("print", str(DEMO)).splitlines()]
    births = [message for message in messages if isinstance(message, TerminalBirth)]
    assert {tag.equipment for birth in births for tag in birth.tags} == {"GAS-T0-01", "FAN-01", "TRUCK-07"}
    readings = [message for message in messages if isinstance(message, TerminalReadings)]
    assert len(births) + len(readings) == len(messages) == 3 + 3 * 900
    for terminal in {message.terminal for message in readings}:
        numbers = [message.n for message in readings if message.terminal == terminal]
        assert numbers == list(range(2, 902))


def test_demo_passes_the_limit_within_ten_seconds_and_recovers(demo: Scenario) -> None:
    methane = series(demo, "GAS-T0-01", "ch4")
    above_s = [at_s / demo.speed for at_s, value in methane.items() if value >= 1.0 and at_s < 600]
    assert 5 <= above_s[0] <= 10
    assert above_s[-1] <= 10
    assert max(value for at_s, value in methane.items() if 300 <= at_s < 600) < 0.6


def test_stopped_fan_lets_methane_rise(demo: Scenario) -> None:
    calm = replace(demo, faults=())
    assert max(series(calm, "GAS-T0-01", "ch4").values()) < 0.6
    assert max(series(demo, "GAS-T0-01", "ch4").values()) > 1.0


def test_stuck_sensor_repeats_itself_while_the_truth_moves(demo: Scenario) -> None:
    shown = series(demo, "TRUCK-07", "engine_temperature")
    assert len({shown[at_s] for at_s in shown if 1200 <= at_s < 1600}) == 1
    assert len({shown[at_s] for at_s in shown if 800 <= at_s < 1200}) > 100


def test_spike_is_over_with_its_window(demo: Scenario) -> None:
    shown = series(demo, "GAS-T0-01", "co")
    assert [at_s for at_s, value in shown.items() if value > 20] == [420, 422]


def test_wear_grows_and_burst_rises_in_their_windows(demo: Scenario) -> None:
    vibration, methane = series(demo, "FAN-01", "vibration"), series(demo, "GAS-T0-01", "ch4")
    assert vibration[640] < vibration[900] < vibration[1290] > 7
    assert vibration[1310] < 3
    assert methane[890] < 0.5 < methane[958]


def test_labels_say_where_the_truth_is() -> None:
    lines = printed("labels", str(DEMO)).decode().splitlines()
    assert lines[0] == "label,kind,equipment,tag,from_at,to_at"
    assert lines[2] == (
        "electrical disturbance of the CO cell,spike,GAS-T0-01,co,2026-03-01T06:07:00+00:00,2026-03-01T06:07:04+00:00"
    )
    assert len(lines) == 6


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("duration_s = 1800", "duration_s = 0", "duration_s: must be a positive number"),
        ("step_s = 2", "", "step_s: is missing"),
        ("seed = 20260301", 'seed = "x"', "seed: must be int"),
        ("06:00:00Z", "06:00:00", "start_at: needs a time zone"),
        ("speed = 20", "speed = 20\ncolour = 1", "colour: is not known"),
        ('kind = "haul_truck"', 'kind = "submarine"', r"terminals\[2\]\.kind: must be one of power_feeder, fan"),
        ('ventilated_by = "FAN-01"', 'ventilated_by = "FAN-02"', r"terminals\[0\]\.ventilated_by: no fan 'FAN-02'"),
        ('"truck 07"', '"heading T0 fan"', "a name and an equipment of its own"),
        ('kind = "fan_stop"\nequipment = "FAN-01"', 'kind = "fan_stop"\nequipment = "TRUCK-07"', "happens to a fan"),
        ('tag = "co"', 'tag = "o2"', r"faults\[1\]\.tag: must be one of ch4, co"),
        ("start_s = 20\n", "start_s = -1\n", r"faults\[0\]: start_s must not be negative"),
        ("step_s = 2", "step_s = = 2", "is not TOML"),
    ],
)
def test_mistake_in_a_scenario_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = DEMO.read_text()
    assert old in text
    (tmp_path / "wrong.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=words):
        load_scenario(tmp_path / "wrong.toml")


def test_simulator_knows_nothing_of_the_cloud() -> None:
    """Loads every module of the simulator: of the project only the protocol may come along, and never Django."""
    program = (
        "import pkgutil, importlib, sys, terminal_sim\n"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(terminal_sim.__path__, 'terminal_sim.')]\n"
        "print(*sorted({'.'.join(name.split('.')[:2]) for name in sys.modules}))"
    )
    loaded = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    names = set(loaded.stdout.split())
    assert {name for name in names if name.startswith("edge_bridge")} == {"edge_bridge", "edge_bridge.protocol"}
    assert names.isdisjoint({"django", "rest_framework", "channels", "celery", "tenants", "cloudmining"})
