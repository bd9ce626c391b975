"""Starting, recognising and ending operating-system processes."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def spawn(
    command: Sequence[str],
    *,
    output: IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    leash: signal.Signals | None = None,
    uid: int | None = None,
    cwd: Path | None = None,
) -> subprocess.Popen[bytes]:
    """Start `command` in a session of its own; `leash` is the signal it gets when we die (Linux only)."""
    return subprocess.Popen(
        list(command),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output is not None else None,
        env=env,
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_leashed(leash),
        user=uid,
        group=uid,
        extra_groups=None if uid is None else (),
    )


def _leashed(death_signal: signal.Signals | None) -> Callable[[], None] | None:
    if death_signal is None or _libc is None:
        return None
    parent = os.getpid()

    def fasten() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, death_signal)
        if os.getppid() != parent:
            os._exit(1)  # the parent died before the leash was on

    return fasten


def command_line(pid: int) -> str:
    """The words of process `pid`, or '' when it is gone, a zombie or a stranger's."""
    proc = Path(f"/proc/{pid}/cmdline")
    if Path("/proc/self").exists():
        with suppress(OSError):
            return proc.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        return ""
    listing = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return listing.stdout.strip()


def is_running(pid: int, marker: str) -> bool:
    """Whether `pid` is alive and its command line holds `marker`: a reused pid is not ours."""
    return marker in command_line(pid)


def wait_until(condition: Callable[[], bool], within_s: float, every_s: float = 0.03) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() >= deadline:
            return False
        time.sleep(every_s)
    return True


@dataclass(kw_only=True)
class Running:
    """A process that runs: started by us (`process`), or found running (`process` is None)."""

    name: str
    pid: int
    marker: str
    stop_signal: signal.Signals = signal.SIGTERM
    stops_within_s: float = 8.0
    process: subprocess.Popen[bytes] | None = None

    @property
    def adopted(self) -> bool:
        return self.process is None

    def alive(self) -> bool:
        if self.process is not None:
            return self.process.poll() is None
        return is_running(self.pid, self.marker)

    def stop(self) -> None:
        """Ask it to stop, and kill it when it has not within `stops_within_s` seconds."""
        for asked in (self.stop_signal, signal.SIGKILL):
            if self.alive():
                with suppress(ProcessLookupError):
                    os.kill(self.pid, asked)
                wait_until(lambda: not self.alive(), self.stops_within_s)

    def kill_group(self) -> None:
        """End what a process we started may have left behind in its session."""
        if self.process is not None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)


@dataclass(kw_only=True)
class Server(Running):
    """A process that listens on a TCP port of the loopback address."""

    port: int
    stops_within_s: float = 30.0  # PostgreSQL writes its checkpoint first
