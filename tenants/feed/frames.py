"""The closed set of frames on the feed's websocket. Field `t` names the type; nothing else is ever sent or understood.

Server to client: `hello`, `ev`, `skip`, `live`, `hb`, `reset`, `error`. Client to server: `sub`, `ack`.
`ev` and `skip` are a chain: each begins (`prev`) where the one before ended (`seq` or `to`), so the client proves for
itself that nothing is missing.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, NoReturn, get_type_hints
from uuid import UUID

MAX_CLIENT_CHARACTERS: Final = 8192
MAX_SEQ: Final = 2**63 - 1
MAX_PREFIXES: Final = 50
PREFIX: Final = re.compile(r"[a-z][a-z0-9_.]{0,59}")


class BadFrame(Exception):
    """A frame that can't be read; the message says what is wrong, where, and what to send."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First frame: which feed this is and where it ends. The client answers with `sub`."""

    t: ClassVar = "hello"
    feed: UUID
    epoch: UUID
    head: int
    min_seq: int


@dataclass(frozen=True, slots=True)
class Ev:
    """One event. `author` is the organisation that announced it; `occurred_at` may lie long before `recorded_at`."""

    t: ClassVar = "ev"
    seq: int
    prev: int
    kind: str
    body: dict[str, Any]
    site: UUID | None
    equipment: UUID | None
    author: UUID
    occurred_at: datetime
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Skip:
    """The events after `prev` up to `to` are not for this user, or not asked for."""

    t: ClassVar = "skip"
    prev: int
    to: int


@dataclass(frozen=True, slots=True)
class Live:
    """Caught up: what follows is sent as it happens."""

    t: ClassVar = "live"
    seq: int


@dataclass(frozen=True, slots=True)
class Hb:
    """The feed was read now and ended at `head`. None for longer than twice the interval: the server sees nothing."""

    t: ClassVar = "hb"
    head: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Reset:
    """The cursor can't be continued: read the state afresh, then `sub` again from `head` of this `epoch`."""

    t: ClassVar = "reset"
    epoch: UUID
    head: int
    min_seq: int
    reason: str


@dataclass(frozen=True, slots=True)
class Error:
    """Why the socket is about to be closed."""

    t: ClassVar = "error"
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sub:
    """Send what follows `cursor` in the log `epoch`; with `filter`, only kinds that begin with one of the prefixes."""

    t: ClassVar = "sub"
    cursor: int
    epoch: UUID
    filter: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """The client has received everything up to `seq`."""

    t: ClassVar = "ack"
    seq: int


ServerFrame = Hello | Ev | Skip | Live | Hb | Reset | Error
ClientFrame = Sub | Ack


def as_dict(frame: ServerFrame | ClientFrame) -> dict[str, Any]:
    """The frame as JSON values: identifiers and times as text, times in UTC."""
    values = {field.name: _plain(getattr(frame, field.name)) for field in fields(frame)}
    return {"t": frame.t, **{name: value for name, value in values.items() if name != "filter" or value is not None}}


def encode(frame: ServerFrame | ClientFrame) -> str:
    return json.dumps(as_dict(frame), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def decode_client(text: str) -> ClientFrame:
    """What a client sent; BadFrame says what is wrong with it."""
    if len(text) > MAX_CLIENT_CHARACTERS:
        raise BadFrame(f"The frame has {len(text)} characters; at most {MAX_CLIENT_CHARACTERS} are read.")
    return _build(_parse(text), _CLIENT)


def decode_server(text: str) -> ServerFrame:
    """What a server sent, for clients written in Python."""
    return _build(_parse(text), _SERVER)


def _plain(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case tuple():
            return list(value)
        case _:
            return value


def _refuse_constant(name: str) -> NoReturn:
    raise BadFrame(f"{name} is not JSON; send a number.")


def _parse(text: str) -> dict[str, Any]:
    try:
        parsed = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise BadFrame(f"The frame is not JSON: {error.msg} at character {error.pos}.") from error
    except RecursionError as error:
        raise BadFrame("The frame is nested too deeply.") from error
    except ValueError as error:
        raise BadFrame("The frame holds a number that is too long.") from error
    if not isinstance(parsed, dict):
        raise BadFrame('The frame is not a JSON object; send {"t": "sub", …} or {"t": "ack", …}.')
    return parsed


def _build(parsed: dict[str, Any], known: dict[str, Any]) -> Any:
    name = parsed.pop("t", None)
    if not isinstance(name, str) or name not in known:
        raise BadFrame(f"/t: unknown type of frame; use one of {', '.join(known)}.")
    kind, readers, required = known[name]
    surplus = sorted(set(parsed) - set(readers))
    if surplus:
        raise BadFrame(f"/{surplus[0][:40]}: '{name}' has no such field; it has {', '.join(readers)}.")
    missing = [field for field in required if field not in parsed]
    if missing:
        raise BadFrame(f"/{missing[0]}: '{name}' needs this field.")
    return kind(**{field: readers[field](value, f"/{field}") for field, value in parsed.items()})


def _seq(value: Any, pointer: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_SEQ:
        raise BadFrame(f"{pointer}: must be a whole number from 0 to 2^63-1.")
    return value


def _uuid(value: Any, pointer: str) -> UUID:
    try:
        return UUID(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadFrame(f"{pointer}: must be a UUID as text, as 'hello' gave it.") from error


def _time(value: Any, pointer: str) -> datetime:
    try:
        return datetime.fromisoformat(value if isinstance(value, str) else "")
    except ValueError as error:
        raise BadFrame(f"{pointer}: must be a time as text (ISO 8601).") from error


def _text(value: Any, pointer: str) -> str:
    if not isinstance(value, str):
        raise BadFrame(f"{pointer}: must be text.")
    return value


def _object(value: Any, pointer: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadFrame(f"{pointer}: must be an object.")
    return value


def _prefixes(value: Any, pointer: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_PREFIXES:
        raise BadFrame(f"{pointer}: must be a list of 1 to {MAX_PREFIXES} kind prefixes; leave it out for everything.")
    for index, prefix in enumerate(value):
        if not isinstance(prefix, str) or not PREFIX.fullmatch(prefix):
            raise BadFrame(f"{pointer}/{index}: must be the beginning of a kind, such as 'alarm.'.")
    return tuple(value)


def _or_none(read: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
    return lambda value, pointer: None if value is None else read(value, pointer)


_READERS: Final[dict[Any, Callable[[Any, str], Any]]] = {
    int: _seq,
    UUID: _uuid,
    datetime: _time,
    str: _text,
    dict[str, Any]: _object,
    UUID | None: _or_none(_uuid),
    tuple[str, ...] | None: _or_none(_prefixes),
}


def _table(*kinds: Any) -> dict[str, Any]:
    """Type name → (class, reader of each field, required fields), from the classes' own annotations."""
    optional = {"filter"}
    found = {}
    for kind in kinds:
        hints = get_type_hints(kind)
        readers = {field.name: _READERS[hints[field.name]] for field in fields(kind)}
        found[kind.t] = (kind, readers, [name for name in readers if name not in optional])
    return found


_SERVER: Final = _table(Hello, Ev, Skip, Live, Hb, Reset, Error)
_CLIENT: Final = _table(Sub, Ack)
