"""Commands at the edge: journalled before anything is done, done at most once, refused where they must be."""

import resource
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from websockets.sync.client import connect

from edge_bridge.gateway.commands import CommandDesk, Interlock
from edge_bridge.gateway.journal import Journal
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Command,
    CommandState,
    CommandStep,
    Lane,
    Quality,
    Reading,
    Refused,
    Severity,
    Tag,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    decode,
    encode,
)
from tests.ports import free_port
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import SETTINGS, Gateway, Terminal

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
GAS = Interlock("gas in T0", frozenset({"methane.hi"}), frozenset({"GAS-1"}), frozenset({"FAN-1"}))
EVERYBODY = {"FAN-1", "PUMP-1"}
NO_ROOM_BYTES, UNLIMITED = 4096, resource.RLIM_INFINITY


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
    yield journal
    journal.close()


def desk(journal: Journal, newest: tuple[Reading, datetime] | None = None) -> CommandDesk:
    return CommandDesk(journal, [GAS], lambda point: newest, 10.0, NOW)


def command(journal: Journal, equipment: str = "FAN-1", **changes: object) -> Command:
    given = {"id": uuid4(), "tag": "speed", "value": 900.0, "not_after": after(60), "boot": journal.boot}
    return Command(equipment=equipment, **{"sent_at": NOW, **given, **changes})  # type: ignore[arg-type]


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def steps(journal: Journal, id_: UUID) -> list[tuple[CommandState, float | None]]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P0)]
    return [(body.state, body.value) for body in bodies if isinstance(body, CommandStep) and body.id == id_]


def acted(one: CommandDesk, now: datetime, reachable: set[str] = EVERYBODY) -> list[TerminalCommand]:
    one.review(now)
    return one.due(reachable, now)


def methane(journal: Journal, event: AlarmEvent) -> None:
    with journal.transaction():
        said = Alarm("GAS-1", "methane.hi", event, Severity.CRITICAL, "ch4", 1.2, 1.0, "methane", NOW, False)
        journal.append(Lane.P0, [said])


DELIVERED = (CommandState.DELIVERED, None)


def test_command_that_comes_twice_is_sent_once_and_its_result_is_told(journal: Journal) -> None:
    here, told = desk(journal), command(journal)
    assert here.receive([told, told], NOW)
    assert not here.receive([told], NOW)
    assert acted(here, NOW) == [TerminalCommand(told.id, "FAN-1", "speed", 900.0)]
    assert acted(here, NOW) == []
    here.settle(TerminalCommandResult(told.id, True, "", 898.5), after(1))
    here.settle(TerminalCommandResult(told.id, True, "", 898.5), after(1))
    assert steps(journal, told.id) == [DELIVERED, (CommandState.DONE, 898.5)]
    assert not desk(journal).receive([told], after(2))


def test_clock_that_is_put_back_gives_a_command_no_more_time(journal: Journal) -> None:
    here, told, hour = desk(journal), command(journal), timedelta(hours=1)
    here.receive([told], NOW)
    here.clock_was_put(-hour)
    assert acted(here, after(59) - hour, reachable=set()) == []
    assert acted(here, after(61) - hour) == []
    assert steps(journal, told.id) == [DELIVERED, (CommandState.EXPIRED, None)]


def test_clock_that_is_put_back_makes_nobody_wait_longer_for_a_word(journal: Journal) -> None:
    here, told, hour = desk(journal), command(journal), timedelta(hours=1)
    here.receive([told], NOW)
    assert acted(here, NOW)
    here.clock_was_put(-hour)
    assert not here.give_up(after(9) - hour)
    assert here.give_up(after(11) - hour)


def test_command_waits_for_its_terminal_and_expires(journal: Journal) -> None:
    here, told = desk(journal), command(journal)
    here.receive([told], NOW)
    assert acted(here, after(60), reachable={"PUMP-1"}) == []
    assert acted(here, after(61)) == []
    assert steps(journal, told.id) == [DELIVERED, (CommandState.EXPIRED, None)]


def test_command_is_refused_while_gas_stands_in_its_zone(journal: Journal) -> None:
    here, first, other, later = desk(journal), command(journal), command(journal, "PUMP-1"), command(journal)
    methane(journal, AlarmEvent.RAISED)
    here.receive([first, other], NOW)
    assert [sent.equipment for sent in acted(here, NOW)] == ["PUMP-1"]
    assert steps(journal, first.id) == [DELIVERED, (CommandState.REFUSED, None)]
    methane(journal, AlarmEvent.CLEARED)
    here.receive([later], NOW)
    assert [sent.id for sent in acted(here, NOW)] == [later.id]


