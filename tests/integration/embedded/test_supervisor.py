"""The supervisor over real servers and small stand-in processes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable

import psycopg
import pytest

from cloudmining.embedded import database, ports, postgres, valkey
from cloudmining.embedded.processes import command_line, wait_until
from tests.integration.embedded.conftest import Sandbox

pytestmark = pytest.mark.chaos


def children(pid: int) -> dict[str, int]:
    """The parts that run below `pid`, each under the word that tells it from the others."""
    listing = subprocess.run(["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False)
    words = {"http.server": "web", "sleep": "worker", "/postgres -D": "postgres", "valkey.conf": "valkey"}
    lines = {int(child): command_line(int(child)) for child in listing.stdout.split()}
    return {name: child for child, line in lines.items() for word, name in words.items() if word in line}


def read_until(demo: subprocess.Popen[str], text: str) -> str:
    assert demo.stdout
    seen = ""
    for line in demo.stdout:
        seen += line
        if text in line:
            return seen
    raise AssertionError(f"{text!r} never came; all it said:\n{seen}")


def answers(sandbox: Sandbox, part: str) -> Callable[[], bool]:
    home = sandbox.home
    if part == "postgres":
        return lambda: bool(database.admin_connection(home.ports()["postgres"], home.secrets()))
    return lambda: ports.is_answering(home.ports()[part])


def all_gone(pids: list[int]) -> bool:
    return not any(command_line(pid) for pid in pids)


def test_each_part_that_is_killed_comes_back_on_its_port(sandbox: Sandbox) -> None:
    with sandbox.start_demo() as demo:
        read_until(demo, "Ctrl-C to stop")
        before, known_ports = children(demo.pid), sandbox.home.ports()
        assert set(before) == {"web", "worker", "postgres", "valkey"}
        for part, pid in before.items():
            os.kill(pid, signal.SIGKILL)
            assert f"{part} was ended by SIGKILL" in read_until(demo, "starting it again")
            assert wait_until(lambda part=part, pid=pid: children(demo.pid).get(part, pid) != pid, 20)
            if part != "worker":
                assert wait_until(lambda part=part: ports.is_answering(known_ports[part]), 20)
        with psycopg.connect(
            database.url("cloudmining_app", sandbox.home.secrets().postgres_app, known_ports["postgres"])
        ) as app:
            assert app.execute("SELECT 1").fetchone() == (1,)
        last = list(children(demo.pid).values())
        demo.terminate()
        assert demo.wait(20) == 0
    assert all_gone(last) and sandbox.home.ports() == known_ports


def test_killed_supervisor_takes_everything_with_it_and_next_start_works(sandbox: Sandbox) -> None:
    with sandbox.start_demo() as demo:
        read_until(demo, "Ctrl-C to stop")
        below, known_ports = list(children(demo.pid).values()), sandbox.home.ports()
        demo.kill()
        demo.wait()
        with sandbox.start_demo("--once") as again:
            said, _ = again.communicate(timeout=30)
    assert again.returncode == 0, said
    assert wait_until(lambda: all_gone(below), 10)
    assert sandbox.home.ports() == known_ports


def test_interrupt_before_the_story_ends_stops_everything(sandbox: Sandbox) -> None:
    with sandbox.start_demo() as demo:
        read_until(demo, "PostgreSQL on port")
        below = list(children(demo.pid).values())
        demo.send_signal(signal.SIGINT)
        assert demo.wait(20) == 130
    assert all_gone(below)


def test_once_ends_with_the_exit_code_of_the_story(sandbox: Sandbox) -> None:
    with sandbox.start_demo("--once", "--story", "3") as demo:
        said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 3
    assert "once upon a time" in said and "the story ended with exit code 3" in said
    assert postgres.running(sandbox.home) is None and valkey.running(sandbox.home) is None


def test_failing_step_is_one_line_with_its_reason(sandbox: Sandbox) -> None:
    with sandbox.start_demo("--break") as demo:
        said, _ = demo.communicate(timeout=30)
    assert demo.returncode == 1
    assert "cloudmining: seed_demo ended with exit code 1: the seed is broken" in said.splitlines()[-1]


def test_given_web_port_that_is_busy_is_named_before_anything_starts(bare_sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with bare_sandbox.start_demo("--port", str(port)) as demo:
            said, _ = demo.communicate(timeout=30)
    assert said.startswith(f"cloudmining: port {port} for web is busy (held by pid {os.getpid()}")
    assert not (bare_sandbox.home.root / "postgres").exists()


def test_second_supervisor_and_down_are_refused_with_the_pid_of_the_first(sandbox: Sandbox) -> None:
    with sandbox.start_demo() as demo:
        read_until(demo, "Ctrl-C to stop")
        with sandbox.start_demo("--once") as second:
            said, _ = second.communicate(timeout=30)
        assert f"(pid {demo.pid})" in said and second.returncode == 1
        assert f"(pid {demo.pid})" in sandbox.refusal("down")
        demo.terminate()


def test_servers_left_by_up_outlive_the_demo(sandbox: Sandbox) -> None:
    sandbox.up()
    before = postgres.running(sandbox.home)
    with sandbox.start_demo("--once") as demo:
        demo.communicate(timeout=30)
    after = postgres.running(sandbox.home)
    assert before and after and before.pid == after.pid
    assert "postgres stopped" in sandbox.embedded("down").stdout
