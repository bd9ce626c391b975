"""From values, or names, to pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Scale:
    least: float
    most: float
    start_px: float
    end_px: float
    names: tuple[str, ...] = ()

    def at(self, value: Any) -> float:
        number = self.names.index(str(value)) + 0.5 if self.names else float(value)
        return self.start_px + (number - self.least) / (self.most - self.least) * (self.end_px - self.start_px)

    @property
    def step_px(self) -> float:
        return abs(self.end_px - self.start_px) / (self.most - self.least)

    def ticks(self) -> list[Any]:
        return list(self.names) or nice_ticks(self.least, self.most)


def nice_ticks(least: float, most: float) -> list[float]:
    """About six round numbers within."""
    raw = (most - least) / 6
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next(m * magnitude for m in (1, 2, 5, 10) if m * magnitude >= raw)
    first = math.ceil(least / step - 1e-9)
    return [k * step for k in range(first, math.floor(most / step + 1e-9) + 1)]


def scale_of(values: Sequence[Any], start_px: float, end_px: float) -> Scale:
    """Of all values with a little room, or of names in their order."""
    known = [value for value in values if value is not None]
    if any(isinstance(value, str) for value in known):
        names = tuple(dict.fromkeys(map(str, known)))
        return Scale(0, len(names), start_px, end_px, names)
    least, most = (min(known), max(known)) if known else (0.0, 1.0)
    if most == least:
        return Scale(least - 1, most + 1, start_px, end_px)
    room = 0.05 * (most - least)
    return Scale(0.0 if least == 0 else least - room, 0.0 if most == 0 else most + room, start_px, end_px)


def short(number: Any, digits: int = 10) -> str:
    """12.5k, 3M; names as they are."""
    if isinstance(number, str):
        return number
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            return f"{number / (1e3 if suffix == 'k' else size):.{digits}g}{suffix}"
    return f"{number:,.0f}" if digits < 10 and abs(number) >= 100 else f"{number:.{digits}g}"
