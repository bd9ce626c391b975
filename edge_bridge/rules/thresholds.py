"""Limits lo_lo, lo, hi, hi_hi on one tag, with hysteresis and delays against chatter (ISA-18.2, clause 10.4).

Each limit is an alarm of its own, ``<alarm_type>.<level>``, judged independently of the others:

- raised when the value has been at or beyond the limit for `on_delay_s`;
- cleared when the value has been back beyond the limit by more than `deadband`, or beyond the limit's own `clear`
  (power may be restored below 1.0 % only, though it was cut at 1.5 %), for `off_delay_s`;
- anything between leaves it as it is and restarts a running delay.

Time is `measured_at`. Readings are judged in the order of arrival and a stamp that goes back restarts a running
delay. At a reading whose stamp is not newer than the last, the delay counts by the gateway's clock as well: a terminal
whose clock stands still or starts over can delay an alarm by about one delay, but never silence the rule. A bad reading
is not judged; an uncertain one may raise an alarm but not clear it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from typing import Any

from edge_bridge.protocol import MAX_NAME_CHARS, Alarm, AlarmEvent, Quality, Reading, Severity


class RuleError(ValueError):
    """A rule that cannot work: `path` of the setting, and in words what to change."""

    def __init__(self, path: str, message: str) -> None:
        super().__init__(f"{path}: {message}")
        self.path = path
        self.message = message


class Level(StrEnum):
    """In rising order of value."""

    LO_LO = "lo_lo"
    LO = "lo"
    HI = "hi"
    HI_HI = "hi_hi"

    @property
    def is_high(self) -> bool:
        return self in (Level.HI, Level.HI_HI)


@dataclass(frozen=True, slots=True)
class Limit:
    """`value` and `clear` in the unit of the tag; without `clear` the rule's deadband counts."""

    value: float
    severity: Severity
    clear: float | None = None

    def is_over(self, level: Level, value: float, deadband: float) -> bool:
        """Whether a raised alarm may be cleared by this value."""
        if level.is_high:
            return value < (self.value - deadband if self.clear is None else self.clear)
        return value > (self.value + deadband if self.clear is None else self.clear)


@dataclass(frozen=True, slots=True)
class Rule:
    """`deadband` in the unit of the tag; validated at birth, RuleError otherwise."""

    name: str
    equipment: str
    tag: str
    alarm_type: str
    limits: Mapping[Level, Limit]
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("deadband", "on_delay_s", "off_delay_s"):
            if not (math.isfinite(getattr(self, name)) and getattr(self, name) >= 0):
                raise RuleError(name, "must be zero or a positive number")
        if not self.limits:
            raise RuleError("limits", f"at least one of {', '.join(Level)} is needed")
        for level, limit in self.limits.items():
            if limit.clear is not None and (limit.clear > limit.value if level.is_high else limit.clear < limit.value):
                raise RuleError(
                    f"{level}.clear", f"must not be {'above' if level.is_high else 'below'} the limit itself"
                )
        given = [level for level in Level if level in self.limits]
        for lower, upper in pairwise(given):
            room = self.deadband * 2 if upper.is_high and not lower.is_high else 0.0
            if not self.limits[lower].value + room < self.limits[upper].value:
                raise RuleError(upper, f"must be above {lower}, with room for the deadband between lo and hi")


@dataclass(frozen=True, slots=True)
class LimitState:
    """`since_at`: when the reading first asked for the change that a delay holds back; None if none is asked for.

    `heard_at`: when that was by the gateway's clock; `last_at`: the stamp of the last that asked.
    """

    raised: bool = False
    since_at: datetime | None = None
    heard_at: datetime | None = None
    last_at: datetime | None = None


AT_REST = LimitState()

RuleState = Mapping[Level, LimitState]


def step(
    rule: Rule, state: RuleState, reading: Reading, heard_at: datetime | None = None
) -> tuple[RuleState, tuple[Alarm, ...]]:
    """The state after `reading` (of the rule's equipment and tag) and the alarms raised or cleared by it.

    `heard_at` by the gateway's clock; a recording that does not say was heard as it was measured.
    """
    if reading.quality is Quality.BAD:
        return state, ()
    after, alarms = dict(state), []
    for level in rule.limits:
        before = state.get(level, AT_REST)
        after[level] = _step_limit(rule, level, before, reading, heard_at or reading.measured_at)
        if after[level].raised != before.raised:
            alarms.append(_alarm(rule, level, after[level].raised, reading))
    return after, tuple(alarms)


