"""What becomes of a contract's sessions when it ends, or stops for a dispute; within the contract's own turn."""

from datetime import datetime, timedelta

from django.db.models import F

from marketplace import queries as market
from marketplace.crew.actions import release_one
from marketplace.data import ANSWER_D
from marketplace.models import Contract, RemoteSession, SessionEntry
from marketplace.sessions import queries
from marketplace.sessions.data import MINUTE, minutes_of
from marketplace.sessions.lifecycle import SessionEvent, SessionState
from marketplace.sessions.steps import move, tell, write
from tenants.api import on_behalf_of


def end_sessions(contract: Contract, reason: str) -> None:
    """What runs is stopped at this moment, what is booked is cancelled; what was done is still settled."""
    stop_running(contract, reason)
    for session in _standing(contract):
        cancel(session, SessionEvent.CANCEL, reason)


def stop_running(contract: Contract, reason: str) -> None:
    for session in _standing(contract):
        if session.state == SessionState.RUNNING:
            end(session, SessionEvent.STOP, market.database_time(), reason)


def cancel(session: RemoteSession, event: SessionEvent, reason: str) -> None:
    """The expert's time is free again, if it was taken for this session alone."""
    move(session, event, reason=reason)
    if session.assigned_for_it:
        release_one(assignment_id=session.assignment_id, firm_id=session.firm_id, reason="session cancelled")
    tell("session.cancelled", session, reason=reason)


def end(session: RemoteSession, event: SessionEvent, now: datetime, words: str = "") -> None:
    """Count its minutes: those of the clock, up to the ceiling, where the session is over even if nobody stopped it."""
    assert session.started_at is not None  # a session that runs was started
    over_at = session.started_at + session.ceiling_min * MINUTE
    ended_at = max(session.started_at, min(now, over_at))
    minutes = minutes_of(ended_at - session.started_at, session.ceiling_min)
    until = now + timedelta(days=ANSWER_D)
    move(session, event, ended_at=ended_at, measured_min=minutes, answer_until=until)
    write(session, SessionEntry.Kind.TIME, by_id=session.firm_id, minutes=minutes, words=words)
    kind = "session.exhausted" if event is SessionEvent.EXHAUST else "session.stopped"
    tell(kind, session, minutes=minutes, rate_minor=session.rate_minor, currency=session.currency, words=words)


def give_back_time(contract: Contract, stood_still: timedelta) -> None:
    """After a dispute: the time for objections did not run in it."""
    with on_behalf_of(contract.tenant_id):
        waiting = RemoteSession.objects.filter(contract=contract, state=SessionState.ENDED)
        waiting.update(answer_until=F("answer_until") + stood_still, version=F("version") + 1)


def _standing(contract: Contract) -> list[RemoteSession]:
    found = list(queries.standing(contract))
    for session in found:
        session.contract = contract
    return found
