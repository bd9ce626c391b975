"""Rules from the cloud at the gateway: taken whole or refused in words, and kept for a start without a link."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from edge_bridge.gateway.cloud_rules import FILE, CloudRules, follow
from edge_bridge.gateway.intake import Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.protocol import (
    Alarm,
    Lane,
    ProtocolError,
    Quality,
    RuleSet,
    RulesInUse,
    TerminalReading,
    TerminalReadings,
    encode,
)
from edge_bridge.rules.digest import digest_of
from edge_bridge.rules.kinds import AnyRule, parse_rules
from tests.ports import free_port
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import SETTINGS, Terminal
from tests.unit.edge.processes import Gateway as Process

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)


def table(name: str = "methane", hi: float = 1.0, **more: Any) -> dict[str, Any]:
    base = {"name": name, "equipment": "GAS-1", "tag": "ch4", "alarm_type": name}
    return base | {"kind": "limits", "hi": {"value": hi, "severity": "critical"}} | more


def rule_set(*tables: dict[str, Any], changed_at: datetime | None = None) -> bytes:
    return encode(RuleSet(digest_of(tables), tables, changed_at))


class Gateway:
    """What the process does with rules, without its network."""

    def __init__(self, directory: Path, own: Sequence[dict[str, Any]] = ()) -> None:
        self.journal = Journal(directory, "north", 10_000_000, 10_000_000)
        self.rules = CloudRules(parse_rules(list(own)), directory)
        self.intake = Intake(self.journal, Ways(self.rules.at_start()), NOW)
        self.session, self.n = uuid4(), 0

    async def adopt(self, rules: Sequence[AnyRule], said: RulesInUse) -> None:
        self.intake.adopt(rules, NOW, said)

    def offer(self, data: bytes) -> None:
        asyncio.run(self.rules.take(data, self.adopt))

    def read(self, value: float) -> None:
        self.n += 1
        reading = TerminalReading("ch4", value, Quality.GOOD, NOW + timedelta(seconds=self.n))
        self.intake.take([TerminalReadings("probe", self.session, self.n, "GAS-1", (reading,))], NOW)

    def said(self) -> list[tuple[str, str]]:
        bodies = [entry.body for entry in self.journal.next_entries(Lane.P0)]
        return [(body.alarm_type, str(body.event)) for body in bodies if isinstance(body, Alarm)]

    def reports(self) -> list[RulesInUse]:
        bodies = [entry.body for entry in self.journal.next_entries(Lane.P1)]
        return [body for body in bodies if isinstance(body, RulesInUse)]


def test_rules_of_the_cloud_judge_from_when_they_come(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.read(1.2)
    gateway.offer(rule_set(table()))
    gateway.read(1.2)
    assert gateway.said() == [("methane.hi", "raised")]
    assert [(said.digest, said.refused) for said in gateway.reports()] == [(digest_of([table()]), "")]


def test_rules_are_kept_for_a_start_without_a_link(tmp_path: Path) -> None:
    first = Gateway(tmp_path)
    first.offer(rule_set(table()))
    first.read(1.2)
    first.journal.close()
    second = Gateway(tmp_path)
    second.read(0.2)
    assert second.said() == [("methane.hi", "raised"), ("methane.hi", "cleared")]


def test_set_with_an_error_is_refused_whole_and_the_last_good_one_stays(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.offer(rule_set(table()))
    bad = [table(), table("dust", kind="no_such_kind")]
    gateway.offer(rule_set(*bad))
    gateway.read(1.2)
    assert gateway.said() == [("methane.hi", "raised")]
    told = gateway.reports()[-1]
    assert (told.digest, told.refused) == (digest_of([table()]), digest_of(bad))
    assert "rules[1]: kind: must be one of" in told.detail
    assert gateway.rules.seen == digest_of(bad)


def test_cloud_cannot_take_the_place_of_an_own_rule(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path, own=[table()])
    gateway.offer(rule_set(table(hi=9.0)))
    gateway.read(1.2)
    assert gateway.said() == [("methane.hi", "raised")]
    assert "used twice" in gateway.reports()[-1].detail


def test_alarm_of_a_rule_taken_away_is_cleared_and_others_go_on_in_their_state(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.offer(rule_set(table(), table("gas", hi=1.1)))
    gateway.read(1.2)
    gateway.offer(rule_set(table("gas", hi=1.1)))
    gateway.read(1.2)
    assert gateway.said() == [("methane.hi", "raised"), ("gas.hi", "raised"), ("methane.hi", "cleared")]


@pytest.mark.parametrize("data", [b"{}", encode(RuleSet("0" * 32, (table(),)))])
def test_what_is_no_rule_set_changes_nothing(tmp_path: Path, data: bytes) -> None:
    gateway = Gateway(tmp_path)
    with pytest.raises(ProtocolError):
        gateway.offer(data)
    assert gateway.reports() == [] and not (tmp_path / FILE).exists()


@pytest.mark.parametrize("before", [None, NOW - timedelta(seconds=1)])
def test_set_older_than_the_one_in_use_is_refused_once_in_words_also_after_a_start(
    tmp_path: Path, before: datetime | None
) -> None:
    gateway, newer, older = Gateway(tmp_path), table(), table(hi=9.0)
    gateway.offer(rule_set(newer, changed_at=NOW))
    for _ in range(2):
        gateway.offer(rule_set(older, changed_at=before))
    told = [(said.digest, said.refused) for said in gateway.reports()]
    assert told == [(digest_of([newer]), ""), (digest_of([newer]), digest_of([older]))]
    assert "was the cloud restored?" in gateway.reports()[-1].detail
    assert gateway.rules.seen == digest_of([newer])
    gateway.journal.close()
    again = Gateway(tmp_path)
    again.offer(rule_set(older, changed_at=before))
    again.read(1.2)
    assert again.said() == [("methane.hi", "raised")]


def test_older_rules_hold_once_somebody_enabled_them_anew(tmp_path: Path) -> None:
    gateway, older = Gateway(tmp_path), table(hi=9.0)
    gateway.offer(rule_set(table(), changed_at=NOW))
    gateway.offer(rule_set(older, changed_at=NOW - timedelta(days=1)))
    gateway.offer(rule_set(older, changed_at=NOW + timedelta(seconds=1)))
    gateway.read(1.2)
    assert gateway.said() == [] and gateway.reports()[-1].digest == digest_of([older])


def test_sets_of_a_cloud_that_says_no_time_are_taken_as_they_come(tmp_path: Path) -> None:
    gateway = Gateway(tmp_path)
    gateway.offer(rule_set(table()))
    gateway.offer(rule_set(table(hi=9.0)))
    gateway.read(1.2)
    assert gateway.said() == []


def test_damaged_file_is_passed_over_and_asked_for_anew(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(rule_set(table())[:-9])
    gateway = Gateway(tmp_path, own=[table("own")])
    gateway.read(1.2)
    assert gateway.said() == [("own.hi", "raised")] and gateway.rules.seen == ""


def test_cloud_is_asked_only_for_what_is_not_known_yet(tmp_path: Path) -> None:
    gateway, asked, enough = Gateway(tmp_path), [], asyncio.Event()

    def cloud(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers["If-None-Match"])
        if len(asked) == 3:
            enough.set()
            return httpx.Response(304)
        return httpx.Response(503) if len(asked) == 1 else httpx.Response(200, content=rule_set(table()))

    async def watch() -> None:
        async with httpx.AsyncClient(base_url="http://cloud", transport=httpx.MockTransport(cloud)) as client:
            following = asyncio.create_task(follow(gateway.rules, client, 0.001, gateway.adopt))
            await asyncio.wait_for(enough.wait(), 5)
            following.cancel()

    asyncio.run(watch())
    assert asked == ['""', '""', f'"{digest_of([table()])}"']


def test_gateway_process_takes_rules_while_it_runs_and_keeps_them_without_a_cloud(tmp_path: Path) -> None:
    cloud = Cloud()
    gateway = Process(tmp_path, free_port(), settings=f"{SETTINGS}\nrules_every_s = 0.1\n")
    try:
        with serving(cloud, gateway.cloud_port):
            gateway.start()
            tables = (table("dust", tag="dust"),)
            cloud.rules = RuleSet(digest_of(tables), tables)
            wait_until(lambda: any(isinstance(body, RulesInUse) for body in cloud.bodies(Lane.P1)))
            terminal = Terminal(gateway)
            terminal.say(terminal.frame("dust", [1.3]))
            wait_until(lambda: [alarm.alarm_type for alarm in cloud.alarms()] == ["dust.hi"])
            assert gateway.stop() == 0
        gateway.start()
        terminal.say(terminal.frame("dust", [0.1]))
        with serving(cloud, gateway.cloud_port):
            wait_until(lambda: [str(alarm.event) for alarm in cloud.changes()] == ["raised", "cleared"])
    finally:
        gateway.kill()
