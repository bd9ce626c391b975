"""Terminals that send ahead of the answers: frames come late, twice, or under old numbers; none is lost or double."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.gateway.intake import Intake, Ways
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.numbers import WINDOW, Numbers
from edge_bridge.protocol import (
    Lane,
    ProtocolError,
    Quality,
    Reading,
    Refused,
    Tag,
    Taken,
    TerminalBirth,
    TerminalReading,
    TerminalReadings,
    decode,
    encode,
)

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
SESSION = UUID("6f2c0c1e-7a55-4b0e-9f3e-0c8f3d1c2b4a")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "north", 10_000_000, 10_000_000)
    yield journal
    journal.close()


def intake(journal: Journal) -> Intake:
    return Intake(journal, Ways(), NOW)


def frame(n: int, value: float | None = None) -> TerminalReadings:
    said = TerminalReading("ch4", float(n) if value is None else value, Quality.GOOD, NOW)
    return TerminalReadings("probe", SESSION, n, "GAS-1", (said,))


def stored(journal: Journal) -> list[float]:
    bodies = [entry.body for entry in journal.next_entries(Lane.P2)]
    return [body.value for body in bodies if isinstance(body, Reading)]


def words(intake: Intake, sent: TerminalReadings | TerminalBirth) -> str:
    (answer,) = intake.take([sent], NOW)
    return answer.detail if isinstance(answer, Refused) and not answer.retry else ""


@given(st.lists(st.integers(1, 90), min_size=1, max_size=90), st.integers(0, 89))
def test_of_frames_in_any_order_each_counts_once_whatever_restart_comes_between(order: list[int], restart: int) -> None:
    taken, counted = Numbers(), []
    for at, n in enumerate(order):
        if at == restart:
            taken = Numbers(taken.newest, taken.seen)  # as the journal has it
        if taken.has(n):
            assert taken.objection(n, n) == ""
        else:
            counted.append(n)
            taken = taken.with_(n, n)
    assert sorted(counted) == sorted(set(order))


def test_frame_that_was_overtaken_is_taken_when_it_comes(journal: Journal) -> None:
    here = intake(journal)
    assert here.take([frame(1), frame(4), frame(2)], NOW) == [Taken(1), Taken(4), Taken(2)]
    again = intake(journal)
    assert again.take([frame(4), frame(3), frame(3), frame(2), frame(5)], NOW) == [Taken(n) for n in (4, 3, 3, 2, 5)]
    assert stored(journal) == [1, 4, 2, 3, 5]


def test_terminal_that_counts_anew_in_its_old_session_is_refused_in_words(journal: Journal) -> None:
    here = intake(journal)
    for n in range(1, WINDOW + 10):
        here.take([frame(n)], NOW)
    assert words(here, frame(1, 66)).startswith(f"is too old: frame {WINDOW + 9} of this session was taken already")
    assert words(here, frame(WINDOW, 66)).startswith(f"another frame {WINDOW} of this session was taken before")
    assert words(here, TerminalBirth("probe", SESSION, WINDOW + 9, (Tag("GAS-1", "ch4", "%"),))).startswith("another")
    assert words(here, frame(WINDOW)) == words(here, frame(WINDOW + 10)) == ""
    fresh = replace(frame(1, 66), session=UUID(int=7))
    assert here.take([fresh], NOW) == [Taken(1)]
    assert stored(journal)[-2:] == [WINDOW + 10, 66]


def test_numbers_below_one_are_refused_in_words() -> None:
    with pytest.raises(ProtocolError, match="n: must be a whole number from 1"):
        decode(encode(frame(1)).replace(b'"n":1', b'"n":0'))


def test_counter_may_leap(journal: Journal) -> None:
    here = intake(journal)
    leaps = [frame(7), frame(10_000_000), frame(10_000_000 - WINDOW + 1)]
    assert here.take(leaps, NOW) == [Taken(one.n) for one in leaps]
    assert words(here, frame(8)).startswith("is too old")
    assert intake(journal).take(leaps[1:], NOW) == [Taken(one.n) for one in leaps[1:]]
    assert len(stored(journal)) == 3


def test_refused_frame_leaves_its_number_free(journal: Journal) -> None:
    here = intake(journal)
    tags = tuple(Tag("GAS-1", f"t{n}", "1") for n in range(50_001))
    assert words(here, TerminalBirth("probe", SESSION, 1, tags))
    assert here.take([frame(2), frame(1)], NOW) == [Taken(2), Taken(1)]
