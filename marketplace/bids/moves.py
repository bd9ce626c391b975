"""How a bid changes state and who is told of it: its firm and the owner of the task, and nobody else."""

from collections.abc import Set
from typing import Any, Final
from uuid import UUID

from marketplace.bids.lifecycle import BidEvent, BidState, next_bid_state
from marketplace.bids.queries import bidders, bids_on, held, missing_but_for
from marketplace.history import enter_step, tell_altered
from marketplace.lifecycle import Mode
from marketplace.models import Bid, ServiceTask
from marketplace.moves import tell
from tenants.api import announce, compare_and_set, enter, on_behalf_of
from tenants.data import Conflict, Event

MOST_NAMED: Final = 20  # of the longest names an entry of the ledger holds no more


def move_bid(bid: Bid, event: BidEvent, **changes: Any) -> None:
    """Change the state, in the owner's name, if the row is still the version that was read; Conflict otherwise."""
    change_bid(bid, state=next_bid_state(BidState(bid.state), event).value, **changes)


def change_bid(bid: Bid, **changes: Any) -> None:
    """The next version of the row, as `move_bid`, whose state need not change."""
    with on_behalf_of(bid.owner_id):
        if compare_and_set(bid, **changes):
            return
        bid.refresh_from_db(fields=["state", "version", "number", "reason", "outcome", "decided_at"])
    raise Conflict(f"The bid has changed and is {bid.state} now.")


def tell_bid(kind: str, bid: Bid, task: ServiceTask, **facts: Any) -> None:
    """On the feeds and in the ledgers of the firm and the owner, under the task's id."""
    about = {"bid": bid.pk, "firm": bid.tenant_id, "firm_name": bid.firm_name, "number": bid.number, **facts}
    parties = {bid.owner_id, bid.tenant_id}
    enter(kind=kind, subject=task.pk, payload={"title": task.title, **about}, with_tenants=parties)
    known = {"task": task.pk, "title": task.title, "owner": bid.owner_id, "owner_name": task.snapshot["owner_name"]}
    body = {**known, **about, "status": bid.state}
    announce(Event(kind=kind, body=body, permission="view_tasks", owner_id=bid.owner_id, to=frozenset({bid.tenant_id})))


def begin_judging(task: ServiceTask) -> None:
    """After the task has become `evaluating`: the owner may judge its bids. A tender's were closed and opened."""
    if task.mode == Mode.QUOTATION:
        tell_closed(task)
    enter_step("evaluation.started", task, to=bidders(task.pk))
    if task.mode == Mode.QUOTATION:
        _open_plain(task)


def _open_plain(task: ServiceTask) -> None:
    there = [bid for bid in held(bids_on(task.pk, [BidState.SUBMITTED])) if bid.newest is not None]
    for bid in there:
        move_bid(bid, BidEvent.OPEN)
        tell_bid("bid.opened", bid, task, fault=bid.fault)
    tell_missing(task, {bid.pk for bid in there})


def tell_missing(task: ServiceTask, there: Set[UUID]) -> None:
    """The owner learns whose bids its ledger knows beside those that are `there`."""
    gone = missing_but_for(task, there)
    for first in range(0, len(gone), MOST_NAMED):
        firms = gone[first : first + MOST_NAMED]
        enter(kind="bid.missing", subject=task.pk, payload={"firms": firms}, with_tenants={task.tenant_id})
        tell("bid.missing", task, firms=firms)


def tell_closed(task: ServiceTask) -> None:
    """The bidding is over: the owner and who has bid are told, also of what was altered meanwhile."""
    firms = bidders(task.pk)
    enter_step("bid.closed", task, to=firms, bids_until=task.bids_until, bidders=len(firms))
    tell("bid.closed", task, to=firms)
    tell_altered(task, firms)
