"""Machines: by hand where the physics has a closed form, by their order and their coupling where it has not."""

from itertools import groupby
from math import exp
from random import Random

import pytest

from edge_bridge.protocol.machine import LoadKind, MachineState, StopReason
from terminal_sim.faults import FaultKind
from terminal_sim.process import KINDS, CommandRefused, Machine
from terminal_sim.process.air import (
    AIR_QUANTITY_M3_S,
    CH4_RELEASE_M3_S,
    HEADING_VOLUME_M3,
    LEAKAGE_AIR_FRAC,
    EnvironmentSensor,
    GasSensor,
)
from terminal_sim.process.face import Charger, Drill
from terminal_sim.process.ground import StrainSensor, VibrationSensor
from terminal_sim.process.haulage import Loader, Truck
from terminal_sim.process.ore_flow import Hoist, Mill, OreBin, Sump
from terminal_sim.process.people import Camera, Wearable
from terminal_sim.process.plant import Fan, Feeder, Pump
from terminal_sim.process.vehicle import Vehicle


def run(seconds: float, *machines: Machine, dt_s: float = 1.0) -> None:
    for _ in range(round(seconds / dt_s)):
        for machine in machines:
            machine.step(dt_s)


def begun(machine):  # type: ignore[no-untyped-def]
    machine.begin()
    return machine


# Ventilation ---------------------------------------------------------------------------------------------------------


def test_methane_settles_at_release_over_air() -> None:
    sensor = GasSensor(Random(1))
    sensor.air.ch4_frac = 0.02
    run(1_200, sensor)
    assert sensor.air.ch4_frac == pytest.approx(CH4_RELEASE_M3_S / AIR_QUANTITY_M3_S, rel=0.05)


def test_methane_without_the_fan_climbs_as_the_mixing_equation_says() -> None:
    """c(t) = R/Q' + (c0 - R/Q') exp(-Q' t / V) with Q' the leakage: from 0.40 % to 1.00 % in about 100 s."""
    leakage_m3_s = AIR_QUANTITY_M3_S * LEAKAGE_AIR_FRAC
    limit_frac = CH4_RELEASE_M3_S / leakage_m3_s
    expected_frac = limit_frac + (0.004 - limit_frac) * exp(-leakage_m3_s * 100 / HEADING_VOLUME_M3)
    sensor = GasSensor(Random(1), ventilated_by=Fan(Random(2), speed_frac=0.0))
    run(100, sensor)
    assert sensor.air.ch4_frac == pytest.approx(expected_frac, rel=0.02)
    assert sensor.air.ch4_frac == pytest.approx(0.0103, rel=0.02)


def test_gas_stays_a_fraction_whatever_is_released() -> None:
    sensor = GasSensor(Random(1), ventilated_by=Fan(Random(2), speed_frac=0.0))
    sensor.hurt = {FaultKind.GAS_BURST: 1e6}
    run(3_600, sensor)
    assert sensor.air.ch4_frac == 1.0


def test_air_of_a_dead_heading_grows_bad_in_every_way() -> None:
    fan = Fan(Random(2))
    sensor = EnvironmentSensor(Random(1), ventilated_by=fan)
    run(600, fan, sensor)
    fresh = sensor.values()
    fan.hurt = {FaultKind.FAN_STOP: 1.0}
    run(600, fan, sensor)
    stale = sensor.values()
    assert all(stale[tag] > fresh[tag] for tag in ("ch4", "co", "h2s", "dust", "temperature"))
    assert stale["o2"] < fresh["o2"] - 0.5
    assert stale["air_velocity"] < 0.1 * fresh["air_velocity"]


def test_blast_sends_a_pulse_of_fumes_that_the_air_clears() -> None:
    charger = Charger(Random(1), state=MachineState.BLASTING, left_s=2.0)
    sensor = EnvironmentSensor(Random(2), blasted_by=charger)
    rock = StrainSensor(Random(3), blasted_by=charger)
    before = sensor.values()
    run(2, charger, sensor, rock)
    assert charger.has_fired and rock.values()["peak_velocity"] > 10
    run(90, charger, sensor, rock)
    pulse = sensor.values()
    assert pulse["co"] > 100 > 24 > before["co"] and pulse["dust"] > 10 * before["dust"]
    assert rock.values()["peak_velocity"] < 1
    run(600, charger, sensor, rock)
    assert sensor.values()["co"] < 24


