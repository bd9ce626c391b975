"""Mine equipment as small physical models: (state, conditions, rng, dt) to the next state, and state to values.

Numbers are of a plausible size, not of a certain machine. Everything random comes from the `rng` argument.

Gas in a ventilated heading of volume V, release R and air quantity Q mixes as V dc/dt = R - Q c (McPherson,
Subsurface Ventilation and Environmental Engineering, 2nd ed., ch. 12): with the fan on, c settles at R/Q; when the fan
stops, c climbs at about R/V.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from random import Random


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the world, and its faults, do to an equipment. `airflow_frac`: of the full air quantity."""

    is_commanded_on: bool = True
    bearing_wear_frac: float = 0.0
    gas_release_factor: float = 1.0
    airflow_frac: float = 1.0


# Gas sensor -----------------------------------------------------------------------------------------------------------

HEADING_VOLUME_M3 = 1_200.0
AIR_QUANTITY_M3_S = 20.0
LEAKAGE_AIR_FRAC = 0.03  # what still moves without the fan
CH4_RELEASE_M3_S = 0.08
CO_RELEASE_M3_S = 8e-5


@dataclass(frozen=True, slots=True)
class Gas:
    """Fractions by volume in the heading."""

    ch4_frac: float = CH4_RELEASE_M3_S / AIR_QUANTITY_M3_S
    co_frac: float = CO_RELEASE_M3_S / AIR_QUANTITY_M3_S


GAS_UNITS = {"ch4": "%", "co": "[ppm]"}


def step_gas(gas: Gas, conditions: Conditions, rng: Random, dt_s: float) -> Gas:
    air_m3_s = AIR_QUANTITY_M3_S * max(conditions.airflow_frac, LEAKAGE_AIR_FRAC)
    release_m3_s = CH4_RELEASE_M3_S * conditions.gas_release_factor * rng.gauss(1.0, 0.05)
    return Gas(
        _mixed(gas.ch4_frac, max(release_m3_s, 0.0), air_m3_s, dt_s),
        _mixed(gas.co_frac, CO_RELEASE_M3_S * rng.uniform(0.8, 1.2), air_m3_s, dt_s),
    )


def gas_values(gas: Gas, rng: Random) -> Mapping[str, float]:
    return {
        "ch4": max(gas.ch4_frac * 100 + rng.gauss(0, 0.004), 0.0),
        "co": max(gas.co_frac * 1e6 + rng.gauss(0, 0.1), 0),
    }


def _mixed(fraction: float, release_m3_s: float, air_m3_s: float, dt_s: float) -> float:
    change_per_s = (release_m3_s - air_m3_s * fraction) / HEADING_VOLUME_M3
    return min(max(fraction + change_per_s * dt_s, 0.0), 1.0)


# Ventilation fan ------------------------------------------------------------------------------------------------------

FULL_SPEED_PER_MIN = 980.0
RUN_UP_S = 6.0
AMBIENT_CEL = 24.0
MOTOR_WARMING_S = 240.0


@dataclass(frozen=True, slots=True)
class Fan:
    speed_frac: float = 1.0
    motor_temperature_cel: float = 68.0
    bearing_wear_frac: float = 0.0


FAN_UNITS = {"speed": "/min", "vibration": "mm/s", "motor_temperature": "Cel"}


def step_fan(fan: Fan, conditions: Conditions, rng: Random, dt_s: float) -> Fan:
    wanted_frac = 1.0 if conditions.is_commanded_on else 0.0
    load_cel = 44.0 * fan.speed_frac**3 + 18.0 * conditions.bearing_wear_frac * fan.speed_frac
    return Fan(
        _towards(fan.speed_frac, wanted_frac, dt_s / RUN_UP_S),
        _towards(fan.motor_temperature_cel, AMBIENT_CEL + load_cel, dt_s / MOTOR_WARMING_S) + rng.gauss(0, 0.01),
        conditions.bearing_wear_frac,
    )


def fan_values(fan: Fan, rng: Random) -> Mapping[str, float]:
    """Vibration velocity grows with the square of speed, and with wear towards zone D of ISO 20816-3."""
    vibration_mm_s = (1.8 + 7.0 * fan.bearing_wear_frac) * fan.speed_frac**2 * rng.uniform(0.92, 1.08)
    return {
        "speed": FULL_SPEED_PER_MIN * fan.speed_frac * rng.uniform(0.998, 1.002),
        "vibration": vibration_mm_s,
        "motor_temperature": fan.motor_temperature_cel + rng.gauss(0, 0.1),
    }


