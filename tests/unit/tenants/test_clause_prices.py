"""What a clause's price comes to in a month."""

from datetime import UTC, date, datetime

import pytest
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from tenants.metering.clauses import _quantity
from tenants.models import Agreement, Clause

MARCH = date(2026, 3, 1)


def at(month, day, hour=12):
    return datetime(2026, month, day, hour, tzinfo=UTC)


def quantity(per, begins_at, ends_at=None, activated_at=None, ended_at=None, rows_read=0):
    clause = Clause(during=DateTimeTZRange(begins_at, ends_at), price_minor=1, price_per=per)
    agreement = Agreement(activated_at=activated_at or begins_at, ended_at=ended_at)
    return _quantity(clause, agreement, MARCH, rows_read)


@pytest.mark.parametrize(
    ("begins_at", "ends_at", "ended_at", "days"),
    [
        (at(3, 1), at(3, 1, 13), None, 1),
        (at(3, 1, 23), at(3, 2, 1), None, 2),
        (at(3, 1, 0), at(3, 2, 0), None, 1),
        (at(2, 1), at(4, 9), None, 31),
        (at(2, 1), None, at(3, 10, 0), 9),
        (at(1, 1), at(2, 2), None, 0),
        (at(4, 1), None, None, 0),
    ],
)
def test_days_that_have_begun_count_whole(begins_at, ends_at, ended_at, days):
    assert quantity("day", begins_at, ends_at, ended_at=ended_at) == days


def test_month_counts_if_any_of_it_was_in_force():
    assert quantity("month", at(2, 1), at(3, 1, 1)) == 1
    assert quantity("month", at(2, 1), at(3, 1, 0)) == 0


def test_price_for_once_is_due_in_the_month_in_which_it_came_into_force():
    assert quantity("once", at(3, 9)) == 1
    assert quantity("once", at(2, 9)) == 0
    assert quantity("once", at(2, 9), activated_at=at(3, 3)) == 1


def test_rows_are_the_quantity_of_a_price_for_a_thousand_reads():
    assert quantity("thousand_reads", at(3, 1), rows_read=42) == 42


def test_clause_without_a_price_has_no_quantity():
    assert quantity("", at(3, 1), rows_read=42) == 0
