"""How a session changes, what is put into its log, and who is told: what all its actions have in common.

A step holds the contract's row to its commit, so the steps of a session take turns with those of its contract, and is
compared with the session's own version: a note taken in it makes nobody's page of the contract stale.
"""

from typing import Any

from django.db.models import F

from marketplace.contracts import steps as contracting
from marketplace.contracts.lifecycle import ContractState
from marketplace.models import Contract, RemoteSession, SessionEntry
from marketplace.sessions import queries
from marketplace.sessions.data import MOST_ENTRIES
from marketplace.sessions.lifecycle import LOGGED, SETTLED, SessionEvent, SessionState, next_session_state
from tenants.api import announce, enter, on_behalf_of
from tenants.data import Conflict, Event


def hold(contract: Contract) -> None:
    """Lock the contract's row, and read what its steps change."""
    with on_behalf_of(contract.tenant_id):
        now = Contract.objects.select_for_update(no_key=True).get(pk=contract.pk)
    contract.state, contract.version = now.state, now.version


def begin(session: RemoteSession, event: SessionEvent) -> SessionState:
    """To what it leads, before anything of it is written: IllegalStep or Conflict if it can't be taken."""
    _hold_unchanged(session)
    return next_session_state(ContractState(session.contract.state), SessionState(session.state), event)


def put(session: RemoteSession, **changes: Any) -> None:
    """Within a step that was begun."""
    with on_behalf_of(session.tenant_id):
        RemoteSession.objects.filter(pk=session.pk).update(version=F("version") + 1, **changes)
        session.refresh_from_db(fields=["version", *changes])


def move(session: RemoteSession, event: SessionEvent, **changes: Any) -> None:
    put(session, state=begin(session, event).value, **changes)


def take_turn(session: RemoteSession) -> None:
    """To write its log: Conflict unless there is something to say of it."""
    _hold_unchanged(session)
    if session.state not in LOGGED or session.contract.state not in SETTLED:
        raise Conflict(f"The session is {session.state}, its contract {session.contract.state}: its log is closed.")
    refuse_full_log(session)
    put(session)


def refuse_full_log(session: RemoteSession) -> None:
    if queries.log_of(session).count() >= MOST_ENTRIES:
        raise Conflict(f"A log has at most {MOST_ENTRIES} entries.")


def _hold_unchanged(session: RemoteSession) -> None:
    hold(session.contract)
    if not RemoteSession.objects.filter(pk=session.pk, version=session.version).exists():
        raise Conflict("The session has changed since it was read; read it again and decide anew.")


def write(session: RemoteSession, kind: Any, **said: Any) -> SessionEntry:
    """An entry of the log, in the buyer's name as all rows of a contract; `by` is who says it."""
    entry: SessionEntry = contracting.add(SessionEntry, session.contract, session=session, kind=kind, **said)
    return entry


def tell(kind: str, session: RemoteSession, **facts: Any) -> None:
    """Tell both parties, and enter it in the ledgers of both; who the expert is stays out of what is kept for ever."""
    contract = session.contract
    body = contracting.facts_of(contract) | {
        "session": str(session.pk),
        "number": session.number,
        "subject": session.subject,
        "status": session.state,
    }
    parties = frozenset({contract.tenant_id, contract.firm_id})
    announce(Event(kind=kind, body=body, permission="view_tasks", owner_id=contract.tenant_id, to=parties))
    enter(kind=kind, subject=session.pk, payload=body | facts, with_tenants=parties)
