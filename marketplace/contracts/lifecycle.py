"""States of a contract, its milestones and mediations, and what moves between them, as tables. Pure.

    contract   in_progress ─▶ fulfilled ─▶ closed        in_progress | fulfilled ─▶ disputed ─▶ back
                    └─▶ terminated ◀─ disputed
    mediation  proposed ─▶ sitting ─▶ recommended, each ─▶ ended with its dispute; proposed | sitting ─▶ declined
    milestone  planned ─▶ submitted ─▶ accepted ─▶ receipted ─▶ invoiced ─▶ matched ─▶ paid ─▶ released ─▶ settled
                   rework ◀──┘ └▶ …                   └◀ returned ◀┘

Triggers (migration of the contracts) refuse any other change of state, whoever makes it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar

from tenants.data import Conflict


class ContractState(StrEnum):
    IN_PROGRESS = "in_progress"
    FULFILLED = "fulfilled"  # every milestone is accepted; what is owed is settled
    CLOSED = "closed"  # everything is paid, retention too
    DISPUTED = "disputed"  # nothing moves, and the data is closed
    TERMINATED = "terminated"  # no more work; what was accepted is still settled


class ContractEvent(StrEnum):
    FULFIL = "fulfil"
    CLOSE = "close"
    DISPUTE = "dispute"
    RESUME = "resume"  # to the work
    RESTORE = "restore"  # to the settlement, where the dispute began after the work
    TERMINATE = "terminate"


class MilestoneState(StrEnum):
    PLANNED = "planned"
    SUBMITTED = "submitted"
    REWORK = "rework"
    ACCEPTED = "accepted"
    RECEIPTED = "receipted"  # the buyer owes it
    INVOICED = "invoiced"  # the invoice differs from contract or receipt
    MATCHED = "matched"  # contract, receipt and invoice agree: to be paid, less the retention
    PAID = "paid"  # retention, where there is any, is still held
    RELEASED = "released"  # the retention is to be paid
    SETTLED = "settled"  # the retention is paid, too


class MilestoneEvent(StrEnum):
    SUBMIT = "submit"
    ACCEPT = "accept"
    REWORK = "rework"
    RECEIVE = "receive"
    INVOICE = "invoice"
    MATCH = "match"
    RETURN = "return"  # the invoice goes back to the firm
    PAY = "pay"
    RELEASE = "release"


class MediationState(StrEnum):
    PROPOSED = "proposed"  # by one party; the mediator knows nothing of it
    SITTING = "sitting"  # both parties agree
    RECOMMENDED = "recommended"
    DECLINED = "declined"  # by a party, or by the mediator
    ENDED = "ended"  # with its dispute


class MediationEvent(StrEnum):
    AGREE = "agree"
    DECLINE = "decline"
    STEP_DOWN = "step down"
    RECOMMEND = "recommend"
    END = "end"


CONTRACTS: Final[Mapping[tuple[ContractState, ContractEvent], ContractState]] = {
    (ContractState.IN_PROGRESS, ContractEvent.FULFIL): ContractState.FULFILLED,
    (ContractState.FULFILLED, ContractEvent.CLOSE): ContractState.CLOSED,
    (ContractState.IN_PROGRESS, ContractEvent.DISPUTE): ContractState.DISPUTED,
    (ContractState.FULFILLED, ContractEvent.DISPUTE): ContractState.DISPUTED,
    (ContractState.DISPUTED, ContractEvent.RESUME): ContractState.IN_PROGRESS,
    (ContractState.DISPUTED, ContractEvent.RESTORE): ContractState.FULFILLED,
    (ContractState.IN_PROGRESS, ContractEvent.TERMINATE): ContractState.TERMINATED,
    (ContractState.DISPUTED, ContractEvent.TERMINATE): ContractState.TERMINATED,
}
MILESTONES: Final[Mapping[tuple[MilestoneState, MilestoneEvent], MilestoneState]] = {
    (MilestoneState.PLANNED, MilestoneEvent.SUBMIT): MilestoneState.SUBMITTED,
    (MilestoneState.REWORK, MilestoneEvent.SUBMIT): MilestoneState.SUBMITTED,
    (MilestoneState.SUBMITTED, MilestoneEvent.ACCEPT): MilestoneState.ACCEPTED,
    (MilestoneState.SUBMITTED, MilestoneEvent.REWORK): MilestoneState.REWORK,
    (MilestoneState.ACCEPTED, MilestoneEvent.RECEIVE): MilestoneState.RECEIPTED,
    (MilestoneState.RECEIPTED, MilestoneEvent.INVOICE): MilestoneState.INVOICED,
    (MilestoneState.INVOICED, MilestoneEvent.MATCH): MilestoneState.MATCHED,
    (MilestoneState.INVOICED, MilestoneEvent.RETURN): MilestoneState.RECEIPTED,
    (MilestoneState.MATCHED, MilestoneEvent.PAY): MilestoneState.PAID,
    (MilestoneState.PAID, MilestoneEvent.RELEASE): MilestoneState.RELEASED,
    (MilestoneState.RELEASED, MilestoneEvent.PAY): MilestoneState.SETTLED,
}
MEDIATIONS: Final[Mapping[tuple[MediationState, MediationEvent], MediationState]] = {
    (MediationState.PROPOSED, MediationEvent.AGREE): MediationState.SITTING,
    (MediationState.PROPOSED, MediationEvent.DECLINE): MediationState.DECLINED,
    (MediationState.SITTING, MediationEvent.STEP_DOWN): MediationState.DECLINED,
    (MediationState.SITTING, MediationEvent.RECOMMEND): MediationState.RECOMMENDED,
    (MediationState.PROPOSED, MediationEvent.END): MediationState.ENDED,
    (MediationState.SITTING, MediationEvent.END): MediationState.ENDED,
    (MediationState.RECOMMENDED, MediationEvent.END): MediationState.ENDED,
}
WORK: Final = frozenset({MilestoneEvent.SUBMIT, MilestoneEvent.ACCEPT, MilestoneEvent.REWORK})
SETTLEMENT: Final = frozenset(MilestoneEvent) - WORK
# What may happen to the milestones of a contract in this state; what was accepted is settled, whatever comes after.
ALLOWED: Final[Mapping[ContractState, frozenset[MilestoneEvent]]] = {
    ContractState.IN_PROGRESS: WORK | SETTLEMENT,
    ContractState.FULFILLED: SETTLEMENT,
    ContractState.TERMINATED: SETTLEMENT,
}
NOT_ACCEPTED: Final = (MilestoneState.PLANNED, MilestoneState.SUBMITTED, MilestoneState.REWORK)

State = TypeVar("State", ContractState, MilestoneState, MediationState)
Event = TypeVar("Event", ContractEvent, MilestoneEvent, MediationEvent)


class IllegalStep(Conflict):
    """The event does not apply in this state."""

    def __init__(self, what: str, state: str, event: str, possible: tuple[str, ...]) -> None:
        words = state.replace("_", " ")
        super().__init__(
            f"A {what} that is {words} can't take '{event}'; possible now: {', '.join(possible) or 'none'}."
        )


def next_contract_state(state: ContractState, event: ContractEvent) -> ContractState:
    return _next("contract", CONTRACTS, state, event)


def next_milestone_state(contract: ContractState, state: MilestoneState, event: MilestoneEvent) -> MilestoneState:
    """IllegalStep also where the contract's own state does not allow the event."""
    if event not in ALLOWED.get(contract, frozenset()):
        possible = tuple(sorted(ALLOWED.get(contract, frozenset())))
        raise IllegalStep("milestone of a contract", contract, event, possible)
    return _next("milestone", MILESTONES, state, event)


def next_mediation_state(state: MediationState, event: MediationEvent) -> MediationState:
    return _next("mediation", MEDIATIONS, state, event)


def _next(what: str, table: Mapping[tuple[State, Event], State], state: State, event: Event) -> State:
    try:
        return table[state, event]
    except KeyError:
        possible = tuple(str(other) for source, other in table if source == state)
        raise IllegalStep(what, state, event, possible) from None
