"""What a firm does with its bid. Each runs in the caller's open transaction and announces in it.

That the bidding is still open is judged in one place, a trigger: by the database's clock, with the task's row locked
against its closing, in the transaction that writes the version.
"""

from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import F

from marketplace.bids import queries
from marketplace.bids.data import BidContent
from marketplace.bids.lifecycle import BidEvent
from marketplace.bids.moves import move_bid, tell_bid
from marketplace.bids.sealing import commitment_of, digest_of_sealed, receipt_text, seal
from marketplace.groups import broken_by, of_other_groups
from marketplace.history import refuse_altered, refuse_other_openers
from marketplace.lifecycle import Mode, State
from marketplace.models import Bid, BidVersion, ServiceTask
from marketplace.queries import database_time
from tenants.api import on_behalf_of, opened, own_names, require
from tenants.data import Actor, Conflict, FieldError, Forbidden, Invalid


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the firm keeps: `text` is the bid, and its SHA-256 is the version's commitment."""

    bid: Bid
    version: BidVersion
    text: str


def place_bid(*, task: ServiceTask, content: BidContent) -> Receipt:
    """A bid, or a new version of the one there is. In a tender nobody can read it before the opening, the firm neither:
    the receipt is the only copy. Conflict where the task, or who opens it, is not what the owner's ledger says."""
    firm = require("claim_tasks")
    if task.tenant_id == firm.tenant_id:
        raise Forbidden("Your own organisation posted this task; only another one can bid.")
    _refuse_unfit(task, content)
    _hold(task)
    with of_other_groups():
        bid = queries.live_bid(task.pk, firm.tenant_id) or _begun(task, firm)
        with on_behalf_of(task.tenant_id):
            move_bid(bid, BidEvent.SUBMIT, number=F("number") + 1)
            text = receipt_text(queries.place_of(bid), content.document)
            version, proof = _written(bid, task, text)
    refuse_altered(task)
    tell_bid("bid.submitted", bid, task, commitment=version.commitment, **proof)
    return Receipt(bid, version, text)


def withdraw_bid(*, bid: Bid) -> None:
    """While the bidding is open."""
    require("claim_tasks")
    with on_behalf_of(bid.owner_id):
        task = ServiceTask.objects.select_for_update().get(pk=bid.task_id)
        if task.state != State.OPEN or task.bids_until is None or database_time() >= task.bids_until:
            raise Conflict("The bidding is over; a bid can't be withdrawn any more.")
    move_bid(bid, BidEvent.WITHDRAW)
    tell_bid("bid.withdrawn", bid, task)


def _refuse_unfit(task: ServiceTask, content: BidContent) -> None:
    if task.mode == Mode.CLAIM:
        raise Conflict("This task is claimed, not bid for.")
    if content.currency != task.currency:
        raise Invalid(
            "The bid is in another currency than the task.", (FieldError("/currency", f"use {task.currency}"),)
        )
    if content.due_d and len(content.due_d) != len(task.milestones):
        wanted = f"give {len(task.milestones)}, one for each milestone of the task, or none"
        raise Invalid("The days do not fit the milestones.", (FieldError("/due_d", wanted),))
    if late := [n for n, days in enumerate(content.due_d) if days > content.delivery_d]:
        within = f"give at most {content.delivery_d} days, within which you deliver"
        raise Invalid("A milestone is due after the delivery.", tuple(FieldError(f"/due_d/{n}", within) for n in late))


def _hold(task: ServiceTask) -> None:
    """Its row, with other bidders, before any of a bid's: who ends the bidding locks them in this order, too."""
    with on_behalf_of(task.tenant_id), connections[opened().alias].cursor() as cursor:
        cursor.execute("SELECT FROM marketplace_servicetask WHERE id = %s FOR SHARE", [task.pk])


def _begun(task: ServiceTask, firm: Actor) -> Bid:
    """The firm's row for its bid; the one of a colleague who was quicker, if there is one by now."""
    name = own_names().organisation
    try:
        with on_behalf_of(task.tenant_id), transaction.atomic(using=opened().alias):
            return Bid.objects.create(tenant_id=firm.tenant_id, owner_id=task.tenant_id, task=task, firm_name=name)
    except IntegrityError as error:
        if broken_by(error) != "bid_one_live":
            raise
    found = queries.live_bid(task.pk, firm.tenant_id)
    if found is None:
        raise Conflict("The bid has changed meanwhile; read it again.")
    return found


def _written(bid: Bid, task: ServiceTask, text: str) -> tuple[BidVersion, dict[str, str]]:
    """The version; and of a sealed one the digests by which it is known whether it was sealed anew, and for whom."""
    said: dict[str, Any] = {"text": text}
    proof: dict[str, str] = {}
    if task.mode == Mode.TENDER:
        sealed, proof = _sealed(bid, task, text)
        said = {"sealed": sealed}
    about = {"tenant_id": bid.tenant_id, "owner_id": bid.owner_id, "bid": bid, "number": bid.number}
    try:
        with transaction.atomic(using=opened().alias):
            return BidVersion.objects.create(**about, commitment=commitment_of(text), **said), proof
    except IntegrityError as error:
        if broken_by(error) != "bid_version_in_time":
            raise
        raise Conflict(f"The bidding is over: {_deadline(task)}.") from None


def _sealed(bid: Bid, task: ServiceTask, text: str) -> tuple[dict[str, Any], dict[str, str]]:
    digest = refuse_other_openers(task)
    keys = {str(each.pk): bytes.fromhex(each.public_key) for each in queries.openers(task.pk)}
    sealed = seal(text, queries.place_of(bid), keys, task.openers_needed)
    return sealed, {"sealed": digest_of_sealed(sealed), "keys": digest}


def _deadline(task: ServiceTask) -> str:
    return f"it was open until {task.bids_until:%Y-%m-%d %H:%M:%S} UTC, and the task is {task.state}"
