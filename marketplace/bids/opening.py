"""Who opens a tender's bids, the end of its bidding, and the opening."""

import json
from collections.abc import Mapping
from typing import Any

from marketplace.bids import access, queries
from marketplace.bids.lifecycle import BidEvent, BidState
from marketplace.bids.moves import begin_judging, move_bid, tell_bid, tell_closed, tell_missing
from marketplace.bids.sealing import (
    MOST_OPENERS,
    SEALED_ANEW,
    Altered,
    digest_of_sealed,
    new_opener,
    private_key,
    unseal,
    unseal_share,
)
from marketplace.history import enter_step, refuse_other_openers, tell_altered
from marketplace.lifecycle import Event as Move
from marketplace.lifecycle import Mode, State
from marketplace.models import Bid, BidVersion, Opener, Opening, ServiceTask
from marketplace.moves import move_task, tell
from marketplace.queries import database_time
from tenants.api import enter, require
from tenants.data import Conflict, FieldError, Forbidden, Invalid
from tenants.models import User


def register_opener(*, task: ServiceTask, passphrase: str) -> Opener:
    """The actor helps to open the bids of a tender that is not published yet; the passphrase is stored nowhere."""
    owner = require("post_tasks")
    _require_draft(task)
    user = User.objects.filter(pk=owner.user_id).first()
    if user is None:
        raise Forbidden("Only a person can open bids; sign in, or use a key of your own.")
    if len(queries.openers(task.pk)) >= MOST_OPENERS:
        raise Conflict(f"A tender has at most {MOST_OPENERS} openers.")
    key, salt = new_opener(passphrase)
    made = {"user": user, "user_name": str(user)[:254], "public_key": key.hex(), "salt": salt.hex()}
    opener = Opener.objects.create(tenant_id=task.tenant_id, task=task, **made)
    enter(kind="tender.opener_registered", subject=task.pk, payload={"user": user.pk, "public_key": key.hex()})
    return opener


def dismiss_opener(*, task: ServiceTask) -> None:
    """The actor is no opener of this tender any more."""
    _require_draft(task)
    opener = access.get_opener(task)
    opener.delete()
    enter_step("tender.opener_dismissed", task, user=opener.user_id)


def require_openers(task: ServiceTask) -> None:
    """Invalid if too few persons are registered to open a tender's bids; asked once it is published, in that
    transaction: from then on the openers stay as they are."""
    if task.mode == Mode.TENDER and (there := len(queries.openers(task.pk))) < task.openers_needed:
        words = f"{there} registered so far; keep it as a draft until enough have, each with a passphrase of their own"
        raise Invalid("This tender has too few openers.", (FieldError("/openers_needed", words),))


def close_if_overdue(task: ServiceTask) -> None:
    """End the bidding if its deadline is past by the database's clock; the sweep does, and whoever looks.

    The bids of a tender then wait for their opening, those of a request for quotations are judged.
    """
    if task.state != State.OPEN or task.bids_until is None or database_time() < task.bids_until:
        return
    is_sealed = task.mode == Mode.TENDER
    try:
        move_task(task, Move.CLOSE_BIDDING if is_sealed else Move.EVALUATE)
    except Conflict:
        return  # somebody else was quicker; the task has been read anew
    tell_closed(task) if is_sealed else begin_judging(task)


def give_passphrase(*, task: ServiceTask, passphrase: str) -> Opening:
    """An opener's part. With that of as many as are needed, all bids are opened in this transaction."""
    require("post_tasks")
    close_if_overdue(task)
    task = ServiceTask.objects.select_for_update().get(pk=task.pk)
    if task.state != State.SEALED_CLOSED:
        raise Conflict(f"Bids are opened once the bidding is closed; this task is {task.state}.")
    keys, opener = refuse_other_openers(task), access.get_opener(task)
    given = list(queries.openings(task.pk))
    if any(each.opener_id == opener.pk for each in given):
        raise Conflict("You have given your part; the others' are missing.")
    opening = Opening.objects.create(
        tenant_id=task.tenant_id, task=task, opener=opener, shares=_shares(task, opener, passphrase)
    )
    said = {"opener": opener.user_name, "given": len(given) + 1, "needed": task.openers_needed}
    enter(kind="bid.opening", subject=task.pk, payload=said)
    tell("bid.opening", task, **said)
    if len(given) + 1 >= task.openers_needed:
        _open_all(task, [*given, opening], keys)
    return opening


