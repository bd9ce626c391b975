"""The public door of kept rules."""

from edge_bridge.catalogue.access import get_rule, get_trial
from edge_bridge.catalogue.actions import (
    Sensor,
    change_rule,
    disable_rule,
    enable_rule,
    make_rule,
    make_rules_from_template,
    retire_rule,
    set_calls,
)
from edge_bridge.catalogue.data import MAX_RULE_NAME_CHARS, kinds, templates
from edge_bridge.catalogue.queries import current_reports, rules, trials, unheard
from edge_bridge.catalogue.trying import MOST_LABELS, Label, cancel_trial, request_trial

__all__ = [
    "MAX_RULE_NAME_CHARS",
    "MOST_LABELS",
    "Label",
    "Sensor",
    "cancel_trial",
    "change_rule",
    "current_reports",
    "disable_rule",
    "enable_rule",
    "get_rule",
    "get_trial",
    "kinds",
    "make_rule",
    "make_rules_from_template",
    "request_trial",
    "retire_rule",
    "rules",
    "set_calls",
    "templates",
    "trials",
    "unheard",
]
