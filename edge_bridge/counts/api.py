"""The public door of gateways' counts for the other apps, beside `edge_bridge.api`."""

from edge_bridge.counts.counting import COUNTED
from edge_bridge.counts.queries import HourOfLane, Seen, balance_of, gateways_seen
from edge_bridge.queries import devices, streams

__all__ = ["COUNTED", "HourOfLane", "Seen", "balance_of", "devices", "gateways_seen", "streams"]
