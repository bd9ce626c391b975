"""Units by their UCUM codes: read, compared, converted. Pure.

Of the Unified Code for Units of Measure (ucum.org) the grammar in its case-sensitive form, and the units that mines
send; `UnknownUnit` says which part of a code isn't one. Temperatures convert with their offset.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

Dimension = frozenset[tuple[str, int]]

_PREFIXES: Final = {
    "Y": 1e24, "Z": 1e21, "E": 1e18, "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
    "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15, "a": 1e-18, "z": 1e-21, "y": 1e-24,
    "Ki": 2.0**10, "Mi": 2.0**20, "Gi": 2.0**30,
}  # fmt: skip
# Base units and, of each other one, its size in units that stand above it.
_BASES: Final = ("m", "s", "g", "rad", "A", "K", "cd", "mol", "dB", "B[SPL]", "B[W]", "[pH]", "bit")
_METRIC: Final = {
    "L": (1.0, "dm3"), "l": (1.0, "dm3"), "t": (1e6, "g"), "Hz": (1.0, "s-1"), "N": (1.0, "kg.m/s2"),
    "Pa": (1.0, "N/m2"), "bar": (1e5, "Pa"), "J": (1.0, "N.m"), "W": (1.0, "J/s"), "V": (1.0, "J/A/s"),
    "Ohm": (1.0, "V/A"), "S": (1.0, "A/V"), "C": (1.0, "A.s"), "F": (1.0, "C/V"), "Wb": (1.0, "V.s"),
    "T": (1.0, "Wb/m2"), "H": (1.0, "Wb/A"), "lm": (1.0, "cd"), "lx": (1.0, "lm/m2"), "Bq": (1.0, "s-1"),
    "Gy": (1.0, "J/kg"), "Sv": (1.0, "J/kg"), "ar": (100.0, "m2"), "cal": (4.184, "J"), "m[H2O]": (9806.65, "Pa"),
    "m[Hg]": (133322.0, "Pa"), "[g]": (9.80665, "m/s2"), "sr": (1.0, "rad2"), "kat": (1.0, "mol/s"),
    "By": (8.0, "bit"),
}  # fmt: skip
_PLAIN: Final = {
    "10*": (10.0, ""), "10^": (10.0, ""), "%": (1e-2, ""), "[ppth]": (1e-3, ""), "[ppm]": (1e-6, ""),
    "[ppb]": (1e-9, ""), "[pptr]": (1e-12, ""), "min": (60.0, "s"), "h": (3600.0, "s"), "d": (86400.0, "s"),
    "wk": (604800.0, "s"), "mo": (2629800.0, "s"), "a": (31557600.0, "s"), "deg": (0.017453292519943295, "rad"),
    "'": (0.0002908882086657216, "rad"), "[in_i]": (0.0254, "m"), "[ft_i]": (0.3048, "m"), "[yd_i]": (0.9144, "m"),
    "[mi_i]": (1609.344, "m"), "[lb_av]": (453.59237, "g"), "[ston_av]": (907184.74, "g"),
    "[lton_av]": (1016046.9088, "g"), "[gal_us]": (3.785411784, "L"), "[gal_br]": (4.54609, "L"),
    "[cft_i]": (1.0, "[ft_i]3"),
    "[psi]": (6894.757293168, "Pa"), "[HP]": (745.6998715822702, "W"), "[Btu]": (1055.05585262, "J"),
    "atm": (101325.0, "Pa"), "[kn_i]": (0.5144444444444445, "m/s"),
}  # fmt: skip
# Size and offset: a value v is v · size + offset kelvins.
_OFFSET: Final = {"Cel": (1.0, 273.15), "[degF]": (5 / 9, 459.67 * 5 / 9)}
_COMMON: Final = {
    "°c": "Cel", "c": "Cel", "degc": "Cel", "celsius": "Cel", "°f": "[degF]", "f": "[degF]", "ppm": "[ppm]",
    "ppb": "[ppb]", "rpm": "/min", "1/min": "/min", "kph": "km/h", "kmh": "km/h", "mph": "[mi_i]/h",
    "psi": "[psi]", "m³/h": "m3/h", "m^3/h": "m3/h", "m³/s": "m3/s", "m^3/s": "m3/s", "lpm": "L/min", "t/hr": "t/h",
    "tph": "t/h", "percent": "%", "pct": "%", "µm/m": "um/m", "µstrain": "um/m", "ue": "um/m", "sec": "s", "hr": "h",
    "hours": "h", "ton": "t", "tonne": "t", "tonnes": "t", "kg/m³": "kg/m3", "t/m³": "t/m3", "mg/m³": "mg/m3",
    "volt": "V", "volts": "V", "amp": "A", "amps": "A", "°": "deg", "hp": "[HP]", "kph/s": "km/h/s", "feet": "[ft_i]",
}  # fmt: skip
_TOKEN: Final = re.compile(r"(?P<sign>[./()])|(?P<note>\{[^{}]*\})|(?P<part>(?:\[[^\[\]]*\]|10[*^]|[^./(){}\[\]])+)")
_PART: Final = re.compile(r"(?P<atom>10[*^]|\D.*?|\d+)(?P<exponent>(?<=[^\d])[+-]?\d+)?")
MAX_CODE_CHARS: Final = 64


class UnknownUnit(ValueError):
    """A code that isn't UCUM, or names a unit that is not known here; the text says which part."""


