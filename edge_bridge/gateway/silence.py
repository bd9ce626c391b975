"""The dead man at the edge: equipment whose terminal says nothing any more. Pure; times are the gateway's own clock.

How often a machine speaks is learnt: the mean pause between its frames, the newest weighing a tenth. It is silent
after `periods` of these, and never before `least_s`, so that frames which were held and come in a burst raise nothing.
Where a terminal ends its session, `least_s` is all it has to begin another.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from edge_bridge.protocol import Alarm, AlarmEvent, Severity

ALARM_TYPE = "terminal_silent"
NEWEST_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Patience:
    periods: float = 10.0
    least_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Voice:
    """Of one machine: its last sign of life, the mean pause, and whether it stands as silent."""

    seen_at: datetime
    period_s: float = 0.0
    has_left: bool = False
    is_silent: bool = False

    def allowed_s(self, patience: Patience) -> float:
        learnt_s = 0.0 if self.has_left else self.period_s * patience.periods
        return max(learnt_s, patience.least_s)


def heard(voice: Voice | None, now: datetime) -> Voice:
    if voice is None or voice.is_silent:
        return Voice(now, voice.period_s if voice else 0.0)
    pause_s = max((now - voice.seen_at).total_seconds(), 0.0)
    period_s = voice.period_s + NEWEST_SHARE * (pause_s - voice.period_s) if voice.period_s else pause_s
    return Voice(now, period_s)


def left(voice: Voice, now: datetime) -> Voice:
    return replace(voice, seen_at=now, has_left=True)


def fell_silent(voice: Voice, patience: Patience, now: datetime) -> bool:
    return not voice.is_silent and (now - voice.seen_at).total_seconds() > voice.allowed_s(patience)


def alarm(equipment: str, voice: Voice, patience: Patience, event: AlarmEvent, now: datetime) -> Alarm:
    """Raised or cleared, with the seconds of silence and how many were allowed."""
    return Alarm(
        equipment=equipment,
        alarm_type=ALARM_TYPE,
        event=event,
        severity=Severity.HIGH,
        tag="silence",
        value=round(max((now - voice.seen_at).total_seconds(), 0.0), 3),
        limit=round(voice.allowed_s(patience), 3),
        rule="terminal silent",
        occurred_at=now,
        historical=False,
    )
