"""Scenarios: the same seed gives the same bytes, faults show where and when they are labelled, mistakes are named."""

import hashlib
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from edge_bridge.protocol import (
    Quality,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReadings,
    decode,
    encode,
)
from edge_bridge.protocol.machine import MachineState, StopReason
from terminal_sim.faults import FaultKind
from terminal_sim.process import KINDS, TerminalKind
from terminal_sim.scenario import LINKS, Scenario, ScenarioError, scaled
from terminal_sim.simulation import Mine, scenario_frames, simulate
from terminal_sim.toml import load_scenario
from tests.unit.terminal_sim.scenes import DEMO, ROOT, SCENARIOS


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


GOLDEN = {  # of so many seconds of each scenario, at such a step
    "demo": (1_800, 2, "1861d9fe435dc821ee51f83ed2a24afdeabc112047948f6ac3adb8d931b9b278"),
    "shift": (7_200, 20, "506edb461645816d0b3a8c305bcd97824a1cebb96dccea46beb6c86649593acc"),
    "ventilation": (900, 3, "fd519cc83ab8520d84f1124aa658a5f1c3e1ad2fecd8303195308209a584c011"),
    "zoo": (7_200, 10, "68e3a476e25aaf4a78711dbe5e4b016b9d21ad8b61be0ee725ff6c911fdea9c2"),
    "groups": (4_800, 10, "17c5cf3682e6f8eca9a9baf80fe05825528922c46556772c81f635b47fae841f"),
    "thousands": (2, 1, "2d2bda6a04b2997e5726ff366422489ec1a39dbd8094111fd720200e8d5d1e2d"),
}


@pytest.mark.parametrize("name", GOLDEN)
def test_same_seed_gives_the_same_bytes_for_ever(name: str) -> None:
    duration_s, step_s, golden = GOLDEN[name]
    scenario = replace(load_scenario(SCENARIOS / f"{name}.toml"), duration_s=duration_s, step_s=step_s)
    digest = hashlib.sha256()
    for frame in scenario_frames(scenario):
        digest.update(encode(frame) + b"\n")
    assert digest.hexdigest() == golden


def test_another_process_prints_the_same_bytes() -> None:
    assert hashlib.sha256(printed("print", str(DEMO))).hexdigest() == GOLDEN["demo"][2]


def test_another_seed_prints_other_bytes(demo: Scenario) -> None:
    assert list(scenario_frames(demo)) != list(scenario_frames(replace(demo, seed=demo.seed + 1)))


def test_every_frame_is_a_message_of_the_protocol() -> None:
    messages = [decode(encode(frame)) for frame in scenario_frames(load_scenario(DEMO))]
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


def test_fault_of_a_terminal_shows_in_its_frames() -> None:
    zoo = replace(load_scenario(SCENARIOS / "zoo.toml"), duration_s=6_100, step_s=10)
    frames = [frame for frame in scenario_frames(zoo) if isinstance(frame, TerminalReadings)]
    sent: defaultdict[str, dict[float, int]] = defaultdict(dict)  # from stamp to place in the order of sending
    for place, frame in enumerate(frames):
        sent[frame.equipment][(frame.readings[0].measured_at - zoo.start_at).total_seconds()] = place
    every = [10.0 * index for index in range(610)]
    assert list(sent["GAS-A"]) == every  # held from 3,900 to 6,000 s, and then in order
    assert sent["GAS-A"][3_890] < sent["VIB-B"][5_990] < sent["GAS-A"][3_900] < sent["GAS-A"][5_990]
    assert list(sent["VIB-B"]) == [at_s for at_s in every if not 2_400 <= at_s < 4_800]
    assert [at_s for at_s in sent["GAS-A2"] if at_s < 0] == [at_s - 600 for at_s in every[:60]]
    without = [at_s for at_s, place in sent["AIR-B2"].items() if len(frames[place].readings) == 6]
    assert without == [at_s for at_s in every if 2_700 <= at_s < 3_300]


def test_weak_battery_makes_readings_uncertain_and_a_flat_one_silences() -> None:
    zoo = replace(load_scenario(SCENARIOS / "zoo.toml"), duration_s=5_500, step_s=10)
    roof = [one for one in simulate(zoo) if one.terminal.equipment == "ROOF-Z"]
    uncertain = [one.at_s for one in roof if one.quality is Quality.UNCERTAIN and one.values]
    silent = [one.at_s for one in roof if not one.values]
    assert (uncertain[0], uncertain[-1]) == (3_000, 4_190)
    assert (silent[0], silent[-1]) == (4_200, 5_390)


def test_command_changes_the_machine_once_and_is_answered_twice() -> None:
    mine = Mine(load_scenario(SCENARIOS / "ventilation.toml"))
    slow = TerminalCommand(uuid4(), "FAN-21", "setpoint", 40.0)
    assert mine.apply(slow) == TerminalCommandResult(slow.id, True, "", 40.0)
    faster = mine.apply(replace(slow, id=uuid4(), value=80.0))
    assert faster.value == 80.0
    assert mine.apply(slow) == TerminalCommandResult(slow.id, True, "", 40.0)
    for second in range(60):
        mine.step(float(second))
    assert mine.machines["FAN-21"].values()["speed"] == pytest.approx(0.8 * 980, rel=0.01)


