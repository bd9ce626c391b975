"""Which elements of an ISO/TS 15143-3 snapshot are which tags here. Pure."""

from dataclasses import dataclass
from typing import Final

NAMESPACE: Final = "http://standards.iso.org/iso/15143/-3"


@dataclass(frozen=True, slots=True)
class Element:
    """`value` inside `name` is the tag, kept in `unit`; `units` names the element that says in which unit it came.

    `clause` is a number of the specification, as far as it is known here.
    """

    name: str
    value: str
    tag: str
    unit: str
    units: str = ""
    clause: str = ""


ELEMENTS: Final = (
    Element("Location", "Latitude", "latitude", "deg", clause="11.3"),
    Element("Location", "Longitude", "longitude", "deg", clause="11.3"),
    Element("Location", "Altitude", "elevation", "m", "AltitudeUnits", "11.3"),
    Element("CumulativeOperatingHours", "Hour", "operating_hours", "h", clause="11.4"),
    Element("CumulativeIdleHours", "Hour", "idle_hours", "h"),
    Element("CumulativeIdleNonOperatingHours", "Hour", "idle_non_operating_hours", "h"),
    Element("CumulativePowerTakeOffHours", "Hour", "power_take_off_hours", "h"),
    Element("CumulativeActiveRegenerationHours", "Hour", "regeneration_hours", "h"),
    Element("CumulativeLoadCount", "Count", "load_count", "1"),
    Element("CumulativePayloadTotals", "Payload", "payload_total", "kg", "PayloadUnits"),
    Element("FuelUsed", "FuelConsumed", "fuel_used", "L", "FuelUnits", "11.5"),
    Element("FuelUsedLast24", "FuelConsumed", "fuel_used_24h", "L", "FuelUnits"),
    Element("FuelRemaining", "Percent", "fuel", "%"),
    Element("DEFRemaining", "Percent", "def", "%"),
    Element("Distance", "Odometer", "odometer", "km", "OdometerUnits"),
    Element("EngineStatus", "Running", "engine_running", "1"),
    Element("AverageLoadFactorLast24", "Percent", "load_factor_24h", "%"),
    Element("MaximumSpeedLast24", "Speed", "speed_max_24h", "km/h", "SpeedUnits"),
)
NAMES: Final = {element.name for element in ELEMENTS}
# The words of the specification for the units in which figures are kept here.
UNIT_WORDS: Final = {"m": "metre", "kg": "kilogram", "L": "litre", "km": "kilometre", "km/h": "kilometrePerHour"}
