"""The journal: numbers without holes, counts that balance, and nothing gone before the cloud has it."""

import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.schema import TABLES, JournalError
from edge_bridge.gateway.thinning import gaps_instead_of
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Birth,
    Death,
    Entry,
    Gap,
    GapReason,
    Heartbeat,
    Lane,
    Quality,
    Reading,
    Severity,
    Tag,
)

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
PLENTY = 10_000_000


def reading(index: int) -> Reading:
    return Reading("GAS-1", "ch4", float(index), Quality.GOOD, NOW + timedelta(seconds=index))


def alarm(event: AlarmEvent = AlarmEvent.RAISED) -> Alarm:
    return Alarm("GAS-1", "methane.hi", event, Severity.CRITICAL, "ch4", 1.2, 1.0, "methane", NOW, False)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", PLENTY, PLENTY)
    yield journal
    journal.close()


def put_readings(journal: Journal, count: int) -> None:
    with journal.transaction():
        journal.append(Lane.P2, [reading(index) for index in range(count)])
        journal.count_readings(count)


def counted(entries: tuple[Entry, ...]) -> int:
    return sum(entry.body.count if isinstance(entry.body, Gap) else 1 for entry in entries)


def assert_gapless(entries: tuple[Entry, ...], first: int = 1) -> None:
    for entry in entries:
        assert entry.first_seq == first
        first = entry.seq + 1


def test_each_lane_counts_for_itself_without_holes(journal: Journal) -> None:
    with journal.transaction():
        journal.append(Lane.P2, [reading(0), reading(1)])
        journal.append(Lane.P0, [alarm()])
        journal.append(Lane.P2, [reading(2)])
    assert journal.next_entries(Lane.P0) == (Entry(1, alarm()),)
    assert journal.next_entries(Lane.P2) == tuple(Entry(index + 1, reading(index)) for index in range(3))


def test_failed_transaction_leaves_no_hole(journal: Journal) -> None:
    with pytest.raises(RuntimeError), journal.transaction():
        journal.append(Lane.P0, [alarm()])
        raise RuntimeError("power")
    with journal.transaction():
        journal.append(Lane.P0, [alarm(AlarmEvent.CLEARED)])
    assert journal.next_entries(Lane.P0) == (Entry(1, alarm(AlarmEvent.CLEARED)),)


def test_boot_and_numbers_survive_reopening(tmp_path: Path) -> None:
    before = Journal(tmp_path, "north", PLENTY, PLENTY)
    put_readings(before, 3)
    before.acknowledge(Lane.P2, 2)
    before.close()
    after = Journal(tmp_path, "north", PLENTY, PLENTY)
    put_readings(after, 1)
    assert after.boot == before.boot
    assert [entry.seq for entry in after.next_entries(Lane.P2)] == [3, 4]
    after.close()


def test_new_journal_has_a_new_boot(journal: Journal, tmp_path: Path) -> None:
    other = Journal(tmp_path / "other", "north", PLENTY, PLENTY)
    assert other.boot != journal.boot
    other.close()


def test_two_gateways_cannot_share_a_journal(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="another gateway uses"):
        Journal(tmp_path, "north", PLENTY, PLENTY)


def test_journal_of_another_edge_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path, "north", PLENTY, PLENTY).close()
    with pytest.raises(JournalError, match="belongs to edge 'north', not 'south'"):
        Journal(tmp_path, "south", PLENTY, PLENTY)


def test_journal_of_a_later_program_is_refused(tmp_path: Path) -> None:
    Journal(tmp_path, "north", PLENTY, PLENTY).close()
    with sqlite3.connect(tmp_path / "journal.sqlite3") as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(JournalError, match="schema 99"):
        Journal(tmp_path, "north", PLENTY, PLENTY)


def test_journal_of_an_earlier_program_goes_on_where_it_was(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "journal.sqlite3") as database:
        database.executescript(f"{TABLES} PRAGMA user_version=1;")
        database.execute("INSERT INTO identity VALUES ('north', '6f2c0c1e-7a55-4b0e-9f3e-0c8f3d1c2b4a', 7)")
        database.executemany("INSERT INTO lane VALUES (?, 3, 0, 0)", [(lane,) for lane in Lane])
    database.close()
    journal = Journal(tmp_path, "north", PLENTY, PLENTY)
    put_readings(journal, 1)
    assert [entry.seq for entry in journal.next_entries(Lane.P2)] == [4]
    assert journal.notes.held() == []
    journal.close()


