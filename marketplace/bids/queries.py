"""The reads of bids, under the open identity."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Prefetch, QuerySet
from django.db.models.functions import Now

from marketplace.bids.data import BidContent, Criterion, criteria_from
from marketplace.bids.evaluation import Compared, compare
from marketplace.bids.lifecycle import MAYBE_UNOPENED, STANDING, BidState, ComplaintState, bid_states_by
from marketplace.bids.sealing import Place, commitment_of
from marketplace.lifecycle import State
from marketplace.models import Bid, BidScore, BidVersion, Complaint, Opener, Opening, ServiceTask
from tenants.api import actor, on_behalf_of, opened
from tenants.ledger.api import entries_about

NOT_ANY_MORE = (BidState.DRAFT, BidState.WITHDRAWN)


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the comparison."""

    bid: Bid
    content: BidContent
    scored: Compared
    reasons: dict[str, str]
    valid_until: datetime


def bids() -> QuerySet[Bid]:
    """Every bid the actor's organisation made or was made, with its versions."""
    versions = BidVersion.objects.order_by("number")
    return Bid.objects.select_related("task").prefetch_related(Prefetch("versions", versions, to_attr="all_versions"))


def own_bids() -> QuerySet[Bid]:
    """Those the organisation made."""
    return bids().filter(tenant=actor().tenant_id)


def bids_on(task_id: UUID, states: Iterable[BidState] = ()) -> QuerySet[Bid]:
    """On a task: the owner's actor reads all, a firm's its own."""
    found = bids().filter(task=task_id)
    return found.filter(state__in=list(states)) if states else found


def live_bid(task_id: UUID, firm_id: UUID) -> Bid | None:
    return bids_on(task_id).filter(tenant=firm_id).exclude(state=BidState.WITHDRAWN).first()


def bidders(task_id: UUID) -> frozenset[UUID]:
    return frozenset(Bid.objects.filter(task=task_id).exclude(state__in=NOT_ANY_MORE).values_list("tenant", flat=True))


def openers(task_id: UUID) -> QuerySet[Opener]:
    return Opener.objects.filter(task=task_id).order_by("pk")


def openings(task_id: UUID) -> QuerySet[Opening]:
    return Opening.objects.filter(task=task_id).select_related("opener").order_by("pk")


def complaints(task_id: UUID) -> QuerySet[Complaint]:
    return Complaint.objects.filter(task=task_id).select_related("bid").order_by("pk")


def is_contested(task: ServiceTask) -> bool:
    """Whether a complaint waits for its decision; its winner learns this, not whose it is."""
    with on_behalf_of(task.tenant_id):
        return Complaint.objects.filter(task=task.pk, state=ComplaintState.OPEN).exists()


def place_of(bid: Bid) -> Place:
    """Of its newest version."""
    return Place(bid.task_id, bid.pk, bid.tenant_id, bid.number)


def criteria_of(task: ServiceTask) -> tuple[Criterion, ...]:
    return criteria_from(task.criteria)


def comparison(task: ServiceTask) -> list[Row]:
    """Bids that stand and can be read, best first; once the task is awarded, those that won and lost."""
    states = STANDING if task.state == State.EVALUATING else (*STANDING, BidState.WON, BidState.LOST)
    found = held(bids_on(task.pk, states))
    readable = {bid.pk: (bid, content) for bid in found if (content := bid.content) is not None}
    scores = BidScore.objects.filter(bid__in=list(readable))
    given = {(score.bid_id, score.criterion): score for score in scores}
    points = {key: score.points for key, score in given.items()}
    offers = {key: content for key, (_, content) in readable.items()}
    return [
        Row(
            *readable[row.bid_id],
            scored=row,
            valid_until=_valid_until(task, readable[row.bid_id][1]),
            reasons={name: given[row.bid_id, name].reason for name in row.points if (row.bid_id, name) in given},
        )
        for row in compare(offers, criteria_of(task), points)
    ]


def _valid_until(task: ServiceTask, content: BidContent) -> datetime:
    """How long its firm holds to a bid: so many days from the deadline."""
    assert task.bids_until is not None  # else it would be a claim
    return task.bids_until + timedelta(days=content.validity_d)


def outcome_of(row: Row, task: ServiceTask) -> dict[str, Any]:
    """How a bid was scored: `{"total": "87.50", "rank": 1, "points": [{name, weight, points, reason}]}`."""
    points = [
        {
            "name": each.name,
            "weight": each.weight,
            "points": as_text(row.scored.points[each.name]),
            "reason": row.reasons.get(each.name, ""),
        }
        for each in criteria_of(task)
    ]
    return {"total": as_text(row.scored.total), "rank": row.scored.rank, "points": points}


def as_text(points: Decimal | None) -> str | None:
    return None if points is None else str(points)


def committed(task: ServiceTask) -> dict[UUID, dict[str, Any]]:
    """What its owner's ledger says of the bids that stand: bid → its newest `bid.submitted`."""
    found: dict[UUID, dict[str, Any]] = {}
    for kind, said in _said(task, "bid.submitted", "bid.withdrawn"):
        found[UUID(said["bid"])] = said
        if kind == "bid.withdrawn":
            del found[UUID(said["bid"])]
    return found


def decided(task: ServiceTask) -> dict[str, Any]:
    """What the owner's ledger says was awarded last, `{bid, firm, price_minor, currency, reason}`; empty if nothing."""
    awards = _said(task, "award.decided")
    return awards[-1][1] if awards else {}


