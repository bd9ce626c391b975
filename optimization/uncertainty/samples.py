"""Samples of a grade, from rows of text to groups by (location, cut-off), and composites instead of repeated hours."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from itertools import groupby

from optimization.data import InstanceError, Problem

ALL = "all"
Group = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """A grade, fraction, of ore of a location above a cut-off; `taken_at` is aware UTC, None where nobody knows."""

    location: str
    cutoff: str
    value_frac: float
    taken_at: datetime | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what. Without a column `location` or `cutoff` there is one of them, ALL."""

    location: str = "location"
    cutoff: str = "cutoff"
    value: str = "value"
    time: str = "time"
    source: str = "source"


def read_samples(
    text: str,
    columns: Columns = Columns(),
    *,
    in_percent: bool = False,
    where: Mapping[str, str] | None = None,
) -> tuple[Sample, ...]:
    """Rows of a CSV with a header, of those that have the values of `where`; InstanceError names every bad row."""
    header, rows = _table(text)
    asked = [f.name for f in fields(columns) if getattr(columns, f.name) != f.default]
    needed = dict.fromkeys([columns.value, *(getattr(columns, name) for name in asked), *(where or {})])
    missing = [name for name in needed if name not in header]
    if missing:
        raise InstanceError([Problem("/columns", f"has no {name!r}, only {list(header)}: name it") for name in missing])
    chosen = [(k, row) for k, row in enumerate(rows) if all(row[c] == v for c, v in (where or {}).items())]
    problems = [problem for k, row in chosen for problem in _problems(k, row, columns, 100.0 if in_percent else 1.0)]
    if not chosen:
        problems = [Problem("/rows", "has no samples: give rows, or other values of the filter")]
    if problems:
        raise InstanceError(problems[:50])
    return tuple(_sample(row, columns, 100.0 if in_percent else 1.0) for _, row in chosen)


def _table(text: str) -> tuple[Sequence[str], list[dict[str, str | None]]]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        return reader.fieldnames or [], list(reader)
    except csv.Error as error:
        raise InstanceError([Problem(f"/rows/{reader.line_num}", f"is not CSV: {error}")]) from error


def _problems(k: int, row: Mapping[str, str | None], columns: Columns, most: float) -> Iterable[Problem]:
    value, time = row.get(columns.value), row.get(columns.time)
    number = _number(value)
    if number is None or not 0 <= number <= most:
        advice = "; --percent reads percent" if number is not None and most == 1 and number <= 100 else ""
        yield Problem(f"/rows/{k}/{columns.value}", f"is {value!r}: give a grade from 0 to {most:g}{advice}")
    if time and _time(time) is None:
        yield Problem(f"/rows/{k}/{columns.time}", f"is {time!r}: give a time such as 2026-05-01T06:00:00Z")


def _number(text: str | None) -> float | None:
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _time(text: str) -> datetime | None:
    """Aware UTC; a time without a zone is taken as UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _sample(row: Mapping[str, str | None], columns: Columns, scale: float) -> Sample:
    return Sample(
        location=row.get(columns.location) or ALL,
        cutoff=row.get(columns.cutoff) or ALL,
        value_frac=float(row[columns.value] or "") / scale,
        taken_at=_time(row.get(columns.time) or ""),
        source=row.get(columns.source) or "",
    )


def at_cutoffs(samples: Iterable[Sample], cutoffs_frac: Sequence[float]) -> tuple[Sample, ...]:
    """Each sample once for every cut-off it reaches: what a mill is fed when ore below the cut-off is waste."""
    return tuple(
        Sample(s.location, f"{cutoff:g}", s.value_frac, s.taken_at, s.source)
        for cutoff in cutoffs_frac
        for s in samples
        if s.value_frac >= cutoff
    )


def grouped(samples: Iterable[Sample]) -> dict[Group, tuple[Sample, ...]]:
    """By (location, cut-off), sorted by name; within a group by time where every sample has one."""
    groups: dict[Group, list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.location, sample.cutoff), []).append(sample)
    return {group: _in_order(held) for group, held in sorted(groups.items())}


def _in_order(samples: list[Sample]) -> tuple[Sample, ...]:
    if any(s.taken_at is None for s in samples):
        return tuple(samples)
    return tuple(sorted(samples, key=lambda s: s.taken_at or datetime.min))


def composites(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    """One sample for a run of equal values in time: an hourly value that repeats is one assay, not many.

    Samples without times are left as they are, because their order says nothing.
    """
    if any(s.taken_at is None for s in samples):
        return tuple(samples)
    return tuple(next(run) for _, run in groupby(samples, key=lambda s: s.value_frac))


def samples_sha256(samples: Iterable[Sample]) -> str:
    """Of the samples themselves, whatever the order of the rows they came in."""
    rows = sorted(
        [s.location, s.cutoff, repr(s.value_frac), s.taken_at.isoformat() if s.taken_at else "", s.source]
        for s in samples
    )
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