def test_session_lane_that_outgrew_its_limit_becomes_a_count_and_a_birth(journal: Journal) -> None:
    with journal.transaction():
        journal.save_tags([Tag("GAS-1", "ch4", "%")])
        journal.append(Lane.P1, [Birth(NOW, (Tag("GAS-1", f"t{index}", "%"),)) for index in range(100)])
    sent = journal.next_entries(Lane.P1, most=2)
    with journal.transaction():
        assert journal.thin_session(NOW, 1_000) == 98
        assert journal.thin_session(NOW, 10_000) == 0
    assert journal.next_entries(Lane.P1) == sent
    journal.acknowledge(Lane.P1, 2)
    gap, birth = journal.next_entries(Lane.P1)
    assert gap == Entry(100, Gap(3, GapReason.THINNED, 98, NOW, NOW))
    assert birth == Entry(101, Birth(NOW, (Tag("GAS-1", "ch4", "%"),)))


def test_damaged_journal_is_set_aside_and_kept(tmp_path: Path) -> None:
    (tmp_path / "journal.sqlite3").write_bytes(b"this was a journal once" * 400)
    journal = Journal(tmp_path, "north", PLENTY, PLENTY)
    put_readings(journal, 1)
    assert [path.read_bytes()[:4] for path in tmp_path.glob("*damaged*")] == [b"this"]
    journal.close()


def test_entries_that_fit_one_message_come_together(journal: Journal) -> None:
    put_readings(journal, 5_500)
    first = journal.next_entries(Lane.P2)
    assert len(first) == 5_000
    assert journal.next_entries(Lane.P2, most=7) == first[:7]


def test_readings_sent_before_come_again_without_newer_ones(journal: Journal) -> None:
    put_readings(journal, 3)
    first = journal.next_entries(Lane.P2)
    put_readings(journal, 3)
    assert journal.next_entries(Lane.P2) == first
    journal.acknowledge(Lane.P2, 3)
    assert [entry.seq for entry in journal.next_entries(Lane.P2)] == [4, 5, 6]


def test_thinning_keeps_numbers_and_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "north", 20_000, PLENTY)
    for _ in range(20):
        put_readings(journal, 500)
        with journal.transaction():
            journal.thin_readings()
        assert journal.readings_bytes() <= 20_000
    entries = journal.next_entries(Lane.P2)
    assert_gapless(entries)
    assert entries[-1].seq == 10_000
    assert counted(entries) == 10_000
    assert isinstance(entries[0].body, Gap)
    assert entries[0].body.reason is GapReason.THINNED
    journal.close()


def test_thinning_spares_what_may_have_arrived(journal: Journal) -> None:
    put_readings(journal, 3_000)
    sent = journal.next_entries(Lane.P2, most=10)
    with journal.transaction():
        assert journal.thin_readings(2_000) > 1_900
    assert journal.next_entries(Lane.P2) == sent
    journal.acknowledge(Lane.P2, 10)
    entries = journal.next_entries(Lane.P2)
    assert_gapless(entries, first=11)
    assert counted(entries) == 2_990


def test_alarms_are_never_thinned(journal: Journal) -> None:
    with journal.transaction():
        journal.append(Lane.P0, [alarm()] * 500)
        journal.append(Lane.P2, [reading(index) for index in range(500)])
        journal.thin_readings(0)
    assert len(journal.next_entries(Lane.P0)) == 500
    assert len(journal.next_entries(Lane.P2)) == 1


bodies = st.one_of(
    st.integers(0, 100).map(reading),
    st.builds(Gap, st.just(0), st.sampled_from(GapReason), st.integers(0, 50), st.just(NOW), st.just(NOW)),
)


