"""The real gateway, as its operator starts it, and the simulated terminals that speak to it."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.database import ROOT
from tests.integration.edge import scenes

DEMO_RULES = ROOT / "edge_bridge" / "gateway" / "demo_rules.toml"
SETTINGS = """
heartbeat_s = 0.2
linger_s = 0.02
backoff_max_s = 0.3
alarm_backoff_max_s = 0.3
"""


def wait_until(holds: Callable[[], object], within_s: float = 60.0) -> None:
    deadline = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


class GatewayProcess:
    """Started on entry, stopped on exit; `kill` is a power cut, and `start` begins again with the same journal.

    `settings` are TOML beside those above, `program` is what Python is given to run.
    """

    def __init__(
        self,
        directory: Path,
        edge: scenes.Gateway,
        cloud_url: str,
        uplink: str = "http",
        settings: str = "",
        rules: Path = DEMO_RULES,
        program: Sequence[str] = ("-m", "edge_bridge.gateway"),
    ) -> None:
        self.directory, self.uplink, self.rules, self.program = directory, uplink, rules, program
        self.environment = os.environ | {
            "DEVICE_CREDENTIAL": f"{edge.device.pk}.{edge.secret}",
            "CLOUD_URL": cloud_url,
            "NO_PROXY": "*",
        }
        (directory / "gateway.toml").write_text(SETTINGS + settings)
        self.port_file = directory / "data" / "port"

    def start(self) -> None:
        self.port_file.unlink(missing_ok=True)
        command = [sys.executable, *self.program, "--edge", "north", "--uplink", self.uplink]
        command += ["--config", str(self.directory / "gateway.toml"), "--data-dir", str(self.directory / "data")]
        command += ["--rules", str(self.rules)]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        wait_until(lambda: self.port_file.exists() or self.process.poll() is not None)
        assert self.process.poll() is None, self.log

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text()

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port_file.read_text().strip()}"

    def __enter__(self) -> "GatewayProcess":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.process.terminate()
        self.process.wait(10)


def terminals(*arguments: str) -> str:
    """Run terminal_sim to its end."""
    command = [sys.executable, "-m", "terminal_sim", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout
