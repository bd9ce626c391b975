"""Units as other formats write them → UCUM codes. Pure."""

import math
from typing import Final

from edge_bridge.readings.units import OtherQuantity, UnknownUnit, conversion, suggested_unit, unit_of

# Symbols of the SenML units registry (RFC 8428 §12.1, RFC 8798) whose UCUM code is another.
_SENML_OTHERWISE: Final = {
    "l": "L",
    "l/s": "L/s",
    "lat": "deg",
    "lon": "deg",
    "pH": "[pH]",
    "dBW": "dB[W]",
    "dBm": "dB{mW}",
    "Bspl": "B[SPL]",
    "count": "1",
    "/": "1",
    "%RH": "%",
    "%EL": "%",
    "EL": "s",
    "1/s": "/s",
    "1/min": "/min",
    "beat/min": "/min",
    "beats": "1",
    "B": "By",
    "VA": "V.A",
    "VAs": "V.A.s",
    "var": "V.A{reactive}",
    "vars": "V.A.s{reactive}",
    "kVA": "kV.A",
    "kvar": "kV.A{reactive}",
    "Ah": "A.h",
    "Wh": "W.h",
    "kWh": "kW.h",
    "varh": "V.A.h{reactive}",
    "kvarh": "kV.A.h{reactive}",
    "kVAh": "kV.A.h",
    "Wh/km": "W.h/km",
    "KiB": "KiBy",
    "GB": "GBy",
    "B/s": "By/s",
    "MB/s": "MBy/s",
    "ppm": "[ppm]",
    "/100": "%",
    "/1000": "[ppth]",
}
_SENML_SAME: Final = (
    "m kg g s A K cd mol Hz rad sr N Pa J W C V F Ohm S Wb T H Cel lm lx Bq Gy Sv kat m2 m3 m/s m/s2 m3/s W/m2 cd/m2 "
    "bit bit/s dB % S/m J/m kg/m3 ms min h MHz kW Mbit/s mV mA ug/m3 mm/h m/h hPa mm cm km km/h"
)
SENML: Final[dict[str, str]] = {code: code for code in _SENML_SAME.split()} | _SENML_OTHERWISE

# Names in running text, in lower case, beside those that every message may have.
_WORDS: Final[dict[str, str]] = {
    "hour": "h",
    "metre": "m",
    "meter": "m",
    "foot": "[ft_i]",
    "kilometre": "km",
    "kilometer": "km",
    "mile": "[mi_i]",
    "kilogram": "kg",
    "pound": "[lb_av]",
    "metric tonne": "t",
    "metricton": "t",
    "short ton": "[ston_av]",
    "litre": "L",
    "liter": "L",
    "gallon": "[gal_us]",
    "us gallon": "[gal_us]",
    "imperial gallon": "[gal_br]",
    "kilometreperhour": "km/h",
    "mileperhour": "[mi_i]/h",
    "degree": "deg",
    "degrees": "deg",
}


def named(text: str) -> str | None:
    """The UCUM code that a unit's name in running text stands for; None if it is not known."""
    name = text.strip()
    try:
        unit_of(name)
    except UnknownUnit:
        return _WORDS.get(name.lower()) or suggested_unit(name)
    return name


def converted(value: float, unit: str, into: str) -> float | None:
    """`value` in the unit `into`; None if the units are not of one dimension or not known here, or it is too large."""
    if unit == into:
        return value
    try:
        found = conversion(unit, into)(value)
    except (UnknownUnit, OtherQuantity):
        return None
    return found if math.isfinite(found) else None
