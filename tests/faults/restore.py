"""The database, restored from a backup of an earlier moment."""

import os
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from django.db import connections
from psycopg import sql

from cloudmining.embedded.postgres import find_binaries
from edge_bridge.alarms.actions import shelve_alarm
from edge_bridge.catalogue.actions import enable_rule, make_rule
from edge_bridge.models import Alarm, Command, CommandType, KeptRule, RulesInUse
from tests.database import ROOT
from tests.faults.fan import Wire, comes_about, fan, ordered, running, switch
from tests.faults.matrix import fault
from tests.faults.scene import Scene, difference, wait_until
from tests.faults.truth import admin_url, history, rows


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


DUST = {"equipment": "GAS-T0-01", "tag": "dust", "alarm_type": "dust", "kind": "limits"}
OFTEN = "rules_every_s = 0.5\ncommand_answer_s = 2\n"
STATE = "SELECT state FROM edge_bridge_alarm WHERE tenant_id = %s AND tag = 'ch4'"
REFUSED = "SELECT count(*) FROM tenants_feedevent WHERE tenant_id = %s AND kind = 'rule.refused'"


@fault(settings=OFTEN)
def what_people_did_is_restored_from_backup(scene: Scene) -> str:
    """The same with commands, rules and a shelf: none is done twice, the newer rules stay, what was shelved calls."""
    scene.play(1, lows=0)
    scene.truth.pop()  # it stands
    scene.check()
    with Wire(scene.edge.url) as wire:
        with fan(scene, wire):
            kind = switch(scene)
            in_force(scene, "dust", 9.0)
            comes_about(scene, ordered(scene, kind, 0.0), "done")
            scene.link.cut()
            on_its_way = ordered(scene, kind, 1.0)
            backup = back_up(scene)
            scene.link.restore()
            comes_about(scene, on_its_way, "done")
            comes_about(scene, ordered(scene, kind, 0.0), "done")
            newer = in_force(scene, "more dust", 5.0)
            shelve(scene)
        waiting = ordered(scene, kind, 1.0)
        comes_about(scene, waiting, "delivered")
        scene.web.kill()
        wait_until(lambda: "after failure" in scene.edge.log, "the gateway has seen that the cloud is away")
        restore(backup)
        assert rows(STATE, scene.owner.id) == [("UNACK",)]
        scene.web.start()
        check_commands(scene, wire, on_its_way, kind)
    check_rules(scene, newer)
    assert rows(STATE, scene.owner.id) == [("UNACK",)]
    scene.check_chains()
    with scene.owner.acting():
        assert not Command.objects.filter(pk=waiting.pk).exists()
    return f"the fan was told {wire.n_told} times in all, of these once since the restore"


def in_force(scene: Scene, name: str, hi: float) -> str:
    """A rule that is new; returns by which set the gateway judges then."""
    settings = DUST | {"alarm_type": name, "hi": {"value": hi, "severity": "low"}}
    with scene.owner.acting():
        rule = make_rule(site=scene.owner.sites["north"], name=name, settings=settings)
        enable_rule(rule=rule, reason="a trial")
    before = in_use(scene)
    wait_until(lambda: in_use(scene) != before, "the gateway judges by it")
    return in_use(scene)[0]


def in_use(scene: Scene) -> tuple[str, str, str]:
    """As the gateway last said: the set it judges by, and which it refused why."""
    with scene.owner.acting():
        said = RulesInUse.objects.filter(tenant=scene.owner.id).first()
        return (said.digest, said.refused, said.detail) if said else ("", "", "")


def shelve(scene: Scene) -> None:
    with scene.owner.acting():
        alarm = Alarm.objects.get(tenant=scene.owner.id, tag="ch4")
        until = datetime.now(UTC) + timedelta(minutes=10)
        assert shelve_alarm(alarm=alarm, until=until, reason="the sensor is calibrated").state == "SHLVD"


def check_commands(scene: Scene, wire: Wire, on_its_way: Command, kind: CommandType) -> None:
    """What was done is told again and not done again, what waited isn't done, and what is asked anew is."""
    told = wire.n_told
    assert told == 3
    assert comes_about(scene, on_its_way, "done").count("done") == 1
    with fan(scene, wire):
        time.sleep(3.0)  # nothing comes to the fan
        assert wire.n_told == told
        comes_about(scene, ordered(scene, kind, 1.0), "done")
        wait_until(lambda: running(scene) == 1.0, "the fan runs")
        assert wire.n_told == told + 1


def check_rules(scene: Scene, newer: str) -> None:
    """The newer ones stay, that is told, and older ones hold again as soon as somebody enables one of them."""
    wait_until(lambda: in_use(scene)[1], "the gateway refuses the older rules")
    digest, older, why = in_use(scene)
    assert digest == newer != older and "was the cloud restored?" in why
    assert rows(REFUSED, scene.owner.id) == [(1,)]
    with scene.owner.acting():
        enable_rule(rule=KeptRule.objects.get(tenant=scene.owner.id, name="dust"), reason="as it was")
    wait_until(lambda: in_use(scene) == (older, "", ""), "the gateway judges by what people say now")
