"""The matrix's own PostgreSQL and Valkey, which a fault may kill."""

import os
import resource
import shutil
import signal
from contextlib import suppress
from pathlib import Path

from cloudmining.embedded import postgres, valkey
from cloudmining.embedded.home import Home
from cloudmining.embedded.processes import Server, wait_until

GONE_WITHIN_S = 20.0


def home() -> Home:
    return Home.at(os.environ["CLOUDMINING_HOME"])


def start_postgres() -> None:
    postgres.start(home(), port=home().ports()["postgres"], leash=True)


def start_valkey() -> None:
    valkey.start(home(), port=home().ports()["valkey"], leash=True)


def kill_postgres() -> None:
    """The postmaster and all that it made, as if the machine had stopped."""
    server = postgres.running(home())
    assert server, "PostgreSQL is not running"
    _kill([server.pid, *_children(server.pid)])


def kill_valkey() -> None:
    _kill([_valkey().pid])


def empty_valkey() -> None:
    """What a killed one had on its disk."""
    for path in (home().root / "valkey").iterdir():
        if path.is_dir():
            shutil.rmtree(path)


def postgres_is_gone() -> bool:
    return postgres.running(home()) is None


def fill_disk_of_postgres() -> None:
    """From now on no file of it can be written beyond its first page."""
    server = postgres.running(home())
    assert server, "PostgreSQL is not running"
    for pid in (server.pid, *_children(server.pid)):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))


def _valkey() -> Server:
    server = valkey.running(home())
    assert server, "Valkey is not running"
    return server


def _children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not any(_runs(pid) for pid in pids), GONE_WITHIN_S)


def _runs(pid: int) -> bool:
    """A zombie doesn't."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
