"""Loader and trucks: a truck queues, is loaded in passes, hauls ore to the bin or waste to the dump, and returns."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import ClassVar

from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from terminal_sim.process.face import Charger
from terminal_sim.process.ore_flow import OreBin
from terminal_sim.process.vehicle import Vehicle

LOOKS_AGAIN_S = 5.0
FACE_M = (0.0, 0.0)
DUMP_M = {LoadKind.NONE: (2_400.0, 600.0), LoadKind.ORE: (2_400.0, 600.0), LoadKind.WASTE: (1_500.0, -900.0)}


@dataclass
class Truck(Vehicle):
    """Without a loader it is loaded in one go; without a bin it dumps where there is always room."""

    state: MachineState = MachineState.LOADING
    stop_reason: StopReason = StopReason.NONE
    left_s: float = 150.0
    stay_s: float = 150.0
    payload_t: float = 0.0
    load_kind: LoadKind = LoadKind.ORE
    loaded_by: "Loader | None" = None
    dumps_at: OreBin | None = None

    units = {**Vehicle.units, "payload": "t", "load_kind": "1"}
    links = {"loaded_by": ("loader",), "dumps_at": ("ore_bin",)}
    stops_after = frozenset({MachineState.DUMPING})
    speed_kmh_in = {MachineState.HAULING: 24.0, MachineState.RETURNING: 38.0}
    engine_cel_in = {MachineState.HAULING: 96.0, MachineState.RETURNING: 86.0, MachineState.LOADING: 78.0}
    fuel_frac_per_h = {MachineState.HAULING: 0.12, MachineState.RETURNING: 0.06, MachineState.LOADING: 0.015}

    FULL_T: ClassVar[float] = 90.0
    LOADING_S: ClassVar[float] = 150.0
    HAULING_S: ClassVar[float] = 420.0
    DUMPING_S: ClassVar[float] = 45.0
    RETURNING_S: ClassVar[float] = 300.0
    SPOTTING_S: ClassVar[float] = 30.0
    WASTE_FRAC: ClassVar[float] = 0.3

    def begin(self) -> None:
        if self.dumps_at is not None:
            self.dumps_at.is_fed_by_trucks = True
        if self.loaded_by is not None:
            self.enter(MachineState.RETURNING, self.rng.uniform(10.0, self.RETURNING_S))
            self.load_kind = LoadKind.NONE

    @property
    def carried_t(self) -> float:
        if self.state is MachineState.LOADING and self.loaded_by is None:
            return self.FULL_T * self.done_frac
        return self.payload_t * (1 - self.done_frac) if self.state is MachineState.DUMPING else self.payload_t

    @property
    def place_m(self) -> tuple[float, float]:
        to_dump_frac = 0.0
        if self.state in (MachineState.HAULING, MachineState.RETURNING):
            is_hauling = self.state is MachineState.HAULING
            to_dump_frac = self.done_frac if is_hauling else 1 - self.done_frac
        elif self.state in (MachineState.DUMPING, MachineState.WAITING, MachineState.STOPPED, MachineState.REFUELLING):
            to_dump_frac = 1.0
        dump_m = DUMP_M[self.load_kind]
        return dump_m[0] * to_dump_frac, dump_m[1] * to_dump_frac

    def finish(self, ended: MachineState) -> None:
        if ended is MachineState.LOADING:
            self.payload_t = self.FULL_T
        elif ended is MachineState.DUMPING:
            if self.dumps_at is not None and self.load_kind is LoadKind.ORE:
                self.dumps_at.stock_t += self.payload_t
            self.payload_t = 0.0

    def after(self, ended: MachineState) -> None:
        match ended:
            case MachineState.LOADING:
                self.depart()
            case MachineState.HAULING | MachineState.WAITING:
                self._arrive_at_the_dump()
            case MachineState.DUMPING:
                self.enter_about(MachineState.RETURNING, self.RETURNING_S)
            case _:
                self._arrive_at_the_face()

    def spot(self) -> float:
        """Manoeuvres to the loader; the seconds it will take."""
        self.load_kind = LoadKind.WASTE if self.rng.random() < self.WASTE_FRAC else LoadKind.ORE
        self.enter(MachineState.SPOTTING, inf)
        return self.SPOTTING_S * self.rng.uniform(0.7, 1.5)

    def depart(self) -> None:
        self.enter_about(MachineState.HAULING, self.HAULING_S)

    def values(self) -> Mapping[str, float]:
        load_kind = self.load_kind if self.carried_t > 0 else LoadKind.NONE
        return {**super().values(), "payload": self.carried_t, "load_kind": float(load_kind)}

    def _arrive_at_the_face(self) -> None:
        if self.loaded_by is None:
            self.load_kind = LoadKind.ORE
            self.enter_about(MachineState.LOADING, self.LOADING_S)
        else:
            self.load_kind = LoadKind.NONE
            self.enter(MachineState.QUEUEING, inf)
            self.loaded_by.queue.append(self)

    def _arrive_at_the_dump(self) -> None:
        has_room = self.dumps_at is None or self.load_kind is LoadKind.WASTE or self.dumps_at.room_t >= self.payload_t
        if has_room:
            self.enter_about(MachineState.DUMPING, self.DUMPING_S)
        else:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.DUMP_FULL)


@dataclass
class Loader(Vehicle):
    """Loads the first truck of its queue; digs what the charger broke, or from a face without end."""

    stop_reason: StopReason = StopReason.NO_TRUCK
    truck: Truck | None = None
    queue: deque[Truck] = field(default_factory=deque)
    bucket_t: float = 0.0
    moved_t: float = 0.0
    digs_from: Charger | None = None

    units = {**Vehicle.units, "payload": "t", "moved": "t", "queue": "1"}
    links = {"digs_from": ("charger",)}
    stops_after = frozenset({MachineState.WAITING})

    FULL_BUCKET_T: ClassVar[float] = 18.0
    PASS_S: ClassVar[float] = 35.0

    @property
    def place_m(self) -> tuple[float, float]:
        return FACE_M

    def finish(self, ended: MachineState) -> None:
        if ended is not MachineState.LOADING or self.truck is None:
            return
        self.moved_t += self.bucket_t
        self.truck.payload_t += self.bucket_t
        if self.truck.payload_t > Truck.FULL_T - self.FULL_BUCKET_T / 2:
            self.truck.depart()
            self.truck = None

    def after(self, ended: MachineState) -> None:
        if self.digs_from is not None and self.digs_from.clears_the_face:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.BLAST_CLEARANCE)
        elif self.truck is None:
            self._call_the_next()
        elif self.truck.is_down:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.NO_TRUCK)
        else:
            self._dig()

    def values(self) -> Mapping[str, float]:
        return {
            **super().values(),
            "payload": self.bucket_t if self.state is MachineState.LOADING else 0.0,
            "moved": self.moved_t,
            "queue": float(len(self.queue)),
        }

    def _call_the_next(self) -> None:
        self.truck = next((truck for truck in self.queue if not truck.is_down), None)
        spotting_s = LOOKS_AGAIN_S
        if self.truck is not None:
            self.queue.remove(self.truck)
            spotting_s = self.truck.spot()
        self.enter(MachineState.WAITING, spotting_s, StopReason.NO_TRUCK)

    def _dig(self) -> None:
        wanted_t = self.FULL_BUCKET_T * self.rng.uniform(0.9, 1.08)
        if self.digs_from is not None and self.digs_from.muck_t < wanted_t:
            self.enter(MachineState.WAITING, LOOKS_AGAIN_S, StopReason.NO_MATERIAL)
            return
        if self.digs_from is not None:
            self.digs_from.muck_t -= wanted_t
        self.bucket_t = wanted_t
        if self.truck is not None:
            self.truck.enter(MachineState.LOADING, inf)
        self.enter_about(MachineState.LOADING, self.PASS_S)
