"""A home of its own for each test that asks, with real servers, stopped at the end however the test ended."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from cloudmining.embedded import postgres, valkey
from cloudmining.embedded.home import PROJECT_ROOT, Home

OURS = ("CLOUDMINING_", "DATABASE_", "REDIS_", "SECRET_KEY", "PYTEST_XDIST")
STAND_IN = Path(__file__).with_name("stand_in.py")


def outer_environment() -> dict[str, str]:
    """The environment of a person's shell: without what this test run was given."""
    return {name: value for name, value in os.environ.items() if not name.startswith(OURS)}


@dataclass(frozen=True)
class Sandbox:
    home: Home

    def embedded(self, command: str, *options: str) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, "-m", "cloudmining.embedded", command, "--home", str(self.home.root), *options]
        return subprocess.run(
            words, capture_output=True, text=True, timeout=60, cwd=PROJECT_ROOT, env=outer_environment(), check=False
        )

    def up(self, *options: str) -> dict[str, str]:
        """Start both servers as a person would; the variables it prints."""
        done = self.embedded("up", "--mode", "test", *options)
        assert done.returncode == 0, done.stderr
        exports = (line.removeprefix("export ") for line in done.stdout.splitlines() if line.startswith("export "))
        return dict(line.split("=", 1) for line in exports)

    def refusal(self, command: str, *options: str) -> str:
        """The one line on stderr of a command that must fail."""
        done = self.embedded(command, *options)
        assert done.returncode == 1, done.stdout
        lines = done.stderr.splitlines()
        assert len(lines) == 1 and lines[0].startswith("cloudmining: "), done.stderr
        return lines[0]

    def start_demo(self, *options: str) -> subprocess.Popen[str]:
        """The supervisor, over stand-in processes, in a process of its own."""
        words = [sys.executable, str(STAND_IN), str(self.home.root), *options]
        env = {**outer_environment(), "PYTHONPATH": str(PROJECT_ROOT)}
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)

    def stop(self) -> None:
        for server in (postgres.running(self.home), valkey.running(self.home)):
            if server:
                server.stop()


@pytest.fixture(scope="session")
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose cluster was made and stopped, to be copied: making one costs more than most tests."""
    sandbox = Sandbox(Home.at(tmp_path_factory.mktemp("made") / "home"))
    sandbox.up()
    sandbox.stop()
    (sandbox.home.root / "ports.json").unlink()
    return sandbox.home.root


@pytest.fixture
def bare_sandbox(tmp_path: Path) -> Iterator[Sandbox]:
    """A home in which nothing has been made yet."""
    made = Sandbox(Home.at(tmp_path / "home of tests"))
    yield made
    made.stop()


@pytest.fixture
def sandbox(bare_sandbox: Sandbox, made_once: Path) -> Sandbox:
    """A home that ran before and was stopped."""
    shutil.copytree(made_once, bare_sandbox.home.root, dirs_exist_ok=True)
    return bare_sandbox


@pytest.fixture(scope="module")
def shared_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One home for the tests of a module that leave the servers usable."""
    made = Sandbox(Home.at(tmp_path_factory.mktemp("shared") / "home"))
    yield made
    made.stop()
