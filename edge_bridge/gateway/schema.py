"""The journal's tables, and opening the file so that a commit is on the disk when it returns."""

import fcntl
import logging
import os
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

log = logging.getLogger(__name__)

VERSION = 6

TABLES = """
CREATE TABLE identity (edge TEXT NOT NULL, boot TEXT NOT NULL, readings_produced INTEGER NOT NULL);
CREATE TABLE lane (
    lane TEXT PRIMARY KEY, head INTEGER NOT NULL, sent_through INTEGER NOT NULL, bytes INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE entry (
    lane TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (lane, seq)
) WITHOUT ROWID;
CREATE TABLE quarantine (lane TEXT NOT NULL, seq INTEGER NOT NULL, body BLOB NOT NULL, reason TEXT NOT NULL, at TEXT);
CREATE TABLE filtered (reason TEXT PRIMARY KEY, count INTEGER NOT NULL, from_at TEXT NOT NULL, to_at TEXT NOT NULL);
CREATE TABLE rule_state (rule TEXT PRIMARY KEY, state TEXT NOT NULL);
CREATE TABLE standing (equipment TEXT, alarm_type TEXT, seq INTEGER, body BLOB, PRIMARY KEY (equipment, alarm_type));
CREATE TABLE session (session TEXT PRIMARY KEY, n INTEGER NOT NULL, seen_at TEXT NOT NULL);
CREATE TABLE tag (equipment TEXT, tag TEXT, unit TEXT NOT NULL, PRIMARY KEY (equipment, tag));
"""
# By the version that lacks them.
ADDITIONS = {
    1: """
CREATE TABLE held (equipment TEXT, tag TEXT, body BLOB NOT NULL, PRIMARY KEY (equipment, tag));
CREATE TABLE command (id TEXT PRIMARY KEY, body BLOB NOT NULL, state TEXT NOT NULL, at TEXT NOT NULL);
""",
    2: "ALTER TABLE lane ADD COLUMN acknowledged_through INTEGER NOT NULL DEFAULT 0;",
    3: """
CREATE TABLE trespass (
    terminal TEXT, speaks_for TEXT, count INTEGER NOT NULL, last_at TEXT NOT NULL, PRIMARY KEY (terminal, speaks_for)
);
""",
    4: "ALTER TABLE session ADD COLUMN seen TEXT;",
    5: "CREATE TABLE acknowledged (lane TEXT, through INTEGER, at TEXT NOT NULL, PRIMARY KEY (lane, through));",
}


class JournalError(Exception):
    """The journal cannot be used; says why and what to do."""


def open_journal(path: Path, limit_bytes: int) -> sqlite3.Connection:
    """The journal's database, made if absent, never to grow beyond `limit_bytes`.

    A damaged file is set aside, since a gateway must not stand still.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        return _open(path, limit_bytes)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
            raise JournalError(f"{path} cannot be opened: {error}") from error
        aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        for suffix in ("", "-wal", "-shm"):
            if path.with_name(path.name + suffix).exists():
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
        log.critical("journal %s is damaged (%s); kept as %s, a new one begins", path, error, aside)
        return _open(path, limit_bytes)


def _open(path: Path, limit_bytes: int) -> sqlite3.Connection:
    # Only one thread uses the connection at a time, but not always the one that made it.
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        page_bytes = database.execute("PRAGMA page_size").fetchone()[0]
        database.execute(f"PRAGMA max_page_count={max(limit_bytes // page_bytes, 1)}")
        if database.execute("PRAGMA quick_check(1)").fetchone() != ("ok",):
            raise _damaged()
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= VERSION:
            raise JournalError(
                f"{path} has schema {version}, this program reads {VERSION}; run the program that made it"
            )
        if version < VERSION:
            tables = [TABLES] * (version == 0) + [added for lacks, added in ADDITIONS.items() if version <= lacks]
            database.executescript(f"BEGIN; {' '.join(tables)} PRAGMA user_version={VERSION}; COMMIT;")
    except BaseException:
        database.close()
        raise
    return database


def _damaged() -> sqlite3.DatabaseError:
    error = sqlite3.DatabaseError("the consistency check fails")
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def lock_directory(directory: Path) -> int:
    """Holds the data directory for this process; the kernel lets go of it when the process ends, however it ends."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory / "gateway.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        raise JournalError(f"another gateway uses {directory}; stop it or choose another data directory") from None
    return handle
