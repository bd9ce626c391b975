"""The writes of a remote session from its booking to its answer. Each runs in the caller's open transaction."""

from datetime import timedelta
from typing import Any

from marketplace import queries as market
from marketplace.contracts import steps as contracting
from marketplace.contracts.access import refuse_but_firm, refuse_but_owner
from marketplace.contracts.lifecycle import ContractState
from marketplace.contracts.steps import bounded
from marketplace.crew.actions import assign_person
from marketplace.data import ANSWER_D
from marketplace.models import Assignment, Contract, RemoteSession, SessionEntry, TaskNeed
from marketplace.profiles.data import RateLine
from marketplace.profiles.queries import own_profile
from marketplace.sessions import ending, queries
from marketplace.sessions.data import EARLY, LOOKED_AT_CHARS, MOST_SESSIONS, SessionTerms, rate_on_card
from marketplace.sessions.lifecycle import SessionEvent
from marketplace.sessions.settlement import settle
from marketplace.sessions.steps import hold, move, refuse_full_log, take_turn, tell, write
from tenants.api import actor, require
from tenants.data import Conflict, FieldError, Invalid
from tenants.models import Person
from tenants.resources.api import Window

Kind = SessionEntry.Kind


def book_session(
    *, contract: Contract, person: Person, terms: SessionTerms, need: TaskNeed | None = None
) -> RemoteSession:
    """The firm proposes a session of one of its people; the buyer confirms it.

    The person is assigned to the task for that time, with the papers that the `need` asks for, unless they are already.
    Conflict says what is in the way: the contract's state, a paper that is missing, or what else they are booked for.
    """
    refuse_but_firm(contract, "use_resources")
    hold(contract)
    if contract.state != ContractState.IN_PROGRESS:
        raise Conflict(f"The contract is {contract.state}; sessions are booked while it is in progress.")
    number = RemoteSession.objects.filter(contract=contract).count() + 1
    if number > MOST_SESSIONS:
        raise Conflict(f"A contract has at most {MOST_SESSIONS} sessions.")
    rate_minor = _rate(contract, terms)
    assignment, is_new = _assignment(contract, person, terms, need)
    session: RemoteSession = contracting.add(
        RemoteSession,
        contract,
        number=number,
        subject=terms.subject.strip(),
        expert_id=person.pk,
        assignment_id=assignment.pk,
        assigned_for_it=is_new,
        from_at=terms.from_at,
        to_at=terms.to_at,
        ceiling_min=terms.ceiling_min,
        rate_minor=rate_minor,
        currency=contract.currency,
    )
    _tell_terms("session.proposed", session)
    return session


def _rate(contract: Contract, terms: SessionTerms) -> int:
    if terms.rate_minor is not None:
        return terms.rate_minor
    mine, category = own_profile(), contract.task.category
    card = [RateLine(**line) for line in mine.rates] if mine else []
    found = rate_on_card(card, category, contract.currency)
    if found is None:
        words = f"give one: your rate card has no minute or hour of {category} in {contract.currency}"
        raise Invalid("The session has no rate.", (FieldError("/rate_minor", words),))
    return found


def _assignment(
    contract: Contract, person: Person, terms: SessionTerms, need: TaskNeed | None
) -> tuple[Assignment, bool]:
    """One that holds the person for all of that time already, else a new one; and whether it is new."""
    if terms.to_at <= market.database_time():
        raise Invalid("The session would be over already.", (FieldError("/to_at", "give a time to come"),))
    mine = Assignment.objects.filter(task=contract.task, person=person, released_at=None)
    held = mine.filter(from_at__lte=terms.from_at, to_at__gte=terms.to_at).select_for_update(no_key=True).first()
    if held is None:
        window = Window(terms.from_at, terms.to_at)
        return assign_person(task=contract.task, person=person, window=window, need=need), True
    taken = queries.in_the_way(held.pk, terms.from_at, terms.to_at)
    if taken is not None:
        raise Conflict(f"{person.code} has session {taken.number} '{taken.subject}' of this contract in that time.")
    return held, False


def confirm_session(*, session: RemoteSession) -> None:
    """The buyer agrees to the time, the rate and the ceiling."""
    refuse_but_owner(session.contract, "post_tasks")
    move(session, SessionEvent.CONFIRM)
    _tell_terms("session.booked", session)


def cancel_session(*, session: RemoteSession, reason: str) -> None:
    """Either party, before the start: in the buyer's organisation who may confirm it, in the firm's who may book it."""
    is_firm = actor().tenant_id == session.firm_id
    require("use_resources" if is_firm else "post_tasks")
    ending.cancel(session, SessionEvent.CANCEL, bounded(reason, "reason", is_needed=True))


