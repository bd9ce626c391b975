"""Our fleet as a snapshot of ISO/TS 15143-3 (AEMP 2.0): one page of it, in JSON or XML. Pure.

Make, model and serial number are not known here and left out, rather than made up: EquipmentID is the equipment's code.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element as XmlElement
from xml.etree.ElementTree import SubElement, tostring

from edge_bridge.adapters.elements import ELEMENTS, NAMESPACE, UNIT_WORDS, Element
from edge_bridge.adapters.units import converted


@dataclass(frozen=True, slots=True)
class Figure:
    """A newest value with the UCUM code of its unit (empty: not known)."""

    value: float
    unit: str
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Machine:
    """`figures` by tag."""

    code: str
    kind: str
    figures: Mapping[str, Figure]


@dataclass(frozen=True, slots=True)
class Page:
    machines: Sequence[Machine]
    links: Sequence[tuple[str, str]]
    taken_at: datetime


def as_json(page: Page) -> dict[str, Any]:
    """The snapshot as plain values; XML has the same, with `datetime` as attribute."""
    return {
        "version": "1",
        "snapshotTime": _time(page.taken_at),
        "Links": [{"rel": rel, "href": href} for rel, href in page.links],
        "Equipment": [_equipment(machine) for machine in page.machines],
    }


def as_xml(snapshot: Mapping[str, Any]) -> bytes:
    """From what `as_json` made."""
    root = XmlElement("Fleet", xmlns=NAMESPACE)
    _fill(root, snapshot)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _fill(parent: XmlElement, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        if name in ("version", "snapshotTime", "datetime"):
            parent.set(name, value)
            continue
        for each in value if isinstance(value, list) else [value]:
            child = SubElement(parent, name)
            if isinstance(each, dict):
                _fill(child, each)
            else:
                child.text = str(each).lower() if isinstance(each, bool) else str(each)


def _equipment(machine: Machine) -> dict[str, Any]:
    shown: dict[str, Any] = {"EquipmentHeader": {"Model": machine.kind, "EquipmentID": machine.code}}
    for name in dict.fromkeys(element.name for element in ELEMENTS):
        part = _part([element for element in ELEMENTS if element.name == name], machine)
        if part and (name != "Location" or {"Latitude", "Longitude"} <= part.keys()):
            shown[name] = part
    return shown


def _part(elements: Sequence[Element], machine: Machine) -> dict[str, Any]:
    """Of several figures the time of the oldest, since a part has only one; empty if there are none."""
    part: dict[str, Any] = {}
    times = []
    for element in elements:
        figure = machine.figures.get(element.tag)
        value = _value(figure, element) if figure else None
        if figure is None or value is None:
            continue
        times.append(figure.measured_at)
        if element.units:
            part[element.units] = UNIT_WORDS[element.unit]
        part[element.value] = bool(value) if element.value == "Running" else value
    return {"datetime": _time(min(times)), **part} if times else {}


def _value(figure: Figure, element: Element) -> float | None:
    """None if its unit is of another kind than the element's."""
    return converted(figure.value, figure.unit or element.unit, element.unit)


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
