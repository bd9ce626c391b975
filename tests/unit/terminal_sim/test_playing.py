"""From simulated terminal through a real gateway to a real socket of a cloud; and recorded series likewise."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from edge_bridge.protocol import AlarmEvent, Command, CommandState, CommandStep, Lane, Quality, Reading, TerminalReading
from terminal_sim.replay import ReplayError, Series, read_series, shifted_to
from terminal_sim.rule_file import read_rules
from terminal_sim.toml import load_scenario
from terminal_sim.truth import truth
from tests.ports import free_port
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import ROOT, Gateway

SCENARIO = """
name = "short"
seed = 3
start_at = 2026-03-01T06:00:00Z
duration_s = 240
step_s = 2
speed = 60

[[terminals]]
name = "gas"
kind = "gas_sensor"
equipment = "GAS-1"
ventilated_by = "FAN-1"

[[terminals]]
name = "fan"
kind = "fan"
equipment = "FAN-1"

[[faults]]
kind = "fan_stop"
equipment = "FAN-1"
label = "fan trips"
start_s = 10
duration_s = 130
"""
NAB = ROOT.parent / "shared/data/nab/data/realKnownCause/machine_temperature_system_failure.csv"


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    gateway = Gateway(tmp_path, free_port())
    yield gateway
    gateway.kill()


def play(gateway: Gateway, *arguments: str, url: str = "") -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "terminal_sim", *arguments, "--gateway", url or gateway.url]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def scenario(gateway: Gateway) -> str:
    path = gateway.directory / "scenario.toml"
    path.write_text(SCENARIO)
    return str(path)


def unfiltered(cloud: Cloud) -> list[Reading]:
    """Readings of the six tags for which the gateway has no deadband."""
    return [reading for reading in cloud.readings() if reading.tag != "co"]


@pytest.mark.parametrize("way", ["websocket", "mqtt"])
def test_stopped_fan_becomes_a_critical_alarm_that_clears(gateway: Gateway, way: str) -> None:
    cloud = Cloud()
    mqtt_port = free_port()
    with (gateway.directory / "gateway.toml").open("a") as settings:
        settings.write(f"mqtt_port = {mqtt_port}\n")
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        url = gateway.url if way == "websocket" else f"mqtt://127.0.0.1:{mqtt_port}/north"
        began_at = datetime.now(UTC)
        output, _ = play(gateway, "run", scenario(gateway), "--once", url=url).communicate(timeout=40)
        assert output == "frames taken: 242, refused: 0\n"
        wait_until(lambda: len(unfiltered(cloud)) == 120 * 6)
        assert [alarm.event for alarm in cloud.alarms()] == [AlarmEvent.RAISED, AlarmEvent.CLEARED]
        assert all(began_at <= reading.measured_at <= datetime.now(UTC) for reading in cloud.readings())
        cloud.assert_gapless()


def test_terminal_outlives_its_gateway_and_nothing_is_lost_or_doubled(gateway: Gateway) -> None:
    """The gateway is killed twice while the scenario plays with its own times, at its own port."""
    cloud = Cloud()
    port = free_port()
    with (gateway.directory / "gateway.toml").open("a") as settings:
        settings.write(f"listen_port = {port}\n")
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        path = scenario(gateway)
        playing = play(gateway, "run", path, "--once", "--scenario-times")
        for _ in range(2):
            seen = len(cloud.readings())
            wait_until(lambda seen=seen: len(cloud.readings()) > seen + 30)  # type: ignore[misc]
            gateway.kill()
            time.sleep(0.2)
            gateway.start()
        output, _ = playing.communicate(timeout=40)
        assert output == "frames taken: 242, refused: 0\n"
        rows = truth(load_scenario(Path(path)), read_rules(gateway.directory / "rules.toml"), 1.0)
        (row,) = (row for row in rows if row["what"] == "alarm")
        wait_until(lambda: len(cloud.alarms()) == 2)
        assert [alarm.occurred_at.isoformat() for alarm in cloud.alarms()] == [row["raised_to"], row["cleared_to"]]
        wait_until(lambda: len(unfiltered(cloud)) >= 120 * 6)
        start_at = datetime(2026, 3, 1, 6, tzinfo=UTC)
        for tag in ("ch4", "vibration"):
            stamps = [reading.measured_at for reading in cloud.readings() if reading.tag == tag]
            assert stamps == [start_at + timedelta(seconds=2 * index) for index in range(120)]
        cloud.assert_gapless()


def test_command_from_the_cloud_slows_the_fan_once(gateway: Gateway) -> None:
    cloud = Cloud()
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        playing = play(gateway, "run", scenario(gateway), "--speed", "20")
        wait_until(lambda: len(cloud.readings()) > 10)
        now = datetime.now(UTC)
        slow = Command(uuid4(), "FAN-1", "setpoint", 40.0, now + timedelta(minutes=1), cloud.received[-1].boot, now)
        cloud.commands = (slow,)
        wait_until(lambda: CommandState.DONE in [step.state for step in steps(cloud)])
        wait_until(lambda: any(r.tag == "setpoint" and r.value == 40.0 for r in cloud.readings()))
        playing.terminate()
        playing.communicate(timeout=20)
    assert [(step.id, step.state, step.value) for step in steps(cloud)] == [
        (slow.id, CommandState.DELIVERED, None),
        (slow.id, CommandState.DONE, 40.0),
    ]


def steps(cloud: Cloud) -> list[CommandStep]:
    return [body for body in cloud.bodies(Lane.P0) if isinstance(body, CommandStep)]


@pytest.mark.skipif(not NAB.exists(), reason="the Numenta Anomaly Benchmark is not beside the project")
def test_recorded_series_flows_whole_and_in_order(gateway: Gateway) -> None:
    cloud = Cloud()
    series = Series(NAB, "PUMP-07", "machine_temperature", "Cel", "timestamp", "value")
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        arguments = ("--equipment", "PUMP-07", "--tag", "machine_temperature", "--unit", "Cel", "--rate", "20000")
        output, errors = play(gateway, "replay", str(NAB), *arguments, "--shift-to-now").communicate(timeout=60)
        assert output == "frames taken: 24, refused: 0\n", errors
        recorded = read_series(series)
        wait_until(lambda: len(cloud.readings()) == len(recorded) == 22_695)
        assert [reading.value for reading in cloud.readings()] == [reading.value for reading in recorded]
        assert cloud.readings()[-1].measured_at <= datetime.now(UTC)


def series_of(tmp_path: Path, text: str) -> Series:
    (tmp_path / "series.csv").write_text(text)
    return Series(tmp_path / "series.csv", "PUMP-07", "temperature", "Cel", "timestamp", "value")


def test_recorded_time_without_zone_is_utc(tmp_path: Path) -> None:
    readings = read_series(
        series_of(tmp_path, "timestamp,value\n2013-12-02 21:15:00,73.5\n2013-12-02T21:20:00+01:00,74\n")
    )
    assert readings == [
        TerminalReading("temperature", 73.5, Quality.GOOD, datetime(2013, 12, 2, 21, 15, tzinfo=UTC)),
        TerminalReading("temperature", 74.0, Quality.GOOD, datetime(2013, 12, 2, 20, 20, tzinfo=UTC)),
    ]


def test_shifted_series_keeps_its_intervals_and_ends_now(tmp_path: Path) -> None:
    readings = read_series(series_of(tmp_path, "timestamp,value\n2013-12-02 21:15,1\n2013-12-02 21:20,2\n"))
    now = datetime(2026, 3, 1, tzinfo=UTC)
    assert [reading.measured_at for reading in shifted_to(readings, now)] == [now - timedelta(minutes=5), now]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,value\n2013-12-02,1\n", "has no column 'timestamp'"),
        ("timestamp,value\n2013-12-02,warm\n", "line 2: could not convert"),
        ("timestamp,value\nyesterday,1\n", "line 2: Invalid isoformat"),
        ("timestamp,value\n2013-12-02,nan\n", "line 2: nan is not a finite number"),
        ("timestamp,value\n2013-12-02\n", "line 2: "),
        ("timestamp,value\n", "has no rows"),
    ],
)
def test_mistake_in_a_recorded_series_is_named(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ReplayError, match=words):
        read_series(series_of(tmp_path, text))


def test_name_too_long_for_the_wire_ends_with_words(tmp_path: Path) -> None:
    (tmp_path / "long.toml").write_text(SCENARIO.replace('name = "gas"', f'name = "{"g" * 65}"'))
    (tmp_path / "series.csv").write_text("timestamp,value\n2026-03-01T06:00:00Z,1\n")
    series = ("replay", str(tmp_path / "series.csv"), "--equipment", "P", "--tag", "t" * 65)
    for arguments, path in ((("run", str(tmp_path / "long.toml")), "terminal"), (series, "tags[0].tag")):
        command = [sys.executable, "-m", "terminal_sim", *arguments, "--gateway", "ws://127.0.0.1:9"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=30)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].startswith(f"terminal_sim: {path}: must be text of 1 to 64 characters")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("print", "nowhere.toml"), "terminal_sim: nowhere.toml: cannot be read: No such file or directory\n"),
        (("run", "x.toml", "--gateway", "http://x"), "must be such as ws://host:4000"),
        (("run", "x.toml", "--gateway", "ws://x", "--speed", "0"), "must be a positive number"),
        (("replay", "x.csv", "--gateway", "ws://x"), "the following arguments are required: --equipment, --tag"),
    ],
)
def test_mistake_on_the_command_line_ends_with_words(arguments: tuple[str, ...], words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "terminal_sim", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
