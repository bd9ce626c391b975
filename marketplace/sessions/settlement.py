"""Minutes that were accepted become a part of the contract that is owed: received, to be invoiced and paid like any."""

from marketplace import queries as market
from marketplace.contracts import journal
from marketplace.contracts import steps as contracting
from marketplace.contracts.lifecycle import MilestoneState
from marketplace.contracts.posting import post
from marketplace.contracts.settlement import close_if_settled
from marketplace.models import Milestone, Receipt, RemoteSession, SessionEntry
from marketplace.sessions import queries
from marketplace.sessions.data import amount_of
from marketplace.sessions.lifecycle import SessionEvent
from marketplace.sessions.steps import begin, put, tell, write
from tenants.api import Use, meter
from tenants.money import in_words

METER = "session_minutes"


def settle(session: RemoteSession, event: SessionEvent, words: str = "") -> None:
    """The buyer's yes, or its silence (`words`); without any minutes nothing is owed."""
    contract = session.contract
    target = begin(session, event)
    minutes = queries.counted(session)
    write(session, SessionEntry.Kind.ACCEPTANCE, by_id=session.tenant_id, words=words)
    milestone = _received(session, minutes) if minutes else None
    put(session, state=target.value, milestone=milestone)
    amount = {"amount_minor": amount_of(minutes, session.rate_minor), "currency": session.currency}
    tell("session.accepted", session, minutes=minutes, rate_minor=session.rate_minor, **amount, words=words)
    close_if_settled(contract)


def _received(session: RemoteSession, minutes: int) -> Milestone:
    """A milestone beside the price, received with its acceptance; the use is counted once, by the session's id."""
    contract, now = session.contract, market.database_time()
    contracting.take_turn(contract)
    amount_minor = amount_of(minutes, session.rate_minor)
    milestone: Milestone = contracting.add(
        Milestone,
        contract,
        number=Milestone.objects.filter(contract=contract).count() + 1,
        title=f"Session {session.number}: {session.subject}",
        share_bp=0,
        amount_minor=amount_minor,
        due_at=now,
        accepted_at=now,
        state=MilestoneState.RECEIPTED.value,
    )
    words = f"{minutes} min at {in_words(session.rate_minor, session.currency)}"
    contracting.add(Receipt, contract, milestone=milestone, amount_minor=amount_minor, note=words)
    post("accrual", milestone, journal.accrual(amount_minor))
    said = {"amount_minor": amount_minor, "currency": contract.currency, "session": session.pk}
    contracting.tell("milestone.receipted", contract, milestone, **said)
    paid_by = {"tenant_id": contract.tenant_id, "counterpart_id": contract.firm_id}
    meter(Use("marketplace", str(session.pk), METER, minutes, ("session", str(session.pk)), **paid_by))
    return milestone
