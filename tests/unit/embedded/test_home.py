"""Files of a home: private, whole, and locked by one."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from cloudmining.embedded import ports
from cloudmining.embedded.home import LOG_LIMIT_BYTES, Home, StartError


def test_secrets_stay_the_same_from_read_to_read(tmp_path: Path) -> None:
    first = Home.at(tmp_path).secrets()
    assert Home.at(tmp_path).secrets() == first
    assert len(first.secret_key) >= 50, "as many characters as production demands"
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_lock_names_its_holder_and_is_free_afterwards(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    with home.lock("demo"), pytest.raises(StartError, match=f"pid {os.getpid()}"), home.lock("demo"):
        pass
    with home.lock("demo"):
        pass


def test_damaged_port_file_is_forgotten(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    (tmp_path / "ports.json").write_text('{"web": ')
    assert home.ports() == {}
    home.remember_port("web", 8000)
    assert home.ports() == {"web": 8000}


def test_large_log_is_moved_aside(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.log_path("web").write_bytes(b"x" * (LOG_LIMIT_BYTES + 1))
    home.open_log("web").close()
    assert home.log_path("web").stat().st_size == 0
    assert (tmp_path / "log" / "web.log.1").stat().st_size == LOG_LIMIT_BYTES + 1


def test_last_times_port_is_taken_again_unless_somebody_has_it(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    free = ports.any_free()
    home.remember_port("web", free)
    assert ports.choose(home, "web") == free
    with socket.create_server((ports.LOOPBACK, free)):
        assert ports.choose(home, "web") != free


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_impossible_port_is_refused(tmp_path: Path, port: int) -> None:
    with pytest.raises(StartError, match="is not a port"):
        ports.choose(Home.at(tmp_path), "web", given=port)


def test_holder_of_a_port_is_named_by_pid() -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as taken:
        assert f"pid {os.getpid()}" in ports.holder(taken.getsockname()[1])