def test_twin_breathes_the_same_air_with_noise_of_its_own() -> None:
    sensor = GasSensor(Random(1), ventilated_by=Fan(Random(2), speed_frac=0.0))
    twin = GasSensor(Random(3), twin_of=sensor)
    run(60, sensor, twin)
    one, other = sensor.values()["ch4"], twin.values()["ch4"]
    assert one != other and one == pytest.approx(other, abs=0.05) and other > 0.6


# Fixed plant ---------------------------------------------------------------------------------------------------------


def test_fan_runs_down_when_it_is_stopped() -> None:
    fan = Fan(Random(1))
    fan.hurt = {FaultKind.FAN_STOP: 1.0}
    run(60, fan)
    assert fan.speed_frac < 0.01
    assert fan.motor_temperature_cel < Fan(Random(1)).motor_temperature_cel
    assert fan.values()["vibration"] < 0.01 and fan.values()["running"] == 0


def test_worn_bearing_shakes_and_warms_the_fan_and_the_sensor_on_it() -> None:
    worn, sound = Fan(Random(1)), Fan(Random(1))
    on_worn, on_sound = (VibrationSensor(Random(2), mounted_on=fan) for fan in (worn, sound))
    worn.hurt = {FaultKind.BEARING_WEAR: 1.0}
    run(600, worn, sound, on_worn, on_sound)
    assert worn.values()["vibration"] > 4 * sound.values()["vibration"]
    assert worn.motor_temperature_cel > sound.motor_temperature_cel + 10
    assert on_worn.values()["vibration"] > 4 * on_sound.values()["vibration"]
    assert on_worn.temperature_cel > on_sound.temperature_cel + 10


def test_failed_feeder_stops_all_that_it_feeds_and_they_start_again_with_it() -> None:
    feeder = Feeder(Random(1))
    fan, pump = (begun(kind(Random(2), powered_by=feeder)) for kind in (Fan, Pump))
    other = Fan(Random(3))
    run(60, feeder, fan, pump, other)
    assert feeder.values()["power"] > 300
    feeder.hurt = {FaultKind.POWER_FAILURE: 1.0}
    run(120, feeder, fan, pump, other)
    assert max(fan.speed_frac, pump.speed_frac) < 0.01 and other.speed_frac == 1.0
    assert feeder.values() == {"running": 0.0, "power": 0.0, "voltage": 0.0}
    with pytest.raises(CommandRefused, match="no power"):
        fan.obey("running", 1)
    feeder.hurt = {}
    run(120, feeder, fan, pump, other)
    assert min(fan.speed_frac, pump.speed_frac) > 0.99


def test_machine_goes_to_its_set_point_in_a_first_order() -> None:
    """After one time constant 63 % of the way."""
    mill = Mill(Random(1), setpoint_frac=0.75, speed_frac=0.75)
    mill.obey("setpoint", 50)
    run(Mill.RUN_UP_S, mill)
    assert mill.speed_frac == pytest.approx(0.5 + 0.25 * exp(-1), rel=0.01)


def test_tripped_machine_does_not_start_by_command_and_a_stopped_one_does() -> None:
    pump = Pump(Random(1))
    pump.hurt = {FaultKind.TRIP: 1.0}
    with pytest.raises(CommandRefused, match="tripped"):
        pump.obey("running", 1)
    pump.hurt = {}
    pump.obey("running", 0)
    run(60, pump)
    assert pump.speed_frac < 0.01
    pump.obey("running", 1)
    run(60, pump)
    assert pump.speed_frac > 0.99


def test_water_rises_without_the_pump_as_much_as_runs_in() -> None:
    pump = Pump(Random(1))
    sump = Sump(Random(2), drained_by=pump)
    run(600, pump, sump)
    settled_m = sump.level_m
    assert settled_m == pytest.approx(0.6, abs=0.01)
    pump.hurt = {FaultKind.TRIP: 1.0}
    run(600, pump, sump)
    assert sump.level_m - settled_m == pytest.approx(600 * Sump.INFLOW_M3_S / Sump.AREA_M2, rel=0.05)
    pump.hurt, sump.hurt = {}, {FaultKind.INRUSH: 2.0}
    run(600, pump, sump)
    assert sump.level_m > settled_m + 1.5