def _require_draft(task: ServiceTask) -> None:
    if task.state != State.DRAFT:
        raise Conflict("The openers of a tender are settled before it is published.")


def _shares(task: ServiceTask, opener: Opener, passphrase: str) -> dict[str, Any]:
    """By version, what only this opener can unseal."""
    key = private_key(passphrase, bytes.fromhex(opener.salt))
    if key.public_key().public_bytes_raw().hex() != opener.public_key:
        raise Invalid("This is not the passphrase that you registered.", (FieldError("/passphrase", "try again"),))
    shares = {}
    for bid, version in _sealed(task):
        share = unseal_share(version.sealed or {}, queries.place_of(bid), str(opener.pk), key)
        if share is not None:
            shares[str(version.pk)] = share
    return shares


def _sealed(task: ServiceTask) -> list[tuple[Bid, BidVersion]]:
    found = queries.bids_on(task.pk, [BidState.SUBMITTED])
    return [(bid, bid.newest) for bid in found if bid.newest is not None]


def _open_all(task: ServiceTask, openings: list[Opening], keys: str) -> None:
    move_task(task, Move.OPEN_BIDS)
    tell_altered(task, queries.bidders(task.pk))
    promised, sealed = queries.committed(task), _sealed(task)
    for bid, version in sealed:
        shares = [_part(each, version) for each in openings]
        found = _opened(bid, version, shares, task.openers_needed, promised.get(bid.pk, {}), keys)
        BidVersion.objects.filter(pk=version.pk).update(**found)
        move_bid(bid, BidEvent.OPEN)
        tell_bid("bid.opened", bid, task, commitment=version.commitment, fault=found.get("fault", ""))
    tell_missing(task, {bid.pk for bid, _ in sealed})


def _part(opening: Opening, version: BidVersion) -> Any:
    """None if it was altered when the opener gave it, or is gone since."""
    return opening.shares.get(str(version.pk)) if isinstance(opening.shares, dict) else None


def _opened(
    bid: Bid, version: BidVersion, shares: list[Any], needed: int, promised: Mapping[str, Any], keys: str
) -> dict[str, str]:
    """The text of a version, or what is wrong with it."""
    if version.text:
        return {"fault": "its text was written before the opening"}
    try:
        text = unseal(version.sealed or {}, queries.place_of(bid), shares, needed)
        _refuse_other(text, bid, version, promised)
        _refuse_sealed_anew(version, promised, keys)
    except Altered as fault:
        return {"fault": str(fault)}
    return {"text": text}


def _refuse_other(text: str, bid: Bid, version: BidVersion, promised: Mapping[str, Any]) -> None:
    """Altered unless the text is what the firm committed itself to, here and in the owner's ledger."""
    if fault := queries.fault_in(text, bid, version, promised):
        raise Altered(fault)
    said = json.loads(text)
    if any(said.get(name) != value for name, value in queries.place_of(bid).facts.items()):
        raise Altered("the text is of another bid")


def _refuse_sealed_anew(version: BidVersion, promised: Mapping[str, Any], keys: str) -> None:
    """Altered unless it is stored as it was sealed, and for the openers that were published: else somebody could have
    read it."""
    if promised.get("keys") != keys:
        raise Altered("it was sealed for other openers than those that were published")
    if promised.get("sealed") != digest_of_sealed(version.sealed or {}):
        raise Altered(SEALED_ANEW)
