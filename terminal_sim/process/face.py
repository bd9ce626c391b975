"""At the face: the drill makes patterns of holes, the charger charges and fires them, what breaks waits to be dug."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from typing import ClassVar

from edge_bridge.protocol.machine import MachineState, StopReason
from terminal_sim.process.vehicle import Vehicle

HOLES_IN_A_PATTERN = 12
LOOKS_AGAIN_S = 30.0


@dataclass
class Drill(Vehicle):
    """`patterns`: drilled and not yet charged."""

    holes: int = 0
    patterns: int = 0

    units = {**Vehicle.units, "hole_depth": "m", "penetration_rate": "m/min"}
    stops_after = frozenset({MachineState.TRAMMING, MachineState.WAITING})

    HOLE_M: ClassVar[float] = 4.5
    HOLE_S: ClassVar[float] = 240.0
    TRAM_S: ClassVar[float] = 45.0
    PATTERNS_AHEAD: ClassVar[int] = 2

    @property
    def place_m(self) -> tuple[float, float]:
        return 40.0 + 1.2 * self.holes, 25.0

    def finish(self, ended: MachineState) -> None:
        if ended is MachineState.DRILLING:
            self.patterns += (self.holes + 1) // HOLES_IN_A_PATTERN
            self.holes = (self.holes + 1) % HOLES_IN_A_PATTERN

    def after(self, ended: MachineState) -> None:
        if ended is MachineState.DRILLING:
            self.enter_about(MachineState.TRAMMING, self.TRAM_S)
        elif self.patterns >= self.PATTERNS_AHEAD:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.NO_WORK)
        else:
            self.enter_about(MachineState.DRILLING, self.HOLE_S)

    def values(self) -> Mapping[str, float]:
        drills = self.shown_state is MachineState.DRILLING
        rate_m_min = self.HOLE_M * 60 / self.stay_s * self.rng.uniform(0.9, 1.1) if drills else 0.0
        depth_m = self.HOLE_M * self.done_frac if self.state is MachineState.DRILLING else 0.0
        return {**super().values(), "hole_depth": depth_m, "penetration_rate": rate_m_min}


@dataclass
class Charger(Vehicle):
    """Fires once the face is cleared; `muck_t` is broken and not yet dug, `fume_frac` dies away after a blast."""

    muck_t: float = 2_500.0
    fume_frac: float = 0.0
    has_fired: bool = False
    charges_after: Drill | None = None

    units = {**Vehicle.units, "muck": "t"}
    links = {"charges_after": ("drill",)}
    stops_after = frozenset({MachineState.TRAMMING, MachineState.WAITING})

    CHARGING_S: ClassVar[float] = 720.0
    CLEARANCE_S: ClassVar[float] = 300.0
    TRAM_S: ClassVar[float] = 900.0
    BROKEN_T: ClassVar[float] = 1_800.0
    FUME_S: ClassVar[float] = 60.0

    @property
    def place_m(self) -> tuple[float, float]:
        return (20.0, 10.0) if self.state in (MachineState.CHARGING, MachineState.BLASTING) else (300.0, 80.0)

    @property
    def clears_the_face(self) -> bool:
        return self.state is MachineState.BLASTING

    def step(self, dt_s: float) -> None:
        self.has_fired = False
        self.fume_frac *= exp(-dt_s / self.FUME_S)
        super().step(dt_s)

    def finish(self, ended: MachineState) -> None:
        if ended is MachineState.BLASTING:
            self.has_fired, self.fume_frac = True, 1.0
            self.muck_t += self.BROKEN_T * self.rng.uniform(0.95, 1.05)

    def after(self, ended: MachineState) -> None:
        if ended is MachineState.CHARGING:
            self.enter(MachineState.BLASTING, self.CLEARANCE_S)
        elif ended is MachineState.BLASTING:
            self.enter_about(MachineState.TRAMMING, self.TRAM_S)
        elif self._takes_a_pattern():
            self.enter_about(MachineState.CHARGING, self.CHARGING_S)
        else:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.NO_WORK)

    def values(self) -> Mapping[str, float]:
        return {**super().values(), "muck": self.muck_t}

    def _takes_a_pattern(self) -> bool:
        if self.charges_after is None:
            return True
        if self.charges_after.patterns == 0:
            return False
        self.charges_after.patterns -= 1
        return True


@dataclass
class Support(Vehicle):
    """Grades, waters and cleans up where it is wanted."""

    stops_after = frozenset({MachineState.SUPPORTING, MachineState.WAITING})

    JOB_S: ClassVar[float] = 900.0
    TRAM_S: ClassVar[float] = 180.0
    NO_WORK_FRAC: ClassVar[float] = 0.2

    @property
    def place_m(self) -> tuple[float, float]:
        return 600.0, -40.0

    def after(self, ended: MachineState) -> None:
        if ended is MachineState.TRAMMING:
            self.enter_about(MachineState.SUPPORTING, self.JOB_S)
        elif ended is MachineState.SUPPORTING and self.rng.random() < self.NO_WORK_FRAC:
            self.enter(MachineState.WAITING, self.JOB_S / 3, StopReason.NO_WORK)
        else:
            self.enter_about(MachineState.TRAMMING, self.TRAM_S)
