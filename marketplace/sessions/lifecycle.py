"""States of a remote session and what moves between them, as a table. Pure.

    proposed ─confirm▶ booked ─start▶ running ─stop, exhaust▶ ended ─accept, pass▶ accepted
        └─cancel, lapse─┴─▶ cancelled                 correct └▶┘ └─object▶ objected ─accept▶ accepted
                                                                └──correct─┘

A trigger (migration of the sessions) refuses any other change of state, whoever makes it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from marketplace.contracts.lifecycle import ContractState, IllegalStep


class SessionState(StrEnum):
    PROPOSED = "proposed"  # by the firm, at a rate and up to a ceiling
    BOOKED = "booked"  # the buyer agreed
    RUNNING = "running"
    ENDED = "ended"  # its minutes are counted; the buyer has time to object
    OBJECTED = "objected"  # the buyer says that they are wrong
    ACCEPTED = "accepted"  # the minutes are owed
    CANCELLED = "cancelled"


class SessionEvent(StrEnum):
    CONFIRM = "confirm"
    CANCEL = "cancel"
    LAPSE = "lapse"  # nobody started it in its time
    START = "start"
    STOP = "stop"
    EXHAUST = "exhaust"  # nobody stopped it before its ceiling
    OBJECT = "object"
    CORRECT = "correct"
    ACCEPT = "accept"
    PASS = "pass"  # nobody objected in time


SESSIONS: Final[Mapping[tuple[SessionState, SessionEvent], SessionState]] = {
    (SessionState.PROPOSED, SessionEvent.CONFIRM): SessionState.BOOKED,
    (SessionState.PROPOSED, SessionEvent.CANCEL): SessionState.CANCELLED,
    (SessionState.PROPOSED, SessionEvent.LAPSE): SessionState.CANCELLED,
    (SessionState.BOOKED, SessionEvent.CANCEL): SessionState.CANCELLED,
    (SessionState.BOOKED, SessionEvent.LAPSE): SessionState.CANCELLED,
    (SessionState.BOOKED, SessionEvent.START): SessionState.RUNNING,
    (SessionState.RUNNING, SessionEvent.STOP): SessionState.ENDED,
    (SessionState.RUNNING, SessionEvent.EXHAUST): SessionState.ENDED,
    (SessionState.ENDED, SessionEvent.CORRECT): SessionState.ENDED,
    (SessionState.ENDED, SessionEvent.OBJECT): SessionState.OBJECTED,
    (SessionState.ENDED, SessionEvent.ACCEPT): SessionState.ACCEPTED,
    (SessionState.ENDED, SessionEvent.PASS): SessionState.ACCEPTED,
    (SessionState.OBJECTED, SessionEvent.CORRECT): SessionState.ENDED,
    (SessionState.OBJECTED, SessionEvent.ACCEPT): SessionState.ACCEPTED,
}
BEFORE_THE_START: Final = (SessionState.PROPOSED, SessionState.BOOKED)
LIVE: Final = (*BEFORE_THE_START, SessionState.RUNNING)
UNSETTLED: Final = (SessionState.RUNNING, SessionState.ENDED, SessionState.OBJECTED)
# The log is written while there is something to say, and closed once the minutes are owed.
LOGGED: Final = UNSETTLED

ENDING: Final = frozenset({SessionEvent.CANCEL, SessionEvent.LAPSE, SessionEvent.STOP, SessionEvent.EXHAUST})
ANSWERING: Final = frozenset({SessionEvent.OBJECT, SessionEvent.CORRECT, SessionEvent.ACCEPT, SessionEvent.PASS})
# What may happen to the sessions of a contract in this state; what was done is settled, whatever comes after.
ALLOWED: Final[Mapping[ContractState, frozenset[SessionEvent]]] = {
    ContractState.IN_PROGRESS: frozenset(SessionEvent),
    ContractState.FULFILLED: ENDING | ANSWERING,
    ContractState.TERMINATED: ENDING | ANSWERING,
    ContractState.DISPUTED: ENDING,
}
# In these what was done is written down, answered and owed.
SETTLED: Final = tuple(state for state, allowed in ALLOWED.items() if allowed >= ANSWERING)


def next_session_state(contract: ContractState, state: SessionState, event: SessionEvent) -> SessionState:
    """IllegalStep also where the contract's own state does not allow the event."""
    allowed = ALLOWED.get(contract, frozenset())
    if event not in allowed:
        raise IllegalStep("session of a contract", contract, event, tuple(sorted(allowed)))
    try:
        return SESSIONS[state, event]
    except KeyError:
        possible = tuple(str(other) for source, other in SESSIONS if source is state and other in allowed)
        raise IllegalStep("session", state, event, possible) from None
