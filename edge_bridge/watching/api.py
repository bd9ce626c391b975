"""The public door of what is watched across organisations."""

from edge_bridge.watching.fleet import FleetHealth, fleet_health
from edge_bridge.watching.gaps import GapLog, SensorLog, gap_log
from edge_bridge.watching.oversight import MOST_SENSORS, Mine, oversight

__all__ = ["MOST_SENSORS", "FleetHealth", "GapLog", "Mine", "SensorLog", "fleet_health", "gap_log", "oversight"]
