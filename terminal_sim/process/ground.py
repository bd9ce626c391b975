"""Sensors on rock and on machines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from terminal_sim.faults import FaultKind
from terminal_sim.process.face import Charger
from terminal_sim.process.machine import AMBIENT_CEL, Machine, towards
from terminal_sim.process.plant import Plant

FULL_BATTERY_V = 3.6
FLAT_BATTERY_V = 2.8


def battery_v(drained_frac: float) -> float:
    return FULL_BATTERY_V - (FULL_BATTERY_V - FLAT_BATTERY_V) * min(drained_frac, 1.0)


@dataclass
class Rock:
    strain: float = 420.0
    convergence_mm: float = 6.0


@dataclass
class StrainSensor(Machine):
    """Roof bolt strain and convergence: both creep, and run away while the roof moves; blasts shake it.

    The peak particle velocity of a blast is of the size that scaled distance laws give for some tens of metres.
    """

    rock: Rock = field(default_factory=Rock)
    blasted_by: Charger | None = None
    twin_of: "StrainSensor | None" = None

    units = {"strain": "um/m", "convergence": "mm", "peak_velocity": "mm/s", "battery": "V"}
    links = {"blasted_by": ("charger",), "twin_of": ("strain_sensor",)}
    suffers = frozenset({FaultKind.ROOF_MOVEMENT, FaultKind.BATTERY})

    CREEP_MM_S: ClassVar[float] = 2e-5
    STRAIN_PER_MM: ClassVar[float] = 35.0
    BLAST_MM_S: ClassVar[float] = 18.0

    def step(self, dt_s: float) -> None:
        if self.twin_of is not None:
            self.rock = self.twin_of.rock
            return
        moved_mm = (self.CREEP_MM_S + self.hurt.get(FaultKind.ROOF_MOVEMENT, 0.0)) * dt_s
        self.rock.convergence_mm += moved_mm
        self.rock.strain += self.STRAIN_PER_MM * moved_mm

    def values(self) -> Mapping[str, float]:
        has_fired = self.blasted_by is not None and self.blasted_by.has_fired
        return {
            "strain": self.rock.strain + self.rng.gauss(0, 1.5),
            "convergence": self.rock.convergence_mm + self.rng.gauss(0, 0.02),
            "peak_velocity": self.BLAST_MM_S * self.rng.uniform(0.8, 1.2) if has_fired else self.rng.uniform(0.0, 0.2),
            "battery": battery_v(self.hurt.get(FaultKind.BATTERY, 0.0)),
        }


@dataclass
class VibrationSensor(Machine):
    """On a machine of the fixed plant: follows its speed and the wear of its bearing."""

    temperature_cel: float = 45.0
    mounted_on: Plant | None = None
    twin_of: "VibrationSensor | None" = None

    units = {"vibration": "mm/s", "temperature": "Cel"}
    links = {"mounted_on": ("fan", "pump", "hoist", "mill", "backfill_plant"), "twin_of": ("vibration_sensor",)}
    suffers = frozenset({FaultKind.BEARING_WEAR})

    WARMING_S: ClassVar[float] = 300.0

    @property
    def machine(self) -> Plant | None:
        return self.twin_of.machine if self.twin_of is not None else self.mounted_on

    @property
    def speed_frac(self) -> float:
        return self.machine.speed_frac if self.machine is not None else 1.0

    @property
    def wear_frac(self) -> float:
        of_machine = self.machine.wear_frac if self.machine is not None else 0.0
        return max(of_machine, self.hurt.get(FaultKind.BEARING_WEAR, 0.0))

    def step(self, dt_s: float) -> None:
        target_cel = AMBIENT_CEL + self.speed_frac * (22.0 + 26.0 * self.wear_frac)
        self.temperature_cel = towards(self.temperature_cel, target_cel, dt_s / self.WARMING_S)

    def values(self) -> Mapping[str, float]:
        level_mm_s = (1.6 + 7.0 * self.wear_frac) * self.speed_frac**2
        return {
            "vibration": level_mm_s * self.rng.uniform(0.93, 1.07),
            "temperature": self.temperature_cel + self.rng.gauss(0, 0.1),
        }
