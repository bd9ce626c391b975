"""The messages as frozen dataclasses, and the limits they keep."""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

VERSION = 1
MAX_MESSAGE_BYTES = 1_000_000
MAX_ENTRIES = 5_000
MAX_NAME_CHARS = 64
MAX_TEXT_CHARS = 500
MAX_SEQ = 2**63 - 1  # what a PostgreSQL bigint holds


class ProtocolError(ValueError):
    """A message that breaks the contract: `path` of the value within it (empty: the whole), `message` in words."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}" if path else message)
        self.path = path
        self.message = message

    @property
    def pointer(self) -> str:
        """The path as a JSON pointer."""
        steps = re.sub(r"\[(\d+)\]", r"/\1", self.path).replace(".", "/")
        return f"/{steps}" if steps else ""

    def inside(self, step: str) -> "ProtocolError":
        """The same fault seen from one level further out."""
        joint = "." if self.path and not self.path.startswith("[") else ""
        return ProtocolError(f"{step}{joint}{self.path}", self.message)


class SequenceHole(ValueError):
    """A batch begins above what the receiver has: numbers from `expected_seq` on were never received."""

    def __init__(self, expected_seq: int, first_seq: int) -> None:
        super().__init__(f"the batch begins at {first_seq}, but {expected_seq} comes next")
        self.expected_seq = expected_seq


class Lane(StrEnum):
    """Streams by urgency: p0 alarms and steps of commands, p1 what the gateway says of itself, p2 readings."""

    P0 = "p0"
    P1 = "p1"
    P2 = "p2"


class Quality(StrEnum):
    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class Severity(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


class AlarmEvent(StrEnum):
    RAISED = "raised"
    CLEARED = "cleared"


class CommandState(StrEnum):
    """How far a command has come at the edge; nothing was acted upon if it was refused or has expired.

    delivered: in the gateway's journal, so that it is acted upon once or said to be refused or expired. done, failed:
    the terminal's own word. unknown: sent to the terminal, no word came; `CommandStep.value` is what is read back.
    """

    DELIVERED = "delivered"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


class GapReason(StrEnum):
    """Why readings are not there: filtered by deadband or swinging door, thinned for want of disk, refused, lost."""

    DEADBAND = "deadband"
    SWINGING_DOOR = "swinging_door"
    THINNED = "thinned"
    QUARANTINED = "quarantined"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Tag:
    """One measured point of the catalogue; `unit` is a UCUM code such as ``%``, ``[ppm]``, ``mm/s``, ``Cel``."""

    equipment: str
    tag: str
    unit: str


@dataclass(frozen=True, slots=True)
class Reading:
    equipment: str
    tag: str
    value: float
    quality: Quality
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Alarm:
    """A limit was passed or left. `historical`: sent late and no longer standing; to be counted, without siren.

    `detail`: why, in words, such as when a trend reaches which limit by which clause.
    """

    equipment: str
    alarm_type: str
    event: AlarmEvent
    severity: Severity
    tag: str
    value: float
    limit: float
    rule: str
    occurred_at: datetime
    historical: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class CommandStep:
    """What became of command `id`, in order; `value` is read back from the terminal, if it could be."""

    id: UUID
    state: CommandState
    detail: str
    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True)
class Birth:
    """The gateway began to speak, or learnt of tags: `tags` are a part of its catalogue, or what is new in it."""

    at: datetime
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Sign of life; `readings_produced` (taken from terminals) is exact at number `readings_through` of lane p2."""

    at: datetime
    readings_produced: int
    readings_through: int


@dataclass(frozen=True, slots=True)
class Death:
    """The gateway stopped in good order."""

    at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Gap:
    """Stands for numbers `first_seq` to the entry's own; `count` readings measured in from_at … to_at are not there."""

    first_seq: int
    reason: GapReason
    count: int
    from_at: datetime
    to_at: datetime


@dataclass(frozen=True, slots=True)
class RulesInUse:
    """By which rules of the cloud the gateway judges: `digest` of the set, empty for none.

    `refused` is the set that it would not take, if there is one, and `detail` says why.
    """

    at: datetime
    digest: str
    refused: str
    detail: str


