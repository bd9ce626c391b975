"""States of a service task and what moves between them.

Pure: whoever changes a task's row asks `next_state` first and updates only where the row is still the version that was
read. A database trigger (migration 0002_wall) refuses any other change of state, whoever makes it.
"""

from collections.abc import Mapping
from enum import StrEnum

from tenants.data import Conflict


class State(StrEnum):
    DRAFT = "draft"
    OPEN = "open"  # published: every organisation may read it
    CLAIMED = "claimed"  # one firm holds the lease
    SUBMITTED = "submitted"  # the firm says it is done; the lease no longer runs
    CLOSED = "closed"
    CANCELLED = "cancelled"


class ClaimState(StrEnum):
    """A claim is live from claim to end, also while its work is looked at; it never comes back to life."""

    LIVE = "live"
    RELEASED = "released"
    LAPSED = "lapsed"
    COMPLETED = "completed"


class Event(StrEnum):
    PUBLISH = "publish"
    CLAIM = "claim"
    SUBMIT = "submit"
    ACCEPT = "accept"
    REWORK = "rework"
    RELEASE = "release"  # the firm gives the claim back
    LAPSE = "lapse"  # the lease is over
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.DRAFT, Event.PUBLISH): State.OPEN,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.OPEN, Event.CLAIM): State.CLAIMED,
    (State.OPEN, Event.CANCEL): State.CANCELLED,
    (State.CLAIMED, Event.SUBMIT): State.SUBMITTED,
    (State.CLAIMED, Event.RELEASE): State.OPEN,
    (State.CLAIMED, Event.LAPSE): State.OPEN,
    (State.SUBMITTED, Event.ACCEPT): State.CLOSED,
    (State.SUBMITTED, Event.REWORK): State.CLAIMED,
}


class IllegalTransition(Conflict):
    """The event does not apply to a task in this state."""

    def __init__(self, state: State, event: Event) -> None:
        allowed = ", ".join(allowed_events(state)) or "none"
        super().__init__(f"A task that is {state} can't take '{event}'; possible now: {allowed}.")
        self.state = state
        self.event = event


def next_state(state: State, event: Event) -> State:
    """The state after `event`; IllegalTransition says in words why not."""
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None


def allowed_events(state: State) -> tuple[Event, ...]:
    return tuple(event for event in Event if (state, event) in TRANSITIONS)
