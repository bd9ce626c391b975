"""The gateway's life: open the journal, say birth, take, send and beat until told to stop, say death."""

import asyncio
import logging
import os
import socket
import sqlite3
import ssl
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx

from edge_bridge.gateway.admission import Admission
from edge_bridge.gateway.cloud_rules import CloudRules, follow
from edge_bridge.gateway.commands import CommandDesk
from edge_bridge.gateway.config import Config, ConfigError
from edge_bridge.gateway.filters import filters_by_point
from edge_bridge.gateway.intake import Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.local import LocalPage
from edge_bridge.gateway.mqtt.broker import BrokerClient
from edge_bridge.gateway.mqtt.endpoint import MqttEndpoint
from edge_bridge.gateway.reception import Reception
from edge_bridge.gateway.silence import Patience
from edge_bridge.gateway.terminals import TerminalServer
from edge_bridge.gateway.tls import server_context
from edge_bridge.gateway.transport import HttpTransport, SocketTransport, Transport
from edge_bridge.gateway.trespass import Trespasses
from edge_bridge.gateway.uplink import JournalThread, Pace, Uplink
from edge_bridge.protocol import Command, RulesInUse
from edge_bridge.rules.kinds import AnyRule

log = logging.getLogger(__name__)

PORT_FILE = "port"

LOOPBACK = "127.0.0.1"

Server = TerminalServer | MqttEndpoint | LocalPage
Listeners = dict[str, socket.socket]  # by the scheme that is spoken there


async def run_gateway(config: Config, listeners: Listeners, stop: asyncio.Event) -> None:
    """Runs until `stop`; a fault that is not foreseen ends it at once, for its supervisor to start it again."""
    thread = JournalThread()
    try:
        limits_bytes = (int(limit_mb * 1_000_000) for limit_mb in (config.readings_limit_mb, config.journal_limit_mb))
        journal = await thread.run(Journal, Path(config.data_dir), config.edge, *limits_bytes)
        try:
            await _serve(config, journal, thread, listeners, stop)
        finally:
            await thread.run(journal.close)
    finally:
        thread.close()


async def _serve(
    config: Config, journal: Journal, thread: JournalThread, listeners: Listeners, stop: asyncio.Event
) -> None:
    now = datetime.now(UTC)
    cloud_rules = CloudRules(config.rules, Path(config.data_dir))
    intake = await thread.run(Intake, journal, _ways(config, cloud_rules.at_start()), now)
    desk = await thread.run(CommandDesk, journal, config.interlocks, intake.newest, config.command_answer_s, now)
    await _note(thread, journal.announce_birth)
    trespasses = await thread.run(Trespasses, journal)
    reception = Reception(intake, desk, trespasses, thread, lambda: uplink.wake())
    admission = Admission(config.terminal_token, config.terminals)
    servers = _servers(config, reception, admission)
    async with asyncio.TaskGroup() as group:
        transport = _transport(config, lambda command: group.create_task(reception.take_commands([command])))
        uplink = Uplink(journal, thread, transport, _pace(config), lambda ack: reception.take_commands(ack.commands))
        following = _follow_rules(config, cloud_rules, intake, thread, uplink)
        works = (uplink.run(), reception.commit_frames(), reception.act(), following)
        tasks = [group.create_task(work) for work in works]
        beating = group.create_task(_beat(journal, thread, uplink, config.heartbeat_s))
        if config.mqtt_url:
            tasks.append(group.create_task(BrokerClient(reception, admission, config.edge, config.mqtt_url).run()))
        async with AsyncExitStack() as stack:
            for name, server in servers.items():
                await stack.enter_async_context(server.listening(listeners[name]))
            _announce(config, listeners)
            await stop.wait()
        beating.cancel()
        await _note(thread, journal.announce_death)
        uplink.wake()
        await _at_most(config.grace_s, uplink.drained())
        for task in tasks:
            task.cancel()
    await transport.close()
    for scheme in listeners:
        (Path(config.data_dir) / _port_file(scheme)).unlink()


async def _beat(journal: Journal, thread: JournalThread, uplink: Uplink, every_s: float) -> None:
    while True:
        await _note(thread, journal.beat)
        uplink.wake()
        await asyncio.sleep(every_s)


