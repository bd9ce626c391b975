"""Taking in what others say in their own tongue: numbered here, then recorded as any batch is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from edge_bridge.actions import lock_stream, record
from edge_bridge.adapters import queries
from edge_bridge.adapters.catalogue import Catalogue, held_against, new_units
from edge_bridge.adapters.data import Finding, Sample, Translation, Weight
from edge_bridge.adapters.tongues import EPOCHS
from edge_bridge.models import Device, Watermark
from edge_bridge.protocol import MAX_ENTRIES, Batch, Birth, Body, Entry, Lane, Tag
from tenants.api import require
from tenants.data import FieldError, Invalid


@dataclass(frozen=True, slots=True)
class Taken:
    """Of `readings` in the message: how many are new and stored, were known, or could not be placed."""

    readings: int
    stored: int
    known: int
    set_aside: int
    findings: tuple[Finding, ...]


def take(*, device: Device, tongue: str, translation: Translation) -> Taken:
    """Store what the message adds, all or nothing; the answer may be sent once the transaction has committed.

    A message that comes again adds nothing, nor do figures that a snapshot repeats. Raises Invalid, with a pointer to
    each fault, if the message is wrong.
    """
    require("send_readings")
    stream = lock_stream(device, tongue, EPOCHS[tongue], Lane.P2)
    catalogue, samples = check(device=device, translation=translation)
    _refuse_faults(translation)
    _name_units(device, tongue, samples, catalogue)
    fresh = queries.unheard(stream, samples, catalogue, datetime.now(UTC))
    was_aside = stream.quarantined
    if fresh:
        _say(device, stream, [sample.reading for sample in fresh])
        stream.refresh_from_db(fields=["quarantined"])
    n_aside = stream.quarantined - was_aside
    n_known = len(samples) - len(fresh)
    return Taken(len(samples), len(fresh) - n_aside, n_known, n_aside, tuple(translation.findings))


def check(*, device: Device, translation: Translation) -> tuple[Catalogue, list[Sample]]:
    """The samples as they are kept at the device's site; what doesn't fit is added to the findings."""
    require("send_readings")
    catalogue = queries.catalogue(device, translation)
    samples = held_against(translation, catalogue, datetime.now(UTC))
    if len(samples) > MAX_ENTRIES:
        translation.findings.error("", f"has {len(samples)} readings", f"Send at most {MAX_ENTRIES} at a time.")
    return catalogue, samples


def _refuse_faults(translation: Translation) -> None:
    findings = translation.findings
    if findings.conforms:
        return
    n_faults = findings.count[Weight.ERROR]
    errors = tuple(FieldError(fault.pointer or "/", in_words(fault)) for fault in findings.of(Weight.ERROR))
    raise Invalid(f"The message has {n_faults} fault{'s' * (n_faults > 1)}; nothing of it was kept.", errors)


def in_words(finding: Finding) -> str:
    clause = f" ({finding.clause})" if finding.clause else ""
    return f"{finding.message}{clause}. {finding.advice}".strip()


def _name_units(device: Device, tongue: str, samples: list[Sample], catalogue: Catalogue) -> None:
    tags = tuple(Tag(code, tag, unit) for (code, tag), unit in new_units(samples, catalogue).items())
    if tags:
        stream = lock_stream(device, tongue, EPOCHS[tongue], Lane.P1)
        _say(device, stream, [Birth(datetime.now(UTC), tags)])


def _say(device: Device, stream: Watermark, bodies: Sequence[Body]) -> None:
    """As the next entries of the stream, whose lock is held."""
    entries = tuple(Entry(seq, body) for seq, body in enumerate(bodies, stream.through + 1))
    record(
        device=device,
        batch=Batch(stream.edge, stream.boot, Lane(stream.lane), datetime.now(UTC), entries),
        are_converted=True,
    )
