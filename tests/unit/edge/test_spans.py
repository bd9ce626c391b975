"""Where readings are missing, and why."""

from datetime import UTC, datetime, timedelta

from edge_bridge.readings.spans import MissingSpan, explained, missing, usual_period

DAY = datetime(2026, 3, 1, tzinfo=UTC)
TEN = timedelta(seconds=10)


def at(*seconds: float) -> list[datetime]:
    return [DAY + timedelta(seconds=each) for each in seconds]


def test_late_reading_is_no_gap_and_a_longer_silence_is():
    times = at(0, 10, 40, 71, 80)
    found = missing(times, DAY, DAY + timedelta(seconds=90), TEN)
    assert found == [MissingSpan(*at(40, 71), "silent")]


def test_beginning_and_end_count_too():
    begin, end = at(0, 300)
    found = missing(at(100), begin, end, TEN)
    assert [[gap.from_at, gap.to_at] for gap in found] == [at(0, 100), at(100, 300)]
    assert [gap.reason for gap in missing([], begin, end, TEN)] == ["silent"]


def test_what_was_heard_for_a_while_is_missing_only_after_it():
    minute = timedelta(minutes=1)
    found = missing(at(0, 60, 180), *at(0, 300), minute / 4, lasting=minute)
    assert found == [MissingSpan(*at(120, 180), "silent"), MissingSpan(*at(240, 300), "silent")]
    assert missing(at(0, 60, 180), *at(0, 240), minute, lasting=minute) == []


def reasons(told: list[MissingSpan], *seconds: float) -> list[str]:
    return [gap.reason for gap in explained(missing(at(*seconds), *at(0, seconds[-1]), TEN), told)]


def test_gap_has_the_reason_that_was_given_for_most_of_it() -> None:
    told = [
        MissingSpan(*at(0, 30), "thinned"),
        MissingSpan(*at(30, 100), "lost"),
        MissingSpan(*at(500, 900), "thinned"),
    ]
    assert reasons(told, 0, 110) == ["lost"]
    assert reasons(told, 0, 110, 400) == ["lost", "silent"]


def test_reason_that_was_given_for_less_than_half_explains_nothing_however_often() -> None:
    assert reasons([MissingSpan(*at(0, 30), "quarantined")] * 9, 0, 110) == ["silent"]
    tiles = [MissingSpan(*at(begin, begin + 12), "quarantined") for begin in range(100, 0, -10)]
    assert reasons(tiles, 0, 110) == ["quarantined"]


def test_usual_period_is_that_of_most_readings():
    assert usual_period(at(0, 10, 20, 500, 510, 520)) == TEN
    assert usual_period(at(0, 10)) is None and usual_period(at(0, 0, 0, 0, 0)) is None
