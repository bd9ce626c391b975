"""The wire between terminal, gateway and cloud: a closed set of message types, one JSON object a message.

Every message is UTF-8 JSON without newlines, at most MAX_MESSAGE_BYTES, in a versioned envelope::

    {"v": 1, "type": "batch", "edge": "aurora-north", "boot": "<uuid>", "lane": "p0", "sent_at": "…Z",
     "entries": [{"seq": 7, "kind": "alarm", …}, …]}

Order and loss. Each (edge, boot, lane) is one stream with its own sequence 1, 2, 3 … and its own watermark in the
cloud, so an alarm in lane p0 never waits for readings in lane p2 and each lane still proves by itself that nothing
is missing. ``boot`` is born with the gateway's journal; a journal restored from a copy gets a new one. An entry
stands for the one number ``seq``; a `Gap` stands for ``first_seq … seq``, in the place of what was thinned,
quarantined or lost, so a lane has no hole. What may have been committed is never replaced by a gap.

The receiver stores entries above its watermark, moves the watermark and commits, and only then answers
``ack{through: watermark}``; `after_watermark` is that rule. A batch that begins above watermark + 1 is answered with
problem 409 and ``expected_seq``. An entry the receiver can never take is answered with 400 or 422 and its ``seq``:
the sender puts it aside and a gap in its place. Refusals about the sender or the moment (401, 403, 404, 408, 429,
5xx) are tried again unchanged; 413 is sent again in parts.

Counts balance exactly. For every `Heartbeat`, over lane p2 up to ``readings_through``::

    readings_produced = readings stored + sum of Gap.count

(After a loss, reason ``lost``, only nearly: what is gone is counted by its numbers.)

Commands go the other way. `Ack.commands` are those the gateway has said nothing of yet, so they come with each answer
until a `CommandStep` of theirs is committed; over the websocket a `Command` may also come by itself. The gateway
journals the id before it acts, so a command that comes twice is acted upon once.

Rules come when they are asked for: ``GET /api/v1/edge/rules`` answers with a `RuleSet`, or 304 to an ``If-None-Match``
of the same digest; `RulesInUse` says what came of it.

Where it travels: ``POST /api/v1/edge/batches`` and websocket ``/ws/v1/edge``, both with the header
``Authorization: Device <id>.<secret>``; terminals speak to the gateway over a websocket of its own.
"""

from .messages import (
    MAX_ENTRIES,
    MAX_MESSAGE_BYTES,
    MAX_NAME_CHARS,
    MAX_SEQ,
    MAX_TEXT_CHARS,
    VERSION,
    Ack,
    Alarm,
    AlarmEvent,
    Batch,
    Birth,
    Body,
    Command,
    CommandState,
    CommandStep,
    Death,
    Entry,
    Gap,
    GapReason,
    Heartbeat,
    Lane,
    Message,
    Problem,
    ProtocolError,
    Quality,
    Reading,
    Refused,
    RuleSet,
    RulesInUse,
    SequenceHole,
    Severity,
    Tag,
    Taken,
    TerminalBirth,
    TerminalCommand,
    TerminalCommandResult,
    TerminalReading,
    TerminalReadings,
    Trespass,
    after_watermark,
)
from .wire import (
    decode,
    decode_entry,
    encode,
    encode_batch,
    encode_entry,
    problem_details,
    problem_from_http,
    schemas,
    summaries,
)

__all__ = [
    "MAX_ENTRIES",
    "MAX_MESSAGE_BYTES",
    "MAX_NAME_CHARS",
    "MAX_SEQ",
    "MAX_TEXT_CHARS",
    "VERSION",
    "Ack",
    "Alarm",
    "AlarmEvent",
    "Batch",
    "Birth",
    "Body",
    "Command",
    "CommandState",
    "CommandStep",
    "Death",
    "Entry",
    "Gap",
    "GapReason",
    "Heartbeat",
    "Lane",
    "Message",
    "Problem",
    "ProtocolError",
    "Quality",
    "Reading",
    "Refused",
    "RuleSet",
    "RulesInUse",
    "SequenceHole",
    "Severity",
    "Tag",
    "Taken",
    "TerminalBirth",
    "TerminalCommand",
    "TerminalCommandResult",
    "TerminalReading",
    "TerminalReadings",
    "Trespass",
    "after_watermark",
    "decode",
    "decode_entry",
    "encode",
    "encode_batch",
    "encode_entry",
    "problem_details",
    "problem_from_http",
    "schemas",
    "summaries",
]
