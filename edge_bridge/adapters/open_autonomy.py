"""Messages between a dispatch system and autonomous machines, as github.com/open-autonomy/dispatch has them. Pure.

One message an envelope. Position, payload, health, production state and faults are readings; assignments, all-stops
and the definition of a fleet measure nothing and are not kept. `EquipmentId` names the equipment: its code here, or
the id that it has here. Numbers in text are taken, as the examples of the specification have them.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from edge_bridge.adapters.data import Sample, Translation
from edge_bridge.adapters.nodes import Node, read_json
from edge_bridge.adapters.units import named
from edge_bridge.protocol import MAX_NAME_CHARS, Quality, Reading
from edge_bridge.protocol.json_text import show
from edge_bridge.protocol.machine import MachineState

PROTOCOL: Final = "Open-Autonomy"
ENVELOPE: Final = {"Protocol", "Version", "Timestamp", "EquipmentId"}
# Of the specification's messages those that carry no reading.
UNMEASURED: Final = {
    "FleetDefinitionV2",
    "HaulTruckAssignmentRequestV2",
    "HaulTruckAssignmentResponseV1",
    "MachineAllStopRequestV1",
    "MachineAllStopResponseV1",
    "MachineAllStopV1",
    "MachineAutonomyModeV1",
    "MachineDispatchAvailabilityV1",
    "MapConnectivityV1",
}
STATES: Final = {
    "Off": MachineState.STOPPED,
    "Driving": MachineState.TRAMMING,
    "Spotting": MachineState.SPOTTING,
    "Loading": MachineState.LOADING,
    "Hauling": MachineState.HAULING,
    "Dumping": MachineState.DUMPING,
    "Queued": MachineState.QUEUEING,
    "Stopped": MachineState.STOPPED,
    "Parked": MachineState.STOPPED,
}
MODES: Final = {
    "Manual",
    "Autonomous",
    "TransitionToAutonomous",
    "TransitionToManual",
    "AllStop",
    "EmergencyStop",
    "RemoteControl",
}
_Columns = dict[str, tuple[str, str]]
POSITION: Final[_Columns] = {
    "Latitude": ("latitude", "deg"),
    "Longitude": ("longitude", "deg"),
    "Elevation": ("elevation", "m"),
    "Heading": ("heading", "deg"),
    "Speed": ("speed", "km/h"),
}
PAYLOAD: Final[_Columns] = {"PayloadWeight": ("payload", "t")}
HEALTH: Final[_Columns] = {
    "FuelLevel": ("fuel", "%"),
    "AdBlueLevel": ("def", "%"),
    "TotalMachineHour": ("operating_hours", "h"),
    "TotalEngineHour": ("engine_hours", "h"),
}
TYRE: Final[_Columns] = {"TirePressure": ("tyre_pressure", "kPa"), "TireTemperature": ("tyre_temperature", "Cel")}


class _Machine:
    """Of whom and of when a message speaks, and what it measured."""

    def __init__(self, code: str, at: datetime) -> None:
        self.code = code
        self.at = at
        self.samples: list[Sample] = []

    def add(self, node: Node, tag: str, value: float | None, unit: str, at: datetime | None = None) -> None:
        if value is not None:
            reading = Reading(self.code, tag, value, Quality.GOOD, at or self.at)
            self.samples.append(Sample(node.pointer, reading, unit))


def translate(data: bytes, now: datetime) -> Translation:
    told = Translation()
    document = read_json(data, told.findings)
    if document is None or not document.is_object("specification/README"):
        return told
    at = _envelope(document)
    bodies = [name for name in document.value if name not in ENVELOPE]
    if not bodies:
        document.error("carries no message", f"Add one such as {', '.join(READERS)}.", "specification/README")
    code = None
    if any(name in READERS for name in bodies):
        equipment = document.needed("EquipmentId", "specification/README")
        code = equipment.label("specification/README") if equipment else None
    machine = _Machine(code, at) if code and at else None
    for name in bodies:
        _take(document, name, machine)
    if machine:
        told.samples.extend(machine.samples)
    return told


def _envelope(document: Node) -> datetime | None:
    protocol = document.needed("Protocol", "specification/README")
    said = protocol.text() if protocol else None
    if protocol and said is not None and said.strip() != PROTOCOL:
        protocol.error(f"is {show(said)}", f"It reads {PROTOCOL}.", "specification/README")
    elif protocol and said != PROTOCOL:
        document.findings.warn(protocol.pointer, f"is {show(said)}, with spaces around it", "Take them away.")
    if document.child("Version") is None:
        document.findings.warn("/Version", "is missing", "Give 1.", "specification/README")
    timestamp = document.needed("Timestamp", "specification/README")
    return timestamp.time("specification/README") if timestamp else None


def _take(document: Node, name: str, machine: _Machine | None) -> None:
    body = document.child(name)
    if name in UNMEASURED:
        if body:
            body.note("measures nothing: it is not kept", "Send it to the dispatch system.", f"specification/{name}")
    elif name not in READERS:
        advice = f"Known are {', '.join(sorted({*READERS, *UNMEASURED}))}."
        document.error(f"carries {show(name)}, which is not known", advice, "specification/README")
    elif body is None:
        document.error(f"has a {name} of null", "Leave it out or fill it.", f"specification/{name}")
    elif machine:
        READERS[name](body, machine, f"specification/{name}")


def _columns(body: Node, columns: _Columns, machine: _Machine, clause: str, at: datetime | None = None) -> None:
    for key, (tag, unit) in columns.items():
        node = body.child(key)
        if node is not None:
            machine.add(node, tag, node.number(clause, quoted=True), unit, at)
        elif key in body.value:
            body.findings.note(f"{body.pointer}/{key}", "is null: nothing was measured", clause=clause)


def _position(body: Node, machine: _Machine, clause: str) -> None:
    if body.is_object(clause):
        timestamp = body.child("Timestamp")
        at = timestamp.time(clause) if timestamp else machine.at
        for needed in ("Latitude", "Longitude"):
            body.needed(needed, clause)
        _columns(body, POSITION, machine, clause, at)


def _payload(body: Node, machine: _Machine, clause: str) -> None:
    if body.is_object(clause):
        body.needed("PayloadWeight", clause)
        _columns(body, PAYLOAD, machine, clause)


def _health(body: Node, machine: _Machine, clause: str) -> None:
    if not body.is_object(clause):
        return
    _columns(body, HEALTH, machine, clause)
    tyres, others = body.child("Tire"), body.child("Additional")
    for tyre in tyres.items(clause) if tyres else []:
        _tyre(tyre, machine, clause)
    for sensor in others.items(clause) if others else []:
        _additional(sensor, machine, clause)


def _tyre(tyre: Node, machine: _Machine, clause: str) -> None:
    node = tyre.needed("TirePosition", clause) if tyre.is_object(clause) else None
    position = node.label(clause) if node else None
    if node is None or position is None or len(position) > MAX_NAME_CHARS - len("tyre_temperature_"):
        if node and position:
            node.error("is too long", "Number tyres as ISO 23725 does, such as 1.7.", clause)
        return
    _columns(tyre, {key: (f"{tag}_{position}", unit) for key, (tag, unit) in TYRE.items()}, machine, clause)


def _additional(sensor: Node, machine: _Machine, clause: str) -> None:
    if not sensor.is_object(clause):
        return
    name, unit_node = sensor.needed("SensorId", clause), sensor.needed("Unit", clause)
    tag, unit_name = name.label(clause) if name else None, unit_node.text(clause) if unit_node else None
    if tag is None or unit_node is None or unit_name is None:
        return
    unit = named(unit_name)
    if unit is None:
        advice = "Send a UCUM code; the value is kept without a unit."
        sensor.findings.warn(unit_node.pointer, f"is the unit {show(unit_name)}, which is not known", advice)
    _columns(sensor, {"Value": (tag, unit or "")}, machine, clause)


def _production(body: Node, machine: _Machine, clause: str) -> None:
    if not body.is_object(clause):
        return
    state, mode = body.needed("ProductionState", clause), body.needed("AutonomyMode", clause)
    if state:
        word = _one_of(state, STATES, clause)
        machine.add(state, "state", float(STATES[word]) if word else None, "1")
    if mode:
        word = _one_of(mode, MODES, clause)
        machine.add(mode, "autonomous", float(word == "Autonomous") if word else None, "1")


def _one_of(node: Node, words: dict[str, MachineState] | set[str], clause: str) -> str | None:
    word = node.text(clause)
    if word is not None and word not in words:
        node.error(f"is {show(word)}", f"One of {', '.join(sorted(words))}.", clause)
        return None
    return word


def _faults(body: Node, machine: _Machine, clause: str) -> None:
    faults = body.items(clause)
    for fault in faults:
        for key in ("ComponentId", "FaultCode") if fault.is_object(clause) else ():
            node = fault.needed(key, clause)
            if node:
                node.whole(0, 2**53, clause)
    if isinstance(body.value, list):
        machine.add(body, "active_faults", float(len(faults)), "1")


READERS: Final[dict[str, Callable[[Node, _Machine, str], None]]] = {
    "MachinePositionV1": _position,
    "HaulTruckPayloadV1": _payload,
    "BasicMachineHealthV2": _health,
    "HaulTruckProductionStateV2": _production,
    "MachineDiagnosticV2": _faults,
    "MachineDiagnosticV3": _faults,
}
