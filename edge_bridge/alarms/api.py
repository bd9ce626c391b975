"""The public door of alarms for the other apps, beside `edge_bridge.api`."""

from edge_bridge.alarms.access import get_own_alarm, get_set_aside, get_suppression_rule
from edge_bridge.alarms.actions import (
    acknowledge_alarm,
    assign_alarm,
    clear_by_hand,
    comment_alarm,
    dismiss_set_aside,
    return_alarm,
    shelve_alarm,
    take_out_of_service,
)
from edge_bridge.alarms.aside import set_aside_where
from edge_bridge.alarms.cloud import Finding, clear_alarm, raise_alarm
from edge_bridge.alarms.data import LONGEST_SHELF, STATES, USUAL_STEPS
from edge_bridge.alarms.escalation import steps_of
from edge_bridge.alarms.health import ACCEPTABLE_PER_H, MANAGEABLE_PER_H, Health, alarm_health
from edge_bridge.alarms.policies import Step, end_suppression, make_suppression, set_escalation, suppress_in_states
from edge_bridge.alarms.sources import why_gone
from edge_bridge.alarms.suppression import rules_of
from edge_bridge.alarms.table import as_csv
from edge_bridge.queries import alarms_where

__all__ = [
    "ACCEPTABLE_PER_H",
    "LONGEST_SHELF",
    "MANAGEABLE_PER_H",
    "STATES",
    "USUAL_STEPS",
    "Finding",
    "Health",
    "Step",
    "acknowledge_alarm",
    "alarm_health",
    "alarms_where",
    "as_csv",
    "assign_alarm",
    "clear_alarm",
    "clear_by_hand",
    "comment_alarm",
    "dismiss_set_aside",
    "end_suppression",
    "get_own_alarm",
    "get_set_aside",
    "get_suppression_rule",
    "make_suppression",
    "raise_alarm",
    "return_alarm",
    "rules_of",
    "set_aside_where",
    "set_escalation",
    "shelve_alarm",
    "steps_of",
    "suppress_in_states",
    "take_out_of_service",
    "why_gone",
]
