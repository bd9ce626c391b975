"""The gateway as a process of its own, and a terminal's side of its websocket."""

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from websockets.sync.client import connect

from edge_bridge.protocol import (
    Message,
    Quality,
    TerminalReading,
    TerminalReadings,
    decode,
    encode,
)
from tests.unit.edge.cloud import wait_until

ROOT = Path(__file__).parents[3]

RULES = """
[[rules]]
name = "methane"
equipment = "GAS-1"
tag = "ch4"
alarm_type = "methane"
deadband = 0.1
hi = { value = 1.0, severity = "critical" }

[[deadbands]]
equipment = "GAS-1"
tag = "co"
value = 1
override_s = 1000000
"""

SETTINGS = """
heartbeat_s = 0.2
linger_s = 0.02
backoff_max_s = 0.3
alarm_backoff_max_s = 0.3
answer_timeout_s = 5
grace_s = 3
"""


class Gateway:
    def __init__(self, directory: Path, cloud_port: int, settings: str = SETTINGS, uplink: str = "http") -> None:
        self.directory = directory
        self.cloud_port = cloud_port
        self.uplink = uplink
        self.process: subprocess.Popen[bytes] | None = None
        (directory / "rules.toml").write_text(RULES)
        (directory / "gateway.toml").write_text(settings)
        self.port_file = directory / "data" / "port"

    def start(self, limits: str = "") -> None:
        """`limits`: a shell command that limits what the process may use."""
        self.port_file.unlink(missing_ok=True)
        command = ["bash", "-c", f'{limits or ":"}; exec "$@"', "bash", *self._command()]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self._environment(), stdout=log, stderr=log)
        wait_until(lambda: self.port_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log()

    def run_beside(self, *flags: str) -> tuple[int, str]:
        """Exit status and complaint of another one with the same settings."""
        done = subprocess.run(
            [*self._command(), *flags], cwd=ROOT, env=self._environment(), capture_output=True, text=True, timeout=20
        )
        return done.returncode, done.stderr

    def _command(self) -> list[str]:
        return [
            *(sys.executable, "-m", "edge_bridge.gateway", "--edge", "north", "--uplink", self.uplink),
            *("--config", str(self.directory / "gateway.toml"), "--rules", str(self.directory / "rules.toml")),
            *("--data-dir", str(self.directory / "data")),
        ]

    def _environment(self) -> dict[str, str]:
        url = f"http://127.0.0.1:{self.cloud_port}"
        return {**os.environ, "DEVICE_CREDENTIAL": "17.secret", "CLOUD_URL": url, "NO_PROXY": "*"}

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port_file.read_text().strip()}"


class Terminal:
    """Numbers its frames and says them one at a time."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.session: UUID = uuid4()
        self.n = 0

    def frame(self, tag: str, values: Sequence[float], since_at: datetime | None = None) -> TerminalReadings:
        self.n += 1
        since_at = since_at or datetime.now(UTC)
        readings = tuple(
            TerminalReading(tag, value, Quality.GOOD, since_at + timedelta(milliseconds=index))
            for index, value in enumerate(values)
        )
        return TerminalReadings("probe", self.session, self.n, "GAS-1", readings)

    def say(self, *frames: Message) -> list[Message]:
        """The answers, over one connection."""
        with connect(self.gateway.url, compression=None, proxy=None) as connection:
            return [self._exchange(connection, encode(frame).decode()) for frame in frames]

    def say_raw(self, text: str) -> Message:
        with connect(self.gateway.url, compression=None, proxy=None) as connection:
            return self._exchange(connection, text)

    @staticmethod
    def _exchange(connection: object, text: str) -> Message:
        connection.send(text)  # type: ignore[attr-defined]
        return decode(connection.recv(10))  # type: ignore[attr-defined]
