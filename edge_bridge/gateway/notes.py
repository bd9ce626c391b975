"""What rules, filters, terminals and commands stand at, in the journal's file and inside its transactions."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from edge_bridge.gateway.filters import Point
from edge_bridge.gateway.numbers import ALL, Numbers
from edge_bridge.protocol import Entry, Reading, decode_entry, encode_entry

KEPT_SESSION_DAYS = 7


class Stage(StrEnum):
    """Of a command in the journal."""

    WAITING = "waiting"
    FORGOTTEN = "forgotten"  # while it waited the cloud was restored: people there may not know of it, and ask again
    ACTING = "acting"
    UNKNOWN = "unknown"
    OVER = "over"


class Notes:
    def __init__(self, database: sqlite3.Connection) -> None:
        self._db = database

    def hold(self, held: Mapping[Point, Reading | None]) -> None:
        """Keeps the reading of each point that a swinging door holds; None: it holds none any more."""
        self._db.executemany("DELETE FROM held WHERE equipment = ? AND tag = ?", list(held))
        rows = [(*point, encode_entry(Entry(1, reading))) for point, reading in held.items() if reading]
        self._db.executemany("INSERT INTO held VALUES (?, ?, ?)", rows)

    def held(self) -> list[Reading]:
        bodies = [decode_entry(body).body for (body,) in self._db.execute("SELECT body FROM held")]
        return [body for body in bodies if isinstance(body, Reading)]

    def rule_states(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT rule, state FROM rule_state"))

    def save_rule_states(self, states: Mapping[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO rule_state VALUES (?, ?)", states.items())

    def forget_rule_states(self, rules: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM rule_state WHERE rule = ?", [(rule,) for rule in rules])

    def frame_numbers(self) -> dict[UUID, Numbers]:
        """The frames taken of each terminal's session."""
        rows = self._db.execute("SELECT session, n, seen FROM session")
        return {UUID(session): Numbers(n, int(seen, 16) if seen else ALL) for session, n, seen in rows}

    def save_frame_numbers(self, numbers: Mapping[UUID, Numbers], now: datetime) -> None:
        """Nothing in the place of `seen` where none is missing."""
        at = sortable(now)
        rows = [
            (str(session), of.newest, f"{of.seen:x}" if of.seen != ALL else None, at) for session, of in numbers.items()
        ]
        self._db.executemany("INSERT OR REPLACE INTO session (session, n, seen, seen_at) VALUES (?, ?, ?, ?)", rows)

    def forget_old_sessions(self) -> None:
        oldest = datetime.now(UTC) - timedelta(days=KEPT_SESSION_DAYS)
        self._db.execute("DELETE FROM session WHERE seen_at < ?", (sortable(oldest),))

    def trespasses(self) -> tuple[Counter[tuple[str, str]], datetime]:
        """Refused frames by terminal and for what it spoke, and when the last one came."""
        rows = self._db.execute("SELECT terminal, speaks_for, count, last_at FROM trespass").fetchall()
        last_at = max((at for *_, at in rows), default="1970-01-01T00:00:00+00:00")
        return Counter({(terminal, of): count for terminal, of, count, _ in rows}), datetime.fromisoformat(last_at)

    def save_trespasses(self, counts: Mapping[tuple[str, str], int], last_at: datetime) -> None:
        """In the place of those there were."""
        self._db.execute("DELETE FROM trespass")
        rows = [(*deed, count, sortable(last_at)) for deed, count in counts.items()]
        self._db.executemany("INSERT INTO trespass VALUES (?, ?, ?, ?)", rows)

    def knows_command(self, id_: UUID) -> bool:
        return self.command_stage(id_) is not None

    def command_stage(self, id_: UUID) -> str | None:
        row = self._db.execute("SELECT state FROM command WHERE id = ?", (str(id_),)).fetchone()
        return row and str(row[0])

    def command_body(self, id_: UUID) -> bytes | None:
        row = self._db.execute("SELECT body FROM command WHERE id = ?", (str(id_),)).fetchone()
        return row and bytes(row[0])

    def commands(self, stage: str) -> list[tuple[bytes, datetime]]:
        """As encoded, and when they came to this stage; the oldest first."""
        rows = self._db.execute("SELECT body, at FROM command WHERE state = ? ORDER BY at, rowid", (stage,))
        return [(body, datetime.fromisoformat(at)) for body, at in rows]

    def keep_command(self, id_: UUID, body: bytes, stage: str, now: datetime) -> None:
        self._db.execute("INSERT INTO command VALUES (?, ?, ?, ?)", (str(id_), body, stage, sortable(now)))

    def move_command(self, id_: UUID, stage: str, now: datetime) -> None:
        self._db.execute("UPDATE command SET state = ?, at = ? WHERE id = ?", (stage, sortable(now), str(id_)))

    def cloud_went_back(self) -> None:
        self._db.execute("UPDATE command SET state = ? WHERE state = ?", (Stage.FORGOTTEN, Stage.WAITING))

    def change_command(self, id_: UUID, body: bytes, at: datetime) -> None:
        self._db.execute("UPDATE command SET body = ?, at = ? WHERE id = ?", (body, sortable(at), str(id_)))

    def forget_commands(self, stage: str, before: datetime) -> None:
        self._db.execute("DELETE FROM command WHERE state = ? AND at < ?", (stage, sortable(before)))


def sortable(at: datetime) -> str:
    """UTC with a fixed number of digits, so that texts order as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
