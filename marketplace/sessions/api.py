"""The public door of remote sessions for the rest of the marketplace and the console."""

from marketplace.data import ANSWER_D
from marketplace.sessions.access import get_note, get_session
from marketplace.sessions.actions import (
    accept_minutes,
    book_session,
    cancel_session,
    confirm_session,
    correct_minutes,
    log_note,
    object_to_minutes,
    reverse_note,
    start_session,
    stop_session,
)
from marketplace.sessions.data import SUBJECT_CHARS, SessionTerms, amount_of
from marketplace.sessions.lifecycle import SessionState
from marketplace.sessions.queries import (
    log_of,
    names_of_experts,
    sessions_of,
    sessions_taken_part_in,
    sessions_with_logs,
)

__all__ = [
    "ANSWER_D",
    "SUBJECT_CHARS",
    "SessionState",
    "SessionTerms",
    "accept_minutes",
    "amount_of",
    "book_session",
    "cancel_session",
    "confirm_session",
    "correct_minutes",
    "get_note",
    "get_session",
    "log_note",
    "log_of",
    "names_of_experts",
    "object_to_minutes",
    "reverse_note",
    "sessions_of",
    "sessions_taken_part_in",
    "sessions_with_logs",
    "start_session",
    "stop_session",
]
