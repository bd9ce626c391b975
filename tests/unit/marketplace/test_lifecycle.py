"""The table of a service task's life, cell by cell, against the picture in words."""

from itertools import product

import pytest

from marketplace.lifecycle import TRANSITIONS, Event, IllegalTransition, State, allowed_events, next_state
from tenants.data import Conflict

PICTURE = {
    "draft": {"publish": "open", "cancel": "cancelled"},
    "open": {"claim": "claimed", "cancel": "cancelled"},
    "claimed": {"submit": "submitted", "release": "open", "lapse": "open"},
    "submitted": {"accept": "closed", "rework": "claimed"},
    "closed": {},
    "cancelled": {},
}


@pytest.mark.parametrize(("state", "event"), list(product(State, Event)))
def test_every_cell_is_as_pictured(state, event):
    if event in PICTURE[state]:
        assert next_state(state, event) == PICTURE[state][event]
    else:
        with pytest.raises(IllegalTransition, match=f"A task that is {state} can't take '{event}'"):
            next_state(state, event)


def test_refusal_is_a_conflict_that_names_what_is_possible():
    with pytest.raises(Conflict, match="possible now: submit, release, lapse"):
        next_state(State.CLAIMED, Event.ACCEPT)
    with pytest.raises(Conflict, match="possible now: none"):
        next_state(State.CLOSED, Event.CLAIM)


def test_every_state_can_be_reached_and_only_two_are_final():
    assert set(TRANSITIONS.values()) | {State.DRAFT} == set(State)
    assert {state for state in State if not allowed_events(state)} == {State.CLOSED, State.CANCELLED}
