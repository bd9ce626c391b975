"""Colours and measures. Everything is written as presentation attributes, which no content policy refuses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

Figure = dict[str, Any]
COLOURS = (
    "#20639b", "#d1495b", "#3c8d5a", "#e0a030", "#6b4e9b", "#5f6b76", "#4fb3bf", "#b07aa1", "#8c564b",
)  # fmt: skip
GREY = "#8a949e"
# As a layout's `meta`: readers may point at moments of the picture, which tells where its values are.
MARKABLE = "markable"
# The same hues, light enough for a dark ground.
BRIGHTER = {
    **dict(zip(COLOURS, (
        "#4da3e0", "#f07583", "#5fc587", "#f0b955", "#a88be0", "#9aa7b4", "#63ccd9", "#d39bc4", "#c48a7e",
    ), strict=True)),
    "#1f6fb2": "#4da3e0", "#c0392b": "#f07583",
}  # fmt: skip
RGBA = re.compile(r"rgba\((\d+), ?(\d+), ?(\d+), ?([\d.]+)\)")


@dataclass(frozen=True, slots=True)
class Look:
    """How a picture looks; `titled` writes the figure's title into it, for where no heading says it."""

    width_px: int = 900
    height_px: int = 540
    titled: bool = True
    ground: str = "white"
    ink: str = "#1d2a36"
    quiet: str = "#44505c"
    grid: str = "#e4e8ec"
    colours: Mapping[str, str] = field(default_factory=dict)

    def paint(self, colour: str) -> tuple[str, float]:
        """The colour as it is here, and its opacity."""
        parts = RGBA.fullmatch(colour)
        if parts is None:
            return self.colours.get(colour, colour), 1.0
        red, green, blue = (int(part) for part in parts.groups()[:3])
        plain = f"#{red:02x}{green:02x}{blue:02x}"
        return self.colours.get(plain, plain), float(parts[4])


LIGHT = Look()
DARK = Look(
    height_px=420, titled=False, ground="none", ink="#eef2f6", quiet="#b3c0cc", grid="#2c3743", colours=BRIGHTER
)
MIDDLE = replace(DARK, width_px=640, height_px=340)
SMALL = replace(DARK, width_px=460, height_px=250)


def veiled(colour: str, opacity: float) -> str:
    """A `#rrggbb` colour that lets through what is below, as Plotly and browsers write it."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {opacity:g})"
