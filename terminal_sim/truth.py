"""The truth of a scenario: every fault, and every alarm that must follow at a gateway with a certain rule file.

An alarm's `origin` says what it is worth: `world`, the hazard is real; `sensor`, only a sensor or its terminal says so;
`hidden`, the hazard is real and a sensor conceals it, so that the gateway cannot raise it; `terminal`, a terminal is
silent.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from edge_bridge.protocol import Quality
from terminal_sim.faults import Fault, FaultKind
from terminal_sim.foreseen import Foreseen, Span, Watch
from terminal_sim.rule_file import RuleFile
from terminal_sim.scenario import Scenario
from terminal_sim.simulation import Links, Measured, Mine, seconds

AFTERMATH_S = 300.0  # a fault may show as long after its end
LOOKED_FOR_S = 5.0  # a gateway looks for silent terminals no more seldom
SILENT_TYPE = "terminal_silent"
SHOWS_AT = {  # faults that are seen at these tags only
    FaultKind.BEARING_WEAR: frozenset({"vibration", "temperature", "motor_temperature", "bearing_temperature"}),
    FaultKind.BATTERY: frozenset({"battery"}),
}


@dataclass(slots=True)
class Said:
    """One alarm as the gateway sees it and as it would be without faults in sensors and terminals."""

    shown: Watch
    true: Watch


@dataclass(slots=True)
class Pause:
    """No frame of a terminal came between these real seconds; None: to the end."""

    since_s: float
    until_s: float | None = None


def truth(scenario: Scenario, rules: RuleFile, speed: float) -> list[dict[str, Any]]:
    """Rows of faults and alarms by time, then rules that cannot be foreseen and why; stamps are those at `speed`."""
    said, pauses = _watched(scenario, rules, speed)
    rows = [_fault_row(scenario, fault, speed) for fault in scenario.faults]
    rows += [row for watched in said for row in _alarm_rows(scenario, watched)]
    rows += [_silence_row(scenario, equipment, pause, speed) for equipment, found in pauses.items() for pause in found]
    rows.sort(key=lambda row: (row.get("from_at") or row["raised_from"], row["equipment"], row["what"]))
    others = ({"rule": each.name, "kind": each.kind, "why": each.why} for each in rules.others)
    return rows + [{"what": "not_foreseen", **other} for other in others]


def _watched(scenario: Scenario, rules: RuleFile, speed: float) -> tuple[list[Said], Mapping[str, list[Pause]]]:
    said = [Said(alarm.watch(), alarm.watch()) for alarm in rules.alarms]
    by_equipment: defaultdict[str, list[Said]] = defaultdict(list)
    for watched in said:
        by_equipment[watched.shown.alarm.equipment].append(watched)
    silences = Silences(max(rules.silent_periods * scenario.step_s / speed, rules.silent_least_s))
    for terminal in scenario.terminals:
        silences.hear(terminal.equipment, 0.0)  # its birth
    mine, links = Mine(scenario), Links(scenario)
    for at_s in seconds(scenario):
        measured = mine.step(at_s)
        for one in measured:
            for watched in by_equipment.get(one.terminal.equipment, ()):
                _measure(watched, one, speed)
        for one in links.through(measured, at_s):
            for watched in by_equipment.get(one.terminal.equipment, ()):
                _hear(watched, one, at_s, speed)
            if one.values:
                silences.hear(one.terminal.equipment, at_s / speed)
    for one in links.rest():
        for watched in by_equipment.get(one.terminal.equipment, ()):
            _hear(watched, one, scenario.duration_s, speed)
    silences.end(scenario.duration_s / speed)
    return said, silences.pauses


class Silences:
    """Pauses of more than `allowed_s` real seconds between the frames of a terminal."""

    def __init__(self, allowed_s: float) -> None:
        self.pauses: defaultdict[str, list[Pause]] = defaultdict(list)
        self._allowed_s = allowed_s
        self._heard_s: dict[str, float] = {}

    def hear(self, equipment: str, now_s: float) -> None:
        last_s = self._heard_s.get(equipment, now_s)
        if now_s - last_s > self._allowed_s:
            self.pauses[equipment].append(Pause(last_s + self._allowed_s, now_s))
        self._heard_s[equipment] = now_s

    def end(self, now_s: float) -> None:
        for equipment, last_s in self._heard_s.items():
            if now_s - last_s > self._allowed_s:
                self.pauses[equipment].append(Pause(last_s + self._allowed_s))


def _measure(watched: Said, one: Measured, speed: float) -> None:
    tag = watched.true.alarm.tag
    if tag in one.truth:
        watched.true.see(one.at_s, timedelta(seconds=one.at_s / speed), one.truth[tag], True)


def _hear(watched: Said, one: Measured, at_s: float, speed: float) -> None:
    """What the gateway hears at `at_s`, later than it was measured if its terminal had been cut off."""
    tag, stamp = watched.shown.alarm.tag, timedelta(seconds=one.at_s / speed + one.skew_s)
    if tag in one.values:
        heard = timedelta(seconds=at_s / speed)
        watched.shown.see(one.at_s, stamp, one.values[tag], one.quality is Quality.GOOD, heard)


def _fault_row(scenario: Scenario, fault: Fault, speed: float) -> dict[str, Any]:
    return {
        "what": "fault",
        "kind": fault.kind,
        "equipment": fault.equipment,
        "tag": fault.tag,
        "label": fault.label,
        "size": fault.size,
        "from_at": _at(scenario, timedelta(seconds=fault.start_s / speed)),
        "to_at": _at(scenario, timedelta(seconds=fault.end_s / speed)),
    }


def _alarm_rows(scenario: Scenario, said: Said) -> Iterator[dict[str, Any]]:
    for span in said.shown.spans:
        is_real = any(_overlap(span, true) for true in said.true.spans)
        yield _alarm_row(scenario, said.shown.alarm, span, "world" if is_real else "sensor")
    for span in said.true.spans:
        if not any(_overlap(span, shown) for shown in said.shown.spans):
            yield _alarm_row(scenario, said.true.alarm, span, "hidden")


def _overlap(one: Span, other: Span) -> bool:
    return one.true_from_s <= other.true_to_s and other.true_from_s <= one.true_to_s


def _alarm_row(scenario: Scenario, alarm: Foreseen, span: Span, origin: str) -> dict[str, Any]:
    causes = [
        fault.label
        for fault in scenario.faults
        if _explains(scenario, fault, alarm, origin) and fault.start_s <= span.true_from_s <= fault.end_s + AFTERMATH_S
    ]
    return {
        "what": "alarm",
        "equipment": alarm.equipment,
        "alarm_type": alarm.alarm_type,
        "tag": alarm.tag,
        "severity": alarm.severity,
        "rule": alarm.rule,
        "origin": origin,
        "causes": causes,
        "raised_from": _at(scenario, span.passed),
        "raised_to": _at(scenario, span.raised),
        "cleared_from": _at(scenario, span.left),
        "cleared_to": _at(scenario, span.cleared),
    }


def _explains(scenario: Scenario, fault: Fault, alarm: Foreseen, origin: str) -> bool:
    if not fault.is_in_the_world:
        return origin != "world" and fault.equipment == alarm.equipment and fault.tag in ("", alarm.tag)
    shows = alarm.tag in SHOWS_AT.get(fault.kind, {alarm.tag})
    return shows and origin != "sensor" and fault.equipment in _acting_upon(scenario, alarm.equipment)


def _acting_upon(scenario: Scenario, equipment: str) -> set[str]:
    """It and what acts upon it, directly or through others; a truck acts upon the bin it dumps at."""
    acting: defaultdict[str, set[str]] = defaultdict(set)
    for terminal in scenario.terminals:
        for link, other in terminal.links.items():
            cause, effect = (terminal.equipment, other) if link == "dumps_at" else (other, terminal.equipment)
            acting[effect].add(cause)
    found, new = {equipment}, {equipment}
    while new:
        new = {cause for effect in new for cause in acting[effect]} - found
        found |= new
    return found


def _silence_row(scenario: Scenario, equipment: str, pause: Pause, speed: float) -> dict[str, Any]:
    since, looks = timedelta(seconds=pause.since_s), timedelta(seconds=LOOKED_FOR_S)
    until = None if pause.until_s is None else timedelta(seconds=pause.until_s)
    ends_s = scenario.duration_s if pause.until_s is None else pause.until_s * speed
    return {
        "what": "alarm",
        "equipment": equipment,
        "alarm_type": SILENT_TYPE,
        "tag": "silence",
        "severity": "high",
        "rule": "terminal silent",
        "origin": "terminal",
        "causes": _silencing(scenario.faults, equipment, pause.since_s * speed, ends_s),
        "raised_from": _at(scenario, since),
        "raised_to": _at(scenario, since + looks),
        "cleared_from": _at(scenario, until),
        "cleared_to": _at(scenario, until and until + looks),
    }


def _silencing(faults: Sequence[Fault], equipment: str, since_s: float, until_s: float) -> list[str]:
    here = (fault for fault in faults if fault.equipment == equipment)
    return [fault.label for fault in here if fault.start_s <= until_s and since_s <= fault.end_s]


def _at(scenario: Scenario, after: timedelta | None) -> str | None:
    return None if after is None else (scenario.start_at + after).isoformat()