def altered_points(task: ServiceTask) -> list[str]:
    """Firm and criterion of each score that is not the newest one in the owner's ledger, in words."""
    entered, firms = dict[tuple[UUID, str], tuple[int, str]](), dict[UUID, str]()
    for _, said in _said(task, "bid.scored"):
        firms[UUID(said["bid"])] = said["firm_name"]
        for each in said["scores"]:
            entered[UUID(said["bid"]), each["criterion"]] = each["points"], each["reason"]
    stored = {(each.bid_id, each.criterion): (each.points, each.reason) for each in _scores(task)}
    differing = {key for key in entered.keys() | stored.keys() if entered.get(key) != stored.get(key)}
    return sorted(f"{firms.get(bid_id, bid_id)}, by {criterion}" for bid_id, criterion in differing)


def _scores(task: ServiceTask) -> QuerySet[BidScore]:
    return BidScore.objects.filter(bid__in=Bid.objects.filter(task=task.pk))


def _said(task: ServiceTask, *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    """Kind and payload of what the owner's ledger says of its task, oldest first."""
    return _entered(task.tenant_id, {task.pk}, *kinds)


def _entered(ledger_of: UUID, tasks: Set[UUID], *kinds: str) -> list[tuple[str, dict[str, Any]]]:
    with on_behalf_of(ledger_of):
        entries = entries_about(tasks, *kinds).filter(tenant=ledger_of).order_by("seq")
        return [(entry.kind, json.loads(entry.payload)) for entry in entries]


def held(found: Iterable[Bid]) -> list[Bid]:
    """Bids, each version held against the ledger of its task's owner, or against that of its firm if this is who reads:
    one that is not what its firm committed itself to has a `fault` from here on, which nobody stores, and no content.
    """
    there = list(found)
    promised = _promised(there)
    for bid in there:
        said = promised.get(bid.pk, {})
        for version in bid.all_versions:
            # The one that counts is the newest that the ledger knows, whatever number it has here.
            number = max(said, default=0) if version is bid.newest else version.number
            version.fault = version.fault or fault_in(version.text, bid, version, said.get(number, {}))
    return there


def _promised(bids: Iterable[Bid]) -> dict[UUID, dict[int, dict[str, Any]]]:
    """What the ledgers say of them: bid → number of the version → its `bid.submitted`, which is in the ledgers of both;
    a firm's own takes one look, on however many owners' tasks its bids are."""
    me, tasks = opened().tenant_id, defaultdict[UUID, set[UUID]](set)
    for bid in bids:
        tasks[bid.tenant_id if bid.tenant_id == me else bid.owner_id].add(bid.task_id)
    found: dict[UUID, dict[int, dict[str, Any]]] = {}
    for ledger_of, on_tasks in tasks.items():
        for _, said in _entered(ledger_of, on_tasks, "bid.submitted"):
            found.setdefault(UUID(said["bid"]), {})[said["number"]] = said
    return found


def fault_in(text: str, bid: Bid, version: BidVersion, promised: Mapping[str, Any]) -> str:
    """What differs from what the firm committed itself to, here or in the owner's ledger, if anything; `text` is empty
    while it is sealed."""
    if text and commitment_of(text) != version.commitment:
        return "the text does not fit the commitment"
    if promised.get("commitment") != version.commitment:
        return "the commitment is not the one in the ledger"
    if (promised.get("firm"), promised.get("firm_name")) != (str(bid.tenant_id), bid.firm_name):
        return "it is another firm's by the ledger"
    return ""


def missing(task: ServiceTask) -> list[str]:
    """Firms whose bid is in the owner's ledger and not in the contest: somebody removed it, or its version, or put it
    into a state that it can't have by now, or that its owner did not put it into."""
    out = _disqualified(task)
    return missing_but_for(task, {bid.pk for bid in bids_on(task.pk) if _is_in_contest(bid, out)})


def missing_but_for(task: ServiceTask, there: Set[UUID]) -> list[str]:
    """Firms of all other bids that the owner's ledger knows."""
    return sorted(said["firm_name"] for bid_id, said in committed(task).items() if bid_id not in there)


def _disqualified(task: ServiceTask) -> set[UUID]:
    """By the owner's ledger."""
    newest = {}
    for kind, said in _said(task, "bid.disqualified", "bid.reinstated"):
        newest[UUID(said["bid"])] = kind
    return {bid_id for bid_id, kind in newest.items() if kind == "bid.disqualified"}


def _is_in_contest(bid: Bid, disqualified: Set[UUID]) -> bool:
    by = State(bid.task.state)
    if bid.newest is None or BidState(bid.state) not in bid_states_by(by):
        return False
    if bid.state == BidState.DISQUALIFIED and bid.pk not in disqualified:
        return False
    return bid.newest.is_opened or by in MAYBE_UNOPENED


def standstill_until(task: ServiceTask) -> datetime | None:
    """None if nothing has won."""
    won = Bid.objects.filter(task=task.pk, state=BidState.WON).first()
    return won.decided_at + timedelta(hours=task.standstill_h) if won and won.decided_at else None


def overdue_biddings() -> QuerySet[ServiceTask]:
    """Open tenders and requests for quotations past their deadline by the database's clock."""
    return ServiceTask.objects.filter(state=State.OPEN, bids_until__lte=Now())


def awards_due() -> QuerySet[Bid]:
    """Winning bids whose standstill is over, without an open complaint."""
    standstill = ExpressionWrapper(F("task__standstill_h") * timedelta(hours=1), DurationField())
    over = ExpressionWrapper(F("decided_at") + standstill, DateTimeField())
    due = Bid.objects.filter(state=BidState.WON, task__state=State.AWARDED).annotate(over=over).filter(over__lte=Now())
    return due.exclude(task__in=Complaint.objects.filter(state=ComplaintState.OPEN).values("task"))
