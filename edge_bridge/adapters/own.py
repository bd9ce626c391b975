"""Batches of our own protocol, looked at as the messages of others are. Pure."""

from datetime import datetime

from edge_bridge.adapters.data import Naming, Sample, Translation
from edge_bridge.protocol import Batch, Birth, ProtocolError, Reading, decode

CLAUSE = "edge_bridge/protocol"


def translate(data: bytes, now: datetime) -> Translation:
    """The first fault only: what comes after it can't be told apart from it."""
    told = Translation()
    try:
        message = decode(data)
    except ProtocolError as error:
        told.findings.error(error.pointer, error.message, "See docs/how-to/send-readings.md.", CLAUSE)
        return told
    if not isinstance(message, Batch):
        told.findings.error("/type", "is no batch", "Only batches go to the cloud.", CLAUSE)
        return told
    for index, entry in enumerate(message.entries):
        match entry.body:
            case Reading() as reading:
                told.samples.append(Sample(f"/entries/{index}", reading, ""))
            case Birth(tags=tags):
                told.namings.extend(Naming(f"/entries/{index}/tags/{n}", tag) for n, tag in enumerate(tags))
    return told
