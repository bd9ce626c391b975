"""The test run: throw-away servers for as long as pytest runs."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cloudmining.embedded import ports, servers
from cloudmining.embedded.home import Home
from cloudmining.embedded.supervisor import Supervisor, ignore_signals, signals_interrupt

# One more than the two processors that a check has: many a test waits, for a lease, a beat or a process.
WORKERS = "3"
CHOOSES_WORKERS = ("-n", "--numprocesses", "--pdb", "--trace", "no:xdist")
TEARDOWN_WITHIN_S = 30.0


def run(arguments: Sequence[str], home_directory: str | None = None) -> int:
    """Run pytest with `arguments` on servers of its own; the exit code is pytest's.

    The servers' home is a temporary directory, or `home_directory`, which is kept (for `--reuse-db`).
    """
    if home_directory:
        return _run_in(Home.at(home_directory), arguments)
    with tempfile.TemporaryDirectory(prefix="cloudmining-test-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL may have to enter it as nobody
        return _run_in(Home.at(directory), arguments)


def _run_in(home: Home, arguments: Sequence[str]) -> int:
    supervisor = Supervisor(home)
    with home.lock("test"), signals_interrupt():
        try:
            found = servers.start_kept(home, "test", supervisor)
            return _run_pytest(supervisor, arguments, {**os.environ, **found.variables(ports.any_free())})
        except KeyboardInterrupt:
            return 130
        finally:
            ignore_signals()
            supervisor.stop()


def _run_pytest(supervisor: Supervisor, arguments: Sequence[str], env: dict[str, str]) -> int:
    workers = () if any(word.startswith(CHOOSES_WORKERS) for word in arguments) else ("-n", WORKERS)
    pytest = supervisor.run("pytest", [sys.executable, "-m", "pytest", *workers, *arguments], env, on_screen=True)
    try:
        supervisor.until(lambda: not pytest.alive())
    except KeyboardInterrupt:
        pytest.stop_signal, pytest.stops_within_s = signal.SIGINT, TEARDOWN_WITHIN_S
        pytest.stop()
        raise
    assert pytest.process
    return pytest.process.returncode
