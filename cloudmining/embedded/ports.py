"""TCP ports on the loopback address: finding a free one, and naming who holds a busy one."""

from __future__ import annotations

import os
import socket
from contextlib import suppress
from pathlib import Path

from cloudmining.embedded.home import Home, StartError
from cloudmining.embedded.processes import command_line

LOOPBACK = "127.0.0.1"
LISTENING = "0A"  # state column of /proc/net/tcp


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def is_answering(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex((LOOPBACK, port)) == 0


def any_free() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def choose(home: Home, name: str, given: int | None = None, preferred: int | None = None) -> int:
    """The port for `name`: the one given (which must be free), last time's, the preferred one, or any free one."""
    if given is not None:
        require_free(given, name)
        return given
    for port in (home.ports().get(name), preferred):
        if port is not None and is_free(port):
            return port
    return any_free()


def require_free(port: int, name: str) -> None:
    if not 0 < port < 65536:
        raise StartError(f"port {port} for {name} is not a port; give a number from 1 to 65535")
    if not is_free(port):
        raise StartError(f"port {port} for {name} is busy ({holder(port)}); stop that, or give another port")


def holder(port: int) -> str:
    """Who listens on `port`, in words, as far as the system lets us see."""
    inodes = {f"socket:[{inode}]" for inode in _listening_inodes(port)}
    for descriptor in Path("/proc").glob("[0-9]*/fd/*") if inodes else ():
        with suppress(OSError):
            if os.readlink(descriptor) in inodes:
                pid = int(descriptor.parts[2])
                return f"held by pid {pid}: {command_line(pid)[:80]}"
    return "held by another process"


def _listening_inodes(port: int) -> set[str]:
    with suppress(OSError):
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return {row[9] for row in rows if row[3] == LISTENING and int(row[1].rsplit(":", 1)[1], 16) == port}
    return set()
