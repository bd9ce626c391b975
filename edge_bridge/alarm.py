"""Alarm states and what moves between them, by the names of ISA-18.2 / IEC 62682 (alarm state transition diagram).

Pure: the state, the event and whether the condition stands are arguments. Whoever changes an alarm's row asks
`next_state` first and updates only where the row still has the state that was asked about.
"""

from collections.abc import Mapping
from enum import StrEnum


class State(StrEnum):
    NORM = "NORM"  # normal
    UNACK = "UNACK"  # raised, unacknowledged
    ACKED = "ACKED"  # raised, acknowledged
    RTNUN = "RTNUN"  # returned to normal, unacknowledged
    SHLVD = "SHLVD"  # shelved by an operator, for a time
    DSUPR = "DSUPR"  # suppressed by design
    OOSRV = "OOSRV"  # out of service


class Event(StrEnum):
    """What can happen to an alarm; the last two end a shelf, a suppression or a time out of service."""

    RAISED = "raised"
    RE_ALARMED = "re_alarmed"  # more severe than before, or unacknowledged for too long: it must be seen again
    CLEARED = "cleared"
    ACKNOWLEDGED = "acknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    TAKEN_OUT_OF_SERVICE = "taken_out_of_service"
    RETURNED_STANDING = "returned_standing"
    RETURNED_NORMAL = "returned_normal"


OPEN_STATES = frozenset(State) - {State.NORM}
UNACKNOWLEDGED_STATES = frozenset({State.UNACK, State.RTNUN})
SILENCED_STATES = frozenset({State.SHLVD, State.DSUPR, State.OOSRV})

_SILENCED_BY = {
    Event.SHELVED: State.SHLVD,
    Event.SUPPRESSED: State.DSUPR,
    Event.TAKEN_OUT_OF_SERVICE: State.OOSRV,
}

TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.NORM, Event.RAISED): State.UNACK,
    (State.UNACK, Event.RE_ALARMED): State.UNACK,
    (State.UNACK, Event.ACKNOWLEDGED): State.ACKED,
    (State.UNACK, Event.CLEARED): State.RTNUN,
    (State.ACKED, Event.RE_ALARMED): State.UNACK,
    (State.ACKED, Event.CLEARED): State.NORM,
    (State.RTNUN, Event.RAISED): State.UNACK,
    (State.RTNUN, Event.ACKNOWLEDGED): State.NORM,
    # An alarm that grows worse breaks its shelf; suppression by design and out of service are decisions about the
    # plant, which the alarm itself cannot overrule.
    (State.SHLVD, Event.RE_ALARMED): State.UNACK,
    # While silenced the condition comes and goes without changing the state.
    **{(state, event): state for state in SILENCED_STATES for event in (Event.RAISED, Event.CLEARED)},
    **{(state, Event.RETURNED_STANDING): State.UNACK for state in SILENCED_STATES},
    **{(state, Event.RETURNED_NORMAL): State.NORM for state in SILENCED_STATES},
    # Any state can be silenced, and one way of silencing may replace another.
    **{(state, event): to for state in State for event, to in _SILENCED_BY.items() if state != to},
}

# From where to where one event leads.
MOVES = frozenset((before, after) for (before, _), after in TRANSITIONS.items())


class IllegalTransition(ValueError):
    """The event does not apply to an alarm in this state."""

    def __init__(self, state: State, event: Event) -> None:
        allowed = ", ".join(str(possible) for possible in allowed_events(state))
        super().__init__(f"an alarm in state {state} cannot be {_words(event)}; possible events are: {allowed}")
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


def returned(*, standing: bool) -> Event:
    """The event that ends a shelf, a suppression or a time out of service."""
    return Event.RETURNED_STANDING if standing else Event.RETURNED_NORMAL


def _words(event: Event) -> str:
    return event.replace("_", " ")
