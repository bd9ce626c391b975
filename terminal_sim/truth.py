"""The truth of a scenario: every fault, and every alarm that must follow at a gateway with a certain rule file.

An alarm's `origin` says what it is worth: `world`, the hazard is real; `sensor`, only a sensor or its terminal says so;
`hidden`, the hazard is real and a sensor conceals it, so that the gateway cannot raise it; `terminal`, a terminal is
silent.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, NamedTuple

from edge_bridge.protocol import Quality
from terminal_sim.faults import Fault, FaultKind
from terminal_sim.foreseen import Foreseen, Seen, Span, Watch
from terminal_sim.rule_file import RuleFile
from terminal_sim.scenario import Scenario
from terminal_sim.silence import LOOKED_FOR_S, SILENCING, Pause, Silence, Silences
from terminal_sim.simulation import Links, Measured, Mine, seconds

AFTERMATH_S = 300.0  # a fault may show as long after its end
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


class Ear(NamedTuple):
    """Of a rule, for its input `source`."""

    said: Said
    source: int


Ears = Mapping[str, Mapping[str, list[Ear]]]  # by equipment and tag


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
    ears = _ears(said)
    silences = Silences(max(rules.silent_periods * scenario.step_s / speed, rules.silent_least_s))
    for terminal in scenario.terminals:
        silences.hear(terminal.equipment, 0.0)  # its birth
    mine, links = Mine(scenario), Links(scenario)
    for at_s in seconds(scenario):
        measured = mine.step(at_s)
        for one in measured:
            _measure(ears, one, speed)
        for one in links.through(measured, at_s):
            _hear(ears, one, at_s, speed)
            if one.values:
                silences.hear(one.terminal.equipment, at_s / speed)
    for one in links.rest():
        _hear(ears, one, scenario.duration_s, speed)
    silences.end(scenario.duration_s / speed)
    over = timedelta(seconds=scenario.duration_s / speed)
    for each in said:
        each.true.end(scenario.duration_s, over)
        each.shown.end(scenario.duration_s, over)
    return said, silences.pauses


def _ears(said: Sequence[Said]) -> Ears:
    ears: defaultdict[str, defaultdict[str, list[Ear]]] = defaultdict(lambda: defaultdict(list))
    for watched in said:
        for source, (equipment, tag) in enumerate(watched.shown.alarm.points):
            ears[equipment][tag].append(Ear(watched, source))
    return ears


def _heard(ears: Ears, equipment: str, values: Mapping[str, float]) -> Iterator[tuple[Ear, float]]:
    """Who hears a value of this frame, in the order of its values."""
    tags = ears.get(equipment)
    if tags:
        yield from ((ear, value) for tag, value in values.items() for ear in tags.get(tag, ()))


def _measure(ears: Ears, one: Measured, speed: float) -> None:
    stamp = timedelta(seconds=one.at_s / speed)
    for ear, value in _heard(ears, one.terminal.equipment, one.truth):
        ear.said.true.see(one.at_s, Seen(stamp, value, True, stamp, ear.source))


def _hear(ears: Ears, one: Measured, at_s: float, speed: float) -> None:
    """What the gateway hears at `at_s`, later than it was measured if its terminal had been cut off."""
    stamp, heard = timedelta(seconds=one.at_s / speed + one.skew_s), timedelta(seconds=at_s / speed)
    is_sure = one.quality is Quality.GOOD
    for ear, value in _heard(ears, one.terminal.equipment, one.values):
        shown = ear.said.shown
        moment_s = at_s if shown.alarm.is_by_gateways_clock else one.at_s
        shown.see(moment_s, Seen(stamp, value, is_sure, heard, ear.source))


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
        "support": span.support and "{} of {}".format(*span.support),
        "clock": "gateway" if alarm.is_by_gateways_clock else "terminal",
        "raised_from": _at(scenario, span.passed),
        "raised_to": _at(scenario, span.raised),
        "cleared_from": _at(scenario, span.left),
        "cleared_to": _at(scenario, span.cleared),
    }


def _explains(scenario: Scenario, fault: Fault, alarm: Foreseen, origin: str) -> bool:
    if isinstance(alarm, Silence):
        silent = ((equipment, each) for equipment, tag in alarm.points for each in ("", tag))
        return fault.kind in SILENCING and (fault.equipment, fault.tag) in silent
    return any(_is_seen(scenario, fault, equipment, tag, origin) for equipment, tag in alarm.points)


def _is_seen(scenario: Scenario, fault: Fault, equipment: str, tag: str, origin: str) -> bool:
    if not fault.is_in_the_world:
        return origin != "world" and fault.equipment == equipment and fault.tag in ("", tag)
    shows = tag in SHOWS_AT.get(fault.kind, {tag})
    return shows and origin != "sensor" and fault.equipment in _acting_upon(scenario, equipment)


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
        "support": None,
        "clock": "gateway",
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
