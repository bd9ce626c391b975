"""Where ore and water gather: the bin between trucks and hoist, the hoist, the mill; and the sump of a pump."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from terminal_sim.faults import FaultKind
from terminal_sim.process.machine import AMBIENT_CEL, Machine, towards
from terminal_sim.process.plant import SETTINGS, Plant, Pump


@dataclass
class Hoist(Plant):
    """Draws from the bin that names it; what it brought up waits in `raised_t` for the mill."""

    hoisted_tph: float = 0.0
    raised_t: float = 200.0

    units = {"throughput": "t/h", "rope_tension": "kN", **SETTINGS}
    suffers = frozenset({FaultKind.TRIP})

    RUN_UP_S: ClassVar[float] = 30.0
    FULL_POWER_KW: ClassVar[float] = 2_400.0
    FULL_TPH: ClassVar[float] = 900.0
    YARD_T: ClassVar[float] = 20_000.0

    def work(self, dt_s: float) -> None:
        """The bin gives what it has."""

    def lift(self, available_t: float, dt_s: float) -> float:
        lifted_t = min(self.FULL_TPH * self.speed_frac * dt_s / 3600, available_t, self.YARD_T - self.raised_t)
        self.raised_t += lifted_t
        self.hoisted_tph = lifted_t * 3600 / dt_s
        return lifted_t

    def values(self) -> Mapping[str, float]:
        load_kn = 90.0 + 0.12 * self.hoisted_tph
        return {
            "throughput": self.hoisted_tph * self.rng.uniform(0.99, 1.01),
            "rope_tension": load_kn * self.rng.uniform(0.985, 1.015),
            **self.settings(),
        }


@dataclass
class OreBin(Machine):
    """Trucks dump into it, the hoist draws from it; without trucks a conveyor brings `FEED_TPH`."""

    stock_t: float = 1_000.0
    drawn_by: Hoist | None = None
    is_fed_by_trucks: bool = False

    units = {"level": "%", "stock": "t"}
    links = {"drawn_by": ("hoist",)}

    CAPACITY_T: ClassVar[float] = 2_000.0
    FEED_TPH: ClassVar[float] = 600.0

    @property
    def room_t(self) -> float:
        return self.CAPACITY_T - self.stock_t

    def step(self, dt_s: float) -> None:
        if not self.is_fed_by_trucks:
            self.stock_t += min(self.FEED_TPH * self.rng.uniform(0.9, 1.1) * dt_s / 3600, self.room_t)
        if self.drawn_by is not None:
            self.stock_t -= self.drawn_by.lift(self.stock_t, dt_s)

    def values(self) -> Mapping[str, float]:
        shown_t = max(self.stock_t + self.rng.gauss(0, 4), 0.0)
        return {"level": shown_t / self.CAPACITY_T * 100, "stock": shown_t}


@dataclass
class Mill(Plant):
    """Grinds to its set-point as long as there is ore; without a hoist it has its own stockpile."""

    setpoint_frac: float = 0.75
    speed_frac: float = 0.75
    ground_tph: float = 0.0
    bearing_cel: float = 52.0
    fed_by: Hoist | None = None

    units = {"throughput": "t/h", "power": "kW", "bearing_temperature": "Cel", "feed_stock": "t", **SETTINGS}
    links = {"fed_by": ("hoist",), **Plant.links}

    RUN_UP_S: ClassVar[float] = 60.0
    FULL_POWER_KW: ClassVar[float] = 6_000.0
    FULL_TPH: ClassVar[float] = 900.0
    BEARING_WARMING_S: ClassVar[float] = 600.0

    def work(self, dt_s: float) -> None:
        wanted_t = self.FULL_TPH * self.speed_frac * dt_s / 3600
        ground_t = wanted_t
        if self.fed_by is not None:
            ground_t = min(wanted_t, self.fed_by.raised_t)
            self.fed_by.raised_t -= ground_t
        self.ground_tph = ground_t * 3600 / dt_s
        target_cel = AMBIENT_CEL + self.speed_frac * (37.0 + 40.0 * self.wear_frac)
        self.bearing_cel = towards(self.bearing_cel, target_cel, dt_s / self.BEARING_WARMING_S)

    def values(self) -> Mapping[str, float]:
        return {
            "throughput": self.ground_tph * self.rng.uniform(0.99, 1.01),
            "power": self.power_kw * self.rng.uniform(0.99, 1.01),
            "bearing_temperature": self.bearing_cel + self.rng.gauss(0, 0.1),
            "feed_stock": self.fed_by.raised_t if self.fed_by is not None else 0.0,
            **self.settings(),
        }


@dataclass
class Sump(Machine):
    """Water runs in; the pump that drains it throttles as the level falls, so that the level settles."""

    level_m: float = 0.6
    drained_by: Pump | None = None

    units = {"level": "m", "inflow": "m3/h"}
    links = {"drained_by": ("pump",)}
    suffers = frozenset({FaultKind.INRUSH})

    AREA_M2: ClassVar[float] = 12.0
    INFLOW_M3_S: ClassVar[float] = 0.03
    THROTTLED_BELOW_M: ClassVar[float] = 1.0

    @property
    def inflow_m3_s(self) -> float:
        return self.INFLOW_M3_S * self.hurt.get(FaultKind.INRUSH, 1.0)

    def step(self, dt_s: float) -> None:
        drawn_m3_s = 0.0
        if self.drained_by is not None:
            throttled_frac = min(self.level_m / self.THROTTLED_BELOW_M, 1.0)
            drawn_m3_s = Pump.FULL_FLOW_M3_S * self.drained_by.speed_frac * throttled_frac
            self.drained_by.flow_m3_s = drawn_m3_s
        self.level_m = max(self.level_m + (self.inflow_m3_s - drawn_m3_s) * dt_s / self.AREA_M2, 0.0)

    def values(self) -> Mapping[str, float]:
        return {
            "level": max(self.level_m + self.rng.gauss(0, 0.003), 0.0),
            "inflow": self.inflow_m3_s * 3600 * self.rng.uniform(0.97, 1.03),
        }
