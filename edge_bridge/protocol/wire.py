"""Which fields each message has, and the two doors: encode and decode."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any
from uuid import UUID

from . import messages as m
from .fields import (
    FLAG,
    NUMBER,
    TIME,
    UUID_TEXT,
    Field,
    Schema,
    Shape,
    list_of,
    one_of,
    or_null,
    same,
    shape,
    text_of,
    whole_from,
)
from .json_text import as_object, dump, parse, show
from .messages import MAX_TEXT_CHARS, VERSION, Entry, Message, Problem, ProtocolError

_NAME = text_of(m.MAX_NAME_CHARS, 1)
_TEXT = text_of(MAX_TEXT_CHARS, 0)
_SEQ = whole_from(1)
_COUNT = whole_from(0)
_QUALITY = one_of(m.Quality)
_LANE = one_of(m.Lane)


def _check_gap(gap: m.Gap) -> None:
    if gap.to_at < gap.from_at:
        raise ProtocolError("to_at", "is before from_at")


_TAG = shape(m.Tag, equipment=_NAME, tag=_NAME, unit=_NAME)
_TAGS = list_of(_TAG.as_field(), 0)

_BODIES: Mapping[str, Shape] = {
    "reading": shape(m.Reading, equipment=_NAME, tag=_NAME, value=NUMBER, quality=_QUALITY, measured_at=TIME),
    "alarm": shape(
        m.Alarm,
        equipment=_NAME,
        alarm_type=_NAME,
        event=one_of(m.AlarmEvent),
        severity=one_of(m.Severity),
        tag=_NAME,
        value=NUMBER,
        limit=NUMBER,
        rule=_NAME,
        occurred_at=TIME,
        historical=FLAG,
        detail=_TEXT,
    ),
    "command_step": shape(
        m.CommandStep,
        id=UUID_TEXT,
        state=one_of(m.CommandState),
        detail=_TEXT,
        at=TIME,
        value=or_null(NUMBER),
    ),
    "birth": shape(m.Birth, at=TIME, tags=_TAGS),
    "heartbeat": shape(m.Heartbeat, at=TIME, readings_produced=_COUNT, readings_through=_COUNT),
    "death": shape(m.Death, at=TIME, reason=_TEXT),
    "rules_in_use": shape(m.RulesInUse, at=TIME, digest=_TEXT, refused=_TEXT, detail=_TEXT),
    "trespass": shape(m.Trespass, at=TIME, count=_COUNT, detail=_TEXT),
    "gap": shape(m.Gap, _check_gap, first_seq=_SEQ, reason=one_of(m.GapReason), count=_COUNT, from_at=TIME, to_at=TIME),
}
_KINDS = {shape.cls: kind for kind, shape in _BODIES.items()}
_LANE_KINDS = {
    m.Lane.P0: {"alarm", "command_step", "gap"},
    m.Lane.P1: {"birth", "heartbeat", "death", "rules_in_use", "trespass", "gap"},
    m.Lane.P2: {"reading", "gap"},
}


def _read_entry(value: Any) -> Entry:
    given = as_object(value).copy()
    seq, kind = given.pop("seq", None), given.pop("kind", None)
    if not isinstance(kind, str) or kind not in _BODIES:
        raise ProtocolError("kind", f"must be one of {', '.join(_BODIES)}; is {show(kind)}")
    return _checked(Entry(_read_seq(seq), _BODIES[kind].read(given)))


def _read_seq(value: Any) -> int:
    try:
        seq: int = _SEQ.read(value)
    except ProtocolError as error:
        raise error.inside("seq") from None
    return seq


def _write_entry(entry: Entry) -> dict[str, Any]:
    kind = _KINDS[type(_checked(entry).body)]
    return {"seq": _read_seq(entry.seq), "kind": kind, **_BODIES[kind].write(entry.body)}


def _checked(entry: Entry) -> Entry:
    if entry.first_seq > entry.seq:
        raise ProtocolError("first_seq", f"must not be above seq, {entry.seq}")
    return entry


def _check_batch(batch: m.Batch) -> None:
    """Consecutive numbers and only the kinds of the lane: what no single entry can show."""
    expected = batch.entries[0].first_seq if batch.entries else 0
    for index, entry in enumerate(batch.entries):
        if entry.first_seq != expected:
            raise ProtocolError(f"entries[{index}].seq", f"must continue at {expected}, is {entry.first_seq}")
        if _KINDS[type(entry.body)] not in _LANE_KINDS[batch.lane]:
            kinds = ", ".join(sorted(_LANE_KINDS[batch.lane]))
            raise ProtocolError(f"entries[{index}].kind", f"does not travel in lane {batch.lane}; it takes {kinds}")
        expected = entry.seq + 1


def _entry_schema() -> Schema:
    """What any kind may say; which kinds a lane takes, the batch knows."""
    return {"oneOf": [_with(shape.schema, seq=_SEQ.schema, kind={"const": kind}) for kind, shape in _BODIES.items()]}


def _with(schema: Schema, **first: Schema) -> Schema:
    """An object that begins with these members."""
    return schema | {"properties": first | schema["properties"], "required": [*first, *schema["required"]]}


_ENTRIES = list_of(Field(_read_entry, _write_entry, _entry_schema()), 1)
_TERMINAL_READING = shape(m.TerminalReading, tag=_NAME, value=NUMBER, quality=_QUALITY, measured_at=TIME)
_COMMAND = shape(
    m.Command, id=UUID_TEXT, equipment=_NAME, tag=_NAME, value=NUMBER, not_after=TIME, boot=UUID_TEXT, sent_at=TIME
)
_COMMANDS = list_of(_COMMAND.as_field(), 0)

_MESSAGES: Mapping[str, Shape] = {
    "batch": shape(m.Batch, _check_batch, edge=_NAME, boot=UUID_TEXT, lane=_LANE, sent_at=TIME, entries=_ENTRIES),
    "ack": shape(m.Ack, edge=_NAME, boot=UUID_TEXT, lane=_LANE, through=_COUNT, commands=_COMMANDS),
    "command": _COMMAND,
    "rule_set": shape(
        m.RuleSet, digest=_NAME, rules=list_of(same(as_object, {"type": "object"}), 0), changed_at=or_null(TIME)
    ),
    "problem": shape(
        m.Problem,
        status=whole_from(400, 599),
        title=_TEXT,
        detail=_TEXT,
        seq=or_null(_SEQ),
        expected_seq=or_null(_SEQ),
    ),
    "terminal_birth": shape(m.TerminalBirth, terminal=_NAME, session=UUID_TEXT, n=_SEQ, tags=_TAGS),
    "readings": shape(
        m.TerminalReadings,
        terminal=_NAME,
        session=UUID_TEXT,
        n=_SEQ,
        equipment=_NAME,
        readings=list_of(_TERMINAL_READING.as_field(), 1),
    ),
    "taken": shape(m.Taken, n=_SEQ),
    "refused": shape(m.Refused, n=or_null(_SEQ), path=_TEXT, detail=_TEXT, retry=FLAG),
    "terminal_command": shape(m.TerminalCommand, id=UUID_TEXT, equipment=_NAME, tag=_NAME, value=NUMBER),
    "terminal_command_result": shape(
        m.TerminalCommandResult, id=UUID_TEXT, ok=FLAG, detail=_TEXT, value=or_null(NUMBER)
    ),
}
_MESSAGE_NAMES = {shape.cls: name for name, shape in _MESSAGES.items()}


def encode(message: Message) -> bytes:
    """The message as UTF-8 JSON; ProtocolError if its content or size breaks the contract."""
    name = _MESSAGE_NAMES[type(message)]
    return dump({"v": VERSION, "type": name, **_MESSAGES[name].write(message)})


def decode(data: bytes | str) -> Message:
    """The message in `data`; ProtocolError says what is wrong and where, and nothing else is ever raised."""
    envelope = dict(as_object(parse(data)))
    version, name = envelope.pop("v", None), envelope.pop("type", None)
    if type(version) is not int or version != VERSION:
        raise ProtocolError("v", f"must be {VERSION}, is {show(version)}")
    if not isinstance(name, str) or name not in _MESSAGES:
        raise ProtocolError("type", f"must be one of {', '.join(_MESSAGES)}; is {show(name)}")
    message: Message = _MESSAGES[name].read(envelope)
    return message


def schemas() -> dict[str, Schema]:
    """JSON Schema of each message by its type.

    What it cannot say: that a batch's numbers continue one another, a gap's times ascend, and texts are printable.
    """
    envelope = {"v": {"const": VERSION}}
    said = {name: _with(shape.schema, **envelope, type={"const": name}) for name, shape in _MESSAGES.items()}
    lanes = [
        {
            "if": {"properties": {"lane": {"const": lane.value}}},
            "then": {"properties": {"entries": {"items": {"properties": {"kind": {"enum": sorted(kinds)}}}}}},
        }
        for lane, kinds in _LANE_KINDS.items()
    ]
    return said | {"batch": said["batch"] | {"allOf": lanes}}


def summaries() -> dict[str, str]:
    """In words what each message is for, by its type."""
    return {name: inspect.getdoc(shape.cls) or "" for name, shape in _MESSAGES.items()}


def encode_entry(entry: Entry) -> bytes:
    """One entry by itself, as a journal keeps it."""
    return dump(_write_entry(entry))


def encode_batch(edge: str, boot: UUID, lane: m.Lane, sent_at: datetime, entries: Sequence[bytes]) -> bytes:
    """The same bytes as `encode` of the Batch, from entries that are encoded already and continue one another."""
    envelope = {"edge": edge, "boot": str(boot), "lane": lane.value, "sent_at": TIME.write(sent_at)}
    head = dump({"v": VERSION, "type": "batch", **envelope})
    return b'%s,"entries":[%s]}' % (head[:-1], b",".join(entries))


def decode_entry(data: bytes | str) -> Entry:
    return _read_entry(parse(data))


def problem_details(problem: Problem) -> dict[str, Any]:
    """The body of an HTTP refusal (application/problem+json, RFC 9457)."""
    members = {field.name: getattr(problem, field.name) for field in fields(problem)}
    return {"type": "about:blank", **{name: value for name, value in members.items() if value is not None}}


def problem_from_http(status: int, body: bytes) -> Problem:
    """What an HTTP error says; a body that is not problem details (a proxy's page) leaves the status to speak."""
    try:
        given = as_object(parse(body))
    except ProtocolError:
        given = {}
    return Problem(
        status,
        title=_lenient(_TEXT, given.get("title")) or "",
        detail=_lenient(_TEXT, given.get("detail")) or "",
        seq=_lenient(_SEQ, given.get("seq")),
        expected_seq=_lenient(_SEQ, given.get("expected_seq")),
    )


def _lenient(field: Field, value: Any) -> Any:
    try:
        return field.read(value)
    except ProtocolError:
        return None
