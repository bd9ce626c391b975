"""In which units figures of a site are shown. What is stored stays in SI units. Pure."""

from decimal import Decimal
from typing import Final

METRIC: Final = "metric"
IMPERIAL: Final = "imperial"
# Of each system, the UCUM codes that stand for a dimension.
STATED: Final[dict[str, dict[str, str]]] = {
    METRIC: {"mass": "t", "length": "m", "volume": "m3"},
    IMPERIAL: {"mass": "[ston_av]", "length": "[ft_i]", "volume": "[cyd_i]"},
}
WORDS: Final = {
    "t": "tonnes",
    "m": "metres",
    "m3": "cubic metres",
    "[ston_av]": "short tons",
    "[ft_i]": "feet",
    "[cyd_i]": "cubic yards",
}
# Stored UCUM code → the words of what is shown instead, and how many of them one is. By definition or, from it, rounded
# in the tenth place: an inch is 0.0254 m, a pound 0.45359237 kg, a US gallon 231 cubic inches.
_IMPERIAL: Final[dict[str, tuple[str, Decimal]]] = {
    "g": ("ounces", Decimal("0.0352739619")),
    "kg": ("pounds", Decimal("2.2046226218")),
    "t": ("short tons", Decimal("1.1023113109")),
    "L": ("US gallons", Decimal("0.2641720524")),
    "m3": ("cubic yards", Decimal("1.3079506193")),
    "m": ("feet", Decimal("3.2808398950")),
    "km": ("miles", Decimal("0.6213711922")),
    "m2": ("square feet", Decimal("10.7639104167")),
}
_STEP: Final = Decimal("0.001")


def shown(quantity: Decimal, code: str, system: str) -> tuple[Decimal, str] | None:
    """The quantity in the system's own unit, to the thousandth, and its words; None where it is shown as stored."""
    if system != IMPERIAL or code not in _IMPERIAL:
        return None
    words, factor = _IMPERIAL[code]
    return (quantity * factor).quantize(_STEP), words


def stated_in_words(system: str) -> str:
    """`tonnes, metres, cubic metres`"""
    return ", ".join(WORDS[code] for code in STATED[system].values())
