"""What the gateway must not forget: entries by lane until the cloud has them, and the state the rules stand in.

SQLite with WAL and synchronous=FULL: a commit is on the disk when it returns. Numbers are given inside the same
transaction that stores the entry, so a lane has no hole; entries leave only up to the cloud's acknowledgement, and
alarms stay for a while even then: a cloud that is restored from a backup asks for them again.
One thread at a time uses a Journal. Writes belong inside `transaction()`; the larger operations open their own.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

from edge_bridge.gateway.notes import Notes, sortable
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
KEPT_ACKNOWLEDGED = {Lane.P0: 10_000, Lane.P1: 0, Lane.P2: 0}
TIMES_APART, KEPT_TIMES = timedelta(minutes=1), 10_000  # a week of what was acknowledged when
SESSION_LIMIT_BYTES = 16_000_000
TAGS_A_BIRTH = 2_000
AT_ONCE = 1_000  # entries in memory while many are rewritten


class Waiting(NamedTuple):
    """An entry as the journal keeps it."""

    seq: int
    body: bytes

    def entry(self) -> Entry:
        return decode_entry(self.body)


class Journal:
    """The journal of gateway `edge` in `directory`.

    Readings that wait for the cloud take at most `readings_limit_bytes`, the file as a whole `limit_bytes`.
    """

    def __init__(self, directory: Path, edge: str, readings_limit_bytes: int, limit_bytes: int) -> None:
        self.edge = edge
        self._readings_limit_bytes = readings_limit_bytes
        self._lock = lock_directory(directory)
        self._db = open_journal(directory / "journal.sqlite3", limit_bytes)
        self.notes = Notes(self._db)
        with self.transaction():
            self.boot = self._identify()
            self.notes.forget_old_sessions()
            self._offer_again()

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
            self._db.executemany("INSERT INTO lane VALUES (?, 0, 0, 0, 0)", [(lane,) for lane in Lane])
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
            self._db.execute("DELETE FROM acknowledged")
            filtered = self._db.execute("SELECT coalesce(sum(count), 0) FROM filtered").fetchone()[0]
            self._db.execute(
                "UPDATE identity SET boot = ?, readings_produced = ?", (str(boot), waiting_readings + filtered)
            )
            self.append(Lane.P1, births(now, self.tags()))
            self._state_again()
        self.boot = boot

    def _renumber(self, lane: Lane) -> int:
        """Moves what waits in a lane down to 1 …; returns how many readings of lane p2 it stands for."""
        self._delete(lane, 1, self._acknowledged_through(lane))
        shift, moved_through, readings = self._first_waiting(lane) - 1, 0, 0
        if lane is Lane.P0:
            self._db.execute("UPDATE standing SET seq = seq - ? WHERE seq > 0", (shift,))
        while entries := self._entries_after(lane, moved_through, AT_ONCE):
            moved_through = entries[-1].seq
            self._delete(lane, entries[0].seq, moved_through)
            self._insert(lane, [Entry(entry.seq - shift, _moved(entry.body, shift)) for entry in entries])
            readings += sum(_readings(entry) for entry in entries) if lane is Lane.P2 else 0
        zeros = "sent_through = 0, acknowledged_through = 0"
        self._db.execute(f"UPDATE lane SET head = head - ?, {zeros} WHERE lane = ?", (shift, lane))
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

    def next_waiting(self, lane: Lane, most: int = MAX_ENTRIES) -> tuple[Waiting, ...]:
        """The oldest entries that fit into one message, as stored; they count as sent from now on.

        What was sent before, of a lane that may be thinned, comes again without newer entries. So what may have
        arrived, and must not be thinned any more, stays one message however long the link is down.
        """
        entries, room = [], MAX_MESSAGE_BYTES - ENVELOPE_BYTES
        sent_through = self._sent_through(lane)
        last = sent_through if self._first_waiting(lane) <= sent_through else MAX_SEQ
        for seq, body in self._db.execute(
            "SELECT seq, body FROM entry WHERE lane = ? AND seq BETWEEN ? AND ? ORDER BY seq LIMIT ?",
            (lane, self._acknowledged_through(lane) + 1, last, most),
        ):
            room -= len(body) + 1
            if room < 0:
                break
            entries.append(Waiting(seq, body))
        if entries and lane is not Lane.P0 and entries[-1].seq > sent_through:
            self._db.execute("UPDATE lane SET sent_through = ? WHERE lane = ?", (entries[-1].seq, lane))
        return tuple(entries)

    def next_entries(self, lane: Lane, most: int = MAX_ENTRIES) -> tuple[Entry, ...]:
        return tuple(waiting.entry() for waiting in self.next_waiting(lane, most))

    def acknowledge(self, lane: Lane, through: int) -> None:
        """Lets go of what the cloud has committed, of alarms only of the oldest."""
        with self.transaction():
            self._note_acknowledged(lane, through)

    def _note_acknowledged(self, lane: Lane, through: int) -> None:
        self._note_time(lane, through)
        self._db.execute("UPDATE lane SET acknowledged_through = ? WHERE lane = ?", (through, lane))
        if lane is Lane.P0:  # below zero: the cloud has been told
            self._db.execute("UPDATE standing SET seq = -seq WHERE seq BETWEEN 1 AND ?", (through,))
        self._delete(lane, 1, through - KEPT_ACKNOWLEDGED[lane])

    def _note_time(self, lane: Lane, through: int) -> None:
        """Times outlive the entries that are let go: a cloud that has lost some is told of when they were."""
        row = self._db.execute("SELECT body FROM entry WHERE lane = ? AND seq = ?", (lane, through)).fetchone()
        if row is None:
            return
        _, at = span_of(decode_entry(row[0]).body)
        if abs(at - self._time_at(lane, through, datetime.min.replace(tzinfo=UTC))) < TIMES_APART:
            return
        self._db.execute("INSERT OR REPLACE INTO acknowledged VALUES (?, ?, ?)", (lane, through, sortable(at)))
        self._db.execute(
            "DELETE FROM acknowledged WHERE lane = ? AND through <="
            " (SELECT through FROM acknowledged WHERE lane = ? ORDER BY through DESC LIMIT 1 OFFSET ?)",
            (lane, lane, KEPT_TIMES),
        )

    def _time_at(self, lane: Lane, seq: int, unknown: datetime) -> datetime:
        """Of the last entry up to this number whose time is kept, or else of the first one after it."""
        row = self._db.execute(
            "SELECT at FROM acknowledged WHERE lane = ?1 AND through = coalesce("
            " (SELECT max(through) FROM acknowledged WHERE lane = ?1 AND through <= ?2),"
            " (SELECT min(through) FROM acknowledged WHERE lane = ?1))",
            (lane, seq),
        ).fetchone()
        return datetime.fromisoformat(row[0]) if row else unknown

    def _acknowledged_through(self, lane: Lane) -> int:
        row = self._db.execute("SELECT acknowledged_through FROM lane WHERE lane = ?", (lane,)).fetchone()
        return int(row[0])

    def offer_again(self) -> None:
        """Where no alarm waits, the last one goes once more: if the cloud was restored, it says how far it has come."""
        with self.transaction():
            self._offer_again()

    def _offer_again(self) -> None:
        self._db.execute(
            "UPDATE lane SET acknowledged_through = head - 1"
            " WHERE lane = ? AND acknowledged_through = head AND head > 0",
            (Lane.P0,),
        )

    def let_go_of_acknowledged(self) -> None:
        """Inside `transaction()`: what was only kept in case it is asked for again."""
        for lane in Lane:
            self._delete(lane, 1, self._acknowledged_through(lane))

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
            if expected_seq <= self._acknowledged_through(lane):  # it was restored from a backup
                self.notes.cloud_went_back()
            self._note_acknowledged(lane, expected_seq - 1)
            first = self._first_waiting(lane)
            if (lost := first - expected_seq) > 0:
                since = min(self._time_at(lane, expected_seq - 1, unknown=now), now)
                self._insert(lane, [Entry(first - 1, Gap(expected_seq, GapReason.LOST, lost, since, now))])

    def thin_readings(self, limit_bytes: int | None = None) -> int:
        """Replaces the oldest readings by counts until they fit; inside `transaction()`. Returns how many went."""
        return self._thin(Lane.P2, self._readings_limit_bytes if limit_bytes is None else limit_bytes)

    def thin_session(self, now: datetime, limit_bytes: int = SESSION_LIMIT_BYTES) -> int:
        """If lane p1 outgrew its limit, a count for what waits and one whole birth; inside `transaction()`."""
        if self._bytes(Lane.P1) <= limit_bytes:
            return 0
        thinned = self._thin(Lane.P1, 0)
        self.append(Lane.P1, births(now, self.tags()))
        return thinned

    def _thin(self, lane: Lane, limit_bytes: int) -> int:
        thinned = 0
        while self._bytes(lane) > limit_bytes:
            entries = self._entries_after(lane, self._sent_through(lane), AT_ONCE)
            gaps = gaps_instead_of(entries)
            if len(gaps) == len(entries):
                break
            thinned += sum(not isinstance(entry.body, Gap) for entry in entries)
            self._delete(lane, entries[0].seq, entries[-1].seq)
            self._insert(lane, gaps)
        return thinned

    def _entries_after(self, lane: Lane, seq: int, most: int) -> list[Entry]:
        rows = self._db.execute(
            "SELECT body FROM entry WHERE lane = ? AND seq > ? ORDER BY seq LIMIT ?", (lane, seq, most)
        )
        return [decode_entry(body) for (body,) in rows]

    def _sent_through(self, lane: Lane) -> int:
        return int(self._db.execute("SELECT sent_through FROM lane WHERE lane = ?", (lane,)).fetchone()[0])

    def _first_waiting(self, lane: Lane) -> int:
        """The lowest number that waits; the next to be given if none does."""
        waiting = self._entries_after(lane, self._acknowledged_through(lane), 1)
        return next((entry.first_seq for entry in waiting), self.head(lane) + 1)

    def _session_waiting(self) -> list[Body]:
        """Lane p1, which never grows long."""
        return [entry.body for entry in self._entries_after(Lane.P1, 0, MAX_ENTRIES)]

    def readings_bytes(self) -> int:
        """What lane p2 takes, without the database's own overhead."""
        return self._bytes(Lane.P2)

    def _bytes(self, lane: Lane) -> int:
        return int(self._db.execute("SELECT bytes FROM lane WHERE lane = ?", (lane,)).fetchone()[0])

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

    def count_readings(self, produced: int, filtered: Iterable[Gap] = ()) -> None:
        """Adds readings of whose way was decided and, of these, the ones filtered; inside `transaction()`."""
        self._db.execute("UPDATE identity SET readings_produced = readings_produced + ?", (produced,))
        self._db.executemany(
            "INSERT INTO filtered VALUES (?, ?, ?, ?) ON CONFLICT (reason) DO UPDATE SET"
            " count = count + excluded.count,"
            " from_at = min(from_at, excluded.from_at), to_at = max(to_at, excluded.to_at)",
            [(gap.reason, gap.count, sortable(gap.from_at), sortable(gap.to_at)) for gap in filtered],
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
        """Journals a birth, unless one waits that no death followed: restarts without a link must not fill the disk.

        What stands and was told is stated again: the cloud may have cleared what it had nobody for to ask about.
        """
        waiting = self._session_waiting()
        with self.transaction():
            if not waiting or isinstance(waiting[-1], Death):
                self.append(Lane.P1, births(now, self.tags()))
            self._state_again()

    def announce_death(self, now: datetime) -> None:
        self.beat(now)
        with self.transaction():
            self.append(Lane.P1, [Death(now, "stopped in good order")])

    def _journal_filtered(self) -> None:
        for reason, count, *span in self._db.execute("SELECT * FROM filtered").fetchall():
            from_at, to_at = map(datetime.fromisoformat, span)
            self.append(Lane.P2, [Gap(self.head(Lane.P2) + 1, GapReason(reason), count, from_at, to_at)])
        self._db.execute("DELETE FROM filtered")

    # Standing alarms and the catalogue -----------------------------------------------------------------------------

    def standing_alarms(self) -> list[Alarm]:
        """Alarms raised and not yet cleared, as they were raised."""
        rows = self._db.execute("SELECT body FROM standing ORDER BY abs(seq)")
        bodies = [decode_entry(body).body for (body,) in rows]
        return [body for body in bodies if isinstance(body, Alarm)]

    def _state_again(self) -> None:
        rows = self._db.execute("SELECT body FROM standing WHERE seq < 0 ORDER BY seq DESC").fetchall()
        self.append(Lane.P0, [decode_entry(body).body for (body,) in rows])

    def _note_standing(self, entry: Entry, alarm: Alarm) -> None:
        if alarm.event is AlarmEvent.RAISED:
            row = (alarm.equipment, alarm.alarm_type, entry.seq, encode_entry(entry))
            self._db.execute("INSERT OR REPLACE INTO standing VALUES (?, ?, ?, ?)", row)
        else:
            self._db.execute(
                "DELETE FROM standing WHERE equipment = ? AND alarm_type = ?", (alarm.equipment, alarm.alarm_type)
            )

    def tags(self) -> tuple[Tag, ...]:
        return tuple(Tag(*row) for row in self._db.execute("SELECT * FROM tag ORDER BY equipment, tag"))

    def save_tags(self, tags: Iterable[Tag]) -> None:
        rows = [(tag.equipment, tag.tag, tag.unit) for tag in tags]
        self._db.executemany("INSERT OR REPLACE INTO tag VALUES (?, ?, ?)", rows)


def births(now: datetime, tags: Iterable[Tag]) -> list[Birth]:
    """In parts that fit into a message, however long their names."""
    parts = list(batched(tags, TAGS_A_BIRTH))
    return [Birth(now, part) for part in parts] or [Birth(now, ())]


def batched(items: Iterable[Tag], size: int) -> Iterator[tuple[Tag, ...]]:
    iterator = iter(items)
    while part := tuple(islice(iterator, size)):
        yield part


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
