"""`python -m cloudmining.embedded test`: servers for the time of one pytest run."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from cloudmining.embedded.home import PROJECT_ROOT
from tests.integration.embedded.conftest import outer_environment

PROBE = """
import os, psycopg, redis

def test_servers_are_there(pytestconfig):
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"]) as admin:
        assert admin.execute("SHOW fsync").fetchone() == ("off",)
    assert redis.Redis.from_url(os.environ["REDIS_URL"]).ping()
    assert os.environ["CLOUDMINING_MODE"] == "test"
    (pytestconfig.rootpath / "home").write_text(os.environ["CLOUDMINING_HOME"])

def test_fails():
    assert False
"""


def test_exit_code_is_that_of_pytest_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "test_probe.py").write_text(PROBE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    words = [
        "-m",
        "cloudmining.embedded",
        "test",
        "--",
        "-n0",
        "--rootdir",
        str(tmp_path),
        "-p",
        "no:django",
        str(tmp_path),
    ]
    done = subprocess.run(
        [sys.executable, *words],
        capture_output=True, text=True, timeout=60, cwd=PROJECT_ROOT, env=outer_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert not Path((tmp_path / "home").read_text()).exists()
