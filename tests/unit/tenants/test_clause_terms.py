"""What a clause may say, and what lies within a framework's clause."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tenants.agreements.data import MOST_DELAY_S, ClauseTerms

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
GOOD = ClauseTerms(
    permissions=frozenset({"view_alarms", "view_telemetry"}),
    begins_at=NOON,
    ends_at=NOON + 24 * HOUR,
    purpose="maintenance",
    field_mask=frozenset({"value"}),
    delay_s=60,
)


def pointers(terms: ClauseTerms) -> list[str]:
    return [error.pointer for error in terms.errors({"value", "limit"})]


def test_good_clause_has_no_error():
    assert pointers(GOOD) == []


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"permissions": frozenset()}, "/permissions"),
        ({"permissions": frozenset({"fly"}), "delay_s": 0}, "/permissions"),
        ({"ends_at": NOON}, "/during/ends_at"),
        ({"ends_at": datetime.max.replace(tzinfo=UTC)}, "/during/ends_at"),
        ({"begins_at": datetime.min.replace(tzinfo=UTC)}, "/during/begins_at"),
        ({"purpose": "two words"}, "/purpose"),
        ({"purpose": "*"}, "/purpose"),
        ({"field_mask": frozenset({"severity"})}, "/field_mask"),
        ({"delay_s": -1}, "/delay_s"),
        ({"delay_s": MOST_DELAY_S + 1}, "/delay_s"),
        ({"permissions": frozenset({"view_alarms", "acknowledge_alarms"})}, "/delay_s"),
        ({"floor_n": 1}, "/floor_n"),
        ({"floor_n": 5}, "/floor_n"),
        ({"price_minor": 100}, "/price_per"),
        ({"price_per": "day"}, "/price_per"),
        ({"price_minor": 100, "price_per": "year"}, "/price_per"),
        ({"price_minor": -1, "price_per": "day"}, "/price_minor"),
    ],
)
def test_bad_value_is_pointed_at(changed, pointer):
    assert pointers(replace(GOOD, **changed)) == [pointer]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"permissions": GOOD.permissions | {"comment"}}, "it opens comment"),
        ({"begins_at": NOON - HOUR}, "it begins before 2026-12-01 12:00 UTC"),
        ({"ends_at": NOON + 25 * HOUR}, "it ends after 2026-12-02 12:00 UTC"),
        ({"ends_at": None}, "it ends after 2026-12-02 12:00 UTC"),
        ({"purpose": ""}, "its purpose is not maintenance"),
        ({"field_mask": frozenset()}, "it shows value"),
        ({"delay_s": 59}, "its delay is less than 60 s"),
        ({"price_minor": 1, "price_per": "day"}, "its price is another"),
    ],
)
def test_limit_that_is_passed_is_named(changed, words):
    assert replace(GOOD, **changed).beyond(GOOD) == words


def test_floor_that_is_too_low_is_named():
    limit = replace(GOOD, permissions=frozenset({"view_telemetry"}), floor_n=10)
    assert replace(limit, floor_n=9).beyond(limit) == "its floor is less than 10 readings"


hours = some.integers(0, 5)
clauses = some.builds(
    lambda permissions, begin, length, purpose, mask, delay, floor: ClauseTerms(
        permissions=permissions,
        begins_at=NOON + begin * HOUR,
        ends_at=None if length is None else NOON + (begin + 1 + length) * HOUR,
        purpose=purpose,
        field_mask=mask,
        delay_s=delay,
        floor_n=floor,
    ),
    some.frozensets(some.sampled_from(["view_alarms", "view_telemetry", "comment"]), min_size=1),
    hours,
    some.none() | hours,
    some.sampled_from(["", "maintenance", "audit"]),
    some.frozensets(some.sampled_from(["value", "limit"])),
    hours,
    hours,
)


@given(clauses, clauses, clauses)
def test_what_lies_within_orders_clauses(first, second, third):
    """Every clause lies within itself, within what is within, and only equal ones lie within each other."""
    assert first.beyond(first) == ""
    if not first.beyond(second) and not second.beyond(third):
        assert not first.beyond(third)
    if not first.beyond(second) and not second.beyond(first):
        assert first == second
