"""The life of a command as a table, and what a reading says of one that nobody spoke of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_bridge.commands.data import check_value, settled
from edge_bridge.commands.life import (
    NOT_SENT_STATES,
    ON_ITS_WAY_STATES,
    OPEN_STATES,
    TRANSITIONS,
    Event,
    IllegalTransition,
    State,
    next_state,
)
from edge_bridge.protocol import CommandState
from tenants.data import Invalid
from tenants.feed.kinds import KINDS


def walked(events: list[Event]) -> list[State]:
    """The states passed through, of the events those that apply."""
    states = [State.REQUESTED]
    for event in events:
        if (states[-1], event) in TRANSITIONS:
            states.append(next_state(states[-1], event))
    return states


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_nothing_is_acted_upon_that_was_not_approved_and_then_sent(events: list[Event]) -> None:
    states = walked(events)
    if {State.DONE, State.FAILED, State.UNKNOWN, *ON_ITS_WAY_STATES} & set(states):
        assert states[:3] == [State.REQUESTED, State.APPROVED, State.SENT]


@given(st.lists(st.sampled_from(Event), max_size=30))
def test_command_that_ended_or_was_lost_sight_of_is_never_open_again(events: list[Event]) -> None:
    were_open = [state in OPEN_STATES for state in walked(events)]
    assert were_open == sorted(were_open, reverse=True)


@pytest.mark.parametrize("state", [State.SENT, State.DELIVERED, State.UNKNOWN])
def test_every_word_of_the_edge_that_ends_a_command_is_heard_whenever_it_comes(state: State) -> None:
    for word in set(CommandState) - {CommandState.DELIVERED, CommandState.UNKNOWN}:
        assert next_state(state, Event(word)) == State(word)


def test_command_on_its_way_can_not_be_taken_back() -> None:
    for state in set(State) - NOT_SENT_STATES:
        with pytest.raises(IllegalTransition, match=f"is {state} cannot be withdrawn"):
            next_state(state, Event.WITHDRAWN)


def test_each_state_is_told_on_the_feed_under_its_name() -> None:
    assert {kind for kind in KINDS if kind.startswith("command.")} == {f"command.{state}" for state in State}


@pytest.mark.parametrize(
    ("read_back", "time_is_over", "event"),
    [
        (900.0, False, Event.DONE),
        (904.9, False, Event.DONE),
        (890.0, False, None),
        (890.0, True, Event.FAILED),
        (None, False, None),
        (None, True, None),
    ],
)
def test_what_is_read_back_decides_and_its_absence_decides_nothing(
    read_back: float | None, time_is_over: bool, event: Event | None
) -> None:
    assert settled(read_back, 900.0, 5.0, time_is_over=time_is_over) == event


@pytest.mark.parametrize("value", [-0.1, 1200.5, float("nan"), float("inf")])
def test_value_out_of_range_is_refused_with_the_range(value: float) -> None:
    with pytest.raises(Invalid) as refused:
        check_value(value, 0.0, 1200.0, "/min")
    assert refused.value.errors[0].message == "from 0 to 1200 /min"
    check_value(1200.0, 0.0, 1200.0, "/min")
