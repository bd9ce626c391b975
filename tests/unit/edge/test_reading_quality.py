"""Scores of a sensor's day: each fault lowers its own share."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_bridge.readings.quality import Figures, quality_of

DAY = Figures(n_good=8640, n_uncertain=0, n_bad=0, n_times=8640, n_repeated=0, n_minutes=1440, n_late=0, n_outside=0)


def scored(figures, *, steady=False):
    return quality_of(figures, 10.0, 86400.0, steady=steady)


def test_faultless_day_scores_one():
    assert scored(DAY).score == 1.0


@pytest.mark.parametrize(
    ("fault", "share", "value"),
    [
        ({"n_good": 4320, "n_times": 4320}, "completeness", 0.5),
        ({"n_late": 360}, "timeliness", 0.75),
        ({"n_good": 4320, "n_bad": 4320}, "validity", 0.5),
        ({"n_outside": 144}, "validity", 0.9),
        ({"n_good": 17280}, "uniqueness", 0.5),
        ({"n_repeated": 8639}, "liveliness", 0.0),
    ],
)
def test_fault_lowers_its_own_share_alone(fault, share, value):
    got = scored(replace(DAY, **fault))
    assert got.worst == share and got.score == pytest.approx(value) == getattr(got, share)


def test_steady_quantity_may_keep_its_value():
    assert scored(replace(DAY, n_repeated=8639), steady=True).score == 1.0


def test_day_without_a_reading_scores_nothing():
    assert scored(replace(DAY, n_good=0, n_times=0, n_minutes=0)).score == 0.0


@settings(max_examples=50)
@given(st.integers(1, 500), st.data())
def test_shares_stay_between_nothing_and_all(n, data):
    up_to = lambda most: data.draw(st.integers(0, most))  # noqa: E731
    n_good = up_to(n)
    n_minutes = 1 + up_to(59)
    day = Figures(n_good, 0, n - n_good, max(1, up_to(n)), up_to(max(0, n_good - 1)), n_minutes, up_to(n_minutes),
                  up_to(n_minutes))  # fmt: skip
    got = scored(day)
    shares = (got.completeness, got.timeliness, got.validity, got.uniqueness, got.liveliness, got.score)
    assert all(0 <= share <= 1 for share in shares) and got.score <= getattr(got, got.worst)
