"""How each value of a frame is read: what is wrong, where, and what to send instead. Pure."""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NoReturn
from uuid import UUID

MAX_SEQ: Final = 2**63 - 1
Reader = Callable[[Any, str], Any]


class BadFrame(Exception):
    """A frame that can't be read; the message says what is wrong, where, and what to send."""


def parsed(text: str) -> dict[str, Any]:
    """The JSON object that the text is."""
    try:
        value = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BadFrame(f"The frame is not JSON: {error.msg} at character {error.pos}.") from error
    except RecursionError as error:
        raise BadFrame("The frame is nested too deeply.") from error
    except ValueError as error:
        raise BadFrame("The frame holds a number that is too long.") from error
    if not isinstance(value, dict):
        raise BadFrame('The frame is not a JSON object; send {"t": "sub", …} or {"t": "ack", …}.')
    return value


def seq(value: Any, pointer: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SEQ:
        raise BadFrame(f"{pointer}: must be a whole number from 0 to 2^63-1.")
    return value


def uuid(value: Any, pointer: str) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadFrame(f"{pointer}: must be a UUID as text.") from error


def time(value: Any, pointer: str) -> datetime:
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadFrame(f"{pointer}: must be a time as text (ISO 8601).") from error


def text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise BadFrame(f"{pointer}: must be text.")
    return value


def an_object(value: Any, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFrame(f"{pointer}: must be an object.")
    return value


def or_none(read: Reader) -> Reader:
    return lambda value, pointer: None if value is None else read(value, pointer)


def _refuse_constant(name: str) -> NoReturn:
    raise BadFrame(f"{name} is not JSON; send a number.")
