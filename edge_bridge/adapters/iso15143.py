"""Fleet snapshots of ISO/TS 15143-3 (AEMP 2.0), in XML or JSON, as readings. Pure.

XML is read into the same plain values as JSON: children by name, attributes beside them, a list where a name comes
several times. Providers spell `datetime` in their own ways, so its case and whether it is an attribute do not matter.
"""

from datetime import datetime
from typing import Any, Final
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from edge_bridge.adapters.data import Findings, Sample, Translation
from edge_bridge.adapters.elements import ELEMENTS, NAMES, Element
from edge_bridge.adapters.nodes import Node, read_json
from edge_bridge.adapters.units import converted, named
from edge_bridge.protocol import MAX_MESSAGE_BYTES, Quality, Reading
from edge_bridge.protocol.json_text import show

DEEPEST: Final = 10
NEVER: Final = "0001-01-01"
# Who the machine is: the first of these that is given. EquipmentID is the owner's own name for it.
IDENTIFIERS: Final = ("EquipmentID", "PIN", "SerialNumber")


def translate(data: bytes, now: datetime) -> Translation:
    told = Translation()
    document = _document(data, told.findings)
    if document is None or not document.is_object("ISO/TS 15143-3 8.2.1"):
        return told
    fleet = document.child("Fleet") or document
    links = fleet.child("Links")
    # A page may be empty, but then it says at least which page it is.
    machines = fleet.child("Equipment") if links else fleet.needed("Equipment", "ISO/TS 15143-3 8.2.1")
    for machine in machines.one_or_more() if machines else []:
        if machine.is_object("ISO/TS 15143-3 11.1"):
            _take(machine, told)
    if links and any(link.value.get("rel") == "next" for link in links.one_or_more() if isinstance(link.value, dict)):
        links.note("names further pages", "Send each of them.", "ISO/TS 15143-3 7")
    return told


def _document(data: bytes, findings: Findings) -> Node | None:
    if not data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return read_json(data, findings)
    if len(data) > MAX_MESSAGE_BYTES:
        findings.error("", f"is {len(data)} bytes; the limit is {MAX_MESSAGE_BYTES}", "Send smaller pages.")
        return None
    try:
        root = fromstring(data, forbid_dtd=True)
    except DefusedXmlException:
        findings.error("", "has a document type or entities", "Send plain elements.", "ISO/TS 15143-3 6")
    except (ParseError, ValueError, LookupError) as error:  # of them, unknown encodings
        findings.error("", f"is not XML: {show(str(error))}", "Send one well-formed document.", "ISO/TS 15143-3 6")
    else:
        return Node({_local(root.tag): _plain(root, 1)}, "", findings)
    return None


def _plain(element: XmlElement, depth: int) -> Any:
    """Text, or children and attributes by their local names; what lies deeper than DEEPEST is left out."""
    found: dict[str, Any] = {_local(name): text for name, text in element.attrib.items()}
    for child in element if depth < DEEPEST else ():
        name, value = _local(child.tag), _plain(child, depth + 1)
        if name not in found:
            found[name] = value
        elif isinstance(found[name], list):
            found[name].append(value)
        else:
            found[name] = [found[name], value]
    return found or (element.text or "").strip()


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _take(machine: Node, told: Translation) -> None:
    header = machine.needed("EquipmentHeader", "ISO/TS 15143-3 11.2")
    code = _code(header) if header and header.is_object("ISO/TS 15143-3 11.2") else None
    for name in machine.value:
        if name not in NAMES and name != "EquipmentHeader":
            told.findings.note(machine.pointer, f"has {show(name)}, which is not kept")
    for name in sorted(NAMES & machine.value.keys()) if code else ():
        part = machine.child(name)
        if part is None or part.value == "":
            continue
        if part.is_object(f"ISO/TS 15143-3 {name}"):
            told.samples.extend(_samples(part, name, code or ""))


def _code(header: Node) -> str | None:
    for name in IDENTIFIERS:
        node = header.child(name)
        if node is not None and node.value not in ("", "missing"):
            return node.label("ISO/TS 15143-3 11.2.5")
    header.error("names no machine", f"Give one of {', '.join(IDENTIFIERS)}.", "ISO/TS 15143-3 11.2.5")
    return None


def _samples(part: Node, name: str, code: str) -> list[Sample]:
    found = []
    at = _measured_at(part)
    for element in (each for each in ELEMENTS if each.name == name) if at else ():
        node = part.child(element.value)
        if node is None or node.value == "":
            continue
        value = _value(node, part, element)
        if value is not None and at is not None:
            reading = Reading(code, element.tag, value, Quality.GOOD, at)
            found.append(Sample(node.pointer, reading, element.unit))
    return found


def _measured_at(part: Node) -> datetime | None:
    clause = "ISO/TS 15143-3 9"
    name = next((name for name in part.value if name.lower() == "datetime"), None)
    node = part.child(name) if name else None
    if node is None:
        part.error("has no datetime", "Say when it was measured.", clause)
        return None
    if isinstance(node.value, str) and node.value.startswith(NEVER):
        node.note("is the time of what was never measured: it is not kept", clause=clause)
        return None
    return node.time(clause)


def _value(node: Node, part: Node, element: Element) -> float | None:
    clause = f"ISO/TS 15143-3 {element.clause or element.name}"
    if element.value == "Running":
        return _running(node, clause)
    number = node.number(clause, quoted=True)
    unit = _unit(part, element)
    if number is None or unit is None:
        return None
    value = converted(number, unit, element.unit)
    if value is None:
        node.error(f"can't be turned from {unit} into {element.unit}", "Name a unit of that kind.", clause)
        return None
    return Node(value, node.pointer, node.findings).number(clause)


def _running(node: Node, clause: str) -> float | None:
    word = str(node.value).strip().lower()
    if word not in ("true", "false", "1", "0"):
        node.error(f"must be true or false, is {show(node.value)}", clause=clause)
        return None
    return float(word in ("true", "1"))


def _unit(part: Node, element: Element) -> str | None:
    """The UCUM code in which the value came; that of the tag if nothing says otherwise."""
    said = part.child(element.units) if element.units else None
    if said is None or said.value == "":
        return element.unit
    text = said.text()
    unit = named(text) if text else None
    if text and unit is None:
        said.error(f"is the unit {show(text)}, which is not known", "Name one such as litre, kilometre, kilogram.")
    return unit
