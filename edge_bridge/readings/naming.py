"""Units as births name them: a series keeps the unit it has, and what is sent in another one is converted.

`sent_units` of a series says from when on its readings were sent in which unit, as `[[time, unit], …]` in order: what
was measured before a change may come long after it.
"""

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import Final
from uuid import UUID

from edge_bridge.data import Unplaceable
from edge_bridge.models import Series
from edge_bridge.protocol import Reading
from edge_bridge.readings.units import Conversion, OtherQuantity, UnknownUnit, conversion, unit_of

MOST_CHANGES: Final = 32  # older ones are forgotten
SentUnits = list[list[str]]


@dataclass(frozen=True, slots=True)
class Place:
    """The series that readings go to, and from when on which conversion makes their values its unit."""

    series_id: UUID
    changes: Sequence[tuple[datetime, Conversion]] = ()

    def value_of(self, reading: Reading) -> float:
        """In the unit of the series. Raises Unplaceable if that is beyond what a number can be."""
        n = bisect_right(self.changes, reading.measured_at, key=lambda change: change[0])
        value = self.changes[n - 1][1](reading.value) if n else reading.value
        if not isfinite(value):
            raise Unplaceable(f"{reading.value} of {reading.tag!r} is too large to be converted.")
        return value


@dataclass(frozen=True, slots=True)
class Named:
    """What a series says of its units after a birth; with a `refusal` it says what it said before."""

    series_id: UUID
    unit: str
    sent_units: SentUnits = field(default_factory=list)
    is_changed: bool = False
    refusal: str = ""


def place_of(series_id: UUID, unit: str, sent_units: SentUnits) -> Place:
    return Place(series_id, [(datetime.fromisoformat(at), conversion(sent, unit)) for at, sent in sent_units])


def place_of_row(series_id: UUID, unit: str, sent_units: str) -> Place:
    """The same from a row of the database, where a list is still text."""
    return Place(series_id) if sent_units == "[]" else place_of(series_id, unit, json.loads(sent_units))


def named(series: Series, unit: str, at: datetime) -> Named:
    """What a birth at a moment means, which names a unit for the series."""
    if unit in ("", _sent_at(series, at)):
        return Named(series.pk, series.unit)
    try:
        unit_of(series.unit)
    except UnknownUnit:  # none yet, or one that was a mistake
        return Named(series.pk, unit, is_changed=True)
    try:
        conversion(unit, series.unit)
    except (UnknownUnit, OtherQuantity) as error:
        refusal = f"{series.tag!r} is kept in {series.unit!r}: {error} Name its unit, or take another tag."
        return Named(series.pk, series.unit, refusal=refusal)
    changes = sorted([*series.sent_units, [at.isoformat(), unit]], key=_when)
    return Named(series.pk, series.unit, changes[-MOST_CHANGES:], is_changed=True)


def _sent_at(series: Series, at: datetime) -> str:
    before = [unit for since, unit in series.sent_units if datetime.fromisoformat(since) <= at]
    return before[-1] if before else series.unit


def _when(change: list[str]) -> datetime:
    return datetime.fromisoformat(change[0])
