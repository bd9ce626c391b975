"""Samples of a grade, from rows of text to groups by (location, cut-off), and composites instead of repeated hours."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from itertools import groupby

from optimization.data import InstanceError, Problem

ALL = "all"
MAX_NAME, MAX_SOURCE, MAX_PROBLEMS = 100, 200, 50
UNKEPT = re.compile("[\0\ud800-\udfff]")
Group = tuple[str, str]
Place = tuple[str, str]
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Sample:
    """A grade, fraction, of ore of a location above a cut-off; `taken_at` is aware UTC, None where nobody knows.

    element: of which metal or contaminant, empty for the grade that alpha limits.
    """

    location: str
    cutoff: str
    value_frac: float
    taken_at: datetime | None = None
    source: str = ""
    mine: str = ALL
    element: str = ""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns hold what. Without a column `mine`, `location` or `cutoff` there is one of them, ALL."""

    location: str = "location"
    cutoff: str = "cutoff"
    value: str = "value"
    time: str = "time"
    source: str = "source"
    mine: str = "mine"
    element: str = "element"


NAMES = ("mine", "element", "location", "cutoff", "source")


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
    return _samples(chosen, columns, 100.0 if in_percent else 1.0, "/rows")


def samples_of_rows(rows: Sequence[object], *, in_percent: bool = False) -> tuple[Sample, ...]:
    """Rows as JSON has them: objects with a number `value` and texts by the names of `Columns`; InstanceError too."""
    problems = [problem for k, row in enumerate(rows) for problem in _shape_problems(f"/samples/{k}", row)]
    if problems:
        raise InstanceError(problems[:MAX_PROBLEMS])
    chosen = [(k, row) for k, row in enumerate(rows) if isinstance(row, Mapping)]
    return _samples(chosen, Columns(), 100.0 if in_percent else 1.0, "/samples")


def samples_kept(rows: Sequence[Row]) -> tuple[Sample, ...]:
    """Back from rows of `row_of`, which need no second judgement."""
    return tuple(_sample(row, Columns(), 1.0) for row in rows)


def row_of(sample: Sample) -> dict[str, str | float]:
    """What `samples_kept` and `samples_of_rows` read back to an equal sample."""
    row: dict[str, str | float] = {name: getattr(sample, name) for name in NAMES if getattr(sample, name)}
    time = {"time": sample.taken_at.isoformat()} if sample.taken_at else {}
    return row | {"value": sample.value_frac} | time


def _shape_problems(path: str, row: object) -> Iterable[Problem]:
    if not isinstance(row, Mapping):
        yield Problem(path, f"must be an object with value and any of {', '.join((*NAMES, 'time'))}")
        return
    for name in [name for name in row if name not in (*NAMES, "time", "value")]:
        yield Problem(path, f"has {str(name)[:40]!r}, which is not known: give value, time, {', '.join(NAMES)}")
    for name in [name for name in (*NAMES, "time") if not isinstance(row.get(name, ""), str | None)]:
        yield Problem(f"{path}/{name}", "must be text")
    if isinstance(row.get("value"), str):
        yield Problem(f"{path}/value", "is text: give a number")


def _samples(chosen: Sequence[tuple[int, Row]], columns: Columns, scale: float, where: str) -> tuple[Sample, ...]:
    problems = [problem for k, row in chosen for problem in _problems(f"{where}/{k}", row, columns, scale)]
    if not chosen:
        problems = [Problem(where, "has no samples: give rows, or other values of the filter")]
    if problems:
        raise InstanceError(problems[:MAX_PROBLEMS])
    return tuple(_sample(row, columns, scale) for _, row in chosen)


def _table(text: str) -> tuple[Sequence[str], list[dict[str, str | None]]]:
    reader = csv.DictReader(io.StringIO(text))
    try:
        return reader.fieldnames or [], list(reader)
    except csv.Error as error:
        raise InstanceError([Problem(f"/rows/{reader.line_num}", f"is not CSV: {error}")]) from error


def _problems(where: str, row: Row, columns: Columns, most: float) -> Iterable[Problem]:
    value, time = row.get(columns.value), row.get(columns.time)
    number = _number(value)
    if number is None or not 0 <= number <= most:
        is_percent = number is not None and most == 1 and 1 < number <= 100
        advice = "; --percent, or in_percent over HTTP, reads percent" if is_percent else ""
        yield Problem(f"{where}/{columns.value}", f"is {_short(value)}: give a grade from 0 to {most:g}{advice}")
    if time and _time(str(time)) is None:
        yield Problem(f"{where}/{columns.time}", f"is {_short(time)}: give a time such as 2026-05-01T06:00:00Z")
    for name in NAMES:
        text, longest = str(row.get(getattr(columns, name)) or ""), MAX_SOURCE if name == "source" else MAX_NAME
        if len(text) > longest or UNKEPT.search(text):
            words = f"has {len(text)} characters: at most {longest}, and none that is no text (NUL, half a pair)"
            yield Problem(f"{where}/{getattr(columns, name)}", words)


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _time(text: str) -> datetime | None:
    """Aware UTC; a time without a zone is taken as UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _sample(row: Row, columns: Columns, scale: float) -> Sample:
    def text(name: str) -> str:
        return str(row.get(getattr(columns, name)) or "")

    return Sample(
        location=text("location") or ALL,
        cutoff=text("cutoff") or ALL,
        value_frac=(_number(row[columns.value]) or 0.0) / scale,
        taken_at=_time(text("time")),
        source=text("source"),
        mine=text("mine") or ALL,
        element=text("element"),
    )


def at_cutoffs(samples: Iterable[Sample], cutoffs_frac: Sequence[float]) -> tuple[Sample, ...]:
    """Each sample once for every cut-off it reaches: what a mill is fed when ore below the cut-off is waste."""
    return tuple(replace(s, cutoff=f"{cutoff:g}") for cutoff in cutoffs_frac for s in samples if s.value_frac >= cutoff)


def place_words(location: str, cutoff: str) -> str:
    """Many a cut-off is named as one; others are said to be one."""
    return f"{location}, {cutoff}" if cutoff.startswith("cut-off") else f"{location}, cut-off {cutoff}"


def grouped(samples: Iterable[Sample]) -> dict[Group, tuple[Sample, ...]]:
    """By (location, cut-off), sorted by name; within a group by time, then value, where every sample has a time."""
    groups: dict[Group, list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.location, sample.cutoff), []).append(sample)
    return {group: _in_order(held) for group, held in sorted(groups.items())}


def _in_order(samples: list[Sample]) -> tuple[Sample, ...]:
    if any(s.taken_at is None for s in samples):
        return tuple(samples)
    return tuple(sorted(samples, key=lambda s: (s.taken_at, s.value_frac)))


def by_mine(samples: Iterable[Sample]) -> dict[Place, tuple[Sample, ...]]:
    """By (mine, element), sorted by name."""
    found: dict[Place, list[Sample]] = {}
    for sample in samples:
        found.setdefault((sample.mine, sample.element), []).append(sample)
    return {place: tuple(held) for place, held in sorted(found.items())}


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
        [
            *[s.mine, s.element, s.location, s.cutoff],
            *[repr(s.value_frac), s.taken_at.isoformat() if s.taken_at else "", s.source],
        ]
        for s in samples
    )
    return hashlib.sha256(json.dumps(rows, ensure_ascii=False).encode()).hexdigest()
