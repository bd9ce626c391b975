"""The public door of the edge for the other apps."""

from edge_bridge.access import get_alarm, get_device, get_series
from edge_bridge.queries import alarm_facts, alarm_snapshot, alarms, readings, series_of

__all__ = [
    "alarm_facts",
    "alarm_snapshot",
    "alarms",
    "get_alarm",
    "get_device",
    "get_series",
    "readings",
    "series_of",
]
