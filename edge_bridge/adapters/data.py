"""What a message in another tongue comes to: samples, and findings on what is wrong with it. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from edge_bridge.protocol import Reading, Tag

MOST_FINDINGS = 100


class Weight(StrEnum):
    """error: the message is refused; warning: taken, but look at it; note: this part of it is not kept."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Finding:
    """`pointer` (RFC 6901) names the value; in XML too, with an index where an element comes several times.

    `advice`: what to do. `clause`: which part of the format says so, empty where it is a rule of ours.
    """

    pointer: str
    weight: Weight
    message: str
    advice: str = ""
    clause: str = ""


class Findings:
    """Findings on one message in the order in which they were made; the first MOST_FINDINGS are kept, all counted."""

    def __init__(self) -> None:
        self.count = dict.fromkeys(Weight, 0)
        self._kept: list[Finding] = []

    def __iter__(self) -> Iterator[Finding]:
        return iter(self._kept)

    def of(self, weight: Weight) -> list[Finding]:
        return [finding for finding in self._kept if finding.weight is weight]

    def error(self, pointer: str, message: str, advice: str = "", clause: str = "") -> None:
        self._add(Finding(pointer, Weight.ERROR, message, advice, clause))

    def warn(self, pointer: str, message: str, advice: str = "", clause: str = "") -> None:
        self._add(Finding(pointer, Weight.WARNING, message, advice, clause))

    def note(self, pointer: str, message: str, advice: str = "", clause: str = "") -> None:
        self._add(Finding(pointer, Weight.NOTE, message, advice, clause))

    @property
    def conforms(self) -> bool:
        return not self.count[Weight.ERROR]

    def _add(self, finding: Finding) -> None:
        self.count[finding.weight] += 1
        if len(self._kept) < MOST_FINDINGS:
            self._kept.append(finding)
        elif finding.weight is Weight.ERROR and self.count[Weight.ERROR] <= MOST_FINDINGS:
            # Errors decide, so notes never crowd them out.
            lighter = [other for other in self._kept if other.weight is not Weight.ERROR]
            self._kept.remove(lighter[-1])
            self._kept.append(finding)


@dataclass(frozen=True, slots=True)
class Sample:
    """A reading with the UCUM code of its unit (empty: the message names none) and where in the message it stands."""

    pointer: str
    reading: Reading
    unit: str

    @property
    def name(self) -> tuple[str, str]:
        return self.reading.equipment, self.reading.tag


@dataclass(frozen=True, slots=True)
class Naming:
    """A tag and its unit as a birth of our own protocol names them, and where."""

    pointer: str
    tag: Tag

    @property
    def name(self) -> tuple[str, str]:
        return self.tag.equipment, self.tag.tag


@dataclass(frozen=True, slots=True)
class Translation:
    samples: list[Sample] = field(default_factory=list)
    namings: list[Naming] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)

    def names(self) -> set[tuple[str, str]]:
        """(equipment, tag) of all that it speaks of."""
        return {sample.name for sample in self.samples} | {naming.name for naming in self.namings}