def test_command_of_another_epoch_is_refused(journal: Journal) -> None:
    here, told = desk(journal), command(journal)
    here.receive([told], NOW)
    journal.begin_new_epoch(NOW)
    assert acted(here, NOW) == []
    assert steps(journal, told.id) == [DELIVERED, (CommandState.REFUSED, None)]


@pytest.mark.parametrize("lane", [Lane.P0, Lane.P1])
def test_command_that_waited_while_the_cloud_was_restored_is_refused_since_nobody_there_may_know_it(
    journal: Journal, lane: Lane
) -> None:
    one, asked = desk(journal), command(journal)
    journal.beat(NOW)
    one.receive([asked], NOW)
    journal.acknowledge(lane, 1)
    journal.resume_at(lane, 1, NOW)
    assert acted(one, after(1)) == [] and acted(one, after(2)) == []
    assert not one.receive([asked], after(3))
    assert steps(journal, asked.id) == [(CommandState.DELIVERED, None), (CommandState.REFUSED, None)]


def test_command_waits_on_while_the_cloud_only_asks_for_what_it_never_acknowledged(journal: Journal) -> None:
    one, asked = desk(journal), command(journal)
    one.receive([asked], NOW)
    journal.acknowledge(Lane.P0, 1)
    methane(journal, AlarmEvent.CLEARED)
    journal.resume_at(Lane.P0, 2, NOW)
    assert [each.id for each in acted(one, after(1))] == [asked.id]


def test_command_that_was_being_sent_in_a_crash_is_unknown_and_not_sent_again(journal: Journal) -> None:
    told = command(journal)
    before = desk(journal)
    before.receive([told], NOW)
    assert acted(before, NOW)
    read_back = Reading("FAN-1", "speed", 640.0, Quality.GOOD, after(5)), after(5)
    here = desk(journal, read_back)
    assert acted(here, after(5)) == []
    assert not here.give_up(after(9))
    assert here.give_up(after(11))
    assert not here.give_up(after(30))
    here.settle(TerminalCommandResult(told.id, False, "it is locked", None), after(40))
    assert steps(journal, told.id) == [DELIVERED, (CommandState.UNKNOWN, 640.0), (CommandState.FAILED, None)]


def test_reading_that_was_measured_before_the_command_and_came_late_is_not_read_back(journal: Journal) -> None:
    told, held = command(journal), Reading("FAN-1", "speed", 640.0, Quality.GOOD, after(-1))
    here = desk(journal, (held, after(5)))
    here.receive([told], NOW)
    assert acted(here, NOW) and here.give_up(after(11))
    assert steps(journal, told.id) == [DELIVERED, (CommandState.UNKNOWN, None)]


def test_reading_from_before_the_command_is_not_read_back(journal: Journal) -> None:
    told = command(journal)
    here = desk(journal, (Reading("FAN-1", "speed", 640.0, Quality.GOOD, NOW), after(-1)))
    here.receive([told], NOW)
    acted(here, NOW)
    here.give_up(after(11))
    assert steps(journal, told.id) == [DELIVERED, (CommandState.UNKNOWN, None)]


@pytest.mark.parametrize(("slow_s", "last_s"), [(3600, 60), (0, 60), (-30, 30), (-3600, -1)])
def test_clock_of_the_gateway_gives_a_command_no_more_time_than_the_cloud(
    journal: Journal, slow_s: float, last_s: float
) -> None:
    """`last_s`: after how many seconds by the gateway's clock it may still be acted upon."""
    here = desk(journal)
    told = command(journal, not_after=after(slow_s + 60), sent_at=after(slow_s))
    here.receive([told], NOW)
    assert [each.id for each in acted(here, after(max(last_s, 0)))] == ([told.id] if last_s >= 0 else [])
    late = command(journal, not_after=after(slow_s + 60), sent_at=after(slow_s))
    here.receive([late], NOW)
    assert acted(here, after(last_s + 2)) == []
    assert steps(journal, late.id) == [DELIVERED, (CommandState.EXPIRED, None)]


