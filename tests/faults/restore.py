"""The database, restored from a backup of an earlier moment."""

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connections
from psycopg import sql

from cloudmining.embedded.postgres import find_binaries
from tests.database import ROOT
from tests.faults.matrix import fault
from tests.faults.scene import Scene, difference, wait_until
from tests.faults.truth import admin_url, history


def run(program: str, *arguments: str) -> None:
    command = [find_binaries()[program], *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-2000:]


def back_up(scene: Scene) -> Path:
    path = scene.directory / "backup"
    run("pg_dump", "--format=custom", f"--file={path}", admin_url())
    return path


def restore(backup: Path) -> None:
    """Drops the database and makes it as it was, by the steps of docs/operations.md."""
    name = urlsplit(admin_url()).path.strip("/")
    connections.close_all()
    with psycopg.connect(os.environ["DATABASE_ADMIN_URL"], autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
        admin.execute(sql.SQL("CREATE DATABASE {} OWNER cloudmining_owner").format(sql.Identifier(name)))
    run("pg_restore", f"--dbname={admin_url()}", str(backup))
    command = [sys.executable, "manage.py", "begin_feed_epochs"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)


@fault()
def database_restored_from_backup(scene: Scene) -> str:
    """The database becomes that of some alarms ago: the gateway sends these again, clients are told reset."""
    scene.play(3)
    scene.check()
    backup = back_up(scene)
    scene.play(5)
    scene.check()
    scene.web.kill()
    wait_until(lambda: "after failure" in scene.edge.log, "the gateway has seen that the cloud is away")
    restore(backup)
    assert len(history(scene.owner.id)) == 6
    scene.web.start()
    wait_until(lambda: len(scene.in_the_cloud) == 16, "the alarms since the backup come again")
    scene.play(3)
    wait_until(lambda: len(scene.in_the_cloud) == len(scene.truth), "all alarms are there")
    assert scene.in_the_cloud == scene.truth, difference(scene.in_the_cloud, scene.truth)
    assert sorted(history(scene.owner.id)) == sorted(scene.truth)
    again = [check_client(scene, who.tenant.name) for who in (scene.owner, scene.partner)]
    scene.check_chains()
    return f"clients were told {again} of the 10 events since the backup again, in the new epoch"


def check_client(scene: Scene, who: str) -> int:
    """In each epoch once and in order, and what comes after the reset is whole; how much came in both."""
    client, n = scene.clients[who], len(scene.truth)
    wait_until(lambda: client.said[-6:] == scene.truth[-6:], f"{who} follows again")
    assert [frame["reason"] for frame in client.resets] == ["another_epoch"]
    assert client.said[:16] == scene.truth[:16]
    after = client.said[16:]
    assert after == scene.truth[n - len(after) :]
    return len(after) - 6