def test_bin_fills_and_mill_starves_when_the_hoist_stops() -> None:
    hoist = Hoist(Random(1))
    ore_bin = OreBin(Random(2), drawn_by=hoist)
    mill = Mill(Random(3), fed_by=hoist)
    run(600, hoist, ore_bin, mill)
    level_t = ore_bin.stock_t
    hoist.hurt = {FaultKind.TRIP: 1.0}
    run(3_600, hoist, ore_bin, mill)
    assert ore_bin.stock_t == pytest.approx(level_t + OreBin.FEED_TPH, rel=0.05)
    assert mill.ground_tph < 1e-9 and mill.speed_frac > 0.7
    run(7_200, hoist, ore_bin, mill)
    assert ore_bin.stock_t <= OreBin.CAPACITY_T


# The mobile chain ----------------------------------------------------------------------------------------------------

ROUND = [MachineState.LOADING, MachineState.HAULING, MachineState.DUMPING, MachineState.RETURNING]


def visited(vehicle: Vehicle, seconds: int, *others: Machine) -> list[MachineState]:
    states = []
    for _ in range(seconds):
        run(1, *others, vehicle)
        states.append(vehicle.shown_state)
    return [state for state, _ in groupby(states)]


def test_truck_alone_goes_round_its_cycle() -> None:
    states = [state for state in visited(begun(Truck(Random(7))), 4_000) if state is not MachineState.STOPPED]
    assert len(states) > 8
    assert states == (ROUND * 10)[: len(states)]


def test_truck_at_a_loader_queues_and_is_loaded_in_passes() -> None:
    loader = Loader(Random(1))
    others = [begun(Truck(Random(n), loaded_by=loader)) for n in range(2, 6)]
    truck = begun(Truck(Random(9), loaded_by=loader))
    buckets, carried_t = [], 0.0
    for _ in range(3_000):
        run(1, loader, *others, truck)
        if truck.payload_t > carried_t:
            buckets.append(truck.payload_t - carried_t)
        carried_t = truck.payload_t
    assert 4 <= len(buckets) <= 15 and max(buckets) < 20
    assert sum(one.payload_t for one in (*others, truck)) <= loader.moved_t
    longest = max(len(loader.queue), max(one.stay_s == float("inf") for one in (*others, truck)))
    assert longest >= 1


def test_states_of_a_truck_at_a_loader_follow_one_another() -> None:
    loader = Loader(Random(1))
    states = visited(begun(Truck(Random(9), loaded_by=loader)), 4_000, loader)
    with_loader = [MachineState.QUEUEING, MachineState.SPOTTING, *ROUND]
    first = states.index(MachineState.QUEUEING)
    cycle = [state for state in states[first:] if state is not MachineState.STOPPED]
    assert len(cycle) > 6 and cycle == (with_loader * 9)[: len(cycle)]


def test_loader_without_trucks_waits_for_one_and_without_muck_for_material() -> None:
    idle = Loader(Random(1))
    run(60, idle)
    assert (idle.shown_state, idle.stop_reason) == (MachineState.WAITING, StopReason.NO_TRUCK)
    charger = Charger(Random(1), muck_t=20.0)
    hungry = Loader(Random(1), digs_from=charger)
    truck = begun(Truck(Random(2), loaded_by=hungry))
    run(600, hungry, truck)
    assert (hungry.shown_state, hungry.stop_reason) == (MachineState.WAITING, StopReason.NO_MATERIAL)
    assert charger.muck_t == pytest.approx(20.0 - hungry.moved_t) and hungry.moved_t < 20


def test_ore_goes_to_the_bin_and_waste_does_not_and_a_full_bin_holds_the_truck() -> None:
    ore_bin = OreBin(Random(1), stock_t=0.0)
    loader = Loader(Random(2))
    truck = begun(Truck(Random(3), loaded_by=loader, dumps_at=ore_bin))
    kinds, dumped_t, before = set(), 0.0, truck.payload_t
    for _ in range(20_000):
        run(1, loader, truck, ore_bin)
        kinds.add(truck.load_kind)
        if truck.payload_t < before and truck.load_kind is LoadKind.ORE:
            dumped_t += before
        before = truck.payload_t
    assert kinds == set(LoadKind)
    assert ore_bin.stock_t == pytest.approx(dumped_t)
    assert 0 < dumped_t < loader.moved_t
    ore_bin.stock_t = OreBin.CAPACITY_T
    run(6_000, loader, truck, ore_bin)
    assert (truck.shown_state, truck.stop_reason) == (MachineState.WAITING, StopReason.DUMP_FULL)


