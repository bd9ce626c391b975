"""What the gateway must not forget: entries by lane until the cloud has them, and the state the rules stand in.

SQLite with WAL and synchronous=FULL: a commit is on the disk when it returns. Numbers are given inside the same
transaction that stores the entry, so a lane has no hole; entries leave only up to the cloud's acknowledgement.
One thread at a time uses a Journal. Writes belong inside `transaction()`; the larger operations open their own.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from edge_bridge.gateway.schema import JournalError, lock_directory, open_journal
from edge_bridge.gateway.thinning import gaps_instead_of, span_of
from edge_bridge.protocol import (
    MAX_ENTRIES,
    MAX_MESSAGE_BYTES,
    MAX_SEQ,
    Alarm,
    AlarmEvent,
    Birth,
    Body,
    Death,
    Entry,
    Gap,
    GapReason,
    Heartbeat,
    Lane,
    Tag,
    decode_entry,
    encode_entry,
)

ENVELOPE_BYTES = 1_000  # more than a batch needs around its entries
KEPT_QUARANTINED_READINGS = 10_000
KEPT_SESSION_DAYS = 7
AT_ONCE = 1_000  # entries in memory while many are rewritten


class Journal:
    """The journal of gateway `edge` in `directory`.

    Readings that wait for the cloud take at most `readings_limit_bytes`, the file as a whole `limit_bytes`.
    """

    def __init__(self, directory: Path, edge: str, readings_limit_bytes: int, limit_bytes: int) -> None:
        self.edge = edge
        self._readings_limit_bytes = readings_limit_bytes
        self._lock = lock_directory(directory)
        self._db = open_journal(directory / "journal.sqlite3", limit_bytes)
        with self.transaction():
            self.boot = self._identify()
            self._forget_old_sessions()

    def close(self) -> None:
        self._db.close()
        os.close(self._lock)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing: whatever is raised inside, or by the commit itself, leaves the journal as it was."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    # Identity ----------------------------------------------------------------------------------------------------

    def _identify(self) -> UUID:
        row = self._db.execute("SELECT edge, boot FROM identity").fetchone()
        if row is None:
            boot = uuid4()
            self._db.execute("INSERT INTO identity VALUES (?, ?, 0)", (self.edge, str(boot)))
            self._db.executemany("INSERT INTO lane VALUES (?, 0, 0, 0)", [(lane,) for lane in Lane])
            return boot
        if row[0] != self.edge:
            raise JournalError(
                f"this journal belongs to edge {row[0]!r}, not {self.edge!r}; use another data directory"
            )
        return UUID(row[1])

    def begin_new_epoch(self, now: datetime) -> None:
        """A new `boot` for what is still waiting, numbered from 1 again.

        For a journal that turned out older than the cloud's watermark (a restored snapshot): under the old boot the
        cloud would take new entries for old ones and drop them.
        """
        boot = uuid4()
        with self.transaction():
            waiting_readings = sum(self._renumber(lane) for lane in Lane)
            filtered = self._db.execute("SELECT coalesce(sum(count), 0) FROM filtered").fetchone()[0]
            self._db.execute(
                "UPDATE identity SET boot = ?, readings_produced = ?", (str(boot), waiting_readings + filtered)
            )
            self.append(Lane.P1, [Birth(now, self.tags())])
        self.boot = boot

    def _renumber(self, lane: Lane) -> int:
        """Moves a lane's entries down to 1 …; returns how many readings of lane p2 they stand for."""
        shift, moved_through, readings = self._first_waiting(lane) - 1, 0, 0
        while entries := self._entries_after(lane, moved_through, AT_ONCE):
            moved_through = entries[-1].seq
            self._delete(lane, entries[0].seq, moved_through)
            self._insert(lane, [Entry(entry.seq - shift, _moved(entry.body, shift)) for entry in entries])
            readings += sum(_readings(entry) for entry in entries) if lane is Lane.P2 else 0
        self._db.execute("UPDATE lane SET head = head - ?, sent_through = 0 WHERE lane = ?", (shift, lane))
        return readings

    # Entries -----------------------------------------------------------------------------------------------------

    def append(self, lane: Lane, bodies: Iterable[Body]) -> None:
        """Numbers and stores; inside `transaction()`."""
        head = self.head(lane)
        entries = [Entry(head + 1 + index, body) for index, body in enumerate(bodies)]
        self._insert(lane, entries)
        self._db.execute("UPDATE lane SET head = head + ? WHERE lane = ?", (len(entries), lane))
        for entry in entries:
            if isinstance(entry.body, Alarm):
                self._note_standing(entry, entry.body)

    def head(self, lane: Lane) -> int:
        """The last number given in this lane; 0 if none."""
        return int(self._db.execute("SELECT head FROM lane WHERE lane = ?", (lane,)).fetchone()[0])

    def next_entries(self, lane: Lane, most: int = MAX_ENTRIES) -> tuple[Entry, ...]:
        """The oldest entries that fit into one message; they count as sent from now on.

        Readings that were sent before come again without newer ones. So what may have arrived, and must not be
        thinned any more, stays one message however long the link is down.
        """
        entries, room = [], MAX_MESSAGE_BYTES - ENVELOPE_BYTES
        sent_through = self._sent_through(lane)
        span = (lane, sent_through if self._first_waiting(lane) <= sent_through else MAX_SEQ, most)
        for (body,) in self._db.execute(
            "SELECT body FROM entry WHERE lane = ? AND seq <= ? ORDER BY seq LIMIT ?", span
        ):
            room -= len(body) + 1
            if room < 0:
                break
            entries.append(decode_entry(body))
        if entries and lane is Lane.P2:
            self._db.execute(
                "UPDATE lane SET sent_through = max(sent_through, ?) WHERE lane = ?", (entries[-1].seq, lane)
            )
        return tuple(entries)

    def acknowledge(self, lane: Lane, through: int) -> None:
        """Lets go of what the cloud has committed."""
        with self.transaction():
            self._delete(lane, 1, through)

    def quarantine(self, lane: Lane, entry: Entry, reason: str, now: datetime) -> bool:
        """Puts an entry the cloud will never take aside and a gap in its place; False for a gap, which must stay."""
        if isinstance(entry.body, Gap):
            return False
        with self.transaction():
            self._delete(lane, entry.seq, entry.seq)
            gap = Gap(entry.seq, GapReason.QUARANTINED, 1, *span_of(entry.body))
            self._insert(lane, [Entry(entry.seq, gap)])
            row = (lane, entry.seq, encode_entry(entry), reason, now.isoformat())
            self._db.execute("INSERT INTO quarantine VALUES (?, ?, ?, ?, ?)", row)
            self._db.execute(
                "DELETE FROM quarantine WHERE lane = ? AND rowid <= (SELECT max(rowid) FROM quarantine) - ?",
                (Lane.P2, KEPT_QUARANTINED_READINGS),
            )
        return True

    def quarantined(self) -> list[tuple[Entry, str]]:
        rows = self._db.execute("SELECT body, reason FROM quarantine ORDER BY rowid")
        return [(decode_entry(body), reason) for body, reason in rows]

    def resume_at(self, lane: Lane, expected_seq: int, now: datetime) -> None:
        """The cloud asks for `expected_seq`: lets go of what is below, declares lost what is asked for and gone."""
        with self.transaction():
            self._delete(lane, 1, expected_seq - 1)
            first = self._first_waiting(lane)
            if expected_seq < first:
                lost = Gap(expected_seq, GapReason.LOST, first - expected_seq, now, now)
                self._insert(lane, [Entry(first - 1, lost)])

    def thin_readings(self, limit_bytes: int | None = None) -> int:
        """Replaces the oldest readings by counts until they fit; inside `transaction()`. Returns how many went."""
        limit = self._readings_limit_bytes if limit_bytes is None else limit_bytes
        thinned = 0
        while self.readings_bytes() > limit:
            entries = self._oldest_unsent_readings()
            gaps = gaps_instead_of(entries)
            if len(gaps) == len(entries):
                break
            thinned += sum(not isinstance(entry.body, Gap) for entry in entries)
            self._delete(Lane.P2, entries[0].seq, entries[-1].seq)
            self._insert(Lane.P2, gaps)
        return thinned

    def _oldest_unsent_readings(self) -> list[Entry]:
        return self._entries_after(Lane.P2, self._sent_through(Lane.P2), AT_ONCE)

    def _entries_after(self, lane: Lane, seq: int, most: int) -> list[Entry]:
        rows = self._db.execute(
            "SELECT body FROM entry WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?", (lane, seq, most)
        )
        return [decode_entry(body) for (body,) in rows]

    def _sent_through(self, lane: Lane) -> int:
        return int(self._db.execute("SELECT sent_through FROM lane WHERE lane = ?", (lane,)).fetchone()[0])

    def _first_waiting(self, lane: Lane) -> int:
        """The lowest number that waits; the next to be given if none does."""
        return next((entry.first_seq for entry in self._entries_after(lane, 0, 1)), self.head(lane) + 1)

    def _session_waiting(self) -> list[Body]:
        """Lane p1, which never grows long."""
        return [entry.body for entry in self._entries_after(Lane.P1, 0, MAX_ENTRIES)]

    def readings_bytes(self) -> int:
        """What lane p2 takes, without the database's own overhead."""
        return int(self._db.execute("SELECT bytes FROM lane WHERE lane = ?", (Lane.P2,)).fetchone()[0])

    def _insert(self, lane: Lane, entries: Iterable[Entry]) -> None:
        rows = [(lane, entry.seq, encode_entry(entry)) for entry in entries]
        self._db.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
        added = sum(len(body) for _, _, body in rows)
        self._db.execute("UPDATE lane SET bytes = bytes + ? WHERE lane = ?", (added, lane))

    def _delete(self, lane: Lane, first: int, last: int) -> None:
        span = (lane, first, last)
        freed = self._db.execute(
            "SELECT coalesce(sum(length(body)), 0) FROM entry WHERE lane = ? AND seq BETWEEN ? AND ?", span
        ).fetchone()[0]
        self._db.execute("DELETE FROM entry WHERE lane = ? AND seq BETWEEN ? AND ?", span)
        self._db.execute("UPDATE lane SET bytes = bytes - ? WHERE lane = ?", (freed, lane))

    # Counts ------------------------------------------------------------------------------------------------------

    def count_readings(self, produced: int, filtered: Gap | None) -> None:
        """Adds readings taken from terminals and, of these, the ones filtered; inside `transaction()`."""
        self._db.execute("UPDATE identity SET readings_produced = readings_produced + ?", (produced,))
        if filtered:
            self._db.execute(
                "INSERT INTO filtered VALUES (?, ?, ?, ?) ON CONFLICT (reason) DO UPDATE SET"
                " count = count + excluded.count,"
                " from_at = min(from_at, excluded.from_at), to_at = max(to_at, excluded.to_at)",
                (filtered.reason, filtered.count, _sortable(filtered.from_at), _sortable(filtered.to_at)),
            )

    def beat(self, now: datetime) -> None:
        """Journals the filtered counts and a heartbeat that balances with them, unless one still waits to be sent."""
        if any(isinstance(body, Heartbeat) for body in self._session_waiting()):
            return
        with self.transaction():
            self._journal_filtered()
            produced = self._db.execute("SELECT readings_produced FROM identity").fetchone()[0]
            self.append(Lane.P1, [Heartbeat(now, produced, self.head(Lane.P2))])

    def announce_birth(self, now: datetime) -> None:
        """Journals a birth, unless one waits that no death followed: restarts without a link must not fill the disk."""
        waiting = self._session_waiting()
        if not waiting or isinstance(waiting[-1], Death):
            with self.transaction():
                self.append(Lane.P1, [Birth(now, self.tags())])

    def announce_death(self, now: datetime) -> None:
        self.beat(now)
        with self.transaction():
            self.append(Lane.P1, [Death(now, "stopped in good order")])

    def _journal_filtered(self) -> None:
        for reason, count, *span in self._db.execute("SELECT * FROM filtered").fetchall():
            from_at, to_at = map(datetime.fromisoformat, span)
            self.append(Lane.P2, [Gap(self.head(Lane.P2) + 1, GapReason(reason), count, from_at, to_at)])
        self._db.execute("DELETE FROM filtered")

    # What the rules and the terminals stand at ---------------------------------------------------------------------

    def rule_states(self) -> dict[str, str]:
        return dict(self._db.execute("SELECT rule, state FROM rule_state"))

    def save_rule_states(self, states: Mapping[str, str]) -> None:
        self._db.executemany("INSERT OR REPLACE INTO rule_state VALUES (?, ?)", states.items())

    def forget_rule_states(self, rules: Iterable[str]) -> None:
        self._db.executemany("DELETE FROM rule_state WHERE rule = ?", [(rule,) for rule in rules])

    def standing_alarms(self) -> list[Alarm]:
        """Alarms raised and not yet cleared, as they were raised."""
        bodies = [decode_entry(body).body for (body,) in self._db.execute("SELECT body FROM standing ORDER BY seq")]
        return [body for body in bodies if isinstance(body, Alarm)]

    def _note_standing(self, entry: Entry, alarm: Alarm) -> None:
        if alarm.event is AlarmEvent.RAISED:
            row = (alarm.equipment, alarm.alarm_type, entry.seq, encode_entry(entry))
            self._db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?)", row)
        else:
            self._db.execute(
                "DELETE FROM standing WHERE equipment = ? AND alarm_type = ?", (alarm.equipment, alarm.alarm_type)
            )

    def take_number(self, session: UUID, n: int, now: datetime) -> bool:
        """Notes frame `n` of a terminal's session; False if it was taken before. Inside `transaction()`."""
        changed = self._db.execute(
            "INSERT INTO session VALUES (?, ?, ?) ON CONFLICT (session) DO UPDATE SET n = excluded.n,"
            " seen_at = excluded.seen_at WHERE excluded.n > session.n",
            (str(session), n, _sortable(now)),
        )
        return changed.rowcount == 1

    def _forget_old_sessions(self) -> None:
        oldest = datetime.now(UTC) - timedelta(days=KEPT_SESSION_DAYS)
        self._db.execute("DELETE FROM session WHERE seen_at < ?", (_sortable(oldest),))

    def tags(self) -> tuple[Tag, ...]:
        return tuple(Tag(*row) for row in self._db.execute("SELECT * FROM tag ORDER BY equipment, tag"))

    def save_tags(self, tags: Iterable[Tag]) -> None:
        rows = [(tag.equipment, tag.tag, tag.unit) for tag in tags]
        self._db.executemany("INSERT OR REPLACE INTO tag VALUES (?, ?, ?)", rows)


def _moved(body: Body, shift: int) -> Body:
    match body:
        case Gap():
            return replace(body, first_seq=body.first_seq - shift)
        case Heartbeat():  # its balance belonged to the old numbers
            return replace(body, readings_produced=0, readings_through=0)
        case _:
            return body


def _readings(entry: Entry) -> int:
    return entry.body.count if isinstance(entry.body, Gap) else 1


def _sortable(at: datetime) -> str:
    """UTC with a fixed number of digits, so that texts order as the times do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
