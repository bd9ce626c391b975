"""The closed set of frames on the feed's websocket. Field `t` names the type; nothing else is ever sent or understood.

Server to client: `hello`, `ev`, `skip`, `live`, `lagging`, `hb`, `reset`, `error`. Client to server: `sub`, `ack`.
The same frames go over server-sent events and plain GET.
`ev` and `skip` are a chain: each begins (`prev`) where the one before ended (`seq` or `to`), so the client proves for
itself that nothing is missing.
"""

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, get_args, get_type_hints
from uuid import UUID

from tenants.feed.filters import Filter, read_filter
from tenants.feed.line import Line
from tenants.feed.values import MAX_SEQ, BadFrame, Reader, an_object, or_none, parsed, seq, text, time, uuid

__all__ = ["MAX_SEQ", "BadFrame"]
MAX_CLIENT_CHARACTERS: Final = 8192


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
    """One event. `author` is the organisation in whose name it was announced; `occurred_at` may lie long before
    `recorded_at`."""

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
class Lagging:
    """The client reads too slowly: from here on frames come in pages from the log, until the next `live`."""

    t: ClassVar = "lagging"
    seq: int
    head: int


@dataclass(frozen=True, slots=True)
class Hb:
    """The feed was read now and ended at `head`. None for longer than twice the interval: the server sees nothing."""

    t: ClassVar = "hb"
    head: int
    now: datetime


@dataclass(frozen=True, slots=True)
class Reset:
    """The cursor can't be continued: take the state as in `snapshot`, then `sub` again from `head` of this `epoch`.

    The snapshot was read together with `head`: what follows `head` is what has happened since.
    """

    t: ClassVar = "reset"
    epoch: UUID
    head: int
    min_seq: int
    reason: str
    snapshot: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Error:
    """Why the socket is about to be closed."""

    t: ClassVar = "error"
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class Sub:
    """Send what follows `cursor` in the log `epoch`; with `filter`, only what fits it: the rest is told as `skip`."""

    t: ClassVar = "sub"
    cursor: int
    epoch: UUID
    filter: Filter | None = None


@dataclass(frozen=True, slots=True)
class Ack:
    """The client has received everything up to `seq`."""

    t: ClassVar = "ack"
    seq: int


ServerFrame = Hello | Ev | Skip | Live | Lagging | Hb | Reset | Error
ClientFrame = Sub | Ack


def as_dict(frame: ServerFrame | ClientFrame) -> dict[str, Any]:
    """The frame as JSON values: identifiers and times as text, times in UTC."""
    plain: dict[str, Any] = json.loads(encode(frame))
    return plain


def encode(frame: ServerFrame | ClientFrame) -> Line:
    """One line of JSON."""
    said = {"t": frame.t}
    for name in _NAMES[type(frame)]:
        value = getattr(frame, name)
        if value is not None or name not in OPTIONAL:
            said[name] = value
    return Line(_JSON.encode(said))


def decode_client(text: str) -> ClientFrame:
    """What a client sent; BadFrame says what is wrong with it."""
    if len(text) > MAX_CLIENT_CHARACTERS:
        raise BadFrame(f"The frame has {len(text)} characters; at most {MAX_CLIENT_CHARACTERS} are read.")
    return _build(parsed(text), _CLIENT)


def decode_server(text: str) -> ServerFrame:
    """What a server sent, for clients written in Python."""
    return _build(parsed(text), _SERVER)


def _plain(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case Filter():
            return value.as_dict()
    raise TypeError(f"{type(value).__name__} has no place in a frame.")


_JSON: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_plain)
_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in get_args(ServerFrame | ClientFrame)}


def _build(said: dict[str, Any], known: dict[str, Any]) -> Any:
    name = said.pop("t", None)
    if not isinstance(name, str) or name not in known:
        raise BadFrame(f"/t: unknown type of frame; use one of {', '.join(known)}.")
    kind, readers, required = known[name]
    surplus = sorted(set(said) - set(readers))
    if surplus:
        raise BadFrame(f"/{surplus[0][:40]}: '{name}' has no such field; it has {', '.join(readers)}.")
    missing = [field for field in required if field not in said]
    if missing:
        raise BadFrame(f"/{missing[0]}: '{name}' needs this field.")
    return kind(**{field: readers[field](value, f"/{field}") for field, value in said.items()})


_READERS: Final[dict[Any, Reader]] = {
    int: seq,
    UUID: uuid,
    datetime: time,
    str: text,
    dict[str, Any]: an_object,
    dict[str, Any] | None: or_none(an_object),
    UUID | None: or_none(uuid),
    Filter | None: or_none(read_filter),
}
# Left out of the JSON where they are None.
OPTIONAL: Final = ("filter", "snapshot")


def _table(*kinds: Any) -> dict[str, Any]:
    """Type name → (class, reader of each field, required fields), from the classes' own annotations."""
    found = {}
    for kind in kinds:
        hints = get_type_hints(kind)
        readers = {field.name: _READERS[hints[field.name]] for field in fields(kind)}
        found[kind.t] = (kind, readers, [name for name in readers if name not in OPTIONAL])
    return found


_SERVER: Final = _table(*get_args(ServerFrame))
_CLIENT: Final = _table(*get_args(ClientFrame))
