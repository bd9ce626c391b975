"""From a terminal's frame to journal entries: rules first, then filters, everything in one transaction.

The rules' state is saved by the transaction that journals what they said, so a crash at any point leaves either both
or neither. A frame sent again (same session and number) is answered again and has no second effect.
"""

import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from edge_bridge.gateway import silence
from edge_bridge.gateway.filters import Filter, Memory, Point, Sifted, let_go, sift
from edge_bridge.gateway.journal import Journal, births
from edge_bridge.gateway.numbers import Numbers
from edge_bridge.gateway.silence import Patience, Voice
from edge_bridge.gateway.thinning import span_of
from edge_bridge.protocol import (
    Alarm,
    AlarmEvent,
    Gap,
    GapReason,
    Lane,
    Reading,
    Refused,
    RulesInUse,
    Tag,
    Taken,
    TerminalBirth,
    TerminalReadings,
)
from edge_bridge.rules.detector import Detector, State
from edge_bridge.rules.kinds import (
    AnyRule,
    DetectorRule,
    RuleState,
    alarm_types,
    judge,
    judge_time,
    points,
    resumed,
    to_text,
)

log = logging.getLogger(__name__)

MAX_TAGS = 50_000
ROOM_MADE_FRAC = 0.5  # of the readings waiting, given up when the disk is full

Frame = TerminalBirth | TerminalReadings


@dataclass(frozen=True)
class Ways:
    """What is done with readings: by which rules they are judged, what sifts them, how long silence is borne."""

    rules: Sequence[AnyRule] = ()
    filters: dict[Point, Filter] = field(default_factory=dict)
    patience: Patience = field(default_factory=Patience)


@dataclass
class Draft:
    """What one transaction is going to change; thrown away if it fails."""

    now: datetime
    numbers: dict[UUID, Numbers] = field(default_factory=dict)
    states: dict[str, RuleState] = field(default_factory=dict)
    memories: dict[Point, Memory] = field(default_factory=dict)
    voices: dict[str, Voice] = field(default_factory=dict)
    catalogue: dict[Point, Tag] = field(default_factory=dict)
    alarms: list[Alarm] = field(default_factory=list)
    readings: list[Reading] = field(default_factory=list)
    dropped: list[tuple[GapReason, Reading]] = field(default_factory=list)


