"""Sparkplug B 3.0 in its JSON form: births and data of edge nodes and devices. Pure.

The body is one message ``{"topic": "spBv1.0/<group>/<type>/<node>[/<device>]", "payload": {…}}`` or a list of them in
the order in which they were published. Aliases are those of births in the same list. The device is the equipment, or
the node for what it says of itself; a metric's name is the tag.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from edge_bridge.adapters.data import Sample, Translation
from edge_bridge.adapters.nodes import Node, read_json
from edge_bridge.adapters.units import named
from edge_bridge.protocol import Quality, Reading
from edge_bridge.protocol.json_text import show

NAMESPACE: Final = "spBv1.0"
BIRTHS: Final = ("NBIRTH", "DBIRTH")
READ: Final = (*BIRTHS, "NDATA", "DDATA")
# Published as well; a bridge that passes on all it hears need not sort them out.
UNMEASURED: Final = ("NDEATH", "DDEATH", "NCMD", "DCMD")
HIGHEST_ALIAS: Final = 2**64 - 1
_NUMERIC: Final = {
    *(f"Int{bits}" for bits in (8, 16, 32, 64)),
    *(f"UInt{bits}" for bits in (8, 16, 32, 64)),
    "Float",
    "Double",
    "Boolean",
}
_OTHERS: Final = {"String", "DateTime", "Text", "UUID", "DataSet", "Bytes", "File", "Template"}
_QUALITY: Final = {0: Quality.BAD, 192: Quality.GOOD, 500: Quality.UNCERTAIN}
_OF_THE_SESSION: Final = ("bdSeq", "Node Control/", "Device Control/", "Node Info/")


@dataclass(frozen=True, slots=True)
class _Topic:
    group: str
    kind: str
    node: str
    device: str

    @property
    def session(self) -> tuple[str, str]:
        return self.group, self.node

    @property
    def equipment(self) -> str:
        return self.device or self.node


@dataclass(frozen=True, slots=True)
class _Metric:
    """What a birth says of one: data comes with its alias only."""

    equipment: str
    name: str
    datatype: str
    unit: str


@dataclass
class _Session:
    """Of one edge node, as far as the list tells; `last_seq` is None before its first message."""

    last_seq: int | None = None
    aliases: dict[int, _Metric] = field(default_factory=dict)
    names: dict[tuple[str, str], _Metric] = field(default_factory=dict)


def translate(data: bytes, now: datetime) -> Translation:
    told = Translation()
    document = read_json(data, told.findings)
    if document is None:
        return told
    sessions = defaultdict[tuple[str, str], _Session](_Session)
    for message in document.one_or_more():
        topic = _topic(message) if message.is_object() else None
        payload = message.needed("payload") if topic else None
        if topic and payload and payload.is_object("Sparkplug 3.0 §6.4.5"):
            told.samples.extend(_heard(payload, topic, sessions[topic.session]))
    return told


def _heard(payload: Node, topic: _Topic, session: _Session) -> list[Sample]:
    """Only deaths of nodes and commands have no seq."""
    if topic.kind in (*READ, "DDEATH"):
        _count(payload, topic, session)
    if topic.kind in UNMEASURED:
        payload.note(f"is of {topic.kind}, which measures nothing: it is not kept")
        return []
    return _samples(payload, topic, session)


def _topic(message: Node) -> _Topic | None:
    node = message.needed("topic", "tck-id-topic-structure")
    text = node.text() if node else None
    if node is None or text is None:
        return None
    parts = text.split("/")
    if parts[0] != NAMESPACE or len(parts) not in (4, 5) or parts[2] not in READ + UNMEASURED:
        advice = f"It reads {NAMESPACE}/<group>/<{'|'.join(READ)}>/<node>[/<device>]."
        node.error(f"is {show(text)}", advice, "tck-id-topic-structure")
        return None
    if (len(parts) == 5) is not parts[2].startswith("D"):
        node.error(f"is {show(text)}", "D… names a device after the node, N… does not.", "tck-id-topic-structure")
        return None
    topic = _Topic(parts[1], parts[2], parts[3], parts[4] if len(parts) == 5 else "")
    return topic if node.labelled(topic.equipment) else None


def _count(payload: Node, topic: _Topic, session: _Session) -> None:
    """seq goes 0 … 255 and round over all messages of a node; a birth of the node begins anew."""
    node = payload.needed("seq", "tck-id-payloads-sequence-num-always-included")
    seq = node.whole(0, 255, "tck-id-payloads-sequence-num-req-nbirth") if node else None
    if node is None or seq is None:
        return
    if topic.kind == "NBIRTH":
        session.aliases.clear()
        session.names.clear()
    elif session.last_seq is not None and seq != (session.last_seq + 1) % 256:
        expected = (session.last_seq + 1) % 256
        advice = "Messages are missing or out of order: have the node give birth anew."
        node.error(f"is {seq}, {expected} comes next", advice, "tck-id-payloads-sequence-num-incrementing")
    session.last_seq = seq


def _samples(payload: Node, topic: _Topic, session: _Session) -> list[Sample]:
    sent_at = payload.child("timestamp")
    if sent_at is None:
        payload.error("has no timestamp", "Give milliseconds since 1970.", "tck-id-payloads-timestamp-in-UTC")
    metrics = payload.child("metrics")
    found = []
    for metric in metrics.items("Sparkplug 3.0 §6.4.6") if metrics else []:
        known = _known(metric, topic, session) if metric.is_object() else None
        sample = _sample(metric, topic, known, sent_at) if known else None
        if sample:
            found.append(sample)
    return found


def _known(metric: Node, topic: _Topic, session: _Session) -> _Metric | None:
    alias_node = metric.child("alias")
    alias = alias_node.whole(0, HIGHEST_ALIAS) if alias_node else None
    if topic.kind in BIRTHS:
        return _born(metric, alias, topic, session)
    if metric.child("name") is None and alias is not None:
        return _by_alias(metric, alias, topic, session)
    name = _name(metric)
    if name is None:
        return None
    fresh = _Metric(topic.equipment, name, _datatype(metric), _unit(metric))
    return session.names.get((topic.equipment, name), fresh)


def _by_alias(metric: Node, alias: int, topic: _Topic, session: _Session) -> _Metric | None:
    known = session.aliases.get(alias)
    if known is not None and known.equipment == topic.equipment:
        return known
    advice = "Send the births of the node before it in the same list, or the name."
    metric.error(f"has the alias {alias}, which no birth here names", advice, "tck-id-payloads-name-requirement")
    return None


def _born(metric: Node, alias: int | None, topic: _Topic, session: _Session) -> _Metric | None:
    name = _name(metric)
    if name is None:
        return None
    if metric.child("datatype") is None and metric.child("dataType") is None:
        metric.error("has no datatype", "A birth names it.", "tck-id-payloads-metric-datatype-req")
    known = _Metric(topic.equipment, name, _datatype(metric), _unit(metric))
    if alias is not None:
        first = session.aliases.setdefault(alias, known)
        if (first.equipment, first.name) != (known.equipment, name):
            advice = "Give each metric of a node its own."
            metric.error(f"has the alias of {show(first.name)}", advice, "tck-id-payloads-alias-uniqueness")
    session.names[topic.equipment, name] = known
    return known


def _name(metric: Node) -> str | None:
    node = metric.needed("name", "tck-id-payloads-name-requirement")
    return node.label() if node else None


def _datatype(metric: Node) -> str:
    """By its word, as in the JSON of the specification; empty if it is not said."""
    node = metric.child("dataType") or metric.child("datatype")
    text = node.text() if node else ""
    if node and text and text.removesuffix("Array") not in _NUMERIC | _OTHERS:
        node.error(f"is {show(text)}", "Name a datatype of Sparkplug.", "tck-id-payloads-metric-datatype-value")
    return text or ""


def _unit(metric: Node) -> str:
    """By the property engUnit that most publishers give."""
    node = _property(metric, "engUnit")
    text = node.text() if node else None
    unit = named(text) if text else ""
    if node and unit is None:
        node.findings.warn(node.pointer, f"is the unit {show(text)}, which is not known", "Send a UCUM code.")
    return unit or ""


def _property(metric: Node, name: str) -> Node | None:
    properties = metric.child("properties")
    found = properties.child(name) if properties else None
    return (found.child("value") or found) if found else None


def _sample(metric: Node, topic: _Topic, known: _Metric, sent_at: Node | None) -> Sample | None:
    if known.name.startswith(_OF_THE_SESSION):
        return None
    value = metric.child("value")
    if value is None or metric.value.get("is_null") is True or metric.value.get("isNull") is True:
        metric.note("has no value: nothing is kept")
        return None
    if (known.datatype and known.datatype not in _NUMERIC) or isinstance(value.value, str | list | dict):
        value.note("is no number: it is not kept", "Only numbers and booleans are readings.")
        return None
    measured = metric.child("timestamp") or sent_at
    at = measured.epoch_ms("tck-id-payloads-metric-timestamp-in-UTC") if measured else None
    number = float(value.value) if isinstance(value.value, bool) else value.number()
    if at is None or number is None:
        return None
    reading = Reading(topic.equipment, known.name, number, _quality(metric), at)
    return Sample(metric.pointer, reading, known.unit)


def _quality(metric: Node) -> Quality:
    node = _property(metric, "Quality")
    if node is None:
        return Quality.GOOD
    if isinstance(node.value, bool) or node.value not in (0, 192, 500):
        node.error(f"is {show(node.value)}", "0, 192 or 500.", "tck-id-payloads-propertyset-quality-value-value")
        return Quality.UNCERTAIN
    return _QUALITY[node.value]
