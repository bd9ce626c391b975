"""What travels and what is counted: deadband, swinging door, and what is held over a restart."""

from bisect import bisect_left
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.gateway.filters import Deadband, Filter, Memory, SwingingDoor, filters_by_point, let_go, sift
from edge_bridge.protocol import GapReason, Quality, Reading

NOW = datetime(2026, 3, 1, 6, tzinfo=UTC)
DOOR = Filter(door=SwingingDoor("FAN-1", "speed", deviation=0.5, override_s=60))


def reading(value: float, at_s: float, quality: Quality = Quality.GOOD) -> Reading:
    return Reading("FAN-1", "speed", value, quality, NOW + timedelta(seconds=at_s))


def sifted(filter_: Filter, readings: list[Reading]) -> tuple[list[Reading], list[GapReason]]:
    """What travelled, with what was held at the end, and why the others did not."""
    memory: Memory | None = None
    travelled, reasons = [], []
    for one in readings:
        done = sift(filter_, memory, one)
        memory = done.memory
        travelled += done.travels
        reasons += [reason for reason, _ in done.dropped]
    return travelled + list(let_go(memory).travels if memory else ()), reasons


def at_s(one: Reading) -> float:
    return (one.measured_at - NOW).total_seconds()


def distance_from_lines(one: Reading, travelled: list[Reading]) -> float:
    """From the straight line between the two that travelled around it."""
    times = [at_s(sent) for sent in travelled]
    after = bisect_left(times, at_s(one))
    if times[after] == at_s(one):
        return min(abs(one.value - sent.value) for sent in travelled if at_s(sent) == at_s(one))
    left, right = travelled[after - 1], travelled[after]
    share = (at_s(one) - at_s(left)) / (at_s(right) - at_s(left))
    return abs(one.value - left.value - share * (right.value - left.value))


def test_straight_line_needs_its_ends_only() -> None:
    travelled, reasons = sifted(DOOR, [reading(at * 0.25, at) for at in range(50)])
    assert [at_s(one) for one in travelled] == [0, 49]
    assert reasons == [GapReason.SWINGING_DOOR] * 48


def test_corner_travels() -> None:
    rising_then_flat = [reading(min(at, 10.0), at) for at in range(30)]
    travelled, _ = sifted(DOOR, rising_then_flat)
    assert 2 < len(travelled) < 6
    assert any(9 <= at_s(one) <= 11 for one in travelled)


steps = st.lists(st.tuples(st.floats(-4, 4), st.sampled_from([0.0, 0.5, 1.0, 7.0])), min_size=1, max_size=80)


@given(steps, st.sampled_from([0.1, 0.5, 2.0]))
def test_no_dropped_reading_is_further_from_the_lines_than_the_deviation(
    steps: list[tuple[float, float]], deviation: float
) -> None:
    readings, now_s = [], 0.0
    for value, pause_s in steps:
        now_s += pause_s
        readings.append(reading(value, now_s))
    door = Filter(door=SwingingDoor("FAN-1", "speed", deviation, override_s=1e6))
    travelled, reasons = sifted(door, readings)
    assert len(travelled) + len(reasons) == len(readings)
    assert max(distance_from_lines(one, travelled) for one in readings) <= deviation + 1e-9


@given(steps)
def test_every_reading_travels_or_is_counted_with_both_stages(steps: list[tuple[float, float]]) -> None:
    both = filters_by_point([Deadband("FAN-1", "speed", 0.2)], [SwingingDoor("FAN-1", "speed", 0.5)])["FAN-1", "speed"]
    readings = [reading(value, index * pause_s) for index, (value, pause_s) in enumerate(steps)]
    travelled, reasons = sifted(both, readings)
    assert len(travelled) + len(reasons) == len(readings)


def test_what_an_alarm_rests_on_travels_with_what_was_held() -> None:
    memory = sift(DOOR, None, reading(1, 0)).memory
    held = sift(DOOR, memory, reading(1, 1))
    assert held.travels == ()
    assert sift(DOOR, held.memory, reading(1, 2), is_evidence=True).travels == (reading(1, 1), reading(1, 2))


def test_change_of_quality_a_clock_gone_back_and_a_long_pause_let_the_reading_through() -> None:
    memory = sift(DOOR, None, reading(1, 100)).memory
    for one in (reading(1, 101, Quality.UNCERTAIN), reading(1, 40), reading(1, 160)):
        assert sift(DOOR, memory, one).travels == (one,)