@dataclass(frozen=True, slots=True)
class Trespass:
    """Terminals spoke for what is not theirs, and were refused.

    `count` frames since it began, 0 once it is over; `detail` says who and for what.
    """

    at: datetime
    count: int
    detail: str


Body = Reading | Alarm | CommandStep | Birth | Heartbeat | Death | RulesInUse | Trespass | Gap


@dataclass(frozen=True, slots=True)
class Entry:
    seq: int
    body: Body

    @property
    def first_seq(self) -> int:
        return self.body.first_seq if isinstance(self.body, Gap) else self.seq


@dataclass(frozen=True, slots=True)
class Batch:
    """Gateway to cloud: consecutive entries of one lane; `sent_at` is the gateway's clock when it was sent."""

    edge: str
    boot: UUID
    lane: Lane
    sent_at: datetime
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Command:
    """Cloud to gateway: set `tag` of `equipment` to `value`; the same `id` is acted upon once.

    Not after `not_after`, and not under another epoch than `boot`. `sent_at` is by the cloud's clock, so that a gateway
    whose own is wrong knows how long there is. Sent again with every answer until its first `CommandStep` is committed.
    """

    id: UUID
    equipment: str
    tag: str
    value: float
    not_after: datetime
    boot: UUID
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Ack:
    """Cloud to gateway: all of this lane up to number `through` is committed; `commands` wait for the gateway."""

    edge: str
    boot: UUID
    lane: Lane
    through: int
    commands: tuple[Command, ...] = ()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Cloud to gateway: all rules of its site, each a table as `edge_bridge.rules.kinds` reads it.

    `digest` names exactly these rules; it is also the answer's ETag. `changed_at`: when a rule of the site was last put
    in force or out of it, by the cloud's clock; None: never, as far as the cloud knows.
    """

    digest: str
    rules: tuple[dict[str, Any], ...]
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Problem:
    """Cloud to gateway: refusal in the words of RFC 9457; over HTTP see `problem_details`."""

    status: int
    title: str
    detail: str
    seq: int | None = None
    expected_seq: int | None = None


@dataclass(frozen=True, slots=True)
class TerminalReading:
    tag: str
    value: float
    quality: Quality
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class TerminalBirth:
    """Terminal to gateway: the tags it measures. `session` is new at each start, `n` counts 1, 2, … within it.

    A late frame is taken when it comes; what differs from the frame taken under its number is refused.
    """

    terminal: str
    session: UUID
    n: int
    tags: tuple[Tag, ...]


@dataclass(frozen=True, slots=True)
class TerminalReadings:
    """Terminal to gateway: readings of one equipment; sent again unchanged until `Taken` comes back."""

    terminal: str
    session: UUID
    n: int
    equipment: str
    readings: tuple[TerminalReading, ...]


@dataclass(frozen=True, slots=True)
class Taken:
    """Gateway to terminal: frame `n` is in the journal."""

    n: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Gateway to terminal: the frame was not taken; with `retry` the same frame is welcome later."""

    n: int | None
    path: str
    detail: str
    retry: bool


@dataclass(frozen=True, slots=True)
class TerminalCommand:
    """Gateway to terminal: set `tag` of `equipment` to `value`. With an `id` seen before: only say its result again."""

    id: UUID
    equipment: str
    tag: str
    value: float


@dataclass(frozen=True, slots=True)
class TerminalCommandResult:
    """Terminal to gateway: whether command `id` was done, and the tag's `value` after it, if there is one."""

    id: UUID
    ok: bool
    detail: str
    value: float | None


Message = (
    Batch
    | Ack
    | Command
    | RuleSet
    | Problem
    | TerminalBirth
    | TerminalReadings
    | Taken
    | Refused
    | TerminalCommand
    | TerminalCommandResult
)


def after_watermark(batch: Batch, through: int) -> tuple[Entry, ...]:
    """Entries the receiver has not committed yet, given its watermark (0: none); SequenceHole if some are missing."""
    if batch.entries[0].first_seq > through + 1:
        raise SequenceHole(through + 1, batch.entries[0].first_seq)
    return tuple(entry for entry in batch.entries if entry.seq > through)
