"""States of a service task and what moves between them.

Pure: whoever changes a task's row asks `next_state` first and updates only where the row is still the version that was
read. A database trigger (migration 0002_wall) refuses any other change of state, whoever makes it.
"""

from collections.abc import Mapping
from enum import StrEnum

from tenants.data import Conflict


class Mode(StrEnum):
    """How a task finds its firm."""

    CLAIM = "claim"  # first come, exactly one winner
    QUOTATION = "quotation"  # the owner reads bids as they come
    TENDER = "tender"  # nobody reads a bid before the deadline


class State(StrEnum):
    DRAFT = "draft"
    OPEN = "open"  # published: those to whom it is visible may claim it or bid
    CLAIMED = "claimed"  # one firm holds the lease
    SUBMITTED = "submitted"  # the firm says it is done; the lease no longer runs
    SEALED_CLOSED = "sealed_closed"  # the deadline is past and the bids are still sealed
    OPENED = "opened"  # the bids have been opened; none is judged yet
    EVALUATING = "evaluating"
    AWARDED = "awarded"  # a bid has won; the contract waits for the standstill
    CONTRACTED = "contracted"  # the work goes on under a contract
    CLOSED = "closed"
    CANCELLED = "cancelled"
    UNSUCCESSFUL = "unsuccessful"  # no bid was acceptable
    TERMINATED = "terminated"  # the contract ended before its work was done


class ClaimState(StrEnum):
    """A claim is live from claim to end, also while its work is looked at; it never comes back to life."""

    LIVE = "live"
    RELEASED = "released"
    LAPSED = "lapsed"
    REJECTED = "rejected"
    COMPLETED = "completed"


class Event(StrEnum):
    PUBLISH = "publish"
    CLAIM = "claim"
    SUBMIT = "submit"
    ACCEPT = "accept"
    REWORK = "rework"
    REJECT = "reject"  # the owner refuses the work; nothing is owed
    RELEASE = "release"  # the firm gives the claim back
    LAPSE = "lapse"  # the lease is over
    CLOSE_BIDDING = "close_bidding"  # the deadline of a tender is past
    OPEN_BIDS = "open_bids"
    EVALUATE = "evaluate"
    AWARD = "award"
    ANNUL = "annul"  # the award is taken back, as a complaint was upheld
    CONTRACT = "contract"
    FULFIL = "fulfil"
    TERMINATE = "terminate"
    FAIL = "fail"  # no bid was acceptable
    CANCEL = "cancel"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.DRAFT, Event.PUBLISH): State.OPEN,
    (State.DRAFT, Event.CANCEL): State.CANCELLED,
    (State.OPEN, Event.CANCEL): State.CANCELLED,
    (State.OPEN, Event.CLAIM): State.CLAIMED,
    (State.CLAIMED, Event.SUBMIT): State.SUBMITTED,
    (State.CLAIMED, Event.RELEASE): State.OPEN,
    (State.CLAIMED, Event.LAPSE): State.OPEN,
    (State.SUBMITTED, Event.ACCEPT): State.CLOSED,
    (State.SUBMITTED, Event.REWORK): State.CLAIMED,
    (State.SUBMITTED, Event.REJECT): State.OPEN,
    (State.OPEN, Event.CLOSE_BIDDING): State.SEALED_CLOSED,
    (State.SEALED_CLOSED, Event.OPEN_BIDS): State.OPENED,
    (State.OPENED, Event.EVALUATE): State.EVALUATING,
    (State.OPEN, Event.EVALUATE): State.EVALUATING,
    (State.EVALUATING, Event.AWARD): State.AWARDED,
    (State.AWARDED, Event.ANNUL): State.EVALUATING,
    (State.AWARDED, Event.CONTRACT): State.CONTRACTED,
    (State.CONTRACTED, Event.FULFIL): State.CLOSED,
    (State.CONTRACTED, Event.TERMINATE): State.TERMINATED,
    **{(state, Event.FAIL): State.UNSUCCESSFUL for state in (State.SEALED_CLOSED, State.OPENED, State.EVALUATING)},
    **{
        (state, Event.CANCEL): State.CANCELLED
        for state in (State.SEALED_CLOSED, State.OPENED, State.EVALUATING, State.AWARDED)
    },
}

# From `open` a task goes the way of its mode; after that its state says which way it went.
WAYS: Mapping[Mode, Event] = {
    Mode.CLAIM: Event.CLAIM,
    Mode.QUOTATION: Event.EVALUATE,
    Mode.TENDER: Event.CLOSE_BIDDING,
}


class IllegalTransition(Conflict):
    """The event does not apply to a task in this state."""

    def __init__(self, state: State, event: Event, mode: Mode) -> None:
        allowed = ", ".join(allowed_events(state, mode)) or "none"
        super().__init__(f"A task that is {state} can't take '{event}'; possible now: {allowed}.")
        self.state = state
        self.event = event


def next_state(state: State, event: Event, mode: Mode = Mode.CLAIM) -> State:
    """The state after `event`; IllegalTransition says in words why not."""
    if event not in allowed_events(state, mode):
        raise IllegalTransition(state, event, mode)
    return TRANSITIONS[state, event]


def allowed_events(state: State, mode: Mode = Mode.CLAIM) -> tuple[Event, ...]:
    others = {way for other, way in WAYS.items() if other != mode} if state is State.OPEN else set()
    return tuple(event for event in Event if (state, event) in TRANSITIONS and event not in others)