class OtherQuantity(ValueError):
    """Two units measure different things, so that nothing can be converted."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A value v in this unit is v · `size` + `offset` in base units of the `dimension`."""

    size: float
    dimension: Dimension
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Conversion:
    """A value v becomes v · `factor` + `shift`."""

    factor: float
    shift: float = 0.0

    def __call__(self, value: float) -> float:
        return value * self.factor + self.shift


@lru_cache(maxsize=1024)
def unit_of(code: str) -> Unit:
    """The unit that a UCUM code names; raises UnknownUnit."""
    if code in _OFFSET:
        size, offset = _OFFSET[code]
        return Unit(size, frozenset({("K", 1)}), offset)
    if not code or len(code) > MAX_CODE_CHARS:
        raise UnknownUnit("A unit is a UCUM code of 1 to 64 characters, such as 1, %, m/s or Cel.")
    tokens = list(_tokens(code))
    unit = _term(tokens, code)
    if tokens:
        raise UnknownUnit(f"{code!r} has a bracket that was not opened.")
    return unit


def conversion(from_code: str, to_code: str) -> Conversion:
    """From values in one unit to values in another. Raises UnknownUnit, OtherQuantity."""
    old, new = unit_of(from_code), unit_of(to_code)
    if old.dimension != new.dimension:
        raise OtherQuantity(f"{from_code!r} and {to_code!r} measure different things.")
    return Conversion(old.size / new.size, (old.offset - new.offset) / new.size)


def is_convertible(from_code: str, to_code: str) -> bool:
    try:
        conversion(from_code, to_code)
    except (UnknownUnit, OtherQuantity):
        return False
    return True


def suggested_unit(code: str) -> str | None:
    """The UCUM code that was probably meant by one that is none, such as ``Cel`` for ``°C``."""
    return _COMMON.get(code.strip().casefold())


def _tokens(code: str) -> Iterator[tuple[str, str]]:
    place = 0
    for found in _TOKEN.finditer(code):
        if found.start() != place:
            break
        place = found.end()
        if found.lastgroup != "note":
            yield str(found.lastgroup), found.group()
        elif place == len(found.group()) or code[found.start() - 1] in "./(":
            yield "part", "1"  # a note alone, such as {people}, counts
    if place != len(code):
        raise UnknownUnit(f"{code!r} can't be read from character {place + 1} on.")


def _term(tokens: list[tuple[str, str]], code: str) -> Unit:
    """Components up to the end or a closing bracket, which is left."""
    size, dimension, power = 1.0, dict[str, int](), 1
    if tokens and tokens[0][1] == "/":
        tokens.pop(0)
        power = -1
    while True:
        part = _component(tokens, code)
        size *= part.size**power
        if not 0 < size < math.inf:
            raise UnknownUnit(f"{code!r} is larger or smaller than can be counted.")
        for base, exponent in part.dimension:
            dimension[base] = dimension.get(base, 0) + power * exponent
        if not tokens or tokens[0][1] == ")":
            return Unit(size, _without_zeros(dimension))
        sign = tokens.pop(0)[1]
        if sign not in "./":
            raise UnknownUnit(f"{code!r} needs '.' or '/' before {sign!r}.")
        power = -1 if sign == "/" else 1


def _component(tokens: list[tuple[str, str]], code: str) -> Unit:
    kind, text = tokens.pop(0) if tokens else ("", "")
    if text == "(":
        inner = _term(tokens, code)
        if not tokens:
            raise UnknownUnit(f"{code!r} has a bracket that is not closed.")
        tokens.pop(0)
        return inner
    if kind != "part":
        raise UnknownUnit(f"{code!r} lacks a unit at {text!r}." if text else f"{code!r} ends without a unit.")
    return _part(text, code)


def _part(text: str, code: str) -> Unit:
    found = _PART.fullmatch(text)
    atom = found["atom"] if found else text
    exponent = int(found["exponent"] or 1) if found else 1
    if abs(exponent) > 9 and not atom.startswith("10"):
        raise UnknownUnit(f"{code!r} has an exponent beyond 9.")
    unit = _atom(atom, code)
    if abs(exponent) > 30:
        raise UnknownUnit(f"{code!r} has an exponent beyond 30.")
    return Unit(unit.size**exponent, frozenset((base, n * exponent) for base, n in unit.dimension))


def _atom(atom: str, code: str) -> Unit:
    if atom.isascii() and atom.isdigit() and 0 < len(atom) <= 9 and int(atom):
        return Unit(float(atom), frozenset())
    if (known := _known(atom)) is not None:
        return known
    for n in (2, 1):
        unit = _known(atom[n:], metric=True)
        if unit is not None and atom[:n] in _PREFIXES:
            return Unit(unit.size * _PREFIXES[atom[:n]], unit.dimension)
    hint = suggested_unit(code)
    raise UnknownUnit(f"{atom!r} in {code!r} is no UCUM unit known here" + (f"; perhaps {hint!r}." if hint else "."))


def _known(atom: str, *, metric: bool = False) -> Unit | None:
    if atom in _BASES:
        return Unit(1.0, frozenset({(atom, 1)}))
    table: Mapping[str, tuple[float, str]] = _METRIC if metric else _METRIC | _PLAIN
    if atom not in table:
        return None
    size, of = table[atom]
    if not of:
        return Unit(size, frozenset())
    unit = unit_of(of)
    return Unit(size * unit.size, unit.dimension)


def _without_zeros(dimension: Mapping[str, int]) -> Dimension:
    return frozenset((base, exponent) for base, exponent in dimension.items() if exponent)
