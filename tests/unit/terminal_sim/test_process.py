"""Equipment models: by hand where the physics has a closed form, by their order where it has not."""

from dataclasses import replace
from itertools import groupby
from math import exp
from random import Random

import pytest

from terminal_sim.process import (
    AIR_QUANTITY_M3_S,
    CH4_RELEASE_M3_S,
    HEADING_VOLUME_M3,
    LEAKAGE_AIR_FRAC,
    PAYLOAD_T,
    Conditions,
    Fan,
    Gas,
    Truck,
    TruckState,
    fan_values,
    step_fan,
    step_gas,
    step_truck,
    truck_values,
)


def after(seconds: float, step, state, conditions: Conditions, dt_s: float = 1.0):  # type: ignore[no-untyped-def]
    rng = Random(1)
    for _ in range(round(seconds / dt_s)):
        state = step(state, conditions, rng, dt_s)
    return state


def test_methane_settles_at_release_over_air() -> None:
    settled = after(1_200, step_gas, Gas(ch4_frac=0.02), Conditions())
    assert settled.ch4_frac == pytest.approx(CH4_RELEASE_M3_S / AIR_QUANTITY_M3_S, rel=0.05)


def test_methane_without_the_fan_climbs_as_the_mixing_equation_says() -> None:
    """c(t) = R/Q' + (c0 - R/Q') exp(-Q' t / V) with Q' the leakage: from 0.40 % to 1.00 % in about 100 s."""
    leakage_m3_s = AIR_QUANTITY_M3_S * LEAKAGE_AIR_FRAC
    limit_frac = CH4_RELEASE_M3_S / leakage_m3_s
    expected_frac = limit_frac + (0.004 - limit_frac) * exp(-leakage_m3_s * 100 / HEADING_VOLUME_M3)
    climbed = after(100, step_gas, Gas(), Conditions(airflow_frac=0.0))
    assert climbed.ch4_frac == pytest.approx(expected_frac, rel=0.02)
    assert climbed.ch4_frac == pytest.approx(0.0103, rel=0.02)


def test_gas_stays_a_fraction_whatever_is_released() -> None:
    flooded = after(3_600, step_gas, Gas(), Conditions(gas_release_factor=1e6, airflow_frac=0.0))
    assert flooded.ch4_frac == 1.0


def test_fan_runs_down_when_it_is_stopped() -> None:
    stopped = after(60, step_fan, Fan(), Conditions(is_commanded_on=False))
    assert stopped.speed_frac < 0.01
    assert stopped.motor_temperature_cel < Fan().motor_temperature_cel
    assert fan_values(stopped, Random(1))["vibration"] < 0.01


def test_worn_bearing_shakes_and_warms_the_fan() -> None:
    worn = after(600, step_fan, Fan(), Conditions(bearing_wear_frac=1.0))
    sound = after(600, step_fan, Fan(), Conditions())
    assert fan_values(worn, Random(1))["vibration"] > 4 * fan_values(sound, Random(1))["vibration"]
    assert worn.motor_temperature_cel > sound.motor_temperature_cel + 10


def trip(seconds: int, truck: Truck | None = None) -> list[Truck]:
    rng, trucks = Random(7), [truck or Truck()]
    for _ in range(seconds):
        trucks.append(step_truck(trucks[-1], Conditions(), rng, 1.0))
    return trucks


def test_truck_goes_round_its_cycle() -> None:
    cycle = [TruckState.LOADING, TruckState.HAULING, TruckState.DUMPING, TruckState.RETURNING]
    visited = [state for state, _ in groupby(truck.state for truck in trip(4_000))]
    assert len(visited) > 8
    assert visited == (cycle * 10)[: len(visited)]


def test_truck_is_full_while_hauling_and_empty_while_returning() -> None:
    for truck in trip(4_000):
        payload_t = truck_values(truck, Random(1))["payload"]
        assert 0 <= payload_t <= PAYLOAD_T
        if truck.state in (TruckState.HAULING, TruckState.RETURNING):
            assert payload_t == (PAYLOAD_T if truck.state is TruckState.HAULING else 0)


def test_truck_refuels_when_the_reserve_is_reached() -> None:
    trucks = trip(4_000, replace(Truck(), fuel_frac=0.11))
    assert TruckState.REFUELLING in {truck.state for truck in trucks}
    assert min(truck.fuel_frac for truck in trucks) > 0.05
    assert trucks[-1].fuel_frac > 0.9
