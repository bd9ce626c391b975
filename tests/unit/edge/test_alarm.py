"""The alarm state table of ISA-18.2, walked as operators and conditions walk it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.alarm import (
    OPEN_STATES,
    SILENCED_STATES,
    TRANSITIONS,
    UNACKNOWLEDGED_STATES,
    Event,
    IllegalTransition,
    State,
    allowed_events,
    next_state,
    returned,
)


def after(*events: Event) -> State:
    state = State.NORM
    for event in events:
        state = next_state(state, event)
    return state


def test_alarm_needs_both_acknowledgement_and_return_to_be_normal() -> None:
    assert after(Event.RAISED) is State.UNACK
    assert after(Event.RAISED, Event.ACKNOWLEDGED, Event.CLEARED) is State.NORM
    assert after(Event.RAISED, Event.CLEARED) is State.RTNUN
    assert after(Event.RAISED, Event.CLEARED, Event.ACKNOWLEDGED) is State.NORM


def test_alarm_that_comes_back_before_acknowledgement_is_unacknowledged_again() -> None:
    assert after(Event.RAISED, Event.CLEARED, Event.RAISED) is State.UNACK


def test_alarm_that_grows_worse_breaks_its_shelf() -> None:
    assert after(Event.RAISED, Event.SHELVED, Event.RE_ALARMED) is State.UNACK
    assert after(Event.RAISED, Event.ACKNOWLEDGED, Event.RE_ALARMED) is State.UNACK


@pytest.mark.parametrize("silencing", [Event.SUPPRESSED, Event.TAKEN_OUT_OF_SERVICE])
def test_alarm_cannot_overrule_a_decision_about_the_plant(silencing: Event) -> None:
    with pytest.raises(IllegalTransition):
        after(Event.RAISED, silencing, Event.RE_ALARMED)


@pytest.mark.parametrize("silencing", [Event.SHELVED, Event.SUPPRESSED, Event.TAKEN_OUT_OF_SERVICE])
def test_silenced_alarm_returns_to_what_the_condition_says(silencing: Event) -> None:
    assert after(Event.RAISED, silencing, Event.CLEARED, returned(standing=False)) is State.NORM
    assert after(silencing, Event.RAISED, returned(standing=True)) is State.UNACK


def test_illegal_event_is_refused_with_what_is_possible() -> None:
    with pytest.raises(
        IllegalTransition, match=r"state NORM cannot be acknowledged; possible events are: raised, shelved"
    ):
        next_state(State.NORM, Event.ACKNOWLEDGED)


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_every_walk_stays_in_the_table(events: list[Event]) -> None:
    state = State.NORM
    for event in events:
        if event in allowed_events(state):
            state = next_state(state, event)
        else:
            with pytest.raises(IllegalTransition):
                next_state(state, event)
    assert state in State


def test_every_state_is_reached_and_left() -> None:
    assert set(TRANSITIONS.values()) == set(State)
    assert {state for state, _ in TRANSITIONS} == set(State)


def test_groups_of_states_mean_what_they_say() -> None:
    assert set(State) == OPEN_STATES | {State.NORM}
    standing = {State.UNACK, State.ACKED}
    assert standing | UNACKNOWLEDGED_STATES | SILENCED_STATES == OPEN_STATES
    for state in standing:
        assert Event.CLEARED in allowed_events(state)
    for state in UNACKNOWLEDGED_STATES:
        assert Event.ACKNOWLEDGED in allowed_events(state)