@pytest.mark.parametrize(
    ("equipment", "tag", "value", "words"),
    [
        ("FAN-99", "setpoint", 1, "there is no FAN-99 here"),
        ("FAN-21", "speed", 1, "FAN-21 is told running, setpoint, not speed"),
        ("SUMP-21", "level", 1, "SUMP-21 is told nothing, not level"),
        ("FAN-21", "setpoint", 101, "setpoint of FAN-21 must be from 0 to 100"),
    ],
)
def test_command_that_cannot_be_is_refused_in_words(equipment: str, tag: str, value: float, words: str) -> None:
    mine = Mine(load_scenario(SCENARIOS / "ventilation.toml"))
    command = TerminalCommand(uuid4(), equipment, tag, value)
    assert mine.apply(command) == TerminalCommandResult(command.id, False, words, None)


def test_order_of_the_scenario_is_obeyed_at_its_time() -> None:
    shift = replace(load_scenario(SCENARIOS / "shift.toml"), duration_s=11_100)
    flow = series(shift, "BACKFILL-01", "flow")
    assert flow[10_790] == pytest.approx(120, rel=0.02)
    assert flow[11_090] == pytest.approx(72, rel=0.02)


def test_scaled_scenario_is_its_mine_several_times() -> None:
    ventilation = load_scenario(SCENARIOS / "ventilation.toml")
    larger = scaled(ventilation, 21)
    assert len(larger.terminals) == 21
    assert [one.ventilated_by for one in larger.terminals if one.equipment == "AIR-21.2"] == ["FAN-21.2"]
    assert larger.faults == ventilation.faults
    smaller = scaled(ventilation, 3)
    assert len(smaller.terminals) == 3
    assert {fault.equipment for fault in smaller.faults} <= {one.equipment for one in smaller.terminals}


def test_links_that_lead_outside_a_smaller_scenario_are_dropped() -> None:
    demo = load_scenario(DEMO)
    assert demo.terminals[0].ventilated_by == "FAN-01"
    assert scaled(demo, 1).terminals == (replace(demo.terminals[0], ventilated_by=""),)


def test_fleet_is_numbered_and_shares_by_groups() -> None:
    thousands = load_scenario(SCENARIOS / "thousands.toml")
    assert len(thousands.terminals) == 5_000
    fans = {one.equipment: one.ventilated_by for one in thousands.terminals if one.ventilated_by}
    assert (fans["GAS-0001"], fans["GAS-0010"]) == ("FAN-001", "FAN-001")
    assert (fans["GAS-0011"], fans["GAS-2000"]) == ("FAN-002", "FAN-200")


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
        (
            'ventilated_by = "FAN-01"',
            'drained_by = "FAN-01"',
            r"drained_by: a gas_sensor knows ventilated_by, blasted_by",
        ),
        (
            'ventilated_by = "FAN-01"',
            'twin_of = "GAS-T0-01"',
            r"terminals\[0\]\.twin_of: no gas_sensor 'GAS-T0-01' here",
        ),
        ('kind = "spike"', 'kind = "moved_sensor"', r"faults\[1\]\.place: must be equipment of this scenario"),
        ('kind = "spike"', 'kind = "frozen_twin"', r"faults\[1\]\.equipment: 'GAS-T0-01' is no twin"),
    ],
)
def test_mistake_in_a_scenario_is_named(tmp_path: Path, old: str, new: str, words: str) -> None:
    text = DEMO.read_text()
    assert old in text
    (tmp_path / "wrong.toml").write_text(text.replace(old, new, 1))
    with pytest.raises(ScenarioError, match=words):
        load_scenario(tmp_path / "wrong.toml")


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ('fleet]]\nkind = "fan"\nequipment = "F{m}"\ncount = 2', r"fleet\[0\]\.name: may have {n} and {group} in it"),
        ('fleet]]\nkind = "fan"\nequipment = "F"', r"fleet\[0\]\.count: must be a whole number"),
        ('fleet]]\nkind = "fan"\nequipment = "F"\ncount = 2', "each needs a name and an equipment of its own"),
        ('orders]]\nequipment = "FAN-01"\ntag = "speed"\nvalue = 1\nat_s = 1', "a fan is told running, setpoint"),
        ('orders]]\nequipment = "X"\ntag = "speed"\nvalue = 1\nat_s = 1', r"orders\[0\]\.equipment: no terminal"),
    ],
)
def test_mistake_in_a_fleet_or_an_order_is_named(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "wrong.toml").write_text(f"{DEMO.read_text()}\n[[{table}\n")
    with pytest.raises(ScenarioError, match=words):
        load_scenario(tmp_path / "wrong.toml")


def test_how_to_names_every_kind_tag_link_fault_and_code() -> None:
    text = (ROOT / "docs/how-to/simulate-terminals.md").read_text()
    words = set(re.findall(r"\w+", text))
    machines = KINDS.values()
    tags = {tag for machine in machines for tag in machine.units}
    assert {*TerminalKind, *FaultKind, *tags, *LINKS} <= words
    for code in (*MachineState, *StopReason):
        assert re.search(rf"\| [\d, ]*\b{code.value}\b[\d, ]* \|[^|]*{code.name.split('_')[-1].lower()}", text), code


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
