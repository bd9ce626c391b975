"""Fewer points: extremes stay, the order stays, nothing is invented."""

from datetime import UTC, datetime, timedelta
from math import sin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.readings.downsampling import METHODS, Band, binned, extremes, lttb

DAY, HALF = datetime(2026, 3, 1, tzinfo=UTC), timedelta(seconds=30)
VALUES = st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=300)


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
@settings(max_examples=30)
@given(values=VALUES, n=st.integers(4, 60))
def test_result_is_a_part_of_the_points_in_order_with_both_ends(method, values, n):
    points = [(float(at), value) for at, value in enumerate(values)]
    kept = method(points, n)
    assert len(kept) <= n or kept == points
    assert set(kept) <= set(points) and kept == sorted(kept, key=lambda point: point[0])
    assert kept[0] == points[0] and kept[-1] == points[-1]


@settings(max_examples=30)
@given(VALUES, st.integers(4, 60))
def test_extremes_never_lose_the_highest_or_the_lowest(values, n):
    kept = [value for _, value in extremes([(float(at), value) for at, value in enumerate(values)], n)]
    assert (min(kept), max(kept)) == (min(values), max(values))


def test_single_spike_in_ten_thousand_points_survives_both_ways():
    points = [(float(at), 100.0 if at == 4321 else sin(at / 500)) for at in range(10_000)]
    for method in METHODS.values():
        assert (4321.0, 100.0) in method(points, 100)


def test_lttb_spends_its_points_where_the_line_bends():
    flat = [(float(at), 0.0) for at in range(500)]
    points = [*flat, *((float(500 + at), sin(at / 5) * 10) for at in range(500))]
    off = max(abs(value - 0.0) for at, value in lttb(points, 60) if at < 500)
    assert off == 0 and max(value for _, value in lttb(points, 60)) > 9.5


def test_fewer_than_four_points_are_refused():
    with pytest.raises(ValueError, match="at least 4"):
        extremes([(0.0, 1.0)], 3)


def test_longer_bands_keep_the_extremes_and_the_mean_of_all_readings():
    bands = [Band(DAY, 1.0, 0.0, 2.0, 3), Band(DAY + HALF, 5.0, 4.0, 9.0, 1), Band(DAY + 4 * HALF, 7.0, 7.0, 7.0, 2)]
    assert binned(bands, DAY, 2 * HALF) == [Band(DAY, 2.0, 0.0, 9.0, 4), Band(DAY + 4 * HALF, 7.0, 7.0, 7.0, 2)]


def test_hidden_values_leave_the_counts_of_longer_bands():
    bands = [Band(DAY, None, None, None, 3), Band(DAY + HALF, None, None, None, 2)]
    assert binned(bands, DAY, 2 * HALF) == [Band(DAY, None, None, None, 5)]
