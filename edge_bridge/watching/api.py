"""The public door of what is watched across organisations."""

from edge_bridge.watching.fleet import FleetHealth, fleet_health
from edge_bridge.watching.oversight import Mine, oversight

__all__ = ["FleetHealth", "Mine", "fleet_health", "oversight"]
