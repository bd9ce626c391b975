"""A person's command to a machine and back, with every process real: web server, gateway, simulated terminals."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from websockets.sync.client import connect

from edge_bridge.models import Alarm, Command, CommandRoute, Latest
from edge_bridge.protocol import Lane, encode
from tests.database import ROOT
from tests.integration.edge import command_scenes as scene
from tests.integration.edge.command_scenes import FAN, requested, state_of, switch
from tests.integration.edge.processes import GatewayProcess, wait_until
from tests.integration.edge.scenes import gateway, raised
from tests.live import LiveWeb
from tests.relay import Relay

SCENARIO = """
name = "a fan that is told what to do"
seed = 7
start_at = 2026-03-01T06:00:00Z
duration_s = 36000
step_s = 1
terminals = [
  { name = "gas", kind = "gas_sensor", equipment = "GAS-T0-01", ventilated_by = "FAN-01" },
  { name = "fan", kind = "fan", equipment = "FAN-01" },
]
"""
INTERLOCK = """
[[interlocks]]
name = "gas in zone T0"
alarm_types = ["methane.hi"]
alarm_equipment = ["GAS-T0-01"]
refuses = ["FAN-01"]
"""


@contextmanager
def mine(directory: Path, edge: GatewayProcess, speed: int) -> Iterator[None]:
    """The simulated terminals, in a process of their own, until the end."""
    scenario = directory / "scenario.toml"
    scenario.write_text(SCENARIO)
    command = [sys.executable, "-m", "terminal_sim", "run", str(scenario), "--gateway", edge.url]
    with (directory / "terminals").open("ab") as log:
        process = subprocess.Popen([*command, "--speed", str(speed)], cwd=ROOT, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(10)


def is_named(owner) -> bool:
    with owner.acting():
        return CommandRoute.objects.filter(equipment=owner.equipment[FAN].pk).exists()


def running(owner) -> float | None:
    with owner.acting():
        newest = Latest.objects.filter(series__equipment=owner.equipment[FAN].pk, series__tag="running").first()
        return newest.value if newest else None


def ordered(owner, kind, value: float, **more: int) -> Command:
    return scene.approved(owner, requested(owner, kind, owner, value, **more))


def comes_about(command: Command, owner, state: str) -> list[str]:
    """Its life, once it is in that state."""
    wait_until(lambda: state_of(command, owner) == state)
    return [event for event, _ in scene.life(command, owner)]


def test_fan_obeys_once_through_cuts_and_kills_and_is_not_started_in_gas(aurora, live_web, tmp_path):
    kind = switch(aurora, interlock_alarms=[])
    with Relay(live_web.base_url) as link, gateway_with_interlock(tmp_path, aurora, link.url) as edge:
        with mine(tmp_path, edge, speed=1):
            wait_until(lambda: is_named(aurora) and running(aurora) == 1.0)
            assert comes_about(ordered(aurora, kind, 0.0), aurora, "done")[-3:] == ["sent", "delivered", "done"]
            wait_until(lambda: running(aurora) == 0.0)
            comes_about(ordered(aurora, kind, 1.0), aurora, "done")
        too_late = comes_about(ordered(aurora, kind, 1.0, expires_s=8), aurora, "expired")
        assert too_late[-3:] == ["sent", "delivered", "expired"]
        command = ordered(aurora, kind, 0.0)
        comes_about(command, aurora, "delivered")
        edge.kill()
        edge.start()
        link.cut()
        with mine(tmp_path, edge, speed=20):
            wait_until(lambda: is_over(edge, command))
            link.restore()
            assert comes_about(command, aurora, "done").count("done") == 1
            wait_until(lambda: running(aurora) == 0.0 and "methane.hi" in standing(aurora))
            refused = ordered(aurora, kind, 1.0)
            assert comes_about(refused, aurora, "refused")[-2:] == ["delivered", "refused"]
    with aurora.acting():
        assert "gas in zone T0" in Command.objects.get(pk=refused.pk).detail


def gateway_with_interlock(directory: Path, owner, cloud_url: str) -> GatewayProcess:
    process = GatewayProcess(directory, gateway(owner), cloud_url, "websocket")
    with (directory / "gateway.toml").open("a") as settings:
        settings.write(INTERLOCK)
    return process


def is_over(edge: GatewayProcess, command: Command) -> bool:
    """Whether the gateway's journal says so."""
    with sqlite3.connect(f"file:{edge.directory / 'data' / 'journal.sqlite3'}?mode=ro", uri=True) as journal:
        rows = journal.execute("SELECT state FROM command WHERE id = ?", [str(command.pk)]).fetchall()
    return rows == [("over",)]


def standing(owner) -> set[str]:
    with owner.acting():
        return {row.alarm_type for row in Alarm.objects.filter(tenant=owner.id, cleared_at=None)}


def test_command_is_pushed_to_a_gateway_that_is_connected_as_soon_as_it_is_approved(aurora, live_web: LiveWeb):
    edge, kind = gateway(aurora), switch(aurora)
    birth = edge.batch(Lane.P1, scene.birth())
    headers = {"Authorization": edge.authorization}
    with connect(f"{live_web.ws_url}/ws/v1/edge", additional_headers=headers, proxy=None) as socket:
        socket.send(encode(birth).decode())
        assert json.loads(socket.recv(10))["type"] == "ack"
        command = ordered(aurora, kind, 0.0)
        pushed = json.loads(socket.recv(10))
    assert (pushed["type"], pushed["id"]) == ("command", str(command.pk))
    assert edge.say(Lane.P0, raised(code="GAS-T0-01", alarm_type="dust.hi")).commands[0].id == command.pk
