"""A running demo whose processes can be found and killed."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from tests.database import ROOT
from tests.ports import free_port

# How the command line of each part is told apart.
PARTS = {
    "web": "cloudmining.asgi:application",
    "worker": "celery -A cloudmining worker",
    "gateway": "-m edge_bridge.gateway",
    "valkey": "valkey-server",
    "postgres": "postgres -D",
}


def wait_until(holds: Callable[[], object], what: str, within_s: float) -> None:
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, f"not within {within_s:.0f} s: {what}"
        time.sleep(0.2)


class Demo:
    """`python -m cloudmining.embedded demo --no-story` in a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home, self.port = home, free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "cloudmining.embedded", "demo", "--no-story"]
        command += ["--home", str(self.home), "--port", str(self.port)]
        ours = ("DATABASE_", "REDIS_", "CLOUDMINING_", "SECRET_KEY", "BASE_URL", "WEB_PORT", "FEED_", "SWEEP_")
        env = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        with (self.home / "demo.txt").open("ab") as output:
            self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=output, stderr=subprocess.STDOUT)
        wait_until(lambda: "serving" in self.output[self.output.rfind("PostgreSQL on port") :], "serving", 240)

    @property
    def output(self) -> str:
        return (self.home / "demo.txt").read_text()

    @property
    def gateway_url(self) -> str:
        log = (self.home / "log" / "gateway.log").read_text()
        return log.rpartition("terminals connect to ")[2].split()[0]

    def stop(self) -> None:
        assert self.process
        self.process.send_signal(signal.SIGINT)
        self.process.wait(60)

    def kill(self, part: str) -> None:
        """SIGKILL to every process of that part that is running now."""
        found = [pid for pid, line in self._descendants() if PARTS[part] in line]
        assert found, f"{part} is not running"
        for pid in found:
            os.kill(pid, signal.SIGKILL)

    def is_answering(self) -> bool:
        try:
            return httpx.get(f"{self.base_url}/healthz/ready", timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def _descendants(self) -> list[tuple[int, str]]:
        assert self.process
        parents = {int(path.name): _parent(path) for path in Path("/proc").iterdir() if path.name.isdigit()}
        ours = {self.process.pid}
        while more := {pid for pid, parent in parents.items() if parent in ours} - ours:
            ours |= more
        return [(pid, _command(pid)) for pid in ours - {self.process.pid}]


def _parent(path: Path) -> int:
    try:
        return int((path / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:  # it ended meanwhile
        return 0


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
