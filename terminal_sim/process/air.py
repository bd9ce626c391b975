"""Air of a heading and the sensors in it.

Gas in a ventilated heading of volume V, release R and air quantity Q mixes as V dc/dt = R - Q c (McPherson,
Subsurface Ventilation and Environmental Engineering, 2nd ed., ch. 12): with the fan on, c settles at R/Q; when the fan
stops, c climbs at about R/V. A blast releases CO and dust that die away, and the air clears them in the same way.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from terminal_sim.faults import FaultKind
from terminal_sim.process.face import Charger
from terminal_sim.process.machine import Machine, towards
from terminal_sim.process.plant import Fan

HEADING_VOLUME_M3 = 1_200.0
HEADING_AREA_M2 = 16.0
AIR_QUANTITY_M3_S = 20.0
LEAKAGE_AIR_FRAC = 0.03  # what still moves without the fan
CH4_RELEASE_M3_S = 0.08
CO_RELEASE_M3_S = 8e-5
H2S_RELEASE_M3_S = 6e-6
INERT_RELEASE_M3_S = 0.06  # carbon dioxide and nitrogen, in the place of oxygen
DUST_RELEASE_MG_S = 12.0
BLAST_CO_M3_S = 0.02
BLAST_DUST_MG_S = 4_000.0
OXYGEN_PERCENT = 20.95
INTAKE_CEL = 22.0
STRATA_CEL_M3_S = 60.0  # warming of the air times its quantity
HEADING_WARMING_S = 900.0


@dataclass
class Air:
    """Fractions by volume, dust in mg/m3."""

    flow_frac: float = 1.0
    ch4_frac: float = CH4_RELEASE_M3_S / AIR_QUANTITY_M3_S
    co_frac: float = CO_RELEASE_M3_S / AIR_QUANTITY_M3_S
    h2s_frac: float = H2S_RELEASE_M3_S / AIR_QUANTITY_M3_S
    inert_frac: float = INERT_RELEASE_M3_S / AIR_QUANTITY_M3_S
    dust_mg_m3: float = DUST_RELEASE_MG_S / AIR_QUANTITY_M3_S
    temperature_cel: float = INTAKE_CEL + STRATA_CEL_M3_S / AIR_QUANTITY_M3_S

    def step(self, dt_s: float, release_factor: float, fume_frac: float, rng: Random) -> None:
        air_m3_s = AIR_QUANTITY_M3_S * max(self.flow_frac, LEAKAGE_AIR_FRAC)
        co_m3_s = CO_RELEASE_M3_S * rng.uniform(0.8, 1.2) + BLAST_CO_M3_S * fume_frac
        self.ch4_frac = _mixed(self.ch4_frac, CH4_RELEASE_M3_S * release_factor, air_m3_s, dt_s)
        self.co_frac = _mixed(self.co_frac, co_m3_s, air_m3_s, dt_s)
        self.h2s_frac = _mixed(self.h2s_frac, H2S_RELEASE_M3_S * rng.uniform(0.8, 1.2), air_m3_s, dt_s)
        self.inert_frac = _mixed(self.inert_frac, INERT_RELEASE_M3_S, air_m3_s, dt_s)
        dust_mg_s = DUST_RELEASE_MG_S * rng.uniform(0.7, 1.3) + BLAST_DUST_MG_S * fume_frac
        self.dust_mg_m3 += (dust_mg_s - air_m3_s * self.dust_mg_m3) / HEADING_VOLUME_M3 * dt_s
        self.dust_mg_m3 = max(self.dust_mg_m3, 0.0)
        settled_cel = INTAKE_CEL + min(STRATA_CEL_M3_S / air_m3_s, 16.0)
        self.temperature_cel = towards(self.temperature_cel, settled_cel, dt_s / HEADING_WARMING_S)


def _mixed(fraction: float, release_m3_s: float, air_m3_s: float, dt_s: float) -> float:
    change_per_s = (release_m3_s - air_m3_s * fraction) / HEADING_VOLUME_M3
    return min(max(fraction + change_per_s * dt_s, 0.0), 1.0)


@dataclass
class AirSensor(Machine):
    """Breathes the air of its own heading, or with `twin_of` that of its twin."""

    air: Air = field(default_factory=Air)
    ventilated_by: Fan | None = None
    blasted_by: Charger | None = None
    twin_of: "AirSensor | None" = None

    suffers = frozenset({FaultKind.GAS_BURST})

    def step(self, dt_s: float) -> None:
        if self.twin_of is not None:
            self.air = self.twin_of.air
            return
        self.air.flow_frac = self.ventilated_by.speed_frac if self.ventilated_by is not None else 1.0
        release_factor = self.hurt.get(FaultKind.GAS_BURST, 1.0) * max(self.rng.gauss(1.0, 0.05), 0.0)
        fume_frac = self.blasted_by.fume_frac if self.blasted_by is not None else 0.0
        self.air.step(dt_s, release_factor, fume_frac, self.rng)


@dataclass
class GasSensor(AirSensor):
    units = {"ch4": "%", "co": "[ppm]"}
    links = {"ventilated_by": ("fan",), "blasted_by": ("charger",), "twin_of": ("gas_sensor",)}

    def values(self) -> Mapping[str, float]:
        return {
            "ch4": max(self.air.ch4_frac * 100 + self.rng.gauss(0, 0.004), 0.0),
            "co": max(self.air.co_frac * 1e6 + self.rng.gauss(0, 0.1), 0.0),
        }


@dataclass
class EnvironmentSensor(AirSensor):
    units = {
        **GasSensor.units,
        "o2": "%",
        "h2s": "[ppm]",
        "dust": "mg/m3",
        "air_velocity": "m/s",
        "temperature": "Cel",
    }
    links = {"ventilated_by": ("fan",), "blasted_by": ("charger",), "twin_of": ("environment_sensor",)}

    NOISE: ClassVar[Mapping[str, float]] = {
        "ch4": 0.004,
        "co": 0.1,
        "o2": 0.01,
        "h2s": 0.02,
        "dust": 0.02,
        "air_velocity": 0.01,
        "temperature": 0.05,
    }

    def values(self) -> Mapping[str, float]:
        air = self.air
        exact = {
            "ch4": air.ch4_frac * 100,
            "co": air.co_frac * 1e6,
            "o2": OXYGEN_PERCENT * (1 - air.ch4_frac - air.inert_frac),
            "h2s": air.h2s_frac * 1e6,
            "dust": air.dust_mg_m3,
            "air_velocity": AIR_QUANTITY_M3_S * max(air.flow_frac, LEAKAGE_AIR_FRAC) / HEADING_AREA_M2,
            "temperature": air.temperature_cel,
        }
        return {tag: max(value + self.rng.gauss(0, self.NOISE[tag]), 0.0) for tag, value in exact.items()}
