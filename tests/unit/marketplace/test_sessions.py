"""The table of remote sessions, cell by cell; minutes that are counted up and never above the ceiling."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from marketplace.contracts.lifecycle import ContractState, IllegalStep
from marketplace.profiles.data import RateLine
from marketplace.sessions.data import CEILING_MIN, SessionTerms, amount_of, minutes_of, rate_on_card
from marketplace.sessions.lifecycle import SESSIONS, SessionEvent, SessionState, next_session_state
from tenants.data import Invalid

PICTURE = {
    "proposed": {"confirm": "booked", "cancel": "cancelled", "lapse": "cancelled"},
    "booked": {"start": "running", "cancel": "cancelled", "lapse": "cancelled"},
    "running": {"stop": "ended", "exhaust": "ended"},
    "ended": {"correct": "ended", "object": "objected", "accept": "accepted", "pass": "accepted"},
    "objected": {"correct": "ended", "accept": "accepted"},
}
STILL_TO_COME = {"confirm", "start"}
ANSWERS = {"object", "correct", "accept", "pass"}
REFUSED = {
    "in_progress": set(),
    "fulfilled": STILL_TO_COME,
    "terminated": STILL_TO_COME,
    "disputed": STILL_TO_COME | ANSWERS,
    "closed": {event.value for event in SessionEvent},
}
AT = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.mark.parametrize(("state", "event"), list(product(SessionState, SessionEvent)))
def test_every_cell_of_the_table_is_as_drawn(state, event):
    target = PICTURE.get(state.value, {}).get(event.value)
    for contract in ContractState:
        if target is not None and event.value not in REFUSED[contract.value]:
            assert next_session_state(contract, state, event) == target
        else:
            with pytest.raises(IllegalStep, match="possible now"):
                next_session_state(contract, state, event)


def test_refusal_names_what_is_possible():
    with pytest.raises(
        IllegalStep, match=r"A session that is booked can't take 'stop'; possible now: cancel, lapse, start"
    ):
        next_session_state(ContractState.IN_PROGRESS, SessionState.BOOKED, SessionEvent.STOP)
    with pytest.raises(IllegalStep, match="contract that is closed"):
        next_session_state(ContractState.CLOSED, SessionState.ENDED, SessionEvent.ACCEPT)


def test_nothing_leaves_what_is_accepted_or_cancelled():
    assert {source for source, _ in SESSIONS} == set(SessionState) - {SessionState.ACCEPTED, SessionState.CANCELLED}


@pytest.mark.parametrize(
    ("seconds", "minutes"),
    [(-3, 0), (0, 0), (0.000001, 1), (60, 1), (60.000001, 2), (2_490, 42), (3_600, 60), (3_601, 60), (86_400, 60)],
)
def test_each_begun_minute_counts_up_to_the_ceiling(seconds, minutes):
    assert minutes_of(timedelta(seconds=seconds), 60) == minutes


@given(
    elapsed=st.timedeltas(min_value=timedelta(), max_value=timedelta(days=3)),
    ceiling=st.integers(1, CEILING_MIN),
    rate=st.integers(1, 10**9),
)
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_time_is_billed_whole_and_never_a_minute_too_much(elapsed, ceiling, rate):
    minutes = minutes_of(elapsed, ceiling)
    assert minutes <= ceiling
    assert minutes == ceiling or timedelta(minutes=minutes - 1) < elapsed <= timedelta(minutes=minutes) or not elapsed
    assert amount_of(minutes, rate) == minutes * rate


@pytest.mark.parametrize(
    ("lines", "rate"),
    [
        ([("hour", 15_000, "USD")], 250),
        ([("hour", 15_030, "USD")], 251),
        ([("hour", 15_029, "USD")], 250),
        ([("hour", 15_000, "USD"), ("minute", 300, "USD")], 300),
        ([("hour", 29, "USD")], None),
        ([("hour", 15_000, "EUR")], None),
        ([("day", 15_000, "USD")], None),
        ([], None),
    ],
)
def test_rate_of_a_minute_is_the_cards_own_or_a_sixtieth_of_its_hour(lines, rate):
    card = [RateLine("remote_consultation", *line) for line in lines]
    assert rate_on_card([*card, RateLine("planning", "minute", 1, "USD")], "remote_consultation", "USD") == rate


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"subject": "  "}, "/subject"),
        ({"subject": "x" * 161}, "/subject"),
        ({"to_at": AT}, "/to_at"),
        ({"ceiling_min": 0}, "/ceiling_min"),
        ({"ceiling_min": 1441}, "/ceiling_min"),
        ({"rate_minor": 0}, "/rate_minor"),
        ({"rate_minor": 10**9 + 1}, "/rate_minor"),
    ],
)
def test_terms_that_will_not_do_are_refused_with_their_place(changed, pointer):
    said = {"subject": "spectrum", "from_at": AT, "to_at": AT + timedelta(hours=1), "ceiling_min": 60}
    SessionTerms(**said)
    with pytest.raises(Invalid) as refused:
        SessionTerms(**{**said, **changed})
    assert [error.pointer for error in refused.value.errors] == [pointer]
