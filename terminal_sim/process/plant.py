"""Fixed plant: machines with a set-point and a switch, fed by a feeder, that follow the set-point in a first order."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from terminal_sim.faults import FaultKind
from terminal_sim.process.machine import AMBIENT_CEL, CommandRefused, Machine, towards

SETTINGS = {"running": "1", "setpoint": "%"}


@dataclass
class Feeder(Machine):
    """A section of the electrical network: if it fails, all that is fed by it stops."""

    is_closed: bool = True
    loads: list["Plant"] = field(default_factory=list)

    units = {"running": "1", "power": "kW", "voltage": "V"}
    commands = {"running": (0.0, 1.0)}
    suffers = frozenset({FaultKind.POWER_FAILURE})

    NOMINAL_V: ClassVar[float] = 6_600.0

    @property
    def is_live(self) -> bool:
        return self.is_closed and FaultKind.POWER_FAILURE not in self.hurt

    def step(self, dt_s: float) -> None:
        """Nothing of its own: the power is that of its loads."""

    def values(self) -> Mapping[str, float]:
        power_kw = sum(load.power_kw for load in self.loads) if self.is_live else 0.0
        sag_frac = 5e-6 * power_kw
        volts = self.NOMINAL_V * (1 - sag_frac) * self.rng.uniform(0.999, 1.001) if self.is_live else 0.0
        return {"running": float(self.is_live), "power": power_kw, "voltage": volts}

    def obey(self, tag: str, value: float) -> None:
        if value and FaultKind.POWER_FAILURE in self.hurt:
            raise CommandRefused("the supply has failed")
        self.is_closed = bool(value)


@dataclass
class Plant(Machine):
    """`speed_frac` follows `setpoint_frac` in the time constant RUN_UP_S; commands change both switch and set-point."""

    is_on: bool = True
    setpoint_frac: float = 1.0
    speed_frac: float = 1.0
    powered_by: Feeder | None = None

    commands = {"running": (0.0, 1.0), "setpoint": (0.0, 100.0)}
    links = {"powered_by": ("power_feeder",)}
    suffers = frozenset({FaultKind.TRIP, FaultKind.BEARING_WEAR})

    RUN_UP_S: ClassVar[float] = 10.0
    FULL_POWER_KW: ClassVar[float] = 100.0

    def begin(self) -> None:
        if self.powered_by is not None:
            self.powered_by.loads.append(self)

    @property
    def is_tripped(self) -> bool:
        return FaultKind.TRIP in self.hurt

    @property
    def is_running(self) -> bool:
        return self.is_on and not self.is_tripped and (self.powered_by is None or self.powered_by.is_live)

    @property
    def power_kw(self) -> float:
        return self.FULL_POWER_KW * self.speed_frac**3 if self.is_running else 0.0

    @property
    def wear_frac(self) -> float:
        return self.hurt.get(FaultKind.BEARING_WEAR, 0.0)

    def step(self, dt_s: float) -> None:
        wanted_frac = self.setpoint_frac if self.is_running else 0.0
        self.speed_frac = towards(self.speed_frac, wanted_frac, dt_s / self.RUN_UP_S)
        self.work(dt_s)

    @abstractmethod
    def work(self, dt_s: float) -> None: ...

    def settings(self) -> dict[str, float]:
        return {"running": float(self.is_running), "setpoint": self.setpoint_frac * 100}

    def obey(self, tag: str, value: float) -> None:
        if tag == "setpoint":
            self.setpoint_frac = value / 100
            return
        if value and self.is_tripped:
            raise CommandRefused("has tripped and must be reset at the machine")
        if value and self.powered_by is not None and not self.powered_by.is_live:
            raise CommandRefused("has no power")
        self.is_on = bool(value)


@dataclass
class Fan(Plant):
    motor_temperature_cel: float = 68.0

    units = {"speed": "/min", "vibration": "mm/s", "motor_temperature": "Cel", **SETTINGS}
    suffers = frozenset({FaultKind.FAN_STOP, *Plant.suffers})

    RUN_UP_S: ClassVar[float] = 6.0
    FULL_POWER_KW: ClassVar[float] = 250.0
    FULL_SPEED_PER_MIN: ClassVar[float] = 980.0
    MOTOR_WARMING_S: ClassVar[float] = 240.0

    @property
    def is_tripped(self) -> bool:
        return FaultKind.FAN_STOP in self.hurt or FaultKind.TRIP in self.hurt

    def work(self, dt_s: float) -> None:
        load_cel = 44.0 * self.speed_frac**3 + 18.0 * self.wear_frac * self.speed_frac
        warmed_cel = towards(self.motor_temperature_cel, AMBIENT_CEL + load_cel, dt_s / self.MOTOR_WARMING_S)
        self.motor_temperature_cel = warmed_cel + self.rng.gauss(0, 0.01)

    def values(self) -> Mapping[str, float]:
        """Vibration velocity grows with the square of speed, and with wear towards zone D of ISO 20816-3."""
        vibration_mm_s = (1.8 + 7.0 * self.wear_frac) * self.speed_frac**2 * self.rng.uniform(0.92, 1.08)
        return {
            "speed": self.FULL_SPEED_PER_MIN * self.speed_frac * self.rng.uniform(0.998, 1.002),
            "vibration": vibration_mm_s,
            "motor_temperature": self.motor_temperature_cel + self.rng.gauss(0, 0.1),
            **self.settings(),
        }


@dataclass
class Pump(Plant):
    flow_m3_s: float = 0.03  # as the sump lets it draw

    units = {"flow": "m3/h", "pressure": "bar", **SETTINGS}

    RUN_UP_S: ClassVar[float] = 8.0
    FULL_FLOW_M3_S: ClassVar[float] = 0.05
    STATIC_BAR: ClassVar[float] = 22.0

    def work(self, dt_s: float) -> None:
        """The sump draws through it."""

    def values(self) -> Mapping[str, float]:
        flow_m3_h = self.flow_m3_s * 3600
        friction_bar = 6.0 * (self.flow_m3_s / self.FULL_FLOW_M3_S) ** 2
        return {
            "flow": flow_m3_h * self.rng.uniform(0.99, 1.01),
            "pressure": (self.STATIC_BAR + friction_bar) * self.speed_frac**2 * self.rng.uniform(0.995, 1.005),
            **self.settings(),
        }


@dataclass
class Backfill(Plant):
    """Paste to the stopes: flow to the set-point, pressure with its square."""

    units = {"flow": "m3/h", "pressure": "bar", "density": "t/m3", **SETTINGS}

    RUN_UP_S: ClassVar[float] = 40.0
    FULL_POWER_KW: ClassVar[float] = 420.0
    FULL_FLOW_M3_H: ClassVar[float] = 120.0

    def work(self, dt_s: float) -> None:
        """The paste has no state but its speed."""

    def values(self) -> Mapping[str, float]:
        return {
            "flow": self.FULL_FLOW_M3_H * self.speed_frac * self.rng.uniform(0.985, 1.015),
            "pressure": (4.0 + 46.0 * self.speed_frac**2) * self.rng.uniform(0.99, 1.01),
            "density": 1.92 + self.rng.gauss(0, 0.005),
            **self.settings(),
        }
