"""From a terminal's frame to journal entries: rules first, then filters, everything in one transaction.

The rules' state is saved by the transaction that journals what they said, so a crash at any point leaves either both
or neither. A frame sent again (same session and number) is answered again and has no second effect.
"""

import logging
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from edge_bridge.gateway.filters import Deadband, travels
from edge_bridge.gateway.journal import Journal
from edge_bridge.gateway.thinning import span_of
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Birth,
    Gap,
    GapReason,
    Lane,
    Reading,
    Refused,
    Tag,
    Taken,
    TerminalBirth,
    TerminalReadings,
)
from edge_bridge.rules.thresholds import LimitState, Rule, RuleState, state_from_text, state_to_text, step

log = logging.getLogger(__name__)

MAX_TAGS = 2_000  # a birth with all of them still fits into one message
ROOM_MADE_FRAC = 0.5  # of the readings waiting, given up when the disk is full

Frame = TerminalBirth | TerminalReadings
Point = tuple[str, str]  # equipment, tag


@dataclass
class Draft:
    """What one transaction is going to change; thrown away if it fails."""

    states: dict[str, RuleState] = field(default_factory=dict)
    last: dict[Point, Reading] = field(default_factory=dict)
    catalogue: dict[Point, Tag] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    filtered: list[Reading] = field(default_factory=list)


class Intake:
    def __init__(self, journal: Journal, rules: Sequence[Rule], deadbands: Sequence[Deadband], now: datetime) -> None:
        self._journal = journal
        self._rules: dict[Point, list[Rule]] = {}
        for rule in rules:
            self._rules.setdefault((rule.equipment, rule.tag), []).append(rule)
        self._deadbands = {(deadband.equipment, deadband.tag): deadband for deadband in deadbands}
        self._last: dict[Point, Reading] = {}
        self._catalogue = {(tag.equipment, tag.tag): tag for tag in journal.tags()}
        self._states = self._resume(rules, now)

    def _resume(self, rules: Sequence[Rule], now: datetime) -> dict[str, RuleState]:
        """States from before the restart; an alarm whose rule or limit was taken away since is cleared."""
        stored = self._journal.rule_states()
        standing = {(alarm.equipment, alarm.alarm_type): alarm for alarm in self._journal.standing_alarms()}
        states = {
            rule.name: _agreeing_with(standing, rule, state_from_text(stored.get(rule.name, "{}"))) for rule in rules
        }
        kept = {(rule.equipment, f"{rule.alarm_type}.{level}") for rule in rules for level in rule.limits}
        orphans = [alarm for key, alarm in standing.items() if key not in kept]
        for alarm in orphans:
            log.warning("%s of %s is cleared: its rule was taken away", alarm.alarm_type, alarm.equipment)
        with self._journal.transaction():
            cleared = [replace(alarm, event=AlarmEvent.CLEARED, occurred_at=now) for alarm in orphans]
            self._journal.append(Lane.P0, cleared)
            self._journal.forget_rule_states(stored.keys() - states.keys())
        return states

    def take(self, frames: Sequence[Frame], now: datetime) -> list[Taken | Refused]:
        """Journals the frames and answers each; sqlite3.Error if the journal cannot be written, with nothing taken."""
        try:
            return self._take(frames, now)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise
            self._make_room(error)
            return self._take(frames, now)

    def _take(self, frames: Sequence[Frame], now: datetime) -> list[Taken | Refused]:
        draft = Draft()
        with self._journal.transaction():
            answers = [self._take_frame(frame, draft, now) for frame in frames]
            self._write(draft, now)
        self._states |= draft.states
        self._last |= draft.last
        self._catalogue |= draft.catalogue
        return answers

    def _take_frame(self, frame: Frame, draft: Draft, now: datetime) -> Taken | Refused:
        if isinstance(frame, TerminalBirth):
            points = {(tag.equipment, tag.tag): tag for tag in frame.tags}
            if len(self._catalogue.keys() | draft.catalogue.keys() | points.keys()) > MAX_TAGS:
                return Refused(frame.n, "tags", f"this gateway speaks of at most {MAX_TAGS} tags", retry=False)
            if self._journal.take_number(frame.session, frame.n, now):
                draft.catalogue |= {point: tag for point, tag in points.items() if self._catalogue.get(point) != tag}
        elif self._journal.take_number(frame.session, frame.n, now):
            for reading in frame.readings:
                self._take_reading(
                    Reading(frame.equipment, reading.tag, reading.value, reading.quality, reading.measured_at), draft
                )
        return Taken(frame.n)

    def _take_reading(self, reading: Reading, draft: Draft) -> None:
        point = (reading.equipment, reading.tag)
        alarms = [alarm for rule in self._rules.get(point, ()) for alarm in self._judge(rule, reading, draft)]
        draft.alarms += alarms
        last = draft.last.get(point) or self._last.get(point)
        if alarms or travels(self._deadbands.get(point), last, reading):
            draft.last[point] = reading
            draft.readings.append(reading)
        else:
            draft.filtered.append(reading)

    def _judge(self, rule: Rule, reading: Reading, draft: Draft) -> tuple[Alarm, ...]:
        state = draft.states.get(rule.name) or self._states[rule.name]
        draft.states[rule.name], alarms = step(rule, state, reading)
        return alarms

    def _write(self, draft: Draft, now: datetime) -> None:
        self._journal.append(Lane.P0, draft.alarms)
        self._journal.append(Lane.P2, draft.readings)
        self._journal.count_readings(len(draft.readings) + len(draft.filtered), _filter_count(draft.filtered))
        changed = {name: state for name, state in draft.states.items() if state != self._states[name]}
        self._journal.save_rule_states({name: state_to_text(state) for name, state in changed.items()})
        if draft.catalogue:
            self._journal.save_tags(draft.catalogue.values())
            self._journal.append(Lane.P1, [Birth(now, self._journal.tags())])
        thinned = self._journal.thin_readings()
        if thinned:
            log.warning("%d of the oldest readings gave way: the journal is at its limit", thinned)

    def _make_room(self, error: sqlite3.Error) -> None:
        with self._journal.transaction():
            thinned = self._journal.thin_readings(int(self._journal.readings_bytes() * ROOM_MADE_FRAC))
        log.error("the journal cannot grow (%s); %d of the oldest readings gave way to a count", error, thinned)


def _agreeing_with(standing: Mapping[Point, Alarm], rule: Rule, state: RuleState) -> RuleState:
    """The stored state, corrected where the rule was renamed or changed since: what stands was said, nothing else."""
    agreed = {}
    for level in rule.limits:
        raised = (rule.equipment, f"{rule.alarm_type}.{level}") in standing
        stored = state.get(level, LimitState())
        agreed[level] = stored if stored.raised == raised else LimitState(raised)
    return agreed


def _filter_count(filtered: Sequence[Reading]) -> Gap | None:
    times = [at for reading in filtered for at in span_of(reading)]
    return Gap(1, GapReason.DEADBAND, len(filtered), min(times), max(times)) if filtered else None
