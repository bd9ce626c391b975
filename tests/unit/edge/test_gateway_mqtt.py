"""Terminals over MQTT: real clients of both versions against the gateway's process, and behind a broker."""

import asyncio
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import aiomqtt
import pytest
from aiomqtt import ProtocolVersion
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.gateway.mqtt import packets
from edge_bridge.gateway.mqtt.packets import Malformed
from edge_bridge.gateway.mqtt.topics import Topics, matches
from edge_bridge.protocol import (
    Command,
    CommandState,
    CommandStep,
    Lane,
    Message,
    Quality,
    Refused,
    Tag,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
    decode,
    encode,
)
from tests.ports import free_port
from tests.unit.edge.cloud import Cloud, serving, wait_until
from tests.unit.edge.processes import SETTINGS, Gateway

MOSQUITTO = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
SESSION = uuid4()


@pytest.fixture
def cloud() -> Cloud:
    return Cloud()


@pytest.fixture
def gateway(tmp_path: Path, cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    """Not started; it wants the token borealis."""
    monkeypatch.setenv("TERMINAL_TOKEN", "borealis")
    with serving(cloud) as port:
        gateway = Gateway(tmp_path, port, settings=SETTINGS + "mqtt_port = 0\n")
        yield gateway
        gateway.kill()


def port_of(gateway: Gateway) -> int:
    return int((gateway.directory / "data" / "mqtt.port").read_text())


@asynccontextmanager
async def terminal(
    port: int, name: str = "gas", version: ProtocolVersion = ProtocolVersion.V5
) -> AsyncIterator[aiomqtt.Client]:
    async with aiomqtt.Client(
        "127.0.0.1", port, identifier=name, username=name, password="borealis", protocol=version
    ) as client:
        await client.subscribe(f"cloudmining/north/{name}/taken")
        await client.subscribe(f"cloudmining/north/{name}/command")
        yield client


async def said(client: aiomqtt.Client) -> Message:
    async with asyncio.timeout(10):
        message = await anext(aiter(client.messages))
    return decode(message.payload)  # type: ignore[arg-type]


def readings(n: int, *values: float, terminal: str = "gas") -> TerminalReadings:
    at = datetime.now(UTC)
    measured = tuple(TerminalReading("ch4", value, Quality.GOOD, at) for value in values)
    return TerminalReadings(terminal, SESSION, n, "GAS-1", measured)


async def publish(client: aiomqtt.Client, what: str, message: Message, name: str = "gas") -> None:
    await client.publish(f"cloudmining/north/{name}/{what}", encode(message), qos=1)


async def converse(port: int, cloud: Cloud, version: ProtocolVersion) -> None:
    """Birth, readings, the same again, and a command there and back."""
    async with terminal(port, version=version) as client:
        await publish(client, "birth", TerminalBirth("gas", SESSION, 1, (Tag("GAS-1", "ch4", "%"),)))
        assert await said(client) == Taken(1)
        twice = readings(2, 0.4, 1.3)
        for frame in (twice, twice, readings(3, 0.2)):
            await publish(client, "readings", frame)
            assert await said(client) == Taken(frame.n)
        await asyncio.to_thread(wait_until, lambda: bool(cloud.watermarks))
        boot = UUID(next(iter(cloud.watermarks))[1])
        now = datetime.now(UTC)
        told = Command(uuid4(), "GAS-1", "zero", 0.0, now + timedelta(minutes=1), boot, now)
        cloud.commands = (told,)
        assert await said(client) == TerminalCommand(told.id, "GAS-1", "zero", 0.0)
        await publish(client, "command/result", TerminalCommandResult(told.id, True, "", 0.0))
        await asyncio.to_thread(wait_until, lambda: CommandState.DONE in steps_of(cloud))


@pytest.mark.parametrize("version", [ProtocolVersion.V311, ProtocolVersion.V5])
def test_terminal_speaks_and_is_spoken_to(gateway: Gateway, cloud: Cloud, version: ProtocolVersion) -> None:
    gateway.start()
    asyncio.run(converse(port_of(gateway), cloud, version))
    wait_until(lambda: [one.value for one in cloud.readings()] == [0.4, 1.3, 0.2])
    assert [alarm.value for alarm in cloud.alarms()] == [1.3, 0.2]


async def hear_late(port: int, cloud: Cloud) -> None:
    """A command comes for a terminal that does not listen for commands; then it does."""
    topic = "cloudmining/north/gas/command"
    async with terminal(port) as client:
        await client.unsubscribe(topic)
        await publish(client, "readings", readings(1, 0.4))
        assert await said(client) == Taken(1)
        await asyncio.to_thread(wait_until, lambda: bool(cloud.watermarks))
        boot, now = UUID(next(iter(cloud.watermarks))[1]), datetime.now(UTC)
        told = Command(uuid4(), "GAS-1", "zero", 0.0, now + timedelta(minutes=1), boot, now)
        cloud.commands = (told,)
        await asyncio.to_thread(wait_until, lambda: steps_of(cloud) == [CommandState.DELIVERED])
        await asyncio.sleep(2)  # it is looked at each second
        await client.subscribe(topic)
        assert await said(client) == TerminalCommand(told.id, "GAS-1", "zero", 0.0)
        await publish(client, "command/result", TerminalCommandResult(told.id, True, "", 0.0))
        await asyncio.to_thread(wait_until, lambda: CommandState.DONE in steps_of(cloud))


def steps_of(cloud: Cloud) -> list[CommandState]:
    return [body.state for body in cloud.bodies(Lane.P0) if isinstance(body, CommandStep)]


def test_command_waits_for_a_terminal_that_does_not_listen_for_commands(gateway: Gateway, cloud: Cloud) -> None:
    gateway.start()
    asyncio.run(hear_late(port_of(gateway), cloud))


async def log_beside(port: int, cloud: Cloud) -> None:
    """A logger that takes no commands speaks for the same equipment after the terminal that does."""
    async with terminal(port) as drive, terminal(port, "logger") as logger:
        await logger.unsubscribe("cloudmining/north/logger/command")
        for n, (client, name) in enumerate([(drive, "gas"), (logger, "logger")], 1):
            await publish(client, "readings", readings(n, 0.4, terminal=name), name=name)
            assert await said(client) == Taken(n)
        await asyncio.to_thread(wait_until, lambda: bool(cloud.watermarks))
        boot, now = UUID(next(iter(cloud.watermarks))[1]), datetime.now(UTC)
        told = Command(uuid4(), "GAS-1", "zero", 0.0, now + timedelta(minutes=1), boot, now)
        cloud.commands = (told,)
        assert await said(drive) == TerminalCommand(told.id, "GAS-1", "zero", 0.0)


def test_command_goes_to_the_terminal_that_listens_whoever_speaks_for_the_equipment(
    gateway: Gateway, cloud: Cloud
) -> None:
    gateway.start()
    asyncio.run(log_beside(port_of(gateway), cloud))


def test_terminal_cannot_speak_or_listen_for_another(gateway: Gateway, cloud: Cloud) -> None:
    async def pretend() -> None:
        async with terminal(port_of(gateway), "cassia") as client:
            await publish(client, "readings", readings(1, 66))
            assert await said(client) == Refused(None, "topic", "'cassia' may publish to its own topics only", False)
            await publish(client, "readings", readings(1, 66), name="cassia")
            answer = await said(client)
            assert isinstance(answer, Refused)
            assert answer.path == "terminal"
            granted = await client.subscribe("cloudmining/north/gas/taken", qos=1)
            assert [int(str(code.value)) for code in granted] == [0x87]
            await publish(client, "readings", readings(1, 0.5, terminal="cassia"), name="cassia")
            assert await said(client) == Taken(1)

    gateway.start()
    asyncio.run(pretend())
    wait_until(lambda: [one.value for one in cloud.readings()] == [0.5])


def test_wrong_password_is_turned_away(gateway: Gateway) -> None:
    async def knock(version: ProtocolVersion) -> None:
        async with aiomqtt.Client(
            "127.0.0.1", port_of(gateway), identifier="gas", username="gas", password="cassia", protocol=version
        ):
            pass

    gateway.start()
    for version in (ProtocolVersion.V311, ProtocolVersion.V5):
        with pytest.raises(aiomqtt.MqttError):
            asyncio.run(knock(version))


@pytest.mark.skipif(not MOSQUITTO, reason="mosquitto is not installed")
def test_terminals_behind_a_broker_are_heard(
    gateway: Gateway, cloud: Cloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = free_port()
    (tmp_path / "mosquitto.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    broker = subprocess.Popen([str(MOSQUITTO), "-c", str(tmp_path / "mosquitto.conf")], stderr=subprocess.DEVNULL)
    try:
        monkeypatch.setenv("MQTT_URL", f"mqtt://127.0.0.1:{port}")
        time.sleep(0.5)
        gateway.start()
        time.sleep(0.5)
        asyncio.run(converse(port, cloud, ProtocolVersion.V311))
        wait_until(lambda: [one.value for one in cloud.readings()] == [0.4, 1.3, 0.2])
    finally:
        broker.terminate()
        broker.wait(10)


@given(st.binary(max_size=60), st.sampled_from([4, 5]), st.integers(0, 15))
def test_anything_is_a_packet_or_malformed(body: bytes, version: int, flags: int) -> None:
    for read in (
        lambda: packets.read_connect(b"\x00\x04MQTT" + bytes([version]) + body),
        lambda: packets.read_publish(flags, body, version),
        lambda: packets.read_subscribe(body, version),
    ):
        try:
            read()
        except Malformed:
            continue


@pytest.mark.parametrize("name", ["", "x" * 65, "a\x07", " a", "a/b", "+"])
def test_name_that_no_message_can_bear_has_no_topic(name: str) -> None:
    assert Topics("north").read(f"cloudmining/north/{name}/birth") is None
    assert Topics("north").read("cloudmining/north/heading T0 gas/birth") == ("heading T0 gas", "birth")


@pytest.mark.parametrize(
    ("pattern", "topic", "covers"),
    [
        ("a/b", "a/b", True),
        ("a/+", "a/b", True),
        ("a/#", "a/b/c", True),
        ("#", "a", True),
        ("a/+", "a/b/c", False),
        ("a", "a/b", False),
        ("a/b/c", "a/b", False),
    ],
)
def test_subscription_covers_what_the_standard_says(pattern: str, topic: str, covers: bool) -> None:
    assert matches(pattern, topic) is covers
