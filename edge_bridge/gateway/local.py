"""The alarms that stand, for those at the mine: as text, and as a small page on this machine. The link may be cut.

Reads the journal by a connection of its own that cannot write, so it works beside a running gateway and without one.
"""

import asyncio
import html
import re
import socket
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from edge_bridge.gateway.schema import JournalError
from edge_bridge.protocol import Alarm, Lane, Severity, decode_entry

READ_WITHIN_S = 5.0
RANK = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Standing:
    """`alarms` with the worst and newest first; how many entries of each lane wait for the cloud."""

    edge: str
    alarms: tuple[Alarm, ...]
    waiting: dict[Lane, int]


WAITING = "SELECT lane, count(*) FROM entry JOIN lane USING (lane) WHERE seq > acknowledged_through GROUP BY lane"


def read_standing(directory: Path) -> Standing:
    """JournalError if there is no journal in `directory`."""
    path = directory / "journal.sqlite3"
    if not path.exists():
        raise JournalError(f"there is no journal in {directory}; name the gateway's --data-dir")
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as database:
        (edge,) = database.execute("SELECT edge FROM identity").fetchone()
        bodies = [decode_entry(body).body for (body,) in database.execute("SELECT body FROM standing")]
        counts = dict(database.execute(WAITING))
    alarms = [body for body in bodies if isinstance(body, Alarm)]
    alarms.sort(key=lambda alarm: (RANK[alarm.severity], alarm.occurred_at), reverse=True)
    return Standing(str(edge), tuple(alarms), {lane: counts.get(lane, 0) for lane in Lane})


def as_text(standing: Standing) -> str:
    lines = [_summary(standing), *["  ".join(row) for row in _rows(standing.alarms)]]
    return "\n".join(lines)


def _summary(standing: Standing) -> str:
    n, waiting = len(standing.alarms), standing.waiting
    stand = "no alarm stands" if n == 0 else "1 alarm stands" if n == 1 else f"{n} alarms stand"
    return f"{standing.edge}: {stand}; waiting for the cloud: {waiting[Lane.P0]} urgent, {waiting[Lane.P2]} readings"


def _rows(alarms: Sequence[Alarm]) -> list[tuple[str, ...]]:
    return [
        (
            f"{alarm.severity:8}",
            f"{alarm.equipment:20}",
            f"{alarm.alarm_type:24}",
            alarm.detail or f"{alarm.tag} {alarm.value:g} (limit {alarm.limit:g})",
            f"since {alarm.occurred_at:%Y-%m-%d %H:%M:%S} UTC",
        )
        for alarm in alarms
    ]


_PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>Alarms at {edge}</title>
<style>body{{font:1rem/1.5 sans-serif;margin:1rem}}table{{border-collapse:collapse}}
th,td{{text-align:left;padding:.3rem .8rem;border-bottom:1px solid #ccc}}.critical,.high{{font-weight:bold}}</style>
</head><body><h1>Alarms at {edge}</h1><p>{summary}. Read at {at:%H:%M:%S} UTC.</p>
<table><thead><tr><th>Severity<th>Equipment<th>Alarm<th>Value<th>Since</tr></thead><tbody>{rows}</tbody></table>
<p>This system supervises; it is never the safety trip itself.</p></body></html>
"""


def as_page(standing: Standing, now: datetime) -> str:
    rows = [
        f'<tr class="{row[0].strip()}">' + "".join(f"<td>{html.escape(cell.strip())}" for cell in row) + "</tr>"
        for row in _rows(standing.alarms)
    ]
    edge, summary = html.escape(standing.edge), html.escape(_summary(standing))
    return _PAGE.format(edge=edge, summary=summary, at=now, rows="".join(rows))


class LocalPage:
    """`GET /` on loopback; whatever else is asked is not found."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @asynccontextmanager
    async def listening(self, listener: socket.socket) -> AsyncIterator[None]:
        server = await asyncio.start_server(self._answer, sock=listener)
        try:
            yield
        finally:
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), READ_WITHIN_S)
            found = head.startswith(b"GET / ") and _is_asked_here(head)
            page = await asyncio.to_thread(self._page) if found else "Only / is here.\n"
            writer.write(_response("200 OK" if found else "404 Not Found", page))
            await writer.drain()
        except (EOFError, OSError, TimeoutError, asyncio.LimitOverrunError):
            pass  # whoever asked has gone, or said nothing that could be answered
        finally:
            writer.close()

    def _page(self) -> str:
        return as_page(read_standing(self._directory), datetime.now(UTC))


def _is_asked_here(head: bytes) -> bool:
    """Not by a page from elsewhere, under a name of its own that was made to mean this machine."""
    return re.search(rb"(?i)\r\nhost: *(127\.0\.0\.1|localhost)(:\d+)?\r\n", head) is not None


def _response(status: str, body: str) -> bytes:
    data = body.encode()
    kind = "text/html" if body.startswith("<!") else "text/plain"
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(data)}\r\n"
        "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n"
        "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + data
