"""A translation held against what is known here: which machines there are, and in which unit each tag is kept. Pure."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from edge_bridge.adapters.data import Findings, Naming, Sample, Translation
from edge_bridge.adapters.units import converted
from edge_bridge.data import AHEAD_AT_MOST


@dataclass(frozen=True, slots=True)
class Catalogue:
    """`codes` of equipment at the site, `ids` of it → code; `units` by (code, tag), empty where none was named.

    `series`: the ids of those that there are, by (code, tag).
    """

    codes: Container[str]
    ids: Mapping[str, str]
    units: Mapping[tuple[str, str], str]
    series: Mapping[tuple[str, str], UUID] = field(default_factory=dict)

    def has_place_for(self, sample: Sample, now: datetime) -> bool:
        """Else it is set aside."""
        return sample.name[0] in self.codes and not is_ahead(sample, now)


def is_ahead(sample: Sample, now: datetime) -> bool:
    return sample.reading.measured_at > now + AHEAD_AT_MOST


def held_against(translation: Translation, catalogue: Catalogue, now: datetime) -> list[Sample]:
    """The samples under the codes and in the units that are kept here; a unit of another kind is an error."""
    findings = translation.findings
    found = _in_kept_units([_by_code(sample, catalogue) for sample in translation.samples], catalogue, findings)
    _name_strangers([*translation.namings, *found], catalogue, findings)
    for sample in found:
        _hold_time(sample, now, findings)
    for naming in translation.namings:
        _hold_naming(naming, catalogue.units.get(naming.name, ""), findings)
    return found


def new_units(samples: list[Sample], catalogue: Catalogue) -> dict[tuple[str, str], str]:
    """What the message teaches: the unit of tags of known equipment that have none yet."""
    named = {sample.name: sample.unit for sample in samples if sample.unit}
    return {
        name: unit for name, unit in named.items() if name[0] in catalogue.codes and not catalogue.units.get(name, "")
    }


def _name_strangers(parts: Iterable[Naming | Sample], catalogue: Catalogue, findings: Findings) -> None:
    """Each once, where it is first spoken of."""
    first: dict[str, str] = {}
    for part in parts:
        first.setdefault(part.name[0], part.pointer)
    for code, pointer in first.items():
        if code not in catalogue.codes:
            advice = "Register it at the device's site; until then its readings are set aside."
            findings.warn(pointer, f"is of equipment {code!r}, which is not at this site", advice)


def _hold_time(sample: Sample, now: datetime, findings: Findings) -> None:
    if is_ahead(sample, now):
        findings.warn(sample.pointer, "is more than a day ahead and set aside", "Set the sender's clock.")


def _hold_naming(naming: Naming, kept: str, findings: Findings) -> None:
    unit = naming.tag.unit
    if kept and converted(1.0, unit, kept) is None:
        advice = f"Name a unit that converts to {kept}, or another tag; else the birth is set aside."
        findings.warn(naming.pointer, f"names {unit!r}, but {naming.tag.tag!r} is kept in {kept!r}", advice)


def _by_code(sample: Sample, catalogue: Catalogue) -> Sample:
    said = sample.reading.equipment
    code = catalogue.ids.get(said.lower(), said) if said not in catalogue.codes else said
    return sample if code == said else replace(sample, reading=replace(sample.reading, equipment=code))


def _in_kept_units(samples: Iterable[Sample], catalogue: Catalogue, findings: Findings) -> list[Sample]:
    """A tag that has no unit takes the first that the message names for it."""
    units, found = dict(catalogue.units), []
    for sample in samples:
        kept = units[sample.name] = units.get(sample.name) or sample.unit
        found.append(_converted(sample, kept, findings))
    return found


def _converted(sample: Sample, kept: str, findings: Findings) -> Sample:
    if not sample.unit or kept == sample.unit:
        return sample
    value = converted(sample.reading.value, sample.unit, kept)
    if value is None:
        advice = f"Send it in {kept}, or under another tag."
        findings.error(sample.pointer, f"is in {sample.unit}, but {sample.reading.tag!r} is kept in {kept}", advice)
        return sample
    return replace(sample, unit=kept, reading=replace(sample.reading, value=value))
