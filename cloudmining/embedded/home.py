"""A home directory: the secrets, ports, data and logs of one installation."""

from __future__ import annotations

import dataclasses
import fcntl
import json
import os
import secrets as random_secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

PROJECT_ROOT = Path(__file__).resolve().parents[2]
LOG_LIMIT_BYTES = 5_000_000


class StartError(Exception):
    """Why something cannot start: one line that says what, where and what to do."""


@dataclass(frozen=True)
class Secrets:
    """Generated once per home and kept in `secrets.json`, mode 0600."""

    postgres_admin: str
    postgres_owner: str
    postgres_app: str
    postgres_platform: str
    valkey: str
    secret_key: str

    @classmethod
    def generate(cls) -> Secrets:
        return cls(**{field.name: random_secrets.token_urlsafe(48) for field in dataclasses.fields(cls)})


@dataclass(frozen=True)
class Home:
    """Paths below one directory (default `var/`, or the variable `CLOUDMINING_HOME`)."""

    root: Path

    @classmethod
    def at(cls, directory: str | os.PathLike[str] | None = None) -> Home:
        chosen = directory or os.environ.get("CLOUDMINING_HOME") or PROJECT_ROOT / "var"
        home = cls(Path(chosen).expanduser().resolve())
        home.folder("log")
        return home

    def folder(self, name: str) -> Path:
        # The root stays enterable: PostgreSQL may run as nobody. Each folder below is closed.
        self.root.mkdir(parents=True, exist_ok=True)
        path = self.root / name
        path.mkdir(mode=0o700, exist_ok=True)
        return path

    def log_path(self, name: str) -> Path:
        return self.root / "log" / f"{name}.log"

    def open_log(self, name: str) -> IO[bytes]:
        """The log `name` for appending; a large one is first moved aside to `.1`."""
        path = self.log_path(name)
        if path.exists() and path.stat().st_size > LOG_LIMIT_BYTES:
            path.replace(path.with_suffix(".log.1"))
        return path.open("ab")

    def secrets(self) -> Secrets:
        path = self.root / "secrets.json"
        if not path.exists():
            with suppress(FileExistsError):  # of two starts at once, the first one's secrets hold
                write_private(path, json.dumps(dataclasses.asdict(Secrets.generate()), indent=1), replace=False)
        try:
            return Secrets(**json.loads(path.read_text()))
        except (ValueError, TypeError) as error:
            raise StartError(f"{path} is damaged ({error}); restore it from a backup, or start a new home") from error

    def ports(self) -> dict[str, int]:
        """The ports used last time, by name, so that addresses stay the same from start to start."""
        with suppress(FileNotFoundError, ValueError):
            found: Any = json.loads((self.root / "ports.json").read_text())
            return {str(name): int(port) for name, port in found.items()}
        return {}

    def remember_port(self, name: str, port: int) -> None:
        ports = self.ports()
        if ports.get(name) != port:
            write_private(self.root / "ports.json", json.dumps({**ports, name: port}))

    @contextmanager
    def lock(self, name: str, wait_s: float = 0.0) -> Iterator[None]:
        """Hold `<name>.lock`; the kernel frees it however the holder ends."""
        self.root.mkdir(parents=True, exist_ok=True)
        with (self.root / f"{name}.lock").open("a+") as handle:
            _acquire(handle, self.root, name, wait_s)
            handle.truncate(0)
            handle.write(str(os.getpid()))
            handle.flush()
            yield


def _acquire(handle: IO[str], root: Path, name: str, wait_s: float) -> None:
    deadline = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                handle.seek(0)
                pid = handle.read() or "unknown"
                raise StartError(
                    f"a {name} already runs on {root} (pid {pid}); stop it first, or choose another --home"
                ) from error
        time.sleep(0.05)


def write_private(path: Path, text: str, replace: bool = True) -> None:
    """Make `path` in one step, readable by its owner only; FileExistsError when it may not `replace` one."""
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as handle:
        handle.write(text)
        handle.flush()
        os.fsync(handle.fileno())
    try:
        if replace:
            partial.replace(path)
        else:
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)
