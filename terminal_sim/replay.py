"""Plays a recorded series (CSV with a time and a value column) through the wire, as one tag of one equipment."""

import asyncio
import csv
import math
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from edge_bridge.protocol import (
    Quality,
    Tag,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
)
from terminal_sim.line import Frame, Gateway, Line, Tally

FRAMES_PER_S = 20.0
MOST_IN_A_FRAME = 1_000


class ReplayError(ValueError):
    """A file that cannot be played: which line or column, and what to change."""


@dataclass(frozen=True, slots=True)
class Series:
    """What to read and what to call it; `unit` is a UCUM code."""

    path: Path
    equipment: str
    tag: str
    unit: str
    time_column: str
    value_column: str


def read_series(series: Series) -> list[TerminalReading]:
    """The whole file; a time without zone is taken as UTC. ReplayError names the line."""
    try:
        with series.path.open(newline="") as file:
            rows = csv.DictReader(file)
            for column in (series.time_column, series.value_column):
                if column not in (rows.fieldnames or ()):
                    raise ReplayError(f"{series.path}: has no column {column!r}; it has {rows.fieldnames}")
            readings = [_reading(series, row, f"{series.path} line {rows.line_num}") for row in rows]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ReplayError(f"{series.path}: cannot be read: {error}") from None
    if not readings:
        raise ReplayError(f"{series.path}: has no rows")
    return readings


def _reading(series: Series, row: dict[str, str], where: str) -> TerminalReading:
    try:
        measured_at = datetime.fromisoformat(row[series.time_column])
        value = float(row[series.value_column])
    except (ValueError, TypeError) as error:
        raise ReplayError(f"{where}: {error}") from None
    if not math.isfinite(value):
        raise ReplayError(f"{where}: {value} is not a finite number")
    zone = measured_at.tzinfo or UTC
    return TerminalReading(series.tag, value, Quality.GOOD, measured_at.replace(tzinfo=zone))


def shifted_to(readings: Sequence[TerminalReading], last_at: datetime) -> list[TerminalReading]:
    """The same intervals, ending at `last_at`, so that nothing lies in the future."""
    shift = last_at - max(reading.measured_at for reading in readings)
    return [replace(reading, measured_at=reading.measured_at + shift) for reading in readings]


async def replay(
    series: Series, readings: Sequence[TerminalReading], gateway: Gateway, *, rate_per_s: float, stamps_now: bool
) -> Tally:
    """Sends at `rate_per_s`; with `stamps_now` each reading is stamped when it is sent."""
    line = Line(gateway, [_name(series)], Tally(), _refuse, asyncio.Semaphore())
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(line.run())
            async for frame in _frames(series, readings, rate_per_s, stamps_now):
                await line.put(frame)
            line.finish()
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return line.tally


def _name(series: Series) -> str:
    return f"replay {series.equipment}"[:64]


def _refuse(command: TerminalCommand) -> TerminalCommandResult:
    return TerminalCommandResult(command.id, False, "a recording takes no commands", None)


async def _frames(
    series: Series, readings: Sequence[TerminalReading], rate_per_s: float, stamps_now: bool
) -> AsyncIterator[Frame]:
    name, session = _name(series), uuid4()
    yield TerminalBirth(name, session, 1, (Tag(series.equipment, series.tag, series.unit),))
    size = min(max(math.ceil(rate_per_s / FRAMES_PER_S), 1), MOST_IN_A_FRAME)
    began_s = time.monotonic()
    for n, first in enumerate(range(0, len(readings), size), start=2):
        await asyncio.sleep(max(began_s + first / rate_per_s - time.monotonic(), 0))
        part = readings[first : first + size]
        if stamps_now:
            part = [replace(reading, measured_at=datetime.now(UTC)) for reading in part]
        yield TerminalReadings(name, session, n, series.equipment, tuple(part))