def start_session(*, session: RemoteSession) -> None:
    """The firm begins, by the database's clock, in the planned time or a little before; an expert is at one alone."""
    refuse_but_firm(session.contract, "claim_tasks")
    hold(session.contract)
    expert = Person.objects.select_for_update(no_key=True).filter(pk=session.expert_id).first()
    running, now = queries.running_of(session.expert_id), market.database_time()
    if expert is None or expert.erased_at is not None:
        raise Conflict("Its expert is no longer in the register; cancel the session and book another one.")
    if not Assignment.objects.filter(pk=session.assignment_id, released_at=None).exists():
        raise Conflict(f"{expert.code} is no longer assigned to the task; cancel the session and book another one.")
    if running is not None and running.pk != session.pk:
        raise Conflict(f"{expert.code} is at session {running.number} '{running.subject}'; stop that one first.")
    if not session.from_at - EARLY <= now < session.to_at:
        soonest = EARLY // timedelta(minutes=1)
        raise Conflict(f"A session begins in its planned time, or at most {soonest} minutes before; book another one.")
    move(session, SessionEvent.START, started_at=now)
    tell("session.started", session)


def stop_session(*, session: RemoteSession, result: str = "") -> None:
    """The firm ends it, by the database's clock; its minutes are counted, and `result` says what came of it."""
    refuse_but_firm(session.contract, "claim_tasks")
    words = bounded(result, "result")
    ending.end(session, SessionEvent.STOP, market.database_time(), words)


def log_note(*, session: RemoteSession, words: str, looked_at: str = "") -> SessionEntry:
    """The firm puts down what was done and what was looked at, until the minutes are accepted."""
    refuse_but_firm(session.contract, "claim_tasks")
    said = bounded(words, "words", is_needed=True)
    if len(looked_at) > LOOKED_AT_CHARS:
        raise Invalid("The note won't do.", (FieldError("/looked_at", f"give at most {LOOKED_AT_CHARS} characters"),))
    take_turn(session)
    note = write(session, Kind.NOTE, by_id=session.firm_id, words=said, looked_at=looked_at.strip())
    tell("session.noted", session, entry=note.pk, words=said, looked_at=note.looked_at)
    return note


def reverse_note(*, note: SessionEntry, reason: str) -> SessionEntry:
    """The firm takes back what it put down; both stay in the log."""
    session = note.session
    refuse_but_firm(session.contract, "claim_tasks")
    words = bounded(reason, "reason", is_needed=True)
    take_turn(session)
    if note.reversals.exists():
        raise Conflict("This entry was reversed already.")
    entry = write(session, Kind.REVERSAL, by_id=session.firm_id, reverses=note, words=words)
    tell("session.corrected", session, entry=entry.pk, reverses=note.pk, reason=words)
    return entry


def correct_minutes(*, session: RemoteSession, minutes: int, reason: str) -> None:
    """The firm counts fewer minutes than before, or again up to what the clock said; the buyer answers anew."""
    refuse_but_firm(session.contract, "claim_tasks")
    words = bounded(reason, "reason", is_needed=True)
    until = market.database_time() + timedelta(days=ANSWER_D)
    move(session, SessionEvent.CORRECT, answer_until=until)
    refuse_full_log(session)
    before, most = queries.standing_time(session), session.measured_min or 0
    if not 0 <= minutes <= most or minutes == before.minutes:
        limit = f"give 0 to {most} minutes, what the clock said, other than the {before.minutes} in the log"
        raise Invalid("The minutes won't do.", (FieldError("/minutes", limit),))
    by: dict[str, Any] = {"by_id": session.firm_id, "words": words}
    write(session, Kind.REVERSAL, reverses=before, minutes=-before.minutes, **by)
    write(session, Kind.TIME, minutes=minutes, **by)
    tell("session.corrected", session, minutes=minutes, minutes_before=before.minutes, reason=words)


def object_to_minutes(*, session: RemoteSession, reason: str) -> None:
    """The buyer says what is wrong with them; the firm corrects them, or the buyer accepts after all."""
    refuse_but_owner(session.contract, "post_tasks")
    words = bounded(reason, "reason", is_needed=True)
    move(session, SessionEvent.OBJECT)
    write(session, Kind.OBJECTION, by_id=session.tenant_id, words=words)
    tell("session.objected", session, reason=words)


def accept_minutes(*, session: RemoteSession) -> None:
    """The buyer owes them from now on."""
    refuse_but_owner(session.contract, "post_tasks")
    settle(session, SessionEvent.ACCEPT)


def _tell_terms(kind: str, session: RemoteSession) -> None:
    tell(
        kind,
        session,
        from_at=session.from_at,
        to_at=session.to_at,
        ceiling_min=session.ceiling_min,
        rate_minor=session.rate_minor,
        currency=session.currency,
    )
