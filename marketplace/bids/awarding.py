"""What the owner does with bids that may be read: score, shortlist, disqualify, award, or none of them."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from uuid import UUID

from django.db.models import F
from django.db.models.functions import Now

from marketplace.bids import queries
from marketplace.bids.data import REASONS_BYTES, BidContent, Criterion, reason_given
from marketplace.bids.lifecycle import UNDECIDED, BidEvent, BidState
from marketplace.bids.moves import begin_judging, change_bid, move_bid, tell_bid
from marketplace.contracts.actions import planned, write_contract
from marketplace.groups import of_other_groups
from marketplace.history import NotAsEntered, enter_step, is_told, refuse_altered
from marketplace.lifecycle import Event as Move
from marketplace.lifecycle import Mode, State
from marketplace.models import Bid, BidScore, ServiceTask
from marketplace.moves import move_task, tell
from marketplace.queries import database_time
from tenants.api import enter, on_behalf_of, require
from tenants.data import Conflict, FieldError, Invalid
from tenants.ledger.api import canonical_json

POINTS = range(101)


@dataclass(frozen=True, slots=True)
class Score:
    """Points from 0 to 100 by one of the owner's own criteria, and why."""

    criterion: str
    points: int
    reason: str


def set_criteria(*, task: ServiceTask, criteria: Sequence[Criterion]) -> None:
    """By what bids will be judged: known to all who may bid, and settled once the task is published."""
    require("post_tasks")
    if task.state != State.DRAFT or task.mode == Mode.CLAIM:
        raise Conflict("Criteria are those of a tender or a request for quotations that is not published yet.")
    document = [{"name": each.name, "kind": each.kind, "weight": each.weight} for each in criteria]
    drafts = ServiceTask.objects.filter(pk=task.pk, version=task.version)
    if not drafts.update(criteria=document, version=F("version") + 1, updated_at=Now()):
        raise Conflict("The task has changed; read it again.")
    task.refresh_from_db()


def start_evaluation(*, task: ServiceTask) -> None:
    """The bids are judged now. A request for quotations takes no more of them."""
    require("post_tasks")
    move_task(task, Move.EVALUATE)
    begin_judging(task)


def score_bid(*, bid: Bid, scores: Sequence[Score]) -> None:
    """Points by the owner's own criteria; those of price and delivery come by themselves.

    An award waits for it, or it for the award; of two who score the bid they both read the second is refused.
    """
    require("post_tasks")
    _hold_evaluating(bid)
    change_bid(bid)
    given = _checked(bid.task, scores)
    for score in given:
        BidScore.objects.update_or_create(
            **{"tenant_id": bid.owner_id, "bid": bid, "criterion": score.criterion},
            defaults={"firm_id": bid.tenant_id, "points": score.points, "reason": score.reason},
        )
    _refuse_beyond_ledger(bid)
    about = {"bid": bid.pk, "firm_name": bid.firm_name, "number": bid.number}
    enter(kind="bid.scored", subject=bid.task_id, payload={**about, "scores": [asdict(score) for score in given]})


def _checked(task: ServiceTask, scores: Sequence[Score]) -> list[Score]:
    """One for each criterion that is named, the last one."""
    own = {each.name for each in queries.criteria_of(task) if each.kind == "own"}
    checked = {}
    for n, score in enumerate(scores):
        if score.criterion not in own:
            words = f"use one of {', '.join(sorted(own))}" if own else "no criterion of this task takes points"
            raise Invalid("This criterion takes no points.", (FieldError(f"/scores/{n}/criterion", words),))
        if score.points not in POINTS:
            raise Invalid("The points are out of range.", (FieldError(f"/scores/{n}/points", "give 0 to 100"),))
        checked[score.criterion] = replace(score, reason=reason_given(score.reason, f"/scores/{n}/reason"))
    return list(checked.values())


def _refuse_beyond_ledger(bid: Bid) -> None:
    """The award enters all of a bid's reasons at once."""
    reasons = BidScore.objects.filter(bid=bid.pk).values_list("reason", flat=True)
    if (size_bytes := sum(len(canonical_json(reason).encode()) for reason in reasons)) > REASONS_BYTES:
        words = f"the reasons for one bid have at most {REASONS_BYTES} bytes of UTF-8, these {size_bytes}; shorten them"
        raise Invalid("The reasons are too long together.", (FieldError("/scores", words),))


def shortlist_bid(*, bid: Bid) -> None:
    require("post_tasks")
    _judge(bid, BidEvent.SHORTLIST, "bid.shortlisted")


def disqualify_bid(*, bid: Bid, reason: str) -> None:
    require("post_tasks")
    _judge(bid, BidEvent.DISQUALIFY, "bid.disqualified", reason=reason_given(reason), decided_at=Now())


def reinstate_bid(*, bid: Bid) -> None:
    """A disqualified bid stands again."""
    require("post_tasks")
    _judge(bid, BidEvent.REINSTATE, "bid.reinstated", reason="", decided_at=None)


def award_bid(*, bid: Bid, reason: str) -> None:
    """It has won, the others that stand have lost; each firm learns why, and its own scores. The standstill begins.

    NotAsEntered where the task or the points are not what the owner's ledger says.
    """
    require("post_tasks")
    reason, task = reason_given(reason), bid.task
    _require_evaluating(task)
    move_task(task, Move.AWARD)  # whoever is second waits here, before the bids are compared
    refuse_altered(task)
    _refuse_altered_points(task)
    rows = {row.bid.pk: row for row in queries.comparison(task)}
    if bid.pk not in rows:
        raise Conflict("This bid can't win: it does not stand, or can't be read.")
    until = rows[bid.pk].valid_until
    if database_time() >= until:
        raise Conflict(f"Its firm held to this bid until {until:%Y-%m-%d %H:%M} UTC; it can't win any more.")
    _decide(bid, BidEvent.WIN, "bid.won", task, reason, rows)
    for other in queries.held(queries.bids_on(task.pk, UNDECIDED)):
        _decide(other, BidEvent.LOSE, "bid.lost", task, reason, rows)