def _step_limit(rule: Rule, level: Level, state: LimitState, reading: Reading, heard_at: datetime) -> LimitState:
    if not _asks_for_change(rule, level, state, reading):
        return state if state.since_at is None else LimitState(state.raised)
    at = reading.measured_at
    since_at, since_heard_at = min(state.since_at or at, at), min(state.heard_at or heard_at, heard_at)
    waited = at - since_at
    if state.last_at and at <= state.last_at:
        waited = max(waited, heard_at - since_heard_at)
    if waited >= timedelta(seconds=rule.off_delay_s if state.raised else rule.on_delay_s):
        return LimitState(raised=not state.raised)
    return LimitState(state.raised, since_at, since_heard_at, at)


def _asks_for_change(rule: Rule, level: Level, state: LimitState, reading: Reading) -> bool:
    limit = rule.limits[level]
    if not state.raised:
        return reading.value >= limit.value if level.is_high else reading.value <= limit.value
    return limit.is_over(level, reading.value, rule.deadband) and reading.quality is Quality.GOOD


def _alarm(rule: Rule, level: Level, raised: bool, reading: Reading) -> Alarm:
    limit = rule.limits[level]
    return Alarm(
        equipment=rule.equipment,
        alarm_type=f"{rule.alarm_type}.{level}",
        event=AlarmEvent.RAISED if raised else AlarmEvent.CLEARED,
        severity=limit.severity,
        tag=rule.tag,
        value=reading.value,
        limit=limit.value,
        rule=rule.name,
        occurred_at=reading.measured_at,
        historical=False,
    )


# State as text, so that it survives a restart ----------------------------------------------------------------------


def state_to_text(state: RuleState) -> str:
    return json.dumps(
        {str(level): [limit.raised, *(at and at.isoformat() for at in _times(limit))] for level, limit in state.items()}
    )


def _times(limit: LimitState) -> tuple[datetime | None, datetime | None, datetime | None]:
    return limit.since_at, limit.heard_at, limit.last_at


def state_from_text(text: str) -> RuleState:
    return {
        Level(level): LimitState(raised, *(at and datetime.fromisoformat(at) for at in times))
        for level, (raised, *times) in json.loads(text).items()
    }


# Settings to rules ---------------------------------------------------------------------------------------------------

_NAMES = ("name", "equipment", "tag", "alarm_type")
_NUMBERS = ("deadband", "on_delay_s", "off_delay_s")


def parse_rule(table: Any) -> Rule:
    """One rule; RuleError names the setting."""
    known = {*_NAMES, *_NUMBERS, *Level}
    if not isinstance(table, dict):
        raise RuleError("rule", "must be a table")
    unknown = next((name for name in table if name not in known), None)
    if unknown is not None:
        raise RuleError(unknown, f"is not known; known are {', '.join(sorted(known))}")
    texts: dict[str, Any] = {name: text_of(name, table.get(name)) for name in _NAMES}
    numbers: dict[str, Any] = {name: _number(name, table[name]) for name in _NUMBERS if name in table}
    return Rule(**texts, **numbers, limits={level: _limit(level, table[level]) for level in Level if level in table})


def _limit(level: str, table: Any) -> Limit:
    if not isinstance(table, dict) or not {"value", "severity"} <= table.keys() <= {"value", "severity", "clear"}:
        raise RuleError(
            level, 'must be such as { value = 1.5, severity = "critical", clear = 1.0 }; clear may be left out'
        )
    clear = _number(f"{level}.clear", table["clear"]) if "clear" in table else None
    severity = severity_of(f"{level}.severity", table["severity"])
    return Limit(_number(f"{level}.value", table["value"]), severity, clear)


def severity_of(path: str, value: Any) -> Severity:
    if not isinstance(value, str) or value not in set(Severity):
        raise RuleError(path, f"must be one of {', '.join(Severity)}")
    return Severity(value)


def text_of(path: str, value: Any) -> str:
    most = MAX_NAME_CHARS if path == "name" else 50  # a level is added to an alarm type
    if not isinstance(value, str) or not 1 <= len(value) <= most or not value.isprintable():
        raise RuleError(path, f"must be printable text of 1 to {most} characters")
    return value


def is_number(value: Any) -> bool:
    """Neither a flag nor beyond what a float holds."""
    try:
        return not isinstance(value, bool) and isinstance(value, int | float) and math.isfinite(value)
    except OverflowError:
        return False


def _number(path: str, value: Any) -> float:
    if not is_number(value):
        raise RuleError(path, "must be a number")
    return float(value)