@given(st.lists(bodies, min_size=1, max_size=30))
def test_gaps_take_exactly_the_numbers_and_counts_they_replace(bodies: list[Reading | Gap]) -> None:
    entries = [
        Entry(seq, Gap(seq, body.reason, body.count, NOW, NOW) if isinstance(body, Gap) else body)
        for seq, body in enumerate(bodies, start=5)
    ]
    gaps = tuple(gaps_instead_of(entries))
    assert_gapless(gaps, first=5)
    assert gaps[-1].seq == entries[-1].seq
    assert counted(gaps) == counted(tuple(entries))


def test_refused_entry_is_kept_aside_and_leaves_a_gap(journal: Journal) -> None:
    put_readings(journal, 3)
    entry = journal.next_entries(Lane.P2)[1]
    assert journal.quarantine(Lane.P2, entry, "422 beyond physics", NOW)
    entries = journal.next_entries(Lane.P2)
    assert_gapless(entries)
    assert counted(entries) == 3
    assert journal.quarantined() == [(entry, "422 beyond physics")]
    assert not journal.quarantine(Lane.P2, entries[1], "again", NOW)


def test_what_the_cloud_asks_for_and_is_gone_is_declared_lost(journal: Journal) -> None:
    put_readings(journal, 6)
    journal.acknowledge(Lane.P2, 4)
    journal.resume_at(Lane.P2, 2, NOW)
    entries = journal.next_entries(Lane.P2)
    assert entries[0] == Entry(4, Gap(2, GapReason.LOST, 3, NOW, NOW))
    assert [entry.seq for entry in entries] == [4, 5, 6]


def test_what_is_lost_lies_between_what_the_cloud_was_known_to_have_and_now(journal: Journal) -> None:
    """A cloud restored from a backup may ask for any number; of the acknowledged ones some times are kept."""
    now = NOW + timedelta(hours=2)
    for minute in range(90):
        with journal.transaction():
            journal.append(Lane.P2, [reading(60 * minute)])
        journal.acknowledge(Lane.P2, minute + 1)
    journal.resume_at(Lane.P2, 31, now)
    assert journal.next_entries(Lane.P2) == (Entry(90, Gap(31, GapReason.LOST, 60, NOW + timedelta(minutes=29), now)),)
    journal.begin_new_epoch(now)
    journal.acknowledge(Lane.P2, journal.head(Lane.P2))
    journal.resume_at(Lane.P2, 1, now)
    (lost,) = journal.next_entries(Lane.P2)
    assert isinstance(lost.body, Gap) and lost.body.from_at == now, "of the new numbers nothing was known before"