@pytest.mark.parametrize("uplink", ["http", "websocket"])
def test_command_goes_from_the_cloud_to_the_terminal_and_its_steps_come_back(tmp_path: Path, uplink: str) -> None:
    cloud, gateway = Cloud(), Gateway(tmp_path, free_port(), uplink=uplink)
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        try:
            with connect(gateway.url, compression=None, proxy=None) as terminal:
                terminal.send(encode(TerminalBirth("fan", uuid4(), 1, (Tag("FAN-1", "speed", "1/min"),))).decode())
                terminal.recv(5)
                wait_until(lambda: bool(cloud.watermarks))
                boot = next(iter(cloud.watermarks))[1]
                now = datetime.now(UTC)
                told = Command(uuid4(), "FAN-1", "speed", 900.0, now + timedelta(minutes=1), UUID(boot), now)
                cloud.commands = (told,)
                assert decode(terminal.recv(10)) == TerminalCommand(told.id, "FAN-1", "speed", 900.0)
                terminal.send(encode(TerminalCommandResult(told.id, True, "", 897.0)).decode())
                wait_until(lambda: len(said_of(cloud, told.id)) == 2)
                assert said_of(cloud, told.id) == [DELIVERED, (CommandState.DONE, 897.0)]
        finally:
            gateway.kill()


def test_result_that_comes_while_the_disk_is_full_is_told_once_there_is_room(tmp_path: Path) -> None:
    cloud, gateway = Cloud(), Gateway(tmp_path, free_port(), SETTINGS + "command_answer_s = 1")
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        try:
            with connect(gateway.url, compression=None, proxy=None) as terminal:
                terminal.send(encode(TerminalBirth("fan", uuid4(), 1, (Tag("FAN-1", "speed", "1/min"),))).decode())
                terminal.recv(5)
                wait_until(lambda: bool(cloud.watermarks))
                now, boot = datetime.now(UTC), UUID(next(iter(cloud.watermarks))[1])
                told = Command(uuid4(), "FAN-1", "speed", 900.0, now + timedelta(minutes=1), boot, now)
                cloud.commands = (told,)
                terminal.recv(10)
                wait_until(lambda: said_of(cloud, told.id) == [DELIVERED])
                before = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (NO_ROOM_BYTES, UNLIMITED))
                terminal.send(encode(TerminalCommandResult(told.id, True, "", 897.0)).decode())
                terminal.send(encode(Terminal(gateway).frame("ch4", [0.5])).decode())
                answer = decode(terminal.recv(10))
            assert isinstance(answer, Refused) and answer.retry, "the disk is full, and the result was heard before"
            time.sleep(2.5)  # longer than a terminal's word is waited for
            resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, before)
            wait_until(lambda: len(said_of(cloud, told.id)) == 2)
            assert said_of(cloud, told.id) == [DELIVERED, (CommandState.DONE, 897.0)]
        finally:
            gateway.kill()


def test_command_that_is_pushed_while_the_disk_is_full_ends_no_gateway_and_is_taken_later(tmp_path: Path) -> None:
    cloud, gateway = Cloud(), Gateway(tmp_path, free_port(), uplink="websocket")
    with serving(cloud, gateway.cloud_port):
        gateway.start()
        try:
            wait_until(lambda: bool(cloud.watermarks))
            now, boot = datetime.now(UTC), UUID(next(iter(cloud.watermarks))[1])
            told = Command(uuid4(), "FAN-1", "speed", 900.0, now + timedelta(minutes=1), boot, now)
            cloud.holds_back, n_before = True, len(cloud.received)
            wait_until(lambda: len(cloud.received) > n_before)
            before = resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, (NO_ROOM_BYTES, UNLIMITED))
            cloud.pushed, cloud.holds_back = (told,), False
            time.sleep(1.5)
            assert gateway.process.poll() is None, gateway.log()
            resource.prlimit(gateway.process.pid, resource.RLIMIT_FSIZE, before)
            wait_until(lambda: said_of(cloud, told.id) == [DELIVERED])
        finally:
            gateway.kill()


def said_of(cloud: Cloud, id_: UUID) -> list[tuple[CommandState, float | None]]:
    bodies = [body for body in cloud.bodies(Lane.P0) if isinstance(body, CommandStep)]
    return [(body.state, body.value) for body in bodies if body.id == id_]
