"""Validity, expiry and the matrix of skills, without a database."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenants.resources.data import CODE, Holder, Need, Window, expiry_band, first_uncovered, skills_matrix

DAY = date(2026, 3, 1)
days = st.integers(0, 40).map(lambda n: DAY + timedelta(days=n))
validities = st.tuples(days, st.none() | st.integers(0, 15)).map(
    lambda pair: (pair[0], None if pair[1] is None else pair[0] + timedelta(days=pair[1]))
)


@given(held=st.lists(validities, max_size=6), first=days, length=st.integers(0, 20))
def test_first_uncovered_day_is_the_one_found_by_looking_at_each(held, first, length):
    last = first + timedelta(days=length)
    each = [first + timedelta(days=n) for n in range(length + 1)]
    bare = [day for day in each if not any(b <= day and (e is None or day <= e) for b, e in held)]
    assert first_uncovered(held, first, last) == (bare[0] if bare else None)


def test_renewal_that_follows_on_covers_a_window_across_both():
    held = [(DAY, DAY + timedelta(days=9)), (DAY + timedelta(days=10), DAY + timedelta(days=30))]
    assert first_uncovered(held, DAY, DAY + timedelta(days=20)) is None


@pytest.mark.parametrize(
    ("days", "band"),
    [(-1, "expired"), (0, "within_30"), (30, "within_30"), (31, "within_90"), (90, "within_90"), (91, "later")],
)
def test_certificate_is_valid_on_its_last_day_and_told_thirty_and_ninety_days_before(days, band):
    assert expiry_band(DAY + timedelta(days=days), DAY) == band


def test_window_has_the_days_of_the_site_s_calendar_and_not_the_moment_it_ends():
    window = Window(datetime(2026, 3, 1, 22, tzinfo=UTC), datetime(2026, 3, 2, 16, tzinfo=UTC))
    assert window.days("UTC") == (date(2026, 3, 1), date(2026, 3, 2))
    assert window.days("Asia/Shanghai") == (date(2026, 3, 2), date(2026, 3, 2))


NORTH, SOUTH, DRILLING, BLASTING = (UUID(int=n) for n in range(1, 5))


def holder(code, levels, certificates=(), site=NORTH):
    return Holder(code, site, levels, frozenset(certificates))


def test_matrix_counts_who_has_the_level_and_the_papers_and_names_who_lacks_them():
    needs = [Need(NORTH, BLASTING, 3, 3, frozenset({"shotfirer"}))]
    people = [
        holder("P1", {BLASTING: 4}, {"shotfirer"}),
        holder("P2", {BLASTING: 3, DRILLING: 2}),
        holder("P3", {BLASTING: 2}, {"shotfirer"}),
        holder("P4", {BLASTING: 5}, {"shotfirer"}, site=SOUTH),
    ]
    cells = {(cell.site_id, cell.skill_id): cell for cell in skills_matrix(needs, people)}
    wanted = cells[NORTH, BLASTING]
    assert (wanted.needed, wanted.have, wanted.gap, wanted.uncertified) == (3, 1, 2, ("P2",))
    assert wanted.people == (("P1", 4), ("P2", 3), ("P3", 2))
    assert (cells[NORTH, DRILLING].needed, cells[NORTH, DRILLING].have, cells[SOUTH, BLASTING].gap) == (0, 1, 0)


def test_site_that_needs_somebody_and_has_nobody_is_in_the_matrix():
    (cell,) = skills_matrix([Need(SOUTH, DRILLING, 2, 2, frozenset())], [])
    assert (cell.have, cell.gap) == (0, 2)


@pytest.mark.parametrize("code", ["", " P1", "P 1", "=1+1", "-P1", "x" * 41, "P1\n"])
def test_code_that_would_not_stand_in_a_table_is_none(code):
    assert CODE.fullmatch(code) is None
