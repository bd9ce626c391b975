"""The public door of bids for the console and for other parts of the marketplace."""

from marketplace.bids.access import get_bid_to_judge, get_complaint_to_decide, get_own_bid
from marketplace.bids.actions import Receipt, place_bid, withdraw_bid
from marketplace.bids.awarding import (
    Score,
    award_bid,
    conclude_award,
    disqualify_bid,
    fail_task,
    reinstate_bid,
    score_bid,
    set_criteria,
    shortlist_bid,
    start_evaluation,
)
from marketplace.bids.complaining import complain, decide_complaint
from marketplace.bids.data import CRITERION_KINDS, BidContent, criteria_from
from marketplace.bids.opening import close_if_overdue, dismiss_opener, give_passphrase, register_opener
from marketplace.bids.queries import (
    Row,
    bids_on,
    comparison,
    complaints,
    criteria_of,
    held,
    live_bid,
    missing,
    openers,
    openings,
    own_bids,
    standstill_until,
)

__all__ = [
    "CRITERION_KINDS",
    "BidContent",
    "Receipt",
    "Row",
    "Score",
    "award_bid",
    "bids_on",
    "close_if_overdue",
    "comparison",
    "complain",
    "complaints",
    "conclude_award",
    "criteria_from",
    "criteria_of",
    "decide_complaint",
    "dismiss_opener",
    "disqualify_bid",
    "fail_task",
    "get_bid_to_judge",
    "get_complaint_to_decide",
    "get_own_bid",
    "give_passphrase",
    "held",
    "live_bid",
    "missing",
    "openers",
    "openings",
    "own_bids",
    "place_bid",
    "register_opener",
    "reinstate_bid",
    "score_bid",
    "set_criteria",
    "shortlist_bid",
    "standstill_until",
    "start_evaluation",
    "withdraw_bid",
]
