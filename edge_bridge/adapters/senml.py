"""Sensor Measurement Lists, the JSON form of RFC 8428: base fields resolved, units of its registry. Pure.

A record's name is `<equipment's code>` and `<tag>`, joined by the last `:` or `/` in it.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from edge_bridge.adapters.data import Sample, Translation
from edge_bridge.adapters.nodes import Node, from_epoch, read_json
from edge_bridge.adapters.units import SENML
from edge_bridge.protocol import Quality, Reading
from edge_bridge.protocol.json_text import show

VERSION: Final = 10
ABSOLUTE_FROM: Final = 2**28  # §4.5.3: below that, seconds from now
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9\-:./_]*", re.ASCII)
_VALUES: Final = ("v", "vb", "vs", "vd")
_BASE: Final = {"bn", "bt", "bu", "bv", "bs", "bver"}
_BASE_CLAUSE: Final = "RFC 8428 §4.1"


@dataclass
class _Base:
    """Base fields as they hold from a record on (§4.1)."""

    now: datetime
    name: str = ""
    unit: str = ""
    time: float = 0.0
    value: float = 0.0
    relative: list[Node] = field(default_factory=list)

    def move_on(self, record: Node) -> None:
        if (name := record.child("bn")) is not None:
            self.name = name.text(_BASE_CLAUSE) or ""
        if (unit := record.child("bu")) is not None:
            self.unit = unit.text(_BASE_CLAUSE) or ""
        if (time := record.child("bt")) is not None:
            self.time = time.number(_BASE_CLAUSE) or 0.0
        if (value := record.child("bv")) is not None:
            self.value = value.number(_BASE_CLAUSE) or 0.0

    def at(self, record: Node) -> datetime | None:
        offset = record.child("t")
        seconds = self.time + ((offset.number("RFC 8428 §4.2") or 0.0) if offset else 0.0)
        if seconds >= ABSOLUTE_FROM:
            return record.dated(from_epoch(seconds), "RFC 8428 §4.5.3")
        self.relative.append(record)
        return record.dated(from_epoch(self.now.timestamp() + seconds), "RFC 8428 §4.5.3")


def translate(data: bytes, now: datetime) -> Translation:
    """A pack of records as readings; `now` is when it was received."""
    told = Translation()
    document = read_json(data, told.findings)
    if document is None:
        return told
    base = _Base(now)
    for record in document.items("RFC 8428 §4"):
        if record.is_object("RFC 8428 §4") and _is_understood(record):
            base.move_on(record)
            told.samples.extend(_samples(record, base))
    if base.relative:
        advice = "Send bt or t as seconds since 1970, so that the same pack sent again counts once."
        first, n = base.relative[0], len(base.relative)
        told.findings.warn(first.pointer, f"has no absolute time, like {n - 1} others", advice, "RFC 8428 §4.5.3")
    return told


def _is_understood(record: Node) -> bool:
    """§4.4: what ends in `_` must be understood, and so must the version."""
    unknown = next((name for name in record.value if name.endswith("_")), None)
    if unknown is not None:
        record.error(f"has the field {show(unknown)}, which must be understood", "Leave it out.", "RFC 8428 §4.4")
    version = record.child("bver")
    number = version.whole(1, VERSION, "RFC 8428 §4.4") if version else VERSION
    return unknown is None and number is not None


def _samples(record: Node, base: _Base) -> list[Sample]:
    given = [name for name in _VALUES if record.child(name) is not None]
    if len(given) > 1:
        record.error(f"has {' and '.join(given)}", "Give one value a record.", "RFC 8428 §4.2")
    if record.child("s") is not None or record.child("bs") is not None:
        record.note("has a sum, which is not kept", "Send the values.", "RFC 8428 §4.2")
    if len(given) != 1:
        return _without_value(record, given)
    if given[0] in ("vs", "vd"):
        record.note(f"has {given[0]}, which is no number and not kept", "Send v or vb.", "RFC 8428 §4.2")
        return []
    name, at = _named(record, base), base.at(record)
    value, unit = _value(record, given[0], base), _unit(record, base)
    if name is None or at is None or value is None or unit is None:
        return []
    return [Sample(record.pointer, Reading(*name, value, Quality.GOOD, at), unit)]


def _without_value(record: Node, given: list[str]) -> list[Sample]:
    is_for_base = record.value.keys() <= _BASE
    if not given and not is_for_base and record.child("s") is None:
        record.error("has no value", "Give v, vb, vs, vd or s.", "RFC 8428 §4.2")
    return []


def _named(record: Node, base: _Base) -> tuple[str, str] | None:
    own = record.child("n")
    text = base.name + ((own.text("RFC 8428 §4.5.1") or "") if own else "")
    if not _NAME.fullmatch(text):
        advice = "Begin with a letter or digit; go on with those and - : . / _ only."
        record.error(f"has the name {show(text)}", advice, "RFC 8428 §4.5.1")
        return None
    cut = max(text.rfind(":"), text.rfind("/"))
    if cut < 1 or cut == len(text) - 1:
        record.error(f"has the name {show(text)}", "Name the equipment and the tag, such as GAS-T0-01:ch4.")
        return None
    code, tag = record.labelled(text[:cut]), record.labelled(text[cut + 1 :])
    return None if code is None or tag is None else (code, tag)


def _value(record: Node, which: str, base: _Base) -> float | None:
    node = record.child(which)
    assert node is not None
    if which == "v":
        number = node.number("RFC 8428 §4.3")
        return None if number is None else _finite(node, number + base.value)
    if not isinstance(node.value, bool):
        node.error(f"must be true or false, is {show(node.value)}", clause="RFC 8428 §4.3")
        return None
    return float(node.value)


def _finite(node: Node, number: float) -> float | None:
    return Node(number, node.pointer, node.findings).number("RFC 8428 §4.1")


def _unit(record: Node, base: _Base) -> str | None:
    """Its UCUM code, empty if it names none; None, and an error, if the registry has it not."""
    own = record.child("u")
    symbol = (own.text("RFC 8428 §4.2") or "") if own else base.unit
    if symbol and symbol not in SENML:
        record.error(f"has the unit {show(symbol)}", "Take one of the SenML units registry.", "RFC 8428 §12.1")
        return None
    return SENML.get(symbol, "")
