"""What time alone brings about, in transactions of the platform: one for each session."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from marketplace import queries as market
from marketplace.data import ANSWER_D
from marketplace.models import RemoteSession
from marketplace.sessions import ending, queries
from marketplace.sessions.lifecycle import SessionEvent
from marketplace.sessions.settlement import settle
from marketplace.sweeping import in_turn
from tenants.api import as_platform

SWEEP_LIMIT = 200
AT_THE_CEILING = "Nobody stopped it: it ended at its ceiling."
NOBODY_CAME = "Nobody started it in its time."
SILENCE = f"Nobody objected within {ANSWER_D} days."

Due = Callable[[datetime], QuerySet[RemoteSession]]
Act = Callable[[RemoteSession, datetime], None]


def end_exhausted() -> int:
    """Stop at their ceiling the sessions that nobody has stopped; returns how many there were."""
    return _each(queries.exhausted, lambda row, now: ending.end(row, SessionEvent.EXHAUST, now, AT_THE_CEILING))


def cancel_lapsed() -> int:
    """Cancel those that nobody has started in their time."""
    return _each(queries.lapsed, lambda row, now: ending.cancel(row, SessionEvent.LAPSE, NOBODY_CAME))


def accept_unanswered() -> int:
    """Settle the minutes to which nobody has objected in time."""
    return _each(queries.unanswered, lambda row, now: settle(row, SessionEvent.PASS, SILENCE))


def _each(due: Due, act: Act) -> int:
    with _sweeping() as sweep:
        found = list(due(market.database_time()).order_by("pk").values_list("pk", flat=True)[:SWEEP_LIMIT])
        sweep.leaves_trace = bool(found)
    return in_turn("remote sessions", found, lambda session_id: _acted(session_id, due, act))


def _acted(session_id: UUID, due: Due, act: Act) -> bool:
    with _sweeping():
        now = market.database_time()
        session = due(now).filter(pk=session_id).first()
        if session is not None:
            act(session, now)
        return session is not None


def _sweeping() -> Any:
    return as_platform("sweep", "end, cancel and settle remote sessions whose time is over")
