"""A rule over readings that are stored, held against what was known to be wrong: pure, one pass, no look-ahead.

The same functions judge here as in the gateway. What was known are labels, each a span of time, and alarms that other
rules raised: of these the time before counts, since a warning is to come before them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from edge_bridge.protocol import AlarmEvent, Quality, Reading
from edge_bridge.rules.kinds import AnyRule, RuleState, begin, judge, judge_time, points
from edge_bridge.rules.thresholds import Rule
from edge_bridge.rules.trial import Window, verdict

BUCKETS = 400  # of the chart
MOST_RAISED_SHOWN = 500
GRACE = timedelta(minutes=5)  # an alarm so long after another rule's own still speaks of the same


@dataclass(frozen=True, slots=True)
class Known:
    """Something that was wrong, and when its harm was there."""

    start_at: datetime
    end_at: datetime
    due_at: datetime
    words: str

    @property
    def window(self) -> Window:
        return Window(self.start_at.timestamp(), self.end_at.timestamp(), self.due_at.timestamp())


def known_by_alarm(alarm_type: str, occurred_at: datetime, lead_s: float) -> Known:
    return Known(occurred_at - timedelta(seconds=lead_s), occurred_at + GRACE, occurred_at, f"alarm {alarm_type}")


@dataclass
class Trial:
    """Feed it the readings of the rule's points in the order of time, then ask for the result."""

    rule: AnyRule
    since: datetime
    until: datetime
    raised_at: list[datetime] = field(default_factory=list)
    n_readings: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    _state: RuleState = None
    _buckets: dict[int, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._state = begin(self.rule)
        self._drawn = points(self.rule)[0]

    def take(self, readings: Iterable[Reading]) -> None:
        for reading in readings:
            self._judge(reading)
            if (reading.equipment, reading.tag) == self._drawn and reading.quality is not Quality.BAD:
                self._draw(reading)

    def _judge(self, reading: Reading) -> None:
        at = reading.measured_at
        self._state, missed = judge_time(self.rule, self._state, at)
        self._state, alarms = judge(self.rule, self._state, reading, at)
        self.raised_at += [at for alarm in (*missed, *alarms) if alarm.event is AlarmEvent.RAISED]
        self.n_readings += 1
        self.first_at, self.last_at = self.first_at or at, at

    def _draw(self, reading: Reading) -> None:
        n = int((reading.measured_at - self.since) / (self.until - self.since) * BUCKETS)
        low, high = self._buckets.get(n, (reading.value, reading.value))
        self._buckets[n] = [min(low, reading.value), max(high, reading.value)]

    def result(self, known: Sequence[Known]) -> dict[str, Any]:
        """As JSON. Times in ISO 8601, leads in seconds; `lead_s` is the median, None where nothing was found.

        `chart`: time, least and greatest value of each span that has readings.
        """
        heard_s = (self.last_at - self.first_at).total_seconds() if self.first_at and self.last_at else 0.0
        times_s = [at.timestamp() for at in self.raised_at]
        found = verdict(times_s, [each.window for each in known], heard_s)
        return {
            "n_readings": self.n_readings,
            "heard_s": heard_s,
            "n_alarms": found.n_alarms,
            "n_known": found.n_windows,
            "hits": found.n_hits,
            "misses": found.n_misses,
            "false_alarms": found.n_false,
            "false_alarms_per_week": found.false_alarms_per_week,
            "precision": found.precision,
            "recall": found.recall,
            "lead_s": found.lead_s,
            "leads_s": list(found.leads_s),
            "known": [_shown(each, times_s) for each in known],
            "raised_at": [at.isoformat() for at in self.raised_at[:MOST_RAISED_SHOWN]],
            "limits": _limits(self.rule),
            "chart": [[self._start_of(n).isoformat(), *span] for n, span in sorted(self._buckets.items())],
        }

    def _start_of(self, n: int) -> datetime:
        return self.since + (self.until - self.since) * (n / BUCKETS)


def labels_of(rows: Iterable[Mapping[str, str]]) -> list[Known]:
    """Labels as they are kept: `start`, `end`, `due` in ISO 8601, and `words`."""
    return [Known(_time(row["start"]), _time(row["end"]), _time(row["due"]), row["words"]) for row in rows]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


def _shown(known: Known, times_s: Sequence[float]) -> dict[str, Any]:
    window = known.window
    return {
        "start": known.start_at.isoformat(),
        "end": known.end_at.isoformat(),
        "due": known.due_at.isoformat(),
        "words": known.words,
        "found": any(window.start_s <= at_s <= window.end_s for at_s in times_s),
    }


def _limits(rule: AnyRule) -> list[float]:
    if isinstance(rule, Rule):
        return [limit.value for limit in rule.limits.values()]
    limit = getattr(rule.detector, "limit", None)
    return [] if limit is None else [float(limit)]
