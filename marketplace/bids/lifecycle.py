"""States of a bid and of a complaint, and what moves between them. Pure; triggers (migration of bids) hold the same."""

from collections.abc import Mapping, Set
from enum import StrEnum
from typing import Final

from marketplace.lifecycle import State
from tenants.data import Conflict


class BidState(StrEnum):
    DRAFT = "draft"  # has no version yet
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"
    OPENED = "opened"  # the owner may read and judge it
    DISQUALIFIED = "disqualified"
    SHORTLISTED = "shortlisted"
    WON = "won"
    LOST = "lost"


class ComplaintState(StrEnum):
    OPEN = "open"
    UPHELD = "upheld"
    REJECTED = "rejected"


class BidEvent(StrEnum):
    SUBMIT = "submit"  # a version; the newest counts
    WITHDRAW = "withdraw"
    OPEN = "open"
    SHORTLIST = "shortlist"
    DISQUALIFY = "disqualify"
    REINSTATE = "reinstate"
    WIN = "win"
    LOSE = "lose"
    ANNUL = "annul"  # the award was taken back: the bid is to be judged again


STANDING: Final = (BidState.OPENED, BidState.SHORTLISTED)
# What a bid is before its task ends without a contract for it.
UNDECIDED: Final = (BidState.SUBMITTED, *STANDING)

# States of a task in which its bids may be sealed, or have ended sealed.
MAYBE_UNOPENED: Final = (State.OPEN, State.SEALED_CLOSED, State.CANCELLED, State.UNSUCCESSFUL)
_BY_TASK: Final[Mapping[State, Set[BidState]]] = {
    State.OPEN: {BidState.SUBMITTED},
    State.SEALED_CLOSED: {BidState.SUBMITTED},
    State.OPENED: {BidState.OPENED},
    State.EVALUATING: {*STANDING, BidState.DISQUALIFIED},
}
_AT_LAST: Final = frozenset({BidState.DISQUALIFIED, BidState.WON, BidState.LOST})

BID_TRANSITIONS: Final[Mapping[tuple[BidState, BidEvent], BidState]] = {
    (BidState.DRAFT, BidEvent.SUBMIT): BidState.SUBMITTED,
    (BidState.SUBMITTED, BidEvent.SUBMIT): BidState.SUBMITTED,
    (BidState.SUBMITTED, BidEvent.WITHDRAW): BidState.WITHDRAWN,
    (BidState.SUBMITTED, BidEvent.OPEN): BidState.OPENED,
    (BidState.OPENED, BidEvent.SHORTLIST): BidState.SHORTLISTED,
    **{(state, BidEvent.DISQUALIFY): BidState.DISQUALIFIED for state in STANDING},
    (BidState.DISQUALIFIED, BidEvent.REINSTATE): BidState.OPENED,
    **{(state, BidEvent.WIN): BidState.WON for state in STANDING},
    **{(state, BidEvent.LOSE): BidState.LOST for state in (*UNDECIDED, BidState.WON)},
    **{(state, BidEvent.ANNUL): BidState.OPENED for state in (BidState.WON, BidState.LOST)},
}


def bid_states_by(state: State) -> Set[BidState]:
    """What a bid in the contest can be while its task is in this state."""
    return _BY_TASK.get(state, _AT_LAST)


def next_bid_state(state: BidState, event: BidEvent) -> BidState:
    """The state after `event`; Conflict says in words why not."""
    target = BID_TRANSITIONS.get((state, event))
    if target is None:
        allowed = ", ".join(each for each in BidEvent if (state, each) in BID_TRANSITIONS) or "none"
        raise Conflict(f"A bid that is {state} can't take '{event}'; possible now: {allowed}.")
    return target
