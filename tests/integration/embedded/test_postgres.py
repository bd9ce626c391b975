"""PostgreSQL of one home: first start, adoption, and every way in which the last run may have ended."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from cloudmining.embedded import postgres
from cloudmining.embedded.home import PROJECT_ROOT, Home, StartError
from cloudmining.embedded.postgres import Binaries, Identity
from cloudmining.embedded.processes import command_line, wait_until
from tests.integration.embedded.conftest import Sandbox, outer_environment

NOBODY = 65534


def running(sandbox: Sandbox) -> postgres.Server:
    server = postgres.running(sandbox.home)
    assert server
    return server


def test_app_role_reads_and_writes_but_makes_nothing(shared_sandbox: Sandbox) -> None:
    env = shared_sandbox.up()
    with psycopg.connect(env["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE ore (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, tonnes int)")
    with psycopg.connect(env["DATABASE_URL"], autocommit=True) as app:
        app.execute("INSERT INTO ore (tonnes) VALUES (7)")
        app.execute("UPDATE ore SET tonnes = 8")
        assert app.execute("SELECT tonnes FROM ore").fetchone() == (8,)
        for forbidden in ("TRUNCATE ore", "CREATE TABLE mine (id int)", "DROP TABLE ore", "CREATE DATABASE mine"):
            with pytest.raises((psycopg.errors.InsufficientPrivilege,)):
                app.execute(forbidden)


def test_only_platform_role_passes_row_security(shared_sandbox: Sandbox) -> None:
    env = shared_sandbox.up()
    with psycopg.connect(env["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE walled AS SELECT 1 AS id")
        owner.execute("ALTER TABLE walled ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    rows = {}
    for name in ("DATABASE_URL", "DATABASE_OWNER_URL", "DATABASE_PLATFORM_URL"):
        with psycopg.connect(env[name]) as connection:
            rows[name] = len(connection.execute("SELECT id FROM walled").fetchall())
    assert rows == {"DATABASE_URL": 0, "DATABASE_OWNER_URL": 0, "DATABASE_PLATFORM_URL": 1}


def test_database_made_by_owner_is_born_with_the_same_privileges(shared_sandbox: Sandbox) -> None:
    env = shared_sandbox.up()
    with psycopg.connect(env["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE DATABASE of_a_test")
    with psycopg.connect(env["DATABASE_OWNER_URL"], dbname="of_a_test", autocommit=True) as owner:
        owner.execute("CREATE TABLE ore (id int)")
        owner.execute("CREATE EXTENSION btree_gist")
    with psycopg.connect(env["DATABASE_URL"], dbname="of_a_test", autocommit=True) as app:
        app.execute("INSERT INTO ore VALUES (1)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            app.execute("TRUNCATE ore")


def test_wrong_password_is_refused(shared_sandbox: Sandbox) -> None:
    env = shared_sandbox.up()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(env["DATABASE_URL"], password="guessed")


def test_secrets_are_readable_by_their_owner_only(shared_sandbox: Sandbox) -> None:
    env = shared_sandbox.up()
    root = shared_sandbox.home.root
    private = [root / "secrets.json", root / "valkey" / "valkey.conf"]
    assert {path.stat().st_mode & 0o777 for path in private} == {0o600}
    assert {(root / name).stat().st_mode & 0o777 for name in ("postgres", "valkey", "log")} == {0o700}
    password = psycopg.conninfo.conninfo_to_dict(env["DATABASE_ADMIN_URL"])["password"]
    assert password not in command_line(running(shared_sandbox).pid)


def test_second_start_adopts_the_running_server(shared_sandbox: Sandbox) -> None:
    first_env, first = shared_sandbox.up(), running(shared_sandbox)
    with socket.socket() as web:
        web.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):  # somebody else's is as good
            web.bind(("127.0.0.1", int(first_env["WEB_PORT"])))
        assert shared_sandbox.up() == first_env
    assert running(shared_sandbox).pid == first.pid


def test_adopted_server_refuses_to_move_to_another_port(shared_sandbox: Sandbox) -> None:
    shared_sandbox.up()
    line = shared_sandbox.refusal("up", "--postgres-port", "1")
    assert f"already runs on port {running(shared_sandbox).port}" in line


def test_two_starts_at_once_share_one_server(bare_sandbox: Sandbox) -> None:
    words = [
        sys.executable,
        "-m",
        "cloudmining.embedded",
        "up",
        "--mode",
        "test",
        "--home",
        str(bare_sandbox.home.root),
    ]
    both = [
        subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=PROJECT_ROOT, env=outer_environment())
        for _ in range(2)
    ]
    printed = [process.communicate(timeout=60)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0]
    urls = {line for text in printed for line in text.splitlines() if "DATABASE_URL" in line}
    assert len(urls) == 1


def test_killed_server_comes_back_with_what_was_committed(sandbox: Sandbox) -> None:
    env = sandbox.up("--mode", "demo")
    killed = running(sandbox)
    with psycopg.connect(env["DATABASE_OWNER_URL"], autocommit=True) as owner:
        owner.execute("CREATE TABLE ore AS SELECT 42 AS tonnes")
    os.kill(killed.pid, signal.SIGKILL)
    assert sandbox.up("--mode", "demo")["DATABASE_URL"] == env["DATABASE_URL"], "same port, same password"
    assert running(sandbox).pid != killed.pid
    with psycopg.connect(env["DATABASE_URL"]) as app:
        assert app.execute("SELECT tonnes FROM ore").fetchone() == (42,)


def test_pid_file_of_another_process_is_no_obstacle(sandbox: Sandbox) -> None:
    sandbox.up()
    pid_file = sandbox.home.root / "postgres" / "postmaster.pid"
    left_behind = pid_file.read_text().split("\n", 1)[1]
    sandbox.embedded("down")
    pid_file.write_text(f"{os.getpid()}\n{left_behind}")
    sandbox.up()
    assert running(sandbox).pid != os.getpid()


def test_half_made_cluster_is_made_again(bare_sandbox: Sandbox) -> None:
    words = [sys.executable, "-m", "cloudmining.embedded", "up", "--home", str(bare_sandbox.home.root)]
    launcher = subprocess.Popen(words, cwd=PROJECT_ROOT, env=outer_environment(), stdout=subprocess.DEVNULL)
    partial = bare_sandbox.home.root / "postgres.partial"
    assert wait_until(lambda: (partial / "base").exists(), within_s=20, every_s=0.005)
    launcher.kill()
    launcher.wait()
    assert not (bare_sandbox.home.root / "postgres").exists()
    with psycopg.connect(bare_sandbox.up()["DATABASE_URL"]) as app:
        assert app.execute("SELECT 1").fetchone() == (1,)


def test_busy_port_is_named_with_its_holder(sandbox: Sandbox) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = sandbox.refusal("up", "--postgres-port", str(port))
    assert f"port {port} for postgres is busy (held by pid {os.getpid()}" in line


def test_data_of_another_version_is_refused(sandbox: Sandbox) -> None:
    sandbox.up()
    sandbox.embedded("down")
    (sandbox.home.root / "postgres" / "PG_VERSION").write_text("9\n")
    assert "was made by PostgreSQL 9" in sandbox.refusal("up")


def test_lost_password_is_told_at_once(sandbox: Sandbox) -> None:
    sandbox.up()
    (sandbox.home.root / "secrets.json").unlink()
    began_s = time.monotonic()
    assert "refuses the password" in sandbox.refusal("up")
    assert time.monotonic() - began_s < 10
    sandbox.embedded("down")
    assert "refuses the password" in sandbox.refusal("up")
    assert postgres.running(sandbox.home) is None, "a server that nobody can enter is not left running"


def test_damaged_secrets_are_named(bare_sandbox: Sandbox) -> None:
    (bare_sandbox.home.root / "secrets.json").write_text('{"postgres_admin": ')
    assert "secrets.json is damaged" in bare_sandbox.refusal("up")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = os.geteuid() == 0 and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("only root, and only where mounting is allowed, can make a small disk")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_full_disk_is_one_clear_line_and_leaves_nothing(small_disk: Path) -> None:
    sandbox = Sandbox(Home.at(small_disk))
    assert "no space left on the disk" in sandbox.refusal("up")
    assert not [path for path in small_disk.iterdir() if path.name.startswith("postgres") and path.is_dir()]


def test_read_only_home_is_one_clear_line(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    done = Sandbox(Home(small_disk)).refusal("up")
    assert "Read-only file system" in done and str(small_disk) in done


@pytest.fixture
def open_home() -> Iterator[Home]:
    """A home that every user may enter, as a fallback to the user nobody needs."""
    with tempfile.TemporaryDirectory(prefix="cloudmining-test-") as directory:
        Path(directory).chmod(0o711)
        yield Home.at(directory)


def system_binaries() -> Binaries:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    if not found:
        pytest.skip("no PostgreSQL of the system's own is installed")
    return Binaries(found[-1].parent)


def test_system_binaries_serve_as_well(open_home: Home) -> None:
    server = postgres.start(open_home, durable=False, leash=True, binaries=system_binaries())
    server.stop()
    assert not server.alive()
    if system_binaries().major() != postgres.find_binaries().major():
        with pytest.raises(StartError, match="was made by PostgreSQL"):
            postgres.start(open_home, durable=False)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")
def test_without_user_namespaces_it_runs_as_nobody(open_home: Home) -> None:
    binaries = system_binaries()
    server = postgres.start(open_home, durable=False, leash=True, binaries=binaries, identity=Identity(uid=NOBODY))
    try:
        assert Path(f"/proc/{server.pid}").stat().st_uid == NOBODY
        assert (open_home.root / "postgres").stat().st_uid == NOBODY
    finally:
        server.stop()
    shutil.chown(open_home.root / "postgres", NOBODY, NOBODY)
    as_we_are = postgres.start(open_home, durable=False, leash=True, binaries=binaries)
    as_we_are.stop()
    assert (open_home.root / "postgres" / "PG_VERSION").stat().st_uid == as_we_are_uid()


def as_we_are_uid() -> int:
    return postgres.find_identity().owner()