async def _follow_rules(
    config: Config, rules: CloudRules, intake: Intake, thread: JournalThread, uplink: Uplink
) -> None:
    async def adopt(judged_by: Sequence[AnyRule], said: RulesInUse) -> None:
        await thread.run(intake.adopt, judged_by, datetime.now(UTC), said)
        uplink.wake()

    timeout_s = config.answer_timeout_s
    async with httpx.AsyncClient(base_url=config.cloud_url, headers=_headers(config), timeout=timeout_s) as client:
        await follow(rules, client, config.rules_every_s, adopt)


async def _note(thread: JournalThread, announce: Callable[[datetime], None]) -> None:
    """Session messages are no reason to stop: a full disk empties only if the gateway goes on sending."""
    try:
        await thread.run(announce, datetime.now(UTC))
    except sqlite3.OperationalError as error:
        log.error("the journal cannot be written: %s", error)


async def _at_most(longest_s: float, work: Coroutine[None, None, None]) -> None:
    try:
        await asyncio.wait_for(work, longest_s)
    except TimeoutError:
        log.warning("what the cloud has not acknowledged yet stays in the journal for the next start")


def _servers(config: Config, reception: Reception, admission: Admission) -> dict[str, Server]:
    tls = _tls(config)
    servers: dict[str, Server] = {"ws": TerminalServer(reception, admission, tls)}
    if config.mqtt_port >= 0:
        servers["mqtt"] = MqttEndpoint(reception, admission, config.edge, tls)
    if config.local_port >= 0:
        servers["http"] = LocalPage(Path(config.data_dir))
    return servers


def _tls(config: Config) -> ssl.SSLContext | None:
    if not config.tls_certificate:
        return None
    try:
        return server_context(Path(config.tls_certificate), Path(config.tls_key))
    except OSError as error:
        raise ConfigError(f"tls_certificate, tls_key: they do not serve together: {error.strerror or error}") from None


@contextmanager
def open_listeners(config: Config) -> Iterator[Listeners]:
    """The sockets by scheme, those for people on this machine only; ConfigError if an address cannot be had."""
    ports = {"ws": config.listen_port, "mqtt": config.mqtt_port, "http": config.local_port}
    with ExitStack() as stack:
        yield {name: stack.enter_context(_listener(config, name, port)) for name, port in ports.items() if port >= 0}


def _listener(config: Config, scheme: str, port: int) -> socket.socket:
    host = LOOPBACK if scheme == "http" else config.listen_host
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        setting = {"ws": "listen_port", "mqtt": "mqtt_port", "http": "local_port"}[scheme]
        raise ConfigError(f"{setting}: cannot listen on {host} port {port}: {os.strerror(error.errno or 0)}") from None


def _announce(config: Config, listeners: Listeners) -> None:
    """Ports to files, the terminals' own one last: whoever waits for it finds all."""
    for scheme, listener in reversed(listeners.items()):
        port = listener.getsockname()[1]
        half_written = Path(config.data_dir) / f"{_port_file(scheme)}.new"
        half_written.write_text(f"{port}\n")
        half_written.replace(half_written.with_name(_port_file(scheme)))
        who, host = ("people look at", LOOPBACK) if scheme == "http" else ("terminals connect to", config.listen_host)
        tls = "s" if config.tls_certificate and scheme != "http" else ""
        print(f"gateway: {who} {scheme}{tls}://{host}:{port}", flush=True)


def _port_file(scheme: str) -> str:
    return PORT_FILE if scheme == "ws" else f"{scheme}.{PORT_FILE}"


def _ways(config: Config, rules: Sequence[AnyRule]) -> Ways:
    return Ways(
        rules,
        filters_by_point(config.deadbands, config.swinging_doors),
        Patience(config.silent_periods, config.silent_least_s),
    )


def _pace(config: Config) -> Pace:
    return Pace(
        config.linger_s,
        config.backoff_max_s,
        config.alarm_backoff_max_s,
        config.historical_after_s,
        config.replay_readings_per_s,
    )


def _transport(config: Config, on_command: Callable[[Command], object]) -> Transport:
    if config.uplink == "websocket":
        return SocketTransport(config.cloud_url, _headers(config), config.answer_timeout_s, on_command)
    return HttpTransport(config.cloud_url, _headers(config), config.answer_timeout_s)


def _headers(config: Config) -> dict[str, str]:
    return {"Authorization": f"Device {config.credential}"}
