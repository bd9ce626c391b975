"""A rule that readings are to keep before work counts as done, and what they say of it. Pure; times are aware UTC."""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import takewhile
from typing import Any, Final, TypeGuard
from uuid import UUID

from edge_bridge.protocol import MAX_NAME_CHARS
from edge_bridge.readings.spans import HeldSpan
from tenants.data import FieldError, Invalid

LONGEST_H: Final = 24 * 92
COVERAGE_FRAC: Final = 0.8
SILENT_AFTER: Final = timedelta(minutes=15)
FIELDS: Final = ("tag", "equipment", "op", "limit", "upper", "for_h", "coverage_frac")


class Stand(StrEnum):
    """How a rule stands at a moment: what the newest readings say."""

    WITHIN = "within"
    OUTSIDE = "outside"
    SILENT = "silent"


class Op(StrEnum):
    BELOW = "below"
    ABOVE = "above"
    BETWEEN = "between"


@dataclass(frozen=True, slots=True)
class AcceptanceRule:
    """Readings of `tag` lie below or above `limit`, or between it and `upper`, in the unit of the series.

    They do so for the last `for_h` hours, of which at least the share `coverage_frac` has readings. `equipment`: a
    machine of the task's owner; None for that of the task.
    """

    tag: str
    op: Op
    limit: float
    for_h: float
    upper: float | None = None
    equipment: UUID | None = None
    coverage_frac: float = COVERAGE_FRAC

    @classmethod
    def from_document(cls, document: Any) -> "AcceptanceRule":
        """From what came as JSON; Invalid with a pointer under `/acceptance` for each value that won't do."""
        if not isinstance(document, Mapping):
            raise _refused(FieldError("/acceptance", f"give an object with {', '.join(FIELDS)}"))
        errors = tuple(_errors(document))
        if errors:
            raise _refused(*errors)
        machine, upper = document.get("equipment"), document.get("upper")
        return cls(
            tag=document["tag"],
            op=Op(document["op"]),
            limit=float(document["limit"]),
            for_h=float(document["for_h"]),
            upper=None if upper is None else float(upper),
            equipment=None if machine is None else UUID(str(machine)),
            coverage_frac=float(document.get("coverage_frac", COVERAGE_FRAC)),
        )

    def to_document(self) -> dict[str, Any]:
        """As it is stored: what `from_document` reads."""
        machine = None if self.equipment is None else str(self.equipment)
        return {name: getattr(self, name) for name in FIELDS} | {"op": self.op.value, "equipment": machine}

    def words(self, unit: str = "") -> str:
        band = f"{self.limit:g}" if self.upper is None else f"{self.limit:g} and {self.upper:g}"
        return f"{self.tag} {self.op} {band} {unit}".rstrip() + f" for {self.for_h:g} h"

    def margin(self, lowest: float, highest: float) -> float:
        """How far from its limits that lies which is nearest to them; negative outside."""
        match self.op:
            case Op.BELOW:
                return self.limit - highest
            case Op.ABOVE:
                return lowest - self.limit
            case Op.BETWEEN:
                assert self.upper is not None
                return min(lowest - self.limit, self.upper - highest)

    def nearest(self, lowest: float, highest: float) -> float:
        """Of the two values the one that the margin is of."""
        return highest if self.margin(highest, highest) < self.margin(lowest, lowest) else lowest


