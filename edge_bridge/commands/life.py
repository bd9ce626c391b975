"""States of a command in the cloud and what moves between them, as one table. Pure.

    requested ─▶ approved ─▶ sent ─▶ delivered ─▶ done | failed | refused | expired
        └▶ rejected | withdrawn | refused | expired      └▶ unknown ─▶ by a late word, or by what is read back

Whoever changes a command's row asks `next_state` first; the database holds the same table.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"  # committed before it leaves: it may have reached the gateway or not
    DELIVERED = "delivered"  # in the gateway's journal
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"  # an interlock held, or the gateway began another epoch; nothing was acted upon
    EXPIRED = "expired"  # its time was over; nothing was acted upon
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "unknown"  # it may have been acted upon, and nobody has said so


class Event(StrEnum):
    """What can happen to a command; each is named like the state that it leads to."""

    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    SENT = "sent"
    DELIVERED = "delivered"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


NOT_SENT_STATES = frozenset({State.REQUESTED, State.APPROVED})
ON_ITS_WAY_STATES = frozenset({State.SENT, State.DELIVERED})
OPEN_STATES = NOT_SENT_STATES | ON_ITS_WAY_STATES

_ENDS_WITHOUT_ACTING = (Event.REFUSED, Event.EXPIRED)
# Of the edge; a word that comes after the cloud has lost sight of the command still counts.
_ENDS_AT_THE_EDGE = (Event.DONE, Event.FAILED, *_ENDS_WITHOUT_ACTING)
_FROM: Mapping[State, tuple[Event, ...]] = {
    State.REQUESTED: (Event.APPROVED, Event.REJECTED, Event.WITHDRAWN, *_ENDS_WITHOUT_ACTING),
    State.APPROVED: (Event.SENT, Event.WITHDRAWN, *_ENDS_WITHOUT_ACTING),
    State.SENT: (Event.DELIVERED, Event.UNKNOWN, *_ENDS_AT_THE_EDGE),
    State.DELIVERED: (Event.UNKNOWN, *_ENDS_AT_THE_EDGE),
    State.UNKNOWN: _ENDS_AT_THE_EDGE,
}

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (state, event): State(event) for state, events in _FROM.items() for event in events
}


class IllegalTransition(ValueError):
    """The event does not apply to a command in this state."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"a command that is {state} cannot be {event}")
        self.state = state
        self.event = event


def next_state(state: State, event: Event) -> State:
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(state, event) from None
