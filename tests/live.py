"""A web server as it runs in production: uvicorn in a process of its own, on this worker's test database.

`live_web` is shared by a worker's tests; a test that kills it restarts it. A test that needs settings of its own starts
its own: `with LiveWeb({"FEED_HEARTBEAT_S": "0.2"}) as web:`.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.database import ROOT
from tests.ports import LOOPBACK, free_port

START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0


class LiveWeb:
    """The server's process; it keeps its port over `restart`. `environment` overrides that of the tests.

    A context manager: started on entry, stopped on exit.
    """

    def __init__(
        self, environment: Mapping[str, str] | None = None, application: str = "cloudmining.asgi:application"
    ) -> None:
        self.port, self.application = free_port(), application
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "cloudmining.settings",
            "PYTHONUNBUFFERED": "1",
            **(environment or {}),
        }
        self.log = Path(tempfile.mkstemp(prefix="cloudmining-web-", suffix=".log")[1])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def ws_url(self) -> str:
        return f"ws://{LOOPBACK}:{self.port}"

    @property
    def output(self) -> str:
        """What the process has printed since the first start: where a test looks for tracebacks."""
        return self.log.read_text(errors="replace")

    def start(self) -> None:
        """Start it and wait until it has answered, which loads every address; RuntimeError with its output if it ends
        before."""
        command = [sys.executable, "-m", "uvicorn", self.application, "--host", LOOPBACK]
        command += ["--port", str(self.port), "--ws", "cloudmining.sockets:Sockets"]
        command += [
            "--ws-per-message-deflate",
            "false",
            "--ws-max-size",
            "1048576",
            "--log-level",
            "warning",
            "--timeout-graceful-shutdown",
            "3",
        ]
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
            )
        self._wait_until_open()
        httpx.get(f"{self.base_url}/healthz/live", timeout=START_WITHIN_S)

    def kill(self) -> None:
        """SIGKILL, as a crash would: nothing is said to the clients, nothing is tidied."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        self._signal(signal.SIGTERM)

    def restart(self) -> None:
        """Stop it, if it still runs, and start it on the same port."""
        self.stop()
        self.start()

    def __enter__(self) -> "LiveWeb":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self.log.unlink(missing_ok=True)

    def _signal(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def _wait_until_open(self) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            if self.process is None or self.process.poll() is not None:
                raise RuntimeError(f"The web server ended at its start:\n{self.output[-4000:]}")
            with socket.socket() as probe:
                if probe.connect_ex((LOOPBACK, self.port)) == 0:
                    return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"The web server took no connection within {START_WITHIN_S} s:\n{self.output[-4000:]}")