def test_drilled_pattern_is_charged_and_fired_and_breaks_rock_for_the_loader() -> None:
    drill = Drill(Random(1))
    charger = Charger(Random(2), charges_after=drill, muck_t=0.0)
    loader = Loader(Random(3), digs_from=charger)
    cleared, waits = False, set()
    for _ in range(9_000):
        run(1, drill, charger, loader)
        cleared |= charger.clears_the_face
        waits.add(loader.stop_reason)
    assert cleared and charger.muck_t >= 0.9 * Charger.BROKEN_T
    assert {StopReason.BLAST_CLEARANCE, StopReason.NO_TRUCK} <= waits


def test_blast_needs_a_drilled_pattern() -> None:
    drill = Drill(Random(1))
    drill.hurt = {FaultKind.BREAKDOWN: 1.0}
    charger = Charger(Random(2), charges_after=drill, muck_t=0.0)
    run(9_000, drill, charger)
    assert charger.muck_t == 0 and drill.shown_state is MachineState.BREAKDOWN
    assert (charger.shown_state, charger.stop_reason) in (
        (MachineState.WAITING, StopReason.NO_WORK),
        (MachineState.STOPPED, StopReason.PERSONAL),
    )


def test_broken_machine_goes_on_where_it_was() -> None:
    truck = begun(Truck(Random(7)))
    run(200, truck)
    state, left_s, fuel_frac = truck.state, truck.left_s, truck.fuel_frac
    truck.hurt = {FaultKind.PLANNED_SERVICE: 1.0}
    run(500, truck)
    assert truck.shown_state is MachineState.SERVICE and truck.fuel_frac == fuel_frac
    truck.hurt = {}
    assert (truck.shown_state, truck.left_s) == (state, left_s)


def test_broken_truck_at_the_head_of_the_queue_is_passed_over() -> None:
    loader = Loader(Random(1))
    broken, sound = (begun(Truck(Random(n), loaded_by=loader)) for n in (2, 3))
    while len(loader.queue) < 2:
        run(1, broken, sound)
    loader.queue[0].hurt = {FaultKind.BREAKDOWN: 1.0}
    passed = loader.queue[0]
    run(60, loader)
    assert list(loader.queue) == [passed] and loader.truck is not None


def test_operator_takes_meal_and_shift_change_and_refuels() -> None:
    truck = begun(Truck(Random(7)))
    reasons, states, fuel = set(), set(), []
    for _ in range(2 * 43_200 // 5):
        truck.step(5.0)
        reasons.add(truck.stop_reason)
        states.add(truck.shown_state)
        fuel.append(truck.fuel_frac)
    assert reasons == {StopReason.NONE, StopReason.MEAL, StopReason.PERSONAL, StopReason.SHIFT_CHANGE}
    assert MachineState.REFUELLING in states and 0.03 < min(fuel) < 0.1


# People and all ------------------------------------------------------------------------------------------------------


def test_man_down_lies_still_and_his_clock_runs() -> None:
    wearable = Wearable(Random(1))
    run(60, wearable)
    assert wearable.values()["still"] == 0
    wearable.hurt = {FaultKind.MAN_DOWN: 1.0}
    place = wearable.easting_m
    run(60, wearable)
    assert wearable.values()["still"] == 60 and wearable.easting_m == place


def test_passenger_is_where_the_vehicle_is() -> None:
    truck = begun(Truck(Random(1), state=MachineState.HAULING, left_s=50.0, stay_s=100.0))
    wearable = Wearable(Random(2), rides=truck)
    run(1, truck, wearable)
    assert (wearable.easting_m, wearable.northing_m) == truck.place_m
    assert truck.place_m[0] > 1_000


def test_camera_counts_whole_people_and_a_crowd() -> None:
    camera = Camera(Random(1))
    counts = set()
    for _ in range(3_000):
        run(1, camera)
        counts.add(camera.values()["people"])
    assert counts <= set(range(Camera.MOST + 1)) and len(counts) > 3
    camera.hurt = {FaultKind.CROWD: 12.0}
    assert camera.values()["people"] >= 12


@pytest.mark.parametrize("kind", KINDS)
def test_machine_shows_what_it_says_it_measures(kind: str) -> None:
    machine = begun(KINDS[kind](Random(1)))  # type: ignore[index]
    run(10, machine)
    assert machine.values().keys() == machine.units.keys()
    assert machine.commands.keys() <= machine.units.keys()
