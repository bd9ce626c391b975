"""A figure with its numbers as a table: what a page shows, and what can be taken home."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from optimization.drawing.look import Figure

Table = list[tuple[Any, ...]]


@dataclass(frozen=True, slots=True)
class Chart:
    """`rows` are the numbers under `headers`; `name` fits an address; charts of one `kind` belong together."""

    name: str
    kind: str
    figure: Figure
    headers: tuple[str, ...]
    rows: Table

    @property
    def title(self) -> str:
        return str(self.figure["layout"]["title"]["text"])


def as_charts(figures: Mapping[str, Figure], kind: str) -> list[Chart]:
    """Figures with axes, by their names, each with the points that are drawn."""
    return [
        Chart(re.sub(r"[^\w-]+", "-", name), kind, figure, _headers(figure), list(_points(figure)))
        for name, figure in figures.items()
    ]


def _headers(figure: Figure) -> tuple[str, ...]:
    layout = figure["layout"]
    return ("Series", *(layout[axis]["title"]["text"] or "" for axis in ("xaxis", "yaxis")))


def _points(figure: Figure) -> Iterator[tuple[Any, ...]]:
    for trace in figure["data"]:
        for x, y in zip(trace["x"], trace["y"], strict=True):
            yield trace["name"], x, y
