"""Limits with hysteresis and delays as a detector, so that a backtest runs them beside the others.

The judgement is that of `thresholds`; here only the form differs: one finding a sample, for the outermost level.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import ClassVar, overload

from edge_bridge.protocol import Alarm, AlarmEvent, Quality, Reading, Severity
from edge_bridge.rules import thresholds
from edge_bridge.rules.detector import RATIO_MOST, Detector, Finding, Judged, Sample, State
from edge_bridge.rules.thresholds import Level, Limit, LimitState, Rule


@dataclass(frozen=True, kw_only=True)
class Limits(Detector):
    """At least one level; values in the unit of the tag, None: not judged."""

    purpose: ClassVar[str] = "the value is at or beyond a limit, with deadband and delays"

    lo_lo: float | None = None
    lo: float | None = None
    hi: float | None = None
    hi_hi: float | None = None
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0

    def check(self) -> None:
        self.rule  # noqa: B018 (it is checked when it is made)

    @cached_property
    def rule(self) -> Rule:
        values: Mapping[Level, float | None] = {level: getattr(self, level) for level in Level}
        limits = {level: Limit(value, Severity.HIGH) for level, value in values.items() if value is not None}
        return Rule("-", "-", "-", "limit", limits, self.deadband, self.on_delay_s, self.off_delay_s)

    def begin(self) -> State:
        return ((False, None, None, None),) * len(self.rule.limits)

    def is_raised(self, state: State) -> bool:
        return any(raised for raised, *_ in state)

    def step(self, state: State, sample: Sample) -> Judged:
        """Its score is 0.5 at the limit, and grows by the share of the limit's own size."""
        rule = self.rule
        stored = zip(rule.limits, state, strict=True)
        before = {level: LimitState(raised, *map(_at, times)) for level, (raised, *times) in stored}
        quality = Quality.GOOD if sample.is_sure else Quality.UNCERTAIN
        reading = Reading("-", "-", sample.value, quality, _at(sample.at_s))
        after, alarms = thresholds.step(rule, before, reading, _at(sample.received_s))
        ratio = max(_ratio(level, limit.value, sample.value) for level, limit in rule.limits.items())
        finding = _finding(alarms[-1]) if alarms else None
        return tuple(_numbers(limit) for limit in after.values()), ratio / (1 + ratio), finding


def _ratio(level: Level, limit: float, value: float) -> float:
    excess = (value - limit) / (abs(limit) or 1.0)
    return min(max(1 + (excess if level.is_high else -excess), 0.0), RATIO_MOST)


def _finding(alarm: Alarm) -> Finding:
    side = "at or beyond" if alarm.event is AlarmEvent.RAISED else "back within"
    return Finding(alarm.event, alarm.value, alarm.limit, f"is {side} {alarm.alarm_type} {alarm.limit:g}")


def _numbers(limit: LimitState) -> State:
    return limit.raised, *(at and at.timestamp() for at in (limit.since_at, limit.heard_at, limit.last_at))


@overload
def _at(at_s: float) -> datetime: ...
@overload
def _at(at_s: None) -> None: ...
def _at(at_s: float | None) -> datetime | None:
    return None if at_s is None else datetime.fromtimestamp(at_s, UTC)
