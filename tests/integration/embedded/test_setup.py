"""script/setup in a small checkout of its own, with no packages to download."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cloudmining.embedded.home import PROJECT_ROOT


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    (tmp_path / "script").mkdir()
    shutil.copy(PROJECT_ROOT / "script" / "setup", tmp_path / "script" / "setup")
    for name in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / name).write_text("# nothing\n")
    return tmp_path


def setup(checkout: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [checkout / "script" / "setup"], capture_output=True, text=True, env={**os.environ, **env}, check=False
    )


def test_setup_repairs_a_half_made_venv_and_is_free_the_second_time(checkout: Path) -> None:
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to(sys.executable)
    assert setup(checkout).returncode == 0
    began_s = time.monotonic()
    again = setup(checkout)
    assert (again.returncode, again.stdout) == (0, "") and time.monotonic() - began_s < 1
    (checkout / "requirements.txt").write_text("# another pin\n")
    assert "installing" in setup(checkout).stdout


def test_setup_without_a_suitable_python_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("dirname", "mkdir", "cat", "cksum", "rm"):
        (tools / name).symlink_to(shutil.which(name) or "")
    done = setup(checkout, PATH=str(tools), PYTHON="")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "no Python 3.11, 3.12 or 3.13" in done.stderr
