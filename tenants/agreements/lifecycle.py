"""States of an agreement, and who moves it between them.

Pure: whoever changes an agreement's row asks `next_state` first, on a locked row. A database trigger (migration
0013_agreement_guard) refuses any other change of status, whoever makes it.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final

from tenants.data import Conflict


class State(StrEnum):
    DRAFT = "draft"  # the owner's own
    OFFERED = "offered"  # the owner's version is on the table
    COUNTERED = "countered"  # the partner's version is
    AGREED = "agreed"  # the version on the table is to be signed by both
    ACTIVE = "active"
    SUSPENDED = "suspended"
    EXPIRED = "expired"  # by the clock alone: no row says so
    TERMINATED = "terminated"
    SUPERSEDED = "superseded"


class Side(StrEnum):
    OWNER = "owner"  # of the data
    PARTNER = "partner"
    PLATFORM = "platform"


class Step(StrEnum):
    REVISE = "revise"
    OFFER = "offer"
    COUNTER = "counter"
    ACCEPT = "accept"
    SIGN = "sign"
    ACTIVATE = "activate"  # follows from the last signature, a framework, a published offer or a statute
    SUSPEND = "suspend"
    RESUME = "resume"
    TERMINATE = "terminate"  # before the signatures: withdraw or decline
    SUPERSEDE = "supersede"  # follows from the activation of what takes its place


Table = Mapping[tuple[State, Step, Side], State]
PARTIES: Final = (Side.OWNER, Side.PARTNER)
FINAL: Final = (State.TERMINATED, State.SUPERSEDED)
NEGOTIATED: Final = (State.OFFERED, State.COUNTERED, State.AGREED)
CONCLUDED: Final = (State.ACTIVE, State.SUSPENDED, State.EXPIRED)
CONSEQUENCES: Final = (Step.ACTIVATE, Step.SUPERSEDE)

BY_CONSENT: Final[Table] = {
    (State.DRAFT, Step.REVISE, Side.OWNER): State.DRAFT,
    (State.DRAFT, Step.OFFER, Side.OWNER): State.OFFERED,
    (State.DRAFT, Step.TERMINATE, Side.OWNER): State.TERMINATED,
    (State.OFFERED, Step.COUNTER, Side.PARTNER): State.COUNTERED,
    (State.OFFERED, Step.ACCEPT, Side.PARTNER): State.AGREED,
    (State.COUNTERED, Step.COUNTER, Side.OWNER): State.OFFERED,
    (State.COUNTERED, Step.ACCEPT, Side.OWNER): State.AGREED,
    (State.ACTIVE, Step.SUSPEND, Side.OWNER): State.SUSPENDED,
    (State.SUSPENDED, Step.RESUME, Side.OWNER): State.ACTIVE,
    **{(State.AGREED, Step.SIGN, side): State.AGREED for side in PARTIES},
    **{(state, Step.ACTIVATE, side): State.ACTIVE for state in (State.DRAFT, State.AGREED) for side in PARTIES},
    (State.DRAFT, Step.ACTIVATE, Side.PLATFORM): State.ACTIVE,  # an offer that was taken up, once its time has come
    **{(state, Step.TERMINATE, side): State.TERMINATED for state in (*NEGOTIATED, *CONCLUDED) for side in Side},
    **{(state, Step.SUPERSEDE, side): State.SUPERSEDED for state in CONCLUDED for side in PARTIES},
}
# A regulator's mandate takes no consent: the owner is told, and has no step.
BY_STATUTE: Final[Table] = {
    (State.DRAFT, Step.ACTIVATE, Side.PLATFORM): State.ACTIVE,
    **{
        (state, Step.TERMINATE, side): State.TERMINATED
        for state in (State.ACTIVE, State.EXPIRED)
        for side in (Side.PARTNER, Side.PLATFORM)
    },
}


class IllegalStep(Conflict):
    """The step is not one that this side can take in this state."""

    def __init__(self, table: Table, state: State, step: Step, side: Side) -> None:
        possible = ", ".join(possible_steps(table, state, side)) or "nothing"
        super().__init__(f"The {side} can't {step} an agreement that is {state}; possible now: {possible}.")


def table_of(kind: str) -> Table:
    return BY_STATUTE if kind == "mandate" else BY_CONSENT


def state_of(status: str, ends_at: datetime | None, now: datetime) -> State:
    """What the row's status means now: past its end, what has not ended otherwise is expired."""
    state = State(status)
    return State.EXPIRED if ends_at is not None and ends_at <= now and state not in FINAL else state


def next_state(table: Table, state: State, step: Step, side: Side) -> State:
    """The state after `step`; IllegalStep says in words why not."""
    try:
        return table[state, step, side]
    except KeyError:
        raise IllegalStep(table, state, step, side) from None


def possible_steps(table: Table, state: State, side: Side) -> tuple[Step, ...]:
    """What a person of that side may do now."""
    return tuple(step for step in Step if step not in CONSEQUENCES and (state, step, side) in table)
