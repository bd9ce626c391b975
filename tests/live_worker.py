"""A Celery worker as it runs in production: processes of its own, on this test worker's database and queues. Only beat
is not alone: inside the worker it spares another start.

`live_worker` is shared by the tests of a module; a test that kills it restarts it.
"""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import redis

from tests.database import ROOT

START_WITHIN_S = 60.0
STOP_WITHIN_S = 10.0
QUEUES = "default,plans"


class LiveWorker:
    """The worker's processes, and those of beat if asked for. `environment` overrides that of the tests.

    Several workers of one test differ by `name`.

    A context manager: started on entry, stopped on exit, when the queues are emptied too.
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        *,
        beat: bool = False,
        queues: str = QUEUES,
        name: str = "worker",
    ) -> None:
        self.environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "cloudmining.settings", **(environment or {})}
        self.beat, self.queues, self.name = beat, queues, name
        self.home = Path(tempfile.mkdtemp(prefix="cloudmining-worker-"))
        self.log = self.home / "worker.log"
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def output(self) -> str:
        """What the processes have printed since the first start: where a test looks for tracebacks."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def start(self) -> None:
        """Start and wait until tasks are taken; RuntimeError with the output if it ends before."""
        seen = len(self.output)
        quiet = ("--without-gossip", "--without-mingle", "-l", "INFO")
        beat = ("--beat", "--schedule", str(self.home / "schedule")) if self.beat else ()
        self._spawn("worker", "-Q", self.queues, "-n", f"{self.name}@%h", "--concurrency", "1", *quiet, *beat)
        self._wait_until_ready(seen)

    def kill(self) -> None:
        """SIGKILL to every process, as a crash of the machine would: nothing is given back, nothing is tidied."""
        for process in self.processes:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def stop(self) -> None:
        """SIGTERM: what runs is finished first; after a while, SIGKILL."""
        for process in self.processes:
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        while self.processes and time.monotonic() < deadline:
            self.processes = [process for process in self.processes if process.poll() is None]
            time.sleep(0.05)
        self.kill()

    def restart(self) -> None:
        """Stop it, if it still runs, and start it."""
        self.stop()
        self.start()

    def __enter__(self) -> "LiveWorker":
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
        self._forget_queues()

    def _spawn(self, *arguments: str) -> None:
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "celery", "-A", "cloudmining", *arguments],
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append(process)

    def _wait_until_ready(self, seen: int) -> None:
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            if any(process.poll() is not None for process in self.processes):
                raise RuntimeError(f"The worker ended at its start:\n{self.output[-4000:]}")
            if " ready." in self.output[seen:]:
                return
            time.sleep(0.05)
        self.stop()
        raise RuntimeError(f"The worker was not ready within {START_WITHIN_S} s:\n{self.output[-4000:]}")

    def _forget_queues(self) -> None:
        broker = redis.Redis.from_url(self.environment["REDIS_URL"])
        for key in broker.scan_iter(match=f"{self.environment['REDIS_PREFIX']}:*", count=1000):
            broker.delete(key)
