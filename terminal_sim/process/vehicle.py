"""A mobile machine as a state machine: stays of random length, fuel, and an operator who takes breaks."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from edge_bridge.protocol.machine import MachineState, StopReason
from terminal_sim.faults import FaultKind
from terminal_sim.process.machine import Machine, towards

SHIFT_S = 43_200.0
SHIFT_CHANGE_S = 900.0
MEAL_S = 1_800.0
MEAL_AFTER_S = (12_600.0, 16_200.0)  # into the shift
BETWEEN_PERSONAL_STOPS_S = 7_200.0
PERSONAL_STOP_S = (240.0, 600.0)
REFUELLING_S = 600.0
FUEL_RESERVE_FRAC = 0.1
WORKING = frozenset({MachineState.LOADING, MachineState.DRILLING, MachineState.SUPPORTING, MachineState.TRAMMING})


@dataclass
class Vehicle(Machine):
    """Begins anew each `SHIFT_S`; the scenario's start is the start of a shift.

    `stops_after`: states after which the operator may take a break or refuel. A machine that is broken down or in
    service goes on afterwards where it was.
    """

    state: MachineState = MachineState.WAITING
    stop_reason: StopReason = StopReason.NO_WORK
    left_s: float = 0.0
    stay_s: float = 1.0
    speed_kmh: float = 0.0
    engine_cel: float = 78.0
    fuel_frac: float = 0.9
    clock_s: float = 0.0
    before_stop: MachineState = MachineState.WAITING

    units = {
        "state": "1",
        "stop_reason": "1",
        "speed": "km/h",
        "engine_temperature": "Cel",
        "fuel": "%",
        "easting": "m",
        "northing": "m",
    }
    suffers = frozenset({FaultKind.BREAKDOWN, FaultKind.PLANNED_SERVICE})

    stops_after: ClassVar[frozenset[MachineState]] = frozenset()
    fuel_frac_per_h: ClassVar[Mapping[MachineState, float]] = {}
    speed_kmh_in: ClassVar[Mapping[MachineState, float]] = {MachineState.TRAMMING: 6.0}
    engine_cel_in: ClassVar[Mapping[MachineState, float]] = {}

    IDLE_FUEL_FRAC_PER_H: ClassVar[float] = 0.015
    WORKING_FUEL_FRAC_PER_H: ClassVar[float] = 0.05
    IDLE_ENGINE_CEL: ClassVar[float] = 78.0
    WORKING_ENGINE_CEL: ClassVar[float] = 88.0
    ENGINE_WARMING_S: ClassVar[float] = 90.0

    def __post_init__(self) -> None:
        self.meal_at_s = self.rng.uniform(*MEAL_AFTER_S)
        self.personal_at_s = self.rng.expovariate(1 / BETWEEN_PERSONAL_STOPS_S)
        self.shift_ends_at_s = SHIFT_S

    @property
    def is_down(self) -> bool:
        return bool(self.hurt)

    @property
    def shown_state(self) -> MachineState:
        if not self.hurt:
            return self.state
        is_broken = FaultKind.BREAKDOWN in self.hurt
        return MachineState.BREAKDOWN if is_broken else MachineState.SERVICE

    @property
    def done_frac(self) -> float:
        return 1 - max(self.left_s, 0.0) / self.stay_s

    @property
    @abstractmethod
    def place_m(self) -> tuple[float, float]:
        """Easting and northing on the mine's grid."""

    def finish(self, ended: MachineState) -> None:
        """What `ended` has brought about, before the operator takes a break."""

    @abstractmethod
    def after(self, ended: MachineState) -> None:
        """Enters the state that follows `ended`."""

    def enter(self, state: MachineState, stay_s: float, reason: StopReason = StopReason.NONE) -> None:
        self.state, self.stop_reason = state, reason
        self.left_s = self.stay_s = max(stay_s, 1e-3)

    def enter_about(self, state: MachineState, mean_s: float) -> None:
        self.enter(state, mean_s * self.rng.uniform(0.85, 1.25))

    def step(self, dt_s: float) -> None:
        self.clock_s += dt_s
        self._drive(dt_s)
        if self.is_down:
            return
        self.left_s -= dt_s
        if self.left_s > 0:
            return
        if self.state in (MachineState.STOPPED, MachineState.REFUELLING):
            self.fuel_frac = 1.0 if self.state is MachineState.REFUELLING else self.fuel_frac
            self.after(self.before_stop)
            return
        self.finish(self.state)
        if not self._takes_a_break():
            self.after(self.state)

    def values(self) -> Mapping[str, float]:
        easting_m, northing_m = self.place_m
        return {
            "state": float(self.shown_state),
            "stop_reason": float(self.stop_reason),
            "speed": self.speed_kmh,
            "engine_temperature": self.engine_cel + self.rng.gauss(0, 0.2),
            "fuel": self.fuel_frac * 100,
            "easting": easting_m + self.rng.gauss(0, 0.5),
            "northing": northing_m + self.rng.gauss(0, 0.5),
        }

    def _drive(self, dt_s: float) -> None:
        state = self.shown_state
        speed_kmh = self.speed_kmh_in.get(state, 0.0) * self.rng.uniform(0.85, 1.15)
        self.speed_kmh = towards(self.speed_kmh, speed_kmh, dt_s / 10)
        works = state in WORKING
        engine_cel = self.engine_cel_in.get(state, self.WORKING_ENGINE_CEL if works else self.IDLE_ENGINE_CEL)
        self.engine_cel = towards(self.engine_cel, engine_cel, dt_s / self.ENGINE_WARMING_S)
        per_h = self.fuel_frac_per_h.get(state, self.WORKING_FUEL_FRAC_PER_H if works else self.IDLE_FUEL_FRAC_PER_H)
        self.fuel_frac = max(self.fuel_frac - (0.0 if self.is_down else per_h * dt_s / 3600), 0.0)

    def _takes_a_break(self) -> bool:
        ended = self.state
        if ended not in self.stops_after:
            return False
        if self.fuel_frac < FUEL_RESERVE_FRAC:
            self.enter_about(MachineState.REFUELLING, REFUELLING_S)
        elif not self._stops_for_its_operator():
            return False
        self.before_stop = ended
        return True

    def _stops_for_its_operator(self) -> bool:
        if self.clock_s >= self.shift_ends_at_s:
            self.meal_at_s = self.shift_ends_at_s + self.rng.uniform(*MEAL_AFTER_S)
            self.shift_ends_at_s += SHIFT_S
            self.enter(MachineState.STOPPED, SHIFT_CHANGE_S, StopReason.SHIFT_CHANGE)
        elif self.clock_s >= self.meal_at_s:
            self.meal_at_s = self.shift_ends_at_s + MEAL_AFTER_S[1]
            self.enter(MachineState.STOPPED, MEAL_S, StopReason.MEAL)
        elif self.clock_s >= self.personal_at_s:
            self.personal_at_s = self.clock_s + self.rng.expovariate(1 / BETWEEN_PERSONAL_STOPS_S)
            self.enter(MachineState.STOPPED, self.rng.uniform(*PERSONAL_STOP_S), StopReason.PERSONAL)
        else:
            return False
        return True
