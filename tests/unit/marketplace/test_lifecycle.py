"""The table of a service task's life, cell by cell, against the picture in words."""

from itertools import product

import pytest

from marketplace.lifecycle import TRANSITIONS, Event, IllegalTransition, Mode, State, allowed_events, next_state
from tenants.data import Conflict

OF_BIDS = {
    "sealed_closed": {"open_bids": "opened", "fail": "unsuccessful", "cancel": "cancelled"},
    "opened": {"evaluate": "evaluating", "fail": "unsuccessful", "cancel": "cancelled"},
    "evaluating": {"award": "awarded", "fail": "unsuccessful", "cancel": "cancelled"},
    "awarded": {"annul": "evaluating", "contract": "contracted", "cancel": "cancelled"},
    "contracted": {"fulfil": "closed", "terminate": "terminated"},
}
PICTURE = {
    "draft": {"publish": "open", "cancel": "cancelled"},
    "claimed": {"submit": "submitted", "release": "open", "lapse": "open"},
    "submitted": {"accept": "closed", "rework": "claimed", "reject": "open"},
    **OF_BIDS,
}
FROM_OPEN = {
    "claim": {"claim": "claimed", "cancel": "cancelled"},
    "quotation": {"evaluate": "evaluating", "cancel": "cancelled"},
    "tender": {"close_bidding": "sealed_closed", "cancel": "cancelled"},
}
FINAL = {State.CLOSED, State.CANCELLED, State.UNSUCCESSFUL, State.TERMINATED}


@pytest.mark.parametrize(("mode", "state", "event"), list(product(Mode, State, Event)))
def test_every_cell_is_as_pictured(mode, state, event):
    pictured = FROM_OPEN[mode] if state is State.OPEN else PICTURE.get(state, {})
    if event in pictured:
        assert next_state(state, event, mode) == pictured[event]
    else:
        with pytest.raises(IllegalTransition, match=f"A task that is {state} can't take '{event}'"):
            next_state(state, event, mode)


def test_refusal_is_a_conflict_that_names_what_is_possible():
    with pytest.raises(Conflict, match="possible now: submit, release, lapse"):
        next_state(State.CLAIMED, Event.ACCEPT)
    with pytest.raises(Conflict, match="possible now: none"):
        next_state(State.CLOSED, Event.CLAIM)


def test_every_state_can_be_reached_and_only_four_are_final():
    assert set(TRANSITIONS.values()) | {State.DRAFT} == set(State)
    assert {state for state in State if not allowed_events(state)} == FINAL
