"""The gateway's life: open the journal, say birth, take, send and beat until told to stop, say death."""

import asyncio
import logging
import os
import socket
import sqlite3
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path

from edge_bridge.gateway.config import Config, ConfigError
from edge_bridge.gateway.intake import Intake
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.terminals import TerminalServer
from edge_bridge.gateway.transport import HttpTransport, SocketTransport, Transport
from edge_bridge.gateway.uplink import JournalThread, Pace, Uplink

log = logging.getLogger(__name__)

PORT_FILE = "port"


async def run_gateway(config: Config, listener: socket.socket, stop: asyncio.Event) -> None:
    """Runs until `stop`; a fault that is not foreseen ends it at once, for its supervisor to start it again."""
    thread = JournalThread()
    try:
        limits_bytes = (int(limit_mb * 1_000_000) for limit_mb in (config.readings_limit_mb, config.journal_limit_mb))
        journal = await thread.run(Journal, Path(config.data_dir), config.edge, *limits_bytes)
        try:
            await _serve(config, journal, thread, listener, stop)
        finally:
            await thread.run(journal.close)
    finally:
        thread.close()


async def _serve(
    config: Config, journal: Journal, thread: JournalThread, listener: socket.socket, stop: asyncio.Event
) -> None:
    intake = await thread.run(Intake, journal, config.rules, config.deadbands, datetime.now(UTC))
    await _note(thread, journal.announce_birth)
    transport = _transport(config)
    pace = Pace(config.linger_s, config.backoff_max_s, config.alarm_backoff_max_s, config.historical_after_s)
    uplink = Uplink(journal, thread, transport, pace)
    server = TerminalServer(intake, thread, uplink.wake, config.terminal_token)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(work) for work in (uplink.run(), server.commit_frames())]
        tasks.append(group.create_task(_beat(journal, thread, uplink, config.heartbeat_s)))
        async with server.listening(listener):
            _announce(config, listener)
            await stop.wait()
        await _note(thread, journal.announce_death)
        uplink.wake()
        await _at_most(config.grace_s, uplink.drained())
        for task in tasks:
            task.cancel()
    await transport.close()
    (Path(config.data_dir) / PORT_FILE).unlink()


async def _beat(journal: Journal, thread: JournalThread, uplink: Uplink, every_s: float) -> None:
    while True:
        await _note(thread, journal.beat)
        uplink.wake()
        await asyncio.sleep(every_s)


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


def open_listener(config: Config) -> socket.socket:
    """The socket for the terminals; ConfigError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in config.listen_host else socket.AF_INET
    try:
        return socket.create_server((config.listen_host, config.listen_port), family=family)
    except OSError as error:
        address = f"{config.listen_host} port {config.listen_port}"
        raise ConfigError(f"listen_port: cannot listen on {address}: {os.strerror(error.errno or 0)}") from None


def _announce(config: Config, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    half_written = Path(config.data_dir) / f"{PORT_FILE}.new"
    half_written.write_text(f"{port}\n")
    half_written.replace(half_written.with_name(PORT_FILE))
    print(f"gateway: terminals connect to ws://{config.listen_host}:{port}", flush=True)


def _transport(config: Config) -> Transport:
    headers = {"Authorization": f"Device {config.credential}"}
    kind = SocketTransport if config.uplink == "websocket" else HttpTransport
    return kind(config.cloud_url, headers, config.answer_timeout_s)
