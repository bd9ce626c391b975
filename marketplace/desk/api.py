"""The door to what lies beside a task, for the console."""

from marketplace.desk.access import get_attachment, get_own_attachment, get_own_question
from marketplace.desk.actions import answer, ask, attach, detach
from marketplace.desk.data import FILE_BYTES
from marketplace.desk.notices import get_notice, looking, open_notices
from marketplace.desk.posting import terms_of
from marketplace.desk.queries import attachments_of, questions_about

__all__ = [
    "FILE_BYTES",
    "answer",
    "ask",
    "attach",
    "attachments_of",
    "detach",
    "get_attachment",
    "get_notice",
    "get_own_attachment",
    "get_own_question",
    "looking",
    "open_notices",
    "questions_about",
    "terms_of",
]
