"""Whose turn it is under a contract: what waits for one's own organisation, what is late, what is still to be paid."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from marketplace.contracts.lifecycle import NOT_ACCEPTED, ContractState, MilestoneState
from marketplace.models import Contract, Milestone, RemoteSession
from marketplace.sessions.lifecycle import SessionState
from tenants.api import actor

# What the buyer, and what the firm is to do next with a milestone in its state.
BUYERS: Final[Mapping[str, str]] = {
    MilestoneState.SUBMITTED: "to accept",
    MilestoneState.ACCEPTED: "to receive",
    MilestoneState.INVOICED: "invoice to return",
    MilestoneState.MATCHED: "to pay",
    MilestoneState.RELEASED: "retention to pay",
}
FIRMS: Final[Mapping[str, str]] = {
    MilestoneState.PLANNED: "to deliver",
    MilestoneState.REWORK: "to mend",
    MilestoneState.RECEIPTED: "to invoice",
}
OWED: Final = (MilestoneState.PLANNED, MilestoneState.REWORK)
SESSIONS_OF_BUYER: Final = (SessionState.PROPOSED, SessionState.ENDED)
# How far the money of a firm's milestone is, in the order of its way.
PAYMENT: Final[Mapping[str, str]] = {
    MilestoneState.SUBMITTED: "with the buyer to accept",
    MilestoneState.ACCEPTED: "accepted, to be received",
    MilestoneState.RECEIPTED: "to invoice",
    MilestoneState.INVOICED: "invoice does not agree",
    MilestoneState.MATCHED: "to be paid",
    MilestoneState.PAID: "paid",
    MilestoneState.RELEASED: "retention to be paid",
    MilestoneState.SETTLED: "paid with its retention",
}


@dataclass(frozen=True, slots=True)
class Turn:
    """`waits`: what our organisation is to do next, in words; `n_late`: milestones not handed in by their day."""

    waits: tuple[str, ...] = ()
    n_late: int = 0


@dataclass(frozen=True, slots=True)
class Payment:
    """So many milestones, with this sum in minor units of a currency, are as far as `words` say."""

    words: str
    n: int
    amount_minor: int
    currency: str


def waiting() -> QuerySet[Milestone]:
    """Milestones whose next step is our organisation's; nothing moves in a dispute, nor is work done after an end."""
    me = actor().tenant_id
    ours = Milestone.objects.filter(Q(tenant=me, state__in=[*BUYERS]) | Q(firm=me, state__in=[*FIRMS]))
    settled = ~Q(state__in=NOT_ACCEPTED) & ~Q(contract__state=ContractState.DISPUTED)
    return ours.filter(Q(contract__state=ContractState.IN_PROGRESS) | settled)


def late() -> QuerySet[Milestone]:
    """Not handed in by the day that was agreed, by the database's clock."""
    return Milestone.objects.filter(state__in=OWED, due_at__lt=Now(), contract__state=ContractState.IN_PROGRESS)


def sessions_waiting() -> QuerySet[RemoteSession]:
    """Remote sessions that we are to confirm, answer or, as the firm, correct."""
    me = actor().tenant_id
    objected = Q(firm=me, state=SessionState.OBJECTED)
    return RemoteSession.objects.filter(Q(tenant=me, state__in=SESSIONS_OF_BUYER) | objected)


def narrowed(found: QuerySet[Contract], *, waits: bool = False, is_late: bool = False) -> QuerySet[Contract]:
    """Of the contracts those that wait for us, those with something late, or both."""
    if waits:
        ours = Q(pk__in=waiting().values("contract")) | Q(pk__in=sessions_waiting().values("contract"))
        found = found.filter(ours)
    return found.filter(pk__in=late().values("contract")) if is_late else found


def turns_of(contracts: Iterable[Contract]) -> dict[UUID, Turn]:
    """By the contract's id, of those of which there is something to say."""
    keys = [contract.pk for contract in contracts]
    words: dict[UUID, Counter[str]] = {}
    for row in waiting().filter(contract__in=keys).order_by("number"):
        sides = BUYERS if row.tenant_id == actor().tenant_id else FIRMS
        words.setdefault(row.contract_id, Counter())[sides[row.state]] += 1
    for key in sessions_waiting().filter(contract__in=keys).values_list("contract", flat=True):
        words.setdefault(key, Counter())["session to answer"] += 1
    n_late = dict(late().filter(contract__in=keys).values_list("contract").annotate(Count("pk")).order_by())
    return {
        key: Turn(tuple(f"{n} {what}" for what, n in words.get(key, Counter()).items()), n_late.get(key, 0))
        for key in {*words, *n_late}
    }


def payments() -> list[Payment]:
    """How far the money is that our organisation earns as a firm, by the way that it goes and by currency; nobody
    accepts any more what was submitted under a contract that was terminated."""
    mine = Milestone.objects.filter(firm=actor().tenant_id, state__in=[*PAYMENT])
    mine = mine.exclude(state=MilestoneState.SUBMITTED, contract__state=ContractState.TERMINATED)
    sums = mine.values_list("state", "contract__currency").annotate(Count("pk"), Sum("amount_minor")).order_by()
    places = list(PAYMENT)
    found = sorted(sums, key=lambda row: (places.index(row[0]), row[1]))
    return [Payment(PAYMENT[state], n, amount, currency) for state, currency, n, amount in found]
