"""The whole system, with its parts killed -9 one after the other: nothing is lost, nothing happens twice."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from tests.database import ROOT
from tests.functional.chaos.processes import Demo, wait_until
from tests.integration.optimization import documents

CYCLES, READINGS_PER_S = 100, 6
KILLED = ("worker", "gateway", "web", "valkey", "postgres", "gateway", "web")
SAID = """
SELECT c.event, count(*) FROM edge_bridge_alarmchange c JOIN edge_bridge_alarm a ON a.id = c.alarm_id
WHERE a.tag = 'machine_temperature' GROUP BY 1
"""
TOLD = """
SELECT kind, count(*) FROM tenants_feedevent WHERE body->>'tag' = 'machine_temperature'
AND kind IN ('alarm.raised', 'alarm.cleared') GROUP BY 1
"""
HOLES = """
SELECT count(*) FROM (SELECT tenant_id, max(seq) - min(seq) + 1 - count(*) AS missing, min(seq) AS first
FROM tenants_feedevent GROUP BY 1) feeds WHERE missing <> 0 OR first <> 1
"""


@pytest.fixture
def demo() -> Iterator[Demo]:
    with tempfile.TemporaryDirectory(prefix="cloudmining-chaos-") as directory:
        Path(directory).chmod(0o711)
        running = Demo(Path(directory))
        running.start()
        yield running
        running.stop()


def square_wave(path: Path) -> None:
    """A machine whose temperature passes its limit CYCLES times, and comes back each time."""
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    rows = [f"{begin + timedelta(minutes=n)},{120 if n % 2 else 90}" for n in range(2 * CYCLES + 1)]
    path.write_text("\n".join(["timestamp,value", *rows]))


def replay(demo: Demo) -> subprocess.Popen[bytes]:
    recording = demo.home / "wave.csv"
    square_wave(recording)
    command = [sys.executable, "-m", "terminal_sim", "replay", str(recording), "--equipment", "PUMP-07"]
    command += ["--tag", "machine_temperature", "--gateway", demo.gateway_url, "--stamp-now"]
    return subprocess.Popen([*command, "--rate", str(READINGS_PER_S)], cwd=ROOT)


def counts(demo: Demo, sql: str) -> dict[str, int]:
    secrets, ports = (json.loads((demo.home / name).read_text()) for name in ("secrets.json", "ports.json"))
    url = f"postgresql://postgres:{secrets['postgres_admin']}@127.0.0.1:{ports['postgres']}/cloudmining"
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return dict(connection.execute(sql).fetchall())  # type: ignore[arg-type]
    except psycopg.OperationalError:
        return {}


def call(demo: Demo, method: str, path: str, body: Any = None) -> dict[str, Any]:
    key = json.loads((demo.home / "demo-keys.json").read_text())["keys"]["aurora"]
    headers = {"Authorization": f"Api-Key {key}"}
    return httpx.request(method, f"{demo.base_url}/api/v1/{path}", json=body, headers=headers, timeout=20).json()


@pytest.mark.chaos
@pytest.mark.timeout(600)
def test_no_alarm_is_lost_or_doubled_and_the_owed_plan_is_solved_when_any_part_is_killed(demo):
    request = {"name": "Owed", "instance": documents.middle(), "options": {"gap": 0, "time_limit_s": 12}}
    plan = call(demo, "POST", "plans", request)["id"]
    wait_until(lambda: call(demo, "GET", f"plans/{plan}")["status"] == "running", "the plan is being solved", 30)
    terminal = replay(demo)
    for part in KILLED:
        wait_until(demo.is_answering, "the demo answers", 60)
        demo.kill(part)
        wait_until(lambda part=part: f"{part} " in demo.output.rpartition("serving")[2], f"{part} missed", 20)
        wait_until(demo.is_answering, f"the demo answers after {part} was killed", 60)
    assert terminal.wait(180) == 0

    expected = {"raised": CYCLES, "cleared": CYCLES}
    wait_until(lambda: sum(counts(demo, SAID).values()) >= 2 * CYCLES, "every alarm is in the cloud", 60)
    assert counts(demo, SAID) == expected
    assert counts(demo, TOLD) == {f"alarm.{event}": number for event, number in expected.items()}
    assert counts(demo, f"SELECT 'holes', ({HOLES.strip()})") == {"holes": 0}
    wait_until(lambda: call(demo, "GET", f"plans/{plan}")["status"] == "solved", "the owed plan is solved", 120)
    solved = "SELECT 'solved', count(*) FROM tenants_feedevent WHERE kind = 'plan.solved'"
    assert counts(demo, solved) == {"solved": 1}
