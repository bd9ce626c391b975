"""Where people are: a camera that counts them and a wearable that knows its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from terminal_sim.faults import FaultKind
from terminal_sim.process.ground import battery_v
from terminal_sim.process.machine import Machine
from terminal_sim.process.vehicle import Vehicle


@dataclass
class Camera(Machine):
    """Heads in view: people come and go one by one."""

    people: int = 2
    next_change_s: float = 60.0

    units = {"people": "1"}
    suffers = frozenset({FaultKind.CROWD})

    MOST: ClassVar[int] = 6
    MEAN_STAY_S: ClassVar[float] = 120.0

    def step(self, dt_s: float) -> None:
        self.next_change_s -= dt_s
        if self.next_change_s <= 0:
            change = self.rng.choice((-1, 1))
            self.people = min(max(self.people + change, 0), self.MOST)
            self.next_change_s = self.rng.expovariate(1 / self.MEAN_STAY_S)

    def values(self) -> Mapping[str, float]:
        return {"people": self.people + round(self.hurt.get(FaultKind.CROWD, 0.0))}


@dataclass
class Wearable(Machine):
    """Metres on the mine's grid, of a person on foot or who `rides` a vehicle. `still` is a man-down clock."""

    easting_m: float = 0.0
    northing_m: float = 0.0
    still_s: float = 0.0
    worn_s: float = 0.0
    rides: Vehicle | None = None

    units = {"easting": "m", "northing": "m", "still": "s", "battery": "V"}
    links = {"rides": ("drill", "charger", "loader", "haul_truck", "support_vehicle")}
    suffers = frozenset({FaultKind.MAN_DOWN, FaultKind.BATTERY})

    WALK_M_S: ClassVar[float] = 0.8
    REACH_M: ClassVar[float] = 400.0
    ENDURANCE_S: ClassVar[float] = 72_000.0

    def step(self, dt_s: float) -> None:
        self.worn_s += dt_s
        if FaultKind.MAN_DOWN in self.hurt:
            self.still_s += dt_s
            return
        self.still_s = 0.0
        if self.rides is not None:
            self.easting_m, self.northing_m = self.rides.place_m
            return
        stride_m = self.WALK_M_S * dt_s
        self.easting_m = self._within(self.easting_m + self.rng.uniform(-stride_m, stride_m))
        self.northing_m = self._within(self.northing_m + self.rng.uniform(-stride_m, stride_m))

    def values(self) -> Mapping[str, float]:
        drained_frac = max(self.hurt.get(FaultKind.BATTERY, 0.0), self.worn_s / self.ENDURANCE_S % 1)
        return {
            "easting": self.easting_m,
            "northing": self.northing_m,
            "still": self.still_s,
            "battery": battery_v(drained_frac),
        }

    def _within(self, place_m: float) -> float:
        return min(max(place_m, -self.REACH_M), self.REACH_M)