def conclude_award(*, task: ServiceTask) -> None:
    """The owner has the contract written, once the standstill is over."""
    require("post_tasks")
    conclude(task)


def conclude(task: ServiceTask) -> None:
    """The award becomes a contract, if its standstill is over by the database's clock and no complaint is open.

    NotAsEntered where task, award or bid are not what the owner's ledger says.
    """
    move_task(task, Move.CONTRACT)  # its row lock keeps complaints out until the commit
    refuse_altered(task)
    with on_behalf_of(task.tenant_id):
        won = next(iter(queries.held(queries.bids_on(task.pk, [BidState.WON]))), None)
        until = queries.standstill_until(task)
    if won is None or str(won.pk) != queries.decided(task).get("bid"):
        raise NotAsEntered("The bid that the owner's ledger says was awarded is not the one that has won here.")
    if until is None or database_time() < until:
        raise Conflict(f"The standstill lasts until {until:%Y-%m-%d %H:%M} UTC.")
    refuse_contested(task)
    content = won.content
    if content is None:
        raise NotAsEntered("What the winning bid says is not what its firm committed itself to.")
    write_contract(
        task=task,
        firm_id=won.tenant_id,
        milestones=_won_days(task, content),
        price_minor=content.price_minor,
        currency=content.currency,
    )


def tell_waiting(task: ServiceTask, fault: NotAsEntered) -> None:
    """Owner and the firm that was awarded learn, once for each award, why no contract is written."""
    task = ServiceTask.objects.select_for_update().get(pk=task.pk)  # so that two sweeps don't both tell
    if task.state != State.AWARDED or is_told(task, "bid.altered", since="award.decided"):
        return
    firm = queries.decided(task).get("firm")
    to = frozenset({UUID(firm)} if firm else ())
    enter_step("bid.altered", task, to=to, reason=fault.detail)
    tell("bid.altered", task, to=to, reason=fault.detail)


def refuse_contested(task: ServiceTask) -> None:
    """Conflict while a complaint about its award is open; with the task's row locked, which keeps others out."""
    if queries.is_contested(task):
        raise Conflict("A complaint about the award waits for its decision.")


def _refuse_altered_points(task: ServiceTask) -> None:
    if altered := queries.altered_points(task):
        raise NotAsEntered(
            f"The points of {'; '.join(altered)}, are not those in your ledger: they were altered. Give them again."
        )


def _won_days(task: ServiceTask, content: BidContent) -> list[dict[str, Any]]:
    """The task's milestones by the days that won: the firm's own, else none after its delivery, and the last then."""
    milestones, most = planned(task), content.delivery_d
    days = content.due_d or [*(min(each["due_d"], most) for each in milestones[:-1]), most]
    return [each | {"due_d": due_d} for each, due_d in zip(milestones, days, strict=True)]


def fail_task(*, task: ServiceTask, reason: str) -> None:
    """No bid was acceptable. Conflict while a complaint is open: its firm is owed a decision."""
    require("post_tasks")
    move_task(task, Move.FAIL)
    refuse_contested(task)
    lose_all(task, reason_given(reason))
    firms = queries.bidders(task.pk)
    enter_step("task.unsuccessful", task, to=firms, reason=reason.strip())
    tell("task.unsuccessful", task, to=firms, reason=reason.strip())


def lose_all(task: ServiceTask, reason: str) -> None:
    """The task ended without a contract: so do the bids that were still in it."""
    for bid in queries.held(queries.bids_on(task.pk, (*UNDECIDED, BidState.WON))):
        move_bid(bid, BidEvent.LOSE, reason=reason, decided_at=Now())
        tell_bid("bid.lost", bid, task, reason=reason, **_fault(bid))


def _require_evaluating(task: ServiceTask) -> None:
    if task.state != State.EVALUATING:
        raise Conflict(f"Bids are judged while their task is evaluating; this one is {task.state}.")


def _hold_evaluating(bid: Bid) -> ServiceTask:
    """The task of a bid to be judged as it is now, with its row locked: an award, or an end without one, waits."""
    task = ServiceTask.objects.select_for_update().get(pk=bid.task_id)
    _require_evaluating(task)
    return task


def _judge(bid: Bid, event: BidEvent, kind: str, **changes: Any) -> None:
    task = _hold_evaluating(bid)
    move_bid(bid, event, **changes)
    tell_bid(kind, bid, task, **({"reason": bid.reason} if bid.reason else {}))


def _decide(bid: Bid, event: BidEvent, kind: str, task: ServiceTask, reason: str, rows: dict[Any, queries.Row]) -> None:
    outcome = queries.outcome_of(rows[bid.pk], task) if bid.pk in rows else None
    with of_other_groups():
        move_bid(bid, event, reason=reason, outcome=outcome, decided_at=Now())
    said = {"reason": reason, "outcome": outcome, "standstill_until": queries.standstill_until(task)}
    tell_bid(kind, bid, task, **said, **_fault(bid))
    if event is BidEvent.WIN:
        meant = {"bid": bid.pk, "firm": bid.tenant_id, "price_minor": _price(rows[bid.pk]), "currency": task.currency}
        enter(kind="award.decided", subject=task.pk, payload={**meant, "reason": reason})


def _fault(bid: Bid) -> dict[str, str]:
    return {"fault": bid.fault} if bid.fault else {}


def _price(row: queries.Row) -> int:
    return row.content.price_minor
