"""A fan that obeys, behind a wire that counts what it is told: what a command's faults are played with."""

import subprocess
import sys
from asyncio import StreamReader, StreamWriter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from edge_bridge.commands.sweeps import sweep_commands
from edge_bridge.models import Command, CommandType
from tests.database import ROOT
from tests.faults.proxy import Proxy, Way
from tests.faults.scene import Scene, wait_until
from tests.faults.truth import rows
from tests.integration.edge import command_scenes

SCENARIO = """
name = "a fan that is told what to do"
seed = 7
start_at = 2026-03-01T06:00:00Z
duration_s = 36000
step_s = 1
terminals = [ { name = "fan", kind = "fan", equipment = "FAN-01" } ]
"""
ROUTES = """
SELECT count(*) FROM edge_bridge_commandroute r JOIN tenants_equipment e ON e.id = r.equipment_id
 WHERE r.tenant_id = %s AND e.code = 'FAN-01'
"""
RUNNING = """
SELECT value FROM edge_bridge_latest l JOIN edge_bridge_series s ON s.id = l.series_id
 WHERE l.tenant_id = %s AND s.tag = 'running'
"""


class Wire(Proxy):
    """Between gateway and fan; `n_told` commands have gone over it."""

    n_told = 0

    async def _pump(self, way: Way, reader: StreamReader, writer: StreamWriter) -> None:
        await super()._pump(way, Overheard(self, reader), writer)  # type: ignore[arg-type]


class Overheard:
    def __init__(self, wire: Wire, reader: StreamReader) -> None:
        self.wire, self.reader = wire, reader

    async def read(self, most: int) -> bytes:
        data = await self.reader.read(most)
        self.wire.n_told += data.count(b'"terminal_command"')
        return data


@contextmanager
def fan(scene: Scene, wire: Wire) -> Iterator[None]:
    """Runs behind the wire until the end, and is known to the cloud from the beginning."""
    scenario = scene.directory / "fan.toml"
    scenario.write_text(SCENARIO)
    command = [sys.executable, "-m", "terminal_sim", "run", str(scenario), "--gateway", wire.url]
    with (scene.directory / "terminal.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    try:
        wait_until(lambda: rows(ROUTES, scene.owner.id) == [(1,)] and running(scene) is not None, "the fan is known")
        yield
    finally:
        process.kill()
        process.wait()


def running(scene: Scene) -> Any:
    """1.0 or 0.0, as the cloud reads it."""
    found = rows(RUNNING, scene.owner.id)
    return found[0][0] if found else None


def switch(scene: Scene) -> CommandType:
    return command_scenes.switch(scene.owner, interlock_alarms=[], settles_s=4)


def ordered(scene: Scene, kind: CommandType, value: float) -> Command:
    return command_scenes.approved(scene.owner, command_scenes.requested(scene.owner, kind, scene.owner, value))


def comes_about(scene: Scene, command: Command, state: str) -> list[str]:
    """Its life, once it is in that state."""

    def is_so() -> bool:
        sweep_commands(datetime.now(UTC))
        return command_scenes.state_of(command, scene.owner) == state

    wait_until(is_so, f"the command is {state}")
    return [event for event, _ in command_scenes.life(command, scene.owner)]