class Intake:
    def __init__(self, journal: Journal, ways: Ways, now: datetime) -> None:
        self._journal = journal
        self._filters = ways.filters
        self._patience = ways.patience
        self._numbers = journal.notes.frame_numbers()
        self._memories: dict[Point, Memory] = {}
        self._newest: dict[Point, tuple[Reading, datetime]] = {}
        self._catalogue = {(tag.equipment, tag.tag): tag for tag in journal.tags()}
        standing = journal.standing_alarms()
        silent = {alarm.equipment for alarm in standing if alarm.alarm_type == silence.ALARM_TYPE}
        known = silent | {equipment for equipment, _ in self._catalogue}
        self._voices = {equipment: Voice(now, is_silent=equipment in silent) for equipment in known}
        self._let_go_of_held()
        self.adopt(ways.rules, now)
        self._change(lambda detector, state: detector.begun_again(state, now.timestamp()))

    def adopt(self, rules: Sequence[AnyRule], now: datetime, said: RulesInUse | None = None) -> None:
        """Judges by these rules from now on, and journals what is `said` of them.

        A rule that stayed as it was goes on in its state; an alarm whose rule or limit was taken away is cleared.
        """
        by_name = {rule.name: rule for rule in rules}
        rules_of: dict[Point, list[AnyRule]] = {}
        for rule in rules:
            for point in points(rule):
                rules_of.setdefault(point, []).append(rule)
        with self._journal.transaction():
            states = self._resume(by_name, now)
            self._journal.append(Lane.P1, [said] if said else [])
        self._rules, self._rules_of, self._states = by_name, rules_of, states
        self._timed = [rule for rule in rules if isinstance(rule, DetectorRule)]

    def _resume(self, rules: Mapping[str, AnyRule], now: datetime) -> dict[str, RuleState]:
        stored = self._journal.notes.rule_states()
        standing = {(alarm.equipment, alarm.alarm_type): alarm for alarm in self._journal.standing_alarms()}
        types: dict[str, set[str]] = {}
        for equipment, alarm_type in standing:
            types.setdefault(equipment, set()).add(alarm_type)
        states = {
            name: resumed(rule, stored.get(name, ""), types.get(rule.equipment, set())) for name, rule in rules.items()
        }
        kept = {(rule.equipment, alarm_type) for rule in rules.values() for alarm_type in alarm_types(rule)}
        kept |= {(equipment, silence.ALARM_TYPE) for equipment in self._voices}
        orphans = [alarm for key, alarm in standing.items() if key not in kept]
        for alarm in orphans:
            log.warning("%s of %s is cleared: its rule was taken away", alarm.alarm_type, alarm.equipment)
        cleared = [replace(alarm, event=AlarmEvent.CLEARED, occurred_at=now) for alarm in orphans]
        self._journal.append(Lane.P0, cleared)
        self._journal.notes.forget_rule_states(stored.keys() - states.keys())
        return states

    def _let_go_of_held(self) -> None:
        """What a swinging door held before the restart travels."""
        held = self._journal.notes.held()
        with self._journal.transaction():
            self._journal.append(Lane.P2, held)
            self._journal.count_readings(len(held))
            self._journal.notes.hold({(reading.equipment, reading.tag): None for reading in held})

    # What the process calls ----------------------------------------------------------------------------------------

    def take(self, frames: Sequence[Frame], now: datetime) -> list[Taken | Refused]:
        """Journals the frames and answers each; sqlite3.Error if the journal cannot be written, with nothing taken."""
        try:
            return self._take(frames, now)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
                raise
            self._make_room(error)
            return self._take(frames, now)

    def watch(self, now: datetime) -> bool:
        """What the passing of time brings: silence, rules that wait, readings held too long. Whether anything came."""
        draft = Draft(now)
        for rule in self._timed:
            draft.states[rule.name], alarms = judge_time(rule, self._states[rule.name], now)
            draft.alarms += alarms
        for equipment, voice in self._voices.items():
            if silence.fell_silent(voice, self._patience, now):
                self._say_silence(equipment, voice, AlarmEvent.RAISED, draft)
        for point, memory in self._memories.items():
            self._let_go_if_late(point, memory, draft)
        if not draft.alarms and not draft.readings:
            return False
        with self._journal.transaction():
            self._write(draft)
        self._keep(draft)
        return True

    def leave(self, equipment: Collection[str], now: datetime) -> None:
        """The terminal that spoke for these ended its session."""
        self._voices |= {code: silence.left(self._voices[code], now) for code in equipment if code in self._voices}

    def clock_was_put(self, by: timedelta) -> None:
        """Nobody fell silent by it, and nobody's silence began later."""
        self._change(lambda detector, state: detector.clock_was_put(state, by.total_seconds()))
        self._voices = {code: replace(voice, seen_at=voice.seen_at + by) for code, voice in self._voices.items()}

    def _change(self, state_of: Callable[[Detector, State], State]) -> None:
        self._states |= {rule.name: state_of(rule.detector, self._states[rule.name]) for rule in self._timed}

    def newest(self, point: Point) -> tuple[Reading, datetime] | None:
        """The newest reading of a tag, and when it came."""
        return self._newest.get(point)

    # One transaction -----------------------------------------------------------------------------------------------

    def _take(self, frames: Sequence[Frame], now: datetime) -> list[Taken | Refused]:
        draft = Draft(now)
        with self._journal.transaction():
            answers = [self._take_frame(frame, draft) for frame in frames]
            self._write(draft)
        self._keep(draft)
        return answers

    def _keep(self, draft: Draft) -> None:
        self._numbers |= draft.numbers
        self._states |= draft.states
        self._memories |= draft.memories
        self._voices |= draft.voices
        self._catalogue |= draft.catalogue

    def _take_frame(self, frame: Frame, draft: Draft) -> Taken | Refused:
        numbers = draft.numbers.get(frame.session) or self._numbers.get(frame.session) or Numbers()
        if numbers.has(frame.n):
            objection = numbers.objection(frame.n, hash(frame))
            return Refused(frame.n, "n", objection, retry=False) if objection else Taken(frame.n)
        if isinstance(frame, TerminalBirth):
            tags = {(tag.equipment, tag.tag): tag for tag in frame.tags}
            changed = {point: tag for point, tag in tags.items() if self._catalogue.get(point) != tag}
            if len(self._catalogue) + len(draft.catalogue) + len(changed) > MAX_TAGS:
                return Refused(frame.n, "tags", f"this gateway speaks of at most {MAX_TAGS} tags", retry=False)
            draft.catalogue |= changed
            for equipment in {tag.equipment for tag in frame.tags}:
                self._hear(equipment, draft)
        else:
            self._hear(frame.equipment, draft)
            for said in frame.readings:
                self._take_reading(
                    Reading(frame.equipment, said.tag, said.value, said.quality, said.measured_at), draft
                )
        draft.numbers[frame.session] = numbers.with_(frame.n, hash(frame))
        return Taken(frame.n)

    def _hear(self, equipment: str, draft: Draft) -> None:
        voice = draft.voices.get(equipment) or self._voices.get(equipment)
        if voice and voice.is_silent:
            self._say_silence(equipment, voice, AlarmEvent.CLEARED, draft)
        draft.voices[equipment] = silence.heard(voice, draft.now)

    def _say_silence(self, equipment: str, voice: Voice, event: AlarmEvent, draft: Draft) -> None:
        draft.alarms.append(silence.alarm(equipment, voice, self._patience, event, draft.now))
        draft.voices[equipment] = replace(voice, is_silent=event is AlarmEvent.RAISED)

    def _take_reading(self, reading: Reading, draft: Draft) -> None:
        point = (reading.equipment, reading.tag)
        self._note_newest(point, reading, draft.now)
        alarms: list[Alarm] = []
        for rule in self._rules_of.get(point, ()):
            state = draft.states[rule.name] if rule.name in draft.states else self._states[rule.name]
            draft.states[rule.name], said = judge(rule, state, reading, draft.now)
            alarms += said
        draft.alarms += alarms
        filter_ = self._filters.get(point)
        if filter_ is None:
            draft.readings.append(reading)
        else:
            memory = draft.memories.get(point) or self._memories.get(point)
            self._note_sifted(point, sift(filter_, memory, reading, is_evidence=bool(alarms)), draft)

    def _note_newest(self, point: Point, reading: Reading, now: datetime) -> None:
        """What was held on its way does not hide what was measured later, unless that bears a time still to come."""
        known = self._newest.get(point)
        if known is None or reading.measured_at >= known[0].measured_at or known[0].measured_at > now:
            self._newest[point] = reading, now

    def _let_go_if_late(self, point: Point, memory: Memory, draft: Draft) -> None:
        if memory.held is None:
            return
        waited = draft.now - memory.sent.measured_at
        if waited >= timedelta(seconds=self._filters[point].override_s):
            self._note_sifted(point, let_go(memory), draft)

    def _note_sifted(self, point: Point, sifted: Sifted, draft: Draft) -> None:
        draft.memories[point] = sifted.memory
        draft.readings += sifted.travels
        draft.dropped += sifted.dropped

    def _write(self, draft: Draft) -> None:
        self._journal.notes.save_frame_numbers(draft.numbers, draft.now)
        self._journal.append(Lane.P0, draft.alarms)
        self._journal.append(Lane.P2, draft.readings)
        self._journal.count_readings(len(draft.readings) + len(draft.dropped), _counts(draft.dropped))
        self._journal.notes.hold({point: memory.held for point, memory in draft.memories.items() if self._holds(point)})
        changed = {name: state for name, state in draft.states.items() if state != self._states[name]}
        texts = {name: to_text(self._rules[name], state) for name, state in changed.items()}
        self._journal.notes.save_rule_states(texts)
        if draft.catalogue:
            self._journal.save_tags(draft.catalogue.values())
            self._journal.append(Lane.P1, births(draft.now, draft.catalogue.values()))
        thinned = self._journal.thin_session(draft.now) + self._journal.thin_readings()
        if thinned:
            log.warning("%d of the oldest entries gave way to counts: the journal is at its limit", thinned)

    def _holds(self, point: Point) -> bool:
        return self._filters[point].door is not None

    def _make_room(self, error: sqlite3.Error) -> None:
        with self._journal.transaction():
            self._journal.let_go_of_acknowledged()
            thinned = self._journal.thin_readings(int(self._journal.readings_bytes() * ROOM_MADE_FRAC))
        log.error("the journal cannot grow (%s); %d of the oldest readings gave way to a count", error, thinned)


def _counts(dropped: Iterable[tuple[GapReason, Reading]]) -> list[Gap]:
    by_reason: dict[GapReason, list[Reading]] = {}
    for reason, reading in dropped:
        by_reason.setdefault(reason, []).append(reading)
    gaps = []
    for reason, readings in by_reason.items():
        times = [at for reading in readings for at in span_of(reading)]
        gaps.append(Gap(1, reason, len(readings), min(times), max(times)))
    return gaps
