"""Values of a foreign message with the place where each stands; what is wrong with one is a finding there. Pure."""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_bridge.adapters.data import Findings
from edge_bridge.protocol import MAX_ENTRIES, MAX_NAME_CHARS, ProtocolError
from edge_bridge.protocol.json_text import parse, show

MOST_ITEMS = 2 * MAX_ENTRIES
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_LONGEST_NUMBER = 40


@dataclass(frozen=True, slots=True)
class Node:
    value: Any
    pointer: str
    findings: Findings

    def child(self, name: str) -> "Node | None":
        """The member of an object; None if it is absent or null."""
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return None if found is None else Node(found, f"{self.pointer}/{name}", self.findings)

    def needed(self, name: str, clause: str = "") -> "Node | None":
        found = self.child(name)
        if found is None:
            self.findings.error(f"{self.pointer}/{name}", "is missing", f"Give {name}.", clause)
        return found

    def items(self, clause: str = "") -> "list[Node]":
        if not isinstance(self.value, list):
            self.error(f"must be a list, is {show(self.value)}", clause=clause)
            return []
        if len(self.value) > MOST_ITEMS:
            self.error(f"has {len(self.value)} items; the limit is {MOST_ITEMS}", "Send it in parts.")
            return []
        return [Node(value, f"{self.pointer}/{index}", self.findings) for index, value in enumerate(self.value)]

    def one_or_more(self) -> "list[Node]":
        """As XML has it, where a list of one looks like its only item."""
        return self.items() if isinstance(self.value, list) else [self]

    def is_object(self, clause: str = "") -> bool:
        if not isinstance(self.value, dict):
            self.error(f"must be an object, is {show(self.value)}", clause=clause)
        return isinstance(self.value, dict)

    def error(self, message: str, advice: str = "", clause: str = "") -> None:
        self.findings.error(self.pointer, message, advice, clause)

    def note(self, message: str, advice: str = "", clause: str = "") -> None:
        self.findings.note(self.pointer, message, advice, clause)

    def number(self, clause: str = "", *, quoted: bool = False) -> float | None:
        """With `quoted` a number in text is one too."""
        number = _as_number(self.value, quoted)
        if number is None:
            self.error(f"must be a finite number, is {show(self.value)}", "Send a JSON number.", clause)
        return number

    def whole(self, lowest: int, highest: int, clause: str = "") -> int | None:
        value = self.value
        if isinstance(value, bool) or not isinstance(value, int) or not lowest <= value <= highest:
            self.error(f"must be a whole number from {lowest} to {highest}, is {show(value)}", clause=clause)
            return None
        return value

    def text(self, clause: str = "") -> str | None:
        if not isinstance(self.value, str):
            self.error(f"must be text, is {show(self.value)}", clause=clause)
            return None
        return self.value

    def time(self, clause: str = "") -> datetime | None:
        """From ISO 8601 text with a zone."""
        text = self.text(clause)
        if text is None:
            return None
        return self.dated(from_iso(text), clause)

    def epoch_ms(self, clause: str = "") -> datetime | None:
        """From milliseconds since 1970."""
        ms = self.whole(0, 10**18, clause)
        return None if ms is None else self.dated(from_epoch(ms / 1000), clause)

    def dated(self, at: datetime | None, clause: str = "") -> datetime | None:
        """`at`, which was read here, if it is a time at which something can have been measured."""
        if at is None:
            self.error(f"is not a time: {show(self.value)}", "Send one such as 2026-03-01T06:00:00Z.", clause)
        elif at < EARLIEST:
            self.error(f"is a time before {EARLIEST:%Y}: {show(self.value)}", "Set the sender's clock.", clause)
            return None
        return at

    def label(self, clause: str = "") -> str | None:
        """A name as it can be kept as equipment's code or tag, without the spaces around it."""
        text = self.text(clause)
        return None if text is None else self.labelled(text.strip(), clause)

    def labelled(self, text: str, clause: str = "") -> str | None:
        """`text`, which was made of what stands here, if it can be a code or tag."""
        if 1 <= len(text) <= MAX_NAME_CHARS and text.isprintable() and text == text.strip():
            return text
        self.error(f"makes the name {show(text)}", f"It must have 1 to {MAX_NAME_CHARS} printable characters.", clause)
        return None


def from_iso(text: str) -> datetime | None:
    """None if it is no time with a zone."""
    try:
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo and "T" in text else None
    except (ValueError, OverflowError):
        return None


def from_epoch(seconds: float) -> datetime | None:
    """None if no calendar has it."""
    try:
        return _EPOCH + timedelta(seconds=seconds)
    except OverflowError:
        return None


def read_json(data: bytes, findings: Findings) -> Node | None:
    """The whole document; None, and an error that says why, if it is not JSON."""
    try:
        return Node(parse(data), "", findings)
    except ProtocolError as error:
        findings.error("", error.message, "Send one JSON document in UTF-8.", "RFC 8259")
        return None


def _as_number(value: Any, quoted: bool) -> float | None:
    if quoted and isinstance(value, str):
        text = value.strip()
        value = float(text) if len(text) <= _LONGEST_NUMBER and _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
