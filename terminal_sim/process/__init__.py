"""Mine equipment as small physical models, one kind of machine a class.

Numbers are of a plausible size, not of a certain machine. The order of KINDS is the order of causes within a step:
power before what it feeds, drills before chargers before loaders before trucks, fans before the air they move.
"""

from collections.abc import Mapping
from enum import StrEnum

from terminal_sim.process.air import EnvironmentSensor, GasSensor
from terminal_sim.process.face import Charger, Drill, Support
from terminal_sim.process.ground import StrainSensor, VibrationSensor
from terminal_sim.process.haulage import Loader, Truck
from terminal_sim.process.machine import CommandRefused, Machine
from terminal_sim.process.ore_flow import Hoist, Mill, OreBin, Sump
from terminal_sim.process.people import Camera, Wearable
from terminal_sim.process.plant import Backfill, Fan, Feeder, Pump

__all__ = ["KINDS", "CommandRefused", "Machine", "TerminalKind"]


class TerminalKind(StrEnum):
    POWER_FEEDER = "power_feeder"
    FAN = "fan"
    PUMP = "pump"
    HOIST = "hoist"
    BACKFILL_PLANT = "backfill_plant"
    DRILL = "drill"
    CHARGER = "charger"
    LOADER = "loader"
    HAUL_TRUCK = "haul_truck"
    SUPPORT_VEHICLE = "support_vehicle"
    ORE_BIN = "ore_bin"
    MILL = "mill"
    SUMP = "sump"
    GAS_SENSOR = "gas_sensor"
    ENVIRONMENT_SENSOR = "environment_sensor"
    STRAIN_SENSOR = "strain_sensor"
    VIBRATION_SENSOR = "vibration_sensor"
    CAMERA = "camera"
    WEARABLE = "wearable"


KINDS: Mapping[TerminalKind, type[Machine]] = {
    TerminalKind.POWER_FEEDER: Feeder,
    TerminalKind.FAN: Fan,
    TerminalKind.PUMP: Pump,
    TerminalKind.HOIST: Hoist,
    TerminalKind.BACKFILL_PLANT: Backfill,
    TerminalKind.DRILL: Drill,
    TerminalKind.CHARGER: Charger,
    TerminalKind.LOADER: Loader,
    TerminalKind.HAUL_TRUCK: Truck,
    TerminalKind.SUPPORT_VEHICLE: Support,
    TerminalKind.ORE_BIN: OreBin,
    TerminalKind.MILL: Mill,
    TerminalKind.SUMP: Sump,
    TerminalKind.GAS_SENSOR: GasSensor,
    TerminalKind.ENVIRONMENT_SENSOR: EnvironmentSensor,
    TerminalKind.STRAIN_SENSOR: StrainSensor,
    TerminalKind.VIBRATION_SENSOR: VibrationSensor,
    TerminalKind.CAMERA: Camera,
    TerminalKind.WEARABLE: Wearable,
}
