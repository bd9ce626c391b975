"""The public door of the edge for the other apps."""

from edge_bridge.access import get_alarm, get_device, get_series
from edge_bridge.actions import enrol_device, record, revoke_device
from edge_bridge.alarms.actions import acknowledge_alarm
from edge_bridge.queries import alarm_facts, alarm_snapshot, alarms, changes_of, readings, series_of
from edge_bridge.readings.trends import held_spans
from edge_bridge.snapshots import machine_snapshot
from edge_bridge.summaries import summary

__all__ = [
    "acknowledge_alarm",
    "alarm_facts",
    "alarm_snapshot",
    "alarms",
    "changes_of",
    "enrol_device",
    "get_alarm",
    "get_device",
    "get_series",
    "held_spans",
    "machine_snapshot",
    "readings",
    "record",
    "revoke_device",
    "series_of",
    "summary",
]
