"""Valkey of one home: password, adoption, and a process that was killed."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from cloudmining.embedded import valkey
from cloudmining.embedded.home import StartError
from cloudmining.embedded.processes import Server, wait_until
from tests.integration.embedded.conftest import Sandbox


def start(bare_sandbox: Sandbox) -> tuple[Server, redis.Redis]:
    server = valkey.start(bare_sandbox.home)
    return server, redis.Redis.from_url(valkey.url(bare_sandbox.home.secrets().valkey, server.port))


def log_path(bare_sandbox: Sandbox) -> Path:
    [found] = (bare_sandbox.home.root / "valkey" / "appendonlydir").glob("*.incr.aof")
    return found


def await_in_log(bare_sandbox: Sandbox, text: bytes) -> None:
    """Synced every second, a write may reach the file up to two seconds after its answer."""
    assert wait_until(lambda: text in log_path(bare_sandbox).read_bytes(), within_s=5)


def test_killed_broker_comes_back_with_its_queue(bare_sandbox: Sandbox) -> None:
    first, client = start(bare_sandbox)
    client.rpush("plans", "owed")
    await_in_log(bare_sandbox, b"owed")
    os.kill(first.pid, signal.SIGKILL)
    assert first.process
    first.process.wait()
    second, client = start(bare_sandbox)
    assert (second.port, client.lrange("plans", 0, -1)) == (first.port, [b"owed"])
    assert second.pid != first.pid


def test_broker_left_running_is_adopted(bare_sandbox: Sandbox) -> None:
    first, _ = start(bare_sandbox)
    second, _ = start(bare_sandbox)
    assert second.adopted and (second.pid, second.port) == (first.pid, first.port)


def test_stranger_without_password_is_refused(bare_sandbox: Sandbox) -> None:
    server, _ = start(bare_sandbox)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=server.port, retry=Retry(NoBackoff(), 0)).ping()


def test_pid_file_of_another_process_is_no_obstacle(bare_sandbox: Sandbox) -> None:
    first, _ = start(bare_sandbox)
    first.stop()
    (bare_sandbox.home.root / "valkey" / "valkey.pid").write_text(str(os.getpid()))
    second, client = start(bare_sandbox)
    assert client.ping() and second.pid != os.getpid()


def test_cut_off_append_file_loses_only_its_last_command(bare_sandbox: Sandbox) -> None:
    first, client = start(bare_sandbox)
    client.set("kept", "yes")
    client.set("cut", "x" * 100)
    await_in_log(bare_sandbox, b"x" * 100)
    os.kill(first.pid, signal.SIGKILL)
    assert first.process
    first.process.wait()
    os.truncate(log_path(bare_sandbox), log_path(bare_sandbox).stat().st_size - 50)
    _, client = start(bare_sandbox)
    assert (client.get("kept"), client.get("cut")) == (b"yes", None)


def test_busy_port_is_refused_before_anything_starts(bare_sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port} for valkey is busy"):
            valkey.start(bare_sandbox.home, port=port)
    assert valkey.running(bare_sandbox.home) is None