@dataclass(frozen=True, slots=True)
class Evidence:
    """`share_frac` of the time with readings was within the limits, `coverage_frac` of the whole time had readings.

    `worst` is the value nearest to the limits, or farthest beyond them; None without readings.
    """

    passed: bool
    share_frac: float
    coverage_frac: float
    worst: float | None
    from_at: datetime
    to_at: datetime

    def to_document(self) -> dict[str, Any]:
        """As JSON without floats, which the ledger does not take: figures are text."""
        return {
            "passed": self.passed,
            "share_frac": f"{self.share_frac:.4f}",
            "coverage_frac": f"{self.coverage_frac:.4f}",
            "worst": None if self.worst is None else f"{self.worst:.6g}",
            "from_at": self.from_at.isoformat(),
            "to_at": self.to_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rule stands, and since when; None if nothing was read in its time. `covered_h` lie within since then.

    `is_kept`: a submission now would pass. `words` say of what, as AcceptanceRule.words has it.
    """

    stand: Stand
    since: datetime | None
    covered_h: float
    for_h: float
    is_kept: bool
    of: str = ""

    @property
    def words(self) -> str:
        since = "" if self.since is None else f" since {self.since:%Y-%m-%d %H:%M} UTC"
        match self.stand:
            case Stand.WITHIN:
                return f"{self.of}: in band{since}, {self.covered_h:.3g} of {self.for_h:g} h covered"
            case Stand.OUTSIDE:
                return f"{self.of}: out of band{since}"
            case Stand.SILENT:
                return f"{self.of}: no readings{since or f' for {self.for_h:g} h'}"

    def to_document(self) -> dict[str, Any]:
        return {
            "stand": self.stand.value,
            "since_at": self.since and self.since.isoformat(),
            "covered_h": round(self.covered_h, 3),
            "for_h": self.for_h,
            "is_kept": self.is_kept,
            "words": self.words,
        }


def standing(rule: AcceptanceRule, spans: Iterable[HeldSpan], until: datetime, unit: str = "") -> Standing:
    """How it stands at `until`, by the spans of its time, which ascend and don't overlap."""
    since = until - timedelta(hours=rule.for_h)
    told = [span for span in spans if span.to_at >= since and span.from_at <= until]
    common: dict[str, Any] = {
        "for_h": rule.for_h,
        "of": rule.words(unit),
        "is_kept": evaluate(rule, told, until).passed,
    }
    if not told or until - told[-1].to_at > SILENT_AFTER:
        return Standing(Stand.SILENT, told[-1].to_at if told else None, 0.0, **common)
    is_within = [rule.margin(span.lowest, span.highest) >= 0 for span in told]
    run = list(takewhile(lambda n: is_within[n] == is_within[-1], reversed(range(len(told)))))
    begins_at = max(told[run[-1]].from_at, since)
    if not is_within[-1]:
        return Standing(Stand.OUTSIDE, begins_at, 0.0, **common)
    covered_h = _length((told[n] for n in run), since, until) / timedelta(hours=1)
    return Standing(Stand.WITHIN, begins_at, covered_h, **common)


def evaluate(rule: AcceptanceRule, spans: Iterable[HeldSpan], until: datetime) -> Evidence:
    """Whether the rule was kept up to `until`. `spans` ascend and don't overlap; the limit itself is within."""
    since = until - timedelta(hours=rule.for_h)
    told = [span for span in spans if span.to_at >= since and span.from_at <= until]
    within = [span for span in told if rule.margin(span.lowest, span.highest) >= 0]
    covered, kept = _length(told, since, until), _length(within, since, until)
    coverage_frac = covered / (until - since)
    nearest = min(told, key=lambda span: rule.margin(span.lowest, span.highest), default=None)
    return Evidence(
        passed=bool(told) and len(within) == len(told) and coverage_frac >= rule.coverage_frac,
        share_frac=kept / covered if covered else 0.0,
        coverage_frac=coverage_frac,
        worst=None if nearest is None else rule.nearest(nearest.lowest, nearest.highest),
        from_at=since,
        to_at=until,
    )


def _length(spans: Iterable[HeldSpan], since: datetime, until: datetime) -> timedelta:
    return sum((min(span.to_at, until) - max(span.from_at, since) for span in spans), timedelta())


def _refused(*errors: FieldError) -> Invalid:
    return Invalid("The rule of acceptance won't do.", errors)


def _errors(document: Mapping[str, Any]) -> Iterator[FieldError]:
    for name in sorted(set(map(str, document)) - set(FIELDS)):
        yield FieldError(f"/acceptance/{name[:40]}", f"use only {', '.join(FIELDS)}")
    tag = document.get("tag")
    if not isinstance(tag, str) or not 0 < len(tag.strip()) <= len(tag) <= MAX_NAME_CHARS:
        yield FieldError("/acceptance/tag", f"give the name of a tag, 1 to {MAX_NAME_CHARS} characters")
    if not _is_machine(document.get("equipment")):
        yield FieldError("/acceptance/equipment", "give the id of a machine, or null for that of the task")
    if document.get("op") not in list(Op):
        yield FieldError("/acceptance/op", f"use one of {', '.join(Op)}")
    yield from _number_errors(document)


def _number_errors(document: Mapping[str, Any]) -> Iterator[FieldError]:
    limit, upper, for_h = (document.get(name) for name in ("limit", "upper", "for_h"))
    coverage_frac = document.get("coverage_frac", COVERAGE_FRAC)
    if not _is_number(limit):
        yield FieldError("/acceptance/limit", "give a number in the unit of the readings")
    if document.get("op") != Op.BETWEEN and upper is not None:
        yield FieldError("/acceptance/upper", "leave it out: only 'between' has two limits")
    if document.get("op") == Op.BETWEEN and not (_is_number(upper) and _is_number(limit) and upper > limit):
        yield FieldError("/acceptance/upper", "give a number above 'limit'")
    if not (_is_number(for_h) and 0 < for_h <= LONGEST_H):
        yield FieldError("/acceptance/for_h", f"give more than 0 and at most {LONGEST_H} hours")
    if not (_is_number(coverage_frac) and 0 < coverage_frac <= 1):
        yield FieldError("/acceptance/coverage_frac", "give more than 0 and at most 1")


def _is_number(value: Any) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_machine(value: Any) -> bool:
    if value is None or isinstance(value, UUID):
        return True
    try:
        UUID(value)
    except (ValueError, TypeError, AttributeError):
        return False
    return True
