"""Sessions and notes of their logs, got and authorised in one step; foreign and absent ones answer alike."""

from typing import TypeVar
from uuid import UUID

from marketplace.models import RemoteSession, SessionEntry
from marketplace.sessions import queries
from tenants.api import require
from tenants.data import NotFound

Row = TypeVar("Row", RemoteSession, SessionEntry)


def get_session(session_id: UUID, *, needs: str = "view_tasks") -> RemoteSession:
    """A session under a contract that the actor's organisation is a party to."""
    require(needs)
    return _found(queries.sessions().filter(pk=session_id).first())


def get_note(note_id: UUID) -> SessionEntry:
    """An entry of the log that can be reversed as it is: the minutes are corrected as a whole."""
    require("claim_tasks")
    return _found(queries.notes().filter(pk=note_id).first())


def _found(row: Row | None) -> Row:
    if row is None:
        raise NotFound
    return row