def test_times_of_what_was_acknowledged_are_bounded(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge_bridge.gateway.journal.KEPT_TIMES", 3)
    for hour in range(6):
        with journal.transaction():
            journal.append(Lane.P2, [reading(3600 * hour)])
        journal.acknowledge(Lane.P2, hour + 1)
    journal.resume_at(Lane.P2, 2, NOW + timedelta(days=1))
    (lost,) = journal.next_entries(Lane.P2)
    assert isinstance(lost.body, Gap) and lost.body.from_at == NOW + timedelta(hours=3), "the oldest that is known"


def test_what_the_cloud_has_already_is_let_go(journal: Journal) -> None:
    put_readings(journal, 6)
    journal.resume_at(Lane.P2, 4, NOW)
    assert [entry.seq for entry in journal.next_entries(Lane.P2)] == [4, 5, 6]


def test_heartbeat_balances_with_what_was_stored_and_filtered(journal: Journal) -> None:
    put_readings(journal, 5)
    with journal.transaction():
        journal.count_readings(2, [Gap(1, GapReason.DEADBAND, 2, NOW, NOW)])
        journal.count_readings(1, [Gap(1, GapReason.DEADBAND, 1, NOW, NOW + timedelta(hours=1))])
    journal.beat(NOW)
    (beat,) = [entry.body for entry in journal.next_entries(Lane.P1)]
    entries = journal.next_entries(Lane.P2)
    assert beat == Heartbeat(NOW, readings_produced=8, readings_through=6)
    assert entries[-1].body == Gap(6, GapReason.DEADBAND, 3, NOW, NOW + timedelta(hours=1))
    assert counted(entries) == 8


def test_heartbeats_and_births_do_not_pile_up_without_a_link(journal: Journal) -> None:
    for _ in range(5):
        journal.announce_birth(NOW)
        journal.beat(NOW)
    journal.announce_death(NOW)
    journal.announce_birth(NOW)
    assert [type(entry.body) for entry in journal.next_entries(Lane.P1)] == [Birth, Heartbeat, Death, Birth]


def test_alarm_stands_until_it_is_cleared_even_when_sent(journal: Journal) -> None:
    with journal.transaction():
        journal.append(Lane.P0, [alarm()])
    journal.acknowledge(Lane.P0, 1)
    assert journal.standing_alarms() == [alarm()]
    with journal.transaction():
        journal.append(Lane.P0, [alarm(AlarmEvent.CLEARED)])
    assert journal.standing_alarms() == []


def test_acknowledged_alarms_are_kept_for_a_cloud_that_lost_them_and_offered_after_a_break(journal: Journal) -> None:
    with journal.transaction():
        journal.append(Lane.P0, [alarm(AlarmEvent.RAISED), alarm(AlarmEvent.CLEARED)] * 2)
    said = journal.next_entries(Lane.P0)
    journal.acknowledge(Lane.P0, 4)
    assert journal.next_entries(Lane.P0) == ()
    journal.offer_again()
    journal.offer_again()
    assert journal.next_entries(Lane.P0) == said[3:]
    journal.resume_at(Lane.P0, 2, NOW)
    assert journal.next_entries(Lane.P0) == said[1:]
    journal.acknowledge(Lane.P0, 4)
    with journal.transaction():
        journal.let_go_of_acknowledged()
    journal.resume_at(Lane.P0, 2, NOW)
    assert journal.next_entries(Lane.P0) == (Entry(4, Gap(2, GapReason.LOST, 3, NOW, NOW)),)


def test_what_stands_and_was_told_is_stated_again_at_a_start_and_in_a_new_epoch(journal: Journal) -> None:
    other = replace(alarm(), alarm_type="other")
    with journal.transaction():
        journal.append(Lane.P0, [alarm(), other, replace(alarm(), alarm_type="over")])
        journal.append(Lane.P0, [replace(alarm(AlarmEvent.CLEARED), alarm_type="over")])
    journal.acknowledge(Lane.P0, 4)
    journal.announce_birth(NOW)
    assert journal.next_entries(Lane.P0) == (Entry(5, alarm()), Entry(6, other))
    journal.announce_birth(NOW)
    assert len(journal.next_entries(Lane.P0)) == 2, "what waits to be told is not stated twice"
    journal.acknowledge(Lane.P0, 5)
    journal.begin_new_epoch(NOW)
    assert [entry.body for entry in journal.next_entries(Lane.P0)] == [other, alarm()]
    journal.announce_birth(NOW)
    assert len(journal.next_entries(Lane.P0)) == 2
    assert {one.alarm_type for one in journal.standing_alarms()} == {alarm().alarm_type, "other"}


def test_new_epoch_numbers_what_waits_from_one_and_balances(journal: Journal) -> None:
    put_readings(journal, 2_500)
    with journal.transaction():
        journal.append(Lane.P0, [alarm()])
        journal.save_tags([Tag("GAS-1", "ch4", "%")])
    journal.beat(NOW)
    journal.acknowledge(Lane.P2, 100)
    with journal.transaction():
        journal.thin_readings(50_000)
    before = journal.boot
    journal.begin_new_epoch(NOW)
    journal.acknowledge(Lane.P1, 1)
    journal.beat(NOW)
    assert journal.boot != before
    readings = journal.next_entries(Lane.P2)
    assert_gapless(readings)
    assert counted(readings) == 2_400
    assert journal.next_entries(Lane.P0) == (Entry(1, alarm()),)
    birth, beat = (entry.body for entry in journal.next_entries(Lane.P1))
    assert birth == Birth(NOW, (Tag("GAS-1", "ch4", "%"),))
    assert beat == Heartbeat(NOW, readings_produced=2_400, readings_through=readings[-1].seq)