def _towards(value: float, target: float, share: float) -> float:
    return value + (target - value) * min(share, 1.0)


# Haul truck -----------------------------------------------------------------------------------------------------------


class TruckState(IntEnum):
    LOADING = 1
    HAULING = 2
    DUMPING = 3
    RETURNING = 4
    REFUELLING = 5


PAYLOAD_T = 90.0
FUEL_RESERVE_FRAC = 0.1
MEAN_STAY_S = {
    TruckState.LOADING: 150.0,
    TruckState.HAULING: 420.0,
    TruckState.DUMPING: 45.0,
    TruckState.RETURNING: 300.0,
    TruckState.REFUELLING: 600.0,
}
SPEED_KMH = {TruckState.HAULING: 24.0, TruckState.RETURNING: 38.0}
ENGINE_CEL = {TruckState.HAULING: 96.0, TruckState.RETURNING: 86.0}
IDLE_ENGINE_CEL = 78.0
ENGINE_WARMING_S = 90.0
FUEL_FRAC_PER_H = {TruckState.HAULING: 0.12, TruckState.RETURNING: 0.06}
IDLE_FUEL_FRAC_PER_H = 0.015


@dataclass(frozen=True, slots=True)
class Truck:
    state: TruckState = TruckState.LOADING
    left_s: float = MEAN_STAY_S[TruckState.LOADING]
    stay_s: float = MEAN_STAY_S[TruckState.LOADING]
    speed_kmh: float = 0.0
    engine_temperature_cel: float = IDLE_ENGINE_CEL
    fuel_frac: float = 0.9


TRUCK_UNITS = {"state": "1", "payload": "t", "speed": "km/h", "engine_temperature": "Cel", "fuel": "%"}


def step_truck(truck: Truck, conditions: Conditions, rng: Random, dt_s: float) -> Truck:
    burnt_frac = FUEL_FRAC_PER_H.get(truck.state, IDLE_FUEL_FRAC_PER_H) * dt_s / 3600
    moved = replace(
        truck,
        left_s=truck.left_s - dt_s,
        speed_kmh=_towards(truck.speed_kmh, SPEED_KMH.get(truck.state, 0.0) * rng.uniform(0.85, 1.15), dt_s / 10),
        engine_temperature_cel=_towards(
            truck.engine_temperature_cel, ENGINE_CEL.get(truck.state, IDLE_ENGINE_CEL), dt_s / ENGINE_WARMING_S
        ),
        fuel_frac=max(truck.fuel_frac - burnt_frac, 0.0),
    )
    return moved if moved.left_s > 0 else _next_truck_state(moved, rng)


def truck_values(truck: Truck, rng: Random) -> Mapping[str, float]:
    return {
        "state": float(truck.state),
        "payload": _payload_t(truck),
        "speed": truck.speed_kmh,
        "engine_temperature": truck.engine_temperature_cel + rng.gauss(0, 0.2),
        "fuel": truck.fuel_frac * 100,
    }


def _next_truck_state(truck: Truck, rng: Random) -> Truck:
    state = _after(truck)
    stay_s = MEAN_STAY_S[state] * rng.uniform(0.85, 1.25)
    fuel_frac = 1.0 if truck.state is TruckState.REFUELLING else truck.fuel_frac
    return replace(truck, state=state, left_s=stay_s, stay_s=stay_s, fuel_frac=fuel_frac)


def _after(truck: Truck) -> TruckState:
    match truck.state:
        case TruckState.LOADING:
            return TruckState.HAULING
        case TruckState.HAULING:
            return TruckState.DUMPING
        case TruckState.DUMPING if truck.fuel_frac < FUEL_RESERVE_FRAC:
            return TruckState.REFUELLING
        case TruckState.DUMPING | TruckState.REFUELLING:
            return TruckState.RETURNING
        case TruckState.RETURNING:
            return TruckState.LOADING


def _payload_t(truck: Truck) -> float:
    done_frac = 1 - max(truck.left_s, 0.0) / truck.stay_s
    match truck.state:
        case TruckState.LOADING:
            return PAYLOAD_T * done_frac
        case TruckState.HAULING:
            return PAYLOAD_T
        case TruckState.DUMPING:
            return PAYLOAD_T * (1 - done_frac)
        case _:
            return 0.0
