"""What tests of remote sessions begin with: a contract between Aurora and a firm, a session somewhere on its way."""

from datetime import UTC, datetime, timedelta
from typing import Any

from marketplace.contracts.access import get_contract
from marketplace.models import Contract, RemoteSession
from marketplace.sessions import api as sessions
from tenants.models import Person
from tests import personas
from tests.integration.marketplace import contract_scenes as contracts
from tests.integration.marketplace.bid_scenes import superuser
from tests.integration.marketplace.firms import welders
from tests.personas import Organisation

RATE = 250


def terms(**changed: Any) -> sessions.SessionTerms:
    """An hour that has just begun."""
    begins_at = datetime.now(UTC) - timedelta(seconds=5)
    said = {"subject": "Read the spectrum of pump 7", "ceiling_min": 60, "rate_minor": RATE}
    return sessions.SessionTerms(**{**said, "from_at": begins_at, "to_at": begins_at + timedelta(hours=1), **changed})


def proposed(contract: Contract, firm: Organisation, person: Person, **changed: Any) -> RemoteSession:
    with firm.acting():
        found = get_contract(contract.pk)
        return sessions.book_session(contract=found, person=person, terms=terms(**changed))


def booked(
    owner: Organisation, firm: Organisation, contract: Contract, person: Person, **changed: Any
) -> RemoteSession:
    return taken(owner, "confirm_session", proposed(contract, firm, person, **changed))


def running(
    owner: Organisation, firm: Organisation, contract: Contract, person: Person, **changed: Any
) -> RemoteSession:
    return taken(firm, "start_session", booked(owner, firm, contract, person, **changed))


def ended(owner: Organisation, firm: Organisation, minutes: float = 41.5, **contract_terms: Any) -> RemoteSession:
    """After so many minutes, of which each begun one counts; under a contract of its own."""
    contract, people = contracts.written(owner, firm, **contract_terms), welders(firm)
    session = running(owner, firm, contract, people.wei)
    as_if(session, started_at=datetime.now(UTC) - timedelta(minutes=minutes))
    return taken(firm, "stop_session", session, result="the outer race is worn")


def taken(party: Organisation, step: str, session: RemoteSession, **given: Any) -> RemoteSession:
    with party.acting():
        getattr(sessions, step)(session=sessions.get_session(session.pk), **given)
    return seen(party, session)


def seen(party: Organisation, session: RemoteSession) -> RemoteSession:
    with party.acting():
        return sessions.get_session(session.pk)


def log(party: Organisation, session: RemoteSession) -> list[tuple[str, int]]:
    with party.acting():
        return [(entry.kind, entry.minutes) for entry in sessions.log_of(session)]


def as_if(session: RemoteSession, **columns: Any) -> None:
    values = ", ".join(f"{name} = %s" for name in columns)
    superuser(f"UPDATE marketplace_remotesession SET {values} WHERE id = %s", *columns.values(), session.pk)


def places(owner: Organisation) -> dict[str, Any]:
    """A session that runs, with a note in its log."""
    firm = personas.organisation("Firm", "consultancy")
    contract, people = contracts.written(owner, firm), welders(firm)
    session = running(owner, firm, contract, people.wei)
    with firm.acting():
        note = sessions.log_note(session=sessions.get_session(session.pk), words="second harmonic", looked_at="trend")
    return {"remote_session_id": session.pk, "note_id": note.pk}
