"""The table of an agreement's life, cell by cell, against the picture in words."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from tenants.agreements.lifecycle import (
    BY_CONSENT,
    BY_STATUTE,
    FINAL,
    IllegalStep,
    Side,
    State,
    Step,
    next_state,
    possible_steps,
    state_of,
    table_of,
)
from tenants.data import Conflict

# State → "side step": state after it; `party` is either of the two.
CONSENT = {
    "draft": {
        "owner revise": "draft",
        "owner offer": "offered",
        "owner terminate": "terminated",
        "any activate": "active",
    },
    "offered": {"partner counter": "countered", "partner accept": "agreed", "any terminate": "terminated"},
    "countered": {"owner counter": "offered", "owner accept": "agreed", "any terminate": "terminated"},
    "agreed": {"party sign": "agreed", "party activate": "active", "any terminate": "terminated"},
    "active": {"owner suspend": "suspended", "party supersede": "superseded", "any terminate": "terminated"},
    "suspended": {"owner resume": "active", "party supersede": "superseded", "any terminate": "terminated"},
    "expired": {"party supersede": "superseded", "any terminate": "terminated"},
    "terminated": {},
    "superseded": {},
}
STATUTE = {
    "draft": {"platform activate": "active"},
    "active": {"partner terminate": "terminated", "platform terminate": "terminated"},
    "expired": {"partner terminate": "terminated", "platform terminate": "terminated"},
}
WHO = {"any": tuple(Side), "party": (Side.OWNER, Side.PARTNER), **{str(side): (side,) for side in Side}}


def spelt(picture):
    return {
        (State(state), Step(words.split()[1]), side): State(target)
        for state, cells in picture.items()
        for words, target in cells.items()
        for side in WHO[words.split()[0]]
    }


@pytest.mark.parametrize(("table", "picture"), [(BY_CONSENT, CONSENT), (BY_STATUTE, STATUTE)])
def test_every_cell_is_as_pictured(table, picture):
    wanted = spelt(picture)
    for cell in product(State, Step, Side):
        if cell in wanted:
            assert next_state(table, *cell) == wanted[cell]
        else:
            with pytest.raises(IllegalStep, match=f"The {cell[2]} can't {cell[1]} an agreement that is {cell[0]}"):
                next_state(table, *cell)


def test_refusal_is_a_conflict_that_names_what_is_possible():
    with pytest.raises(Conflict, match="possible now: counter, accept, terminate"):
        next_state(BY_CONSENT, State.OFFERED, Step.SIGN, Side.PARTNER)
    with pytest.raises(Conflict, match="possible now: nothing"):
        next_state(BY_STATUTE, State.ACTIVE, Step.SUSPEND, Side.OWNER)


def test_nobody_is_offered_a_step_that_only_follows_from_others():
    offered = {
        step for table in (BY_CONSENT, BY_STATUTE) for s, _, side in table for step in possible_steps(table, s, side)
    }
    assert offered == set(Step) - {Step.ACTIVATE, Step.SUPERSEDE}


def test_only_two_states_are_final_and_every_other_one_but_expiry_is_reached_by_a_step():
    assert set(BY_CONSENT.values()) == set(State) - {State.EXPIRED}
    assert {state for state in State if not any(cell[0] == state for cell in BY_CONSENT)} == set(FINAL)


def test_mandates_alone_rest_on_statute():
    assert [table_of(kind) is BY_STATUTE for kind in ("bilateral", "framework", "call_off", "mandate")] == [
        *[False] * 3,
        True,
    ]


@pytest.mark.parametrize("state", [state for state in State if state != State.EXPIRED])
def test_clock_expires_what_has_not_ended_otherwise(state):
    now = datetime.now(UTC)
    assert state_of(state, now, now) == (state if state in FINAL else State.EXPIRED)
    assert state_of(state, now + timedelta(seconds=1), now) == state
    assert state_of(state, None, now) == state
