"""Tables of the edge: who may send, what was measured, which alarms stand, and what could not be placed."""

from edge_bridge.models.alarm import Alarm, AlarmChange
from edge_bridge.models.alarm_policy import EscalationStep, SuppressionRule
from edge_bridge.models.command import Command, CommandChange, CommandRoute, CommandType
from edge_bridge.models.device import Device
from edge_bridge.models.guard import Guard
from edge_bridge.models.production import (
    HauledLoad,
    PlannedRate,
    RolledDay,
    ShiftHandover,
    ShiftRow,
    StateInterval,
    StopCorrection,
)
from edge_bridge.models.reading import Latest, Quality, Reading, Series
from edge_bridge.models.rollup import DirtyMinute, ReadingRemoval, ReadingRetention, Rollup
from edge_bridge.models.rule import KeptRule, RulesInUse, RuleTrial, RuleVersion, TrialStatus
from edge_bridge.models.stream import Gap, Quarantine, StreamHour, Watermark

__all__ = [
    "Alarm",
    "AlarmChange",
    "Command",
    "CommandChange",
    "CommandRoute",
    "CommandType",
    "Device",
    "DirtyMinute",
    "EscalationStep",
    "Gap",
    "Guard",
    "HauledLoad",
    "KeptRule",
    "Latest",
    "PlannedRate",
    "Quality",
    "Quarantine",
    "Reading",
    "ReadingRemoval",
    "ReadingRetention",
    "RolledDay",
    "Rollup",
    "RuleTrial",
    "RuleVersion",
    "RulesInUse",
    "Series",
    "ShiftHandover",
    "ShiftRow",
    "StateInterval",
    "StopCorrection",
    "StreamHour",
    "SuppressionRule",
    "TrialStatus",
    "Watermark",
]
