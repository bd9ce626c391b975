"""A translation held against the tag dictionary: whether its tags and units are known, its values plausible. Pure.

All of it is taken in all the same, so these are warnings.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from edge_bridge.adapters.catalogue import Catalogue
from edge_bridge.adapters.data import Findings, Sample, Translation
from edge_bridge.adapters.units import converted
from edge_bridge.readings.tags import TagDefinition, judged, meaning

CLAUSE: Final = "tag dictionary"
MOST_TAGS: Final = 200  # suggestions for what is unknown take their time


def judge(translation: Translation, samples: Sequence[Sample], catalogue: Catalogue) -> None:
    """Adds to the findings; `samples` are those of the translation as they are kept."""
    findings = translation.findings
    told = {naming.name: naming.tag.unit for naming in translation.namings}
    units = [sample.unit or told.get(sample.name) or catalogue.units.get(sample.name, "") for sample in samples]
    named = [(naming.pointer, naming.tag.tag, naming.tag.unit) for naming in translation.namings]
    named += [(sample.pointer, sample.reading.tag, unit) for sample, unit in zip(samples, units, strict=True)]
    _judge_names(named, findings)
    for sample, unit in zip(samples, units, strict=True):
        _judge_value(sample, unit, findings)


def _judge_names(named: Iterable[tuple[str, str, str]], findings: Findings) -> None:
    """Each tag with its unit once, where it first stands."""
    first: dict[tuple[str, str], str] = {}
    for pointer, tag, unit in named:
        first.setdefault((tag, unit), pointer)
    for (tag, unit), pointer in islice(first.items(), MOST_TAGS):
        for problem in judged(tag, unit).problems:
            findings.warn(pointer, problem, clause=CLAUSE)


def _judge_value(sample: Sample, unit: str, findings: Findings) -> None:
    definition = meaning(sample.reading.tag, unit)
    value = converted(sample.reading.value, unit, definition.unit) if definition else None
    if definition and value is not None and not definition.lowest <= value <= definition.highest:
        message = f"says {sample.reading.tag!r} is {value:.6g} {definition.unit}, which is hardly possible"
        findings.warn(sample.pointer, message, _advice(definition), CLAUSE)


def _advice(definition: TagDefinition) -> str:
    limits = f"{definition.lowest:.6g} to {definition.highest:.6g} {definition.unit}"
    return f"Check the sensor and the unit; plausible is {limits}."
