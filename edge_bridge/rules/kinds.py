"""Rules of every kind: from tables of TOML or JSON, judged by one function, in the gateway and in a backtest.

A table without `kind`, or with kind "limits", is a `thresholds.Rule`; any other kind names a detector, whose
parameters stand in the same table::

    [[rules]]
    kind = "time_to_limit"
    name = "methane soon at 1 %"
    equipment = "GAS-T0-01"
    tag = "ch4"
    alarm_type = "methane.soon"
    severity = "high"
    limit = 1.0
    clause = "30 USC 863 (i)"

A rule on several sensors lists them: ``inputs = [{equipment = "GAS-1", tag = "ch4"}, …]``; its alarms stand at
`equipment` and `tag`, which need not be one of them.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from edge_bridge.protocol import MAX_TEXT_CHARS, Alarm, Quality, Reading, Severity
from edge_bridge.rules import thresholds
from edge_bridge.rules.control import Cusum, Ewma, GaussianTail, PageHinkley
from edge_bridge.rules.detector import (
    Detector,
    Finding,
    Sample,
    state_from_text,
    state_to_text,
)
from edge_bridge.rules.health import Clock, OutOfRange, Silence, Spike, Stuck
from edge_bridge.rules.limits import Limits
from edge_bridge.rules.several import Fusion, Neighbours, Several, Twin, Vote
from edge_bridge.rules.surprise import Surprise
from edge_bridge.rules.thresholds import LimitState, Rule, RuleError, severity_of, text_of
from edge_bridge.rules.trend import Rate, TimeToLimit

DETECTORS: Mapping[str, type[Detector]] = {
    "limits": Limits,
    "rate": Rate,
    "time_to_limit": TimeToLimit,
    "ewma": Ewma,
    "cusum": Cusum,
    "page_hinkley": PageHinkley,
    "gaussian_tail": GaussianTail,
    "stuck": Stuck,
    "spike": Spike,
    "out_of_range": OutOfRange,
    "silence": Silence,
    "clock": Clock,
    "twin": Twin,
    "vote": Vote,
    "fusion": Fusion,
    "neighbours": Neighbours,
    "surprise": Surprise,
}
RECOMMENDED = "surprise"

Point = tuple[str, str]  # equipment, tag


@dataclass(frozen=True, slots=True)
class DetectorRule:
    """`alarm_type` is whole, as it stands on the alarm; `inputs` in the order that the detector counts them."""

    name: str
    equipment: str
    tag: str
    alarm_type: str
    severity: Severity
    detector: Detector
    inputs: tuple[Point, ...]

    def __post_init__(self) -> None:
        if len(self.inputs) != self.detector.n_inputs:
            raise RuleError("inputs", f"must be {self.detector.n_inputs}, are {len(self.inputs)}")
        if len(set(self.inputs)) < len(self.inputs):
            raise RuleError("inputs", "must differ")


AnyRule = Rule | DetectorRule
RuleState = Any  # thresholds.RuleState of a Rule, detector.State of a DetectorRule
Judged = tuple[RuleState, tuple[Alarm, ...]]


def points(rule: AnyRule) -> tuple[Point, ...]:
    """Whose readings the rule wants to see."""
    return rule.inputs if isinstance(rule, DetectorRule) else ((rule.equipment, rule.tag),)


def alarm_types(rule: AnyRule) -> tuple[str, ...]:
    """All that it can raise, at `rule.equipment`."""
    if isinstance(rule, DetectorRule):
        return (rule.alarm_type,)
    return tuple(f"{rule.alarm_type}.{level}" for level in rule.limits)


def limits_of(rule: AnyRule) -> Iterator[tuple[str, str, str, float | None]]:
    """Equipment and tag that it judges, the alarm type that it can raise about them, and the limit if it has one."""
    if isinstance(rule, Rule):
        for level, limit in rule.limits.items():
            yield rule.equipment, rule.tag, f"{rule.alarm_type}.{level}", limit.value
        return
    given = (getattr(rule.detector, name, None) for name in ("limit", "tolerance"))
    value = next((float(each) for each in given if each is not None), None)
    for equipment, tag in rule.inputs:
        yield equipment, tag, rule.alarm_type, value


def begin(rule: AnyRule) -> RuleState:
    return rule.detector.begin() if isinstance(rule, DetectorRule) else {}


def judge(rule: AnyRule, state: RuleState, reading: Reading, received_at: datetime) -> Judged:
    """The state after a reading of one of the rule's points, and the alarms raised or cleared by it."""
    if isinstance(rule, Rule):
        return thresholds.step(rule, state, reading, received_at)
    if reading.quality is Quality.BAD:
        return state, ()
    sample = Sample(
        reading.measured_at.timestamp(),
        reading.value,
        reading.quality is Quality.GOOD,
        rule.inputs.index((reading.equipment, reading.tag)) if len(rule.inputs) > 1 else 0,
        received_at.timestamp(),
    )
    state, _, finding = rule.detector.step(state, sample)
    occurred_at = received_at if rule.detector.is_by_gateways_clock else reading.measured_at
    return state, (alarm_of(rule, finding, occurred_at),) if finding else ()


def judge_time(rule: AnyRule, state: RuleState, now: datetime) -> Judged:
    """What the passing of time alone changes: a sensor that is silent. Ask every few seconds."""
    if isinstance(rule, Rule):
        return state, ()
    state, _, finding = rule.detector.tick(state, now.timestamp())
    return state, (alarm_of(rule, finding, now),) if finding else ()


def alarm_of(rule: DetectorRule, finding: Finding, occurred_at: datetime) -> Alarm:
    return Alarm(
        equipment=rule.equipment,
        alarm_type=rule.alarm_type,
        event=finding.event,
        severity=rule.severity,
        tag=rule.tag,
        value=finding.value,
        limit=finding.limit,
        rule=rule.name,
        occurred_at=occurred_at.astimezone(UTC),
        historical=False,
        detail=f"{rule.tag} {finding.words}"[:MAX_TEXT_CHARS].rstrip(),
    )


def to_text(rule: AnyRule, state: RuleState) -> str:
    if isinstance(rule, DetectorRule):
        return state_to_text(rule.detector, state)
    return thresholds.state_to_text(state)


def resumed(rule: AnyRule, text: str, standing: Set[str]) -> RuleState:
    """The state kept as `text` ("" for none), corrected where the rule was changed since: what stands was said.

    `standing`: the alarm types that stand at the rule's equipment.
    """
    if isinstance(rule, DetectorRule):
        state = state_from_text(rule.detector, text) if text else rule.detector.begin()
        return (rule.alarm_type in standing, *state[1:])
    stored = thresholds.state_from_text(text) if text.startswith("{") else {}
    return {level: _agreeing(stored.get(level), f"{rule.alarm_type}.{level}" in standing) for level in rule.limits}


def _agreeing(stored: LimitState | None, is_standing: bool) -> LimitState:
    return stored if stored and stored.raised == is_standing else LimitState(is_standing)


# Settings to rules ---------------------------------------------------------------------------------------------------

_TEXTS = ("name", "equipment", "tag", "alarm_type")
_OTHERS = ("kind", "severity", "inputs")


def parse_rules(settings: list[Any]) -> tuple[AnyRule, ...]:
    """Rules from tables as TOML or JSON give them; RuleError names the table and the setting."""
    rules = []
    for index, table in enumerate(settings):
        try:
            rules.append(parse_rule(table))
        except RuleError as error:
            raise RuleError(f"rules[{index}]", str(error)) from None
    return together(rules)


def together(rules: Iterable[AnyRule]) -> tuple[AnyRule, ...]:
    """The rules, if one gateway can judge by all of them; RuleError names those that get into each other's way."""
    rules = tuple(rules)
    _refuse_twice((rule.name for rule in rules), "the name {!r} is used twice; its state would be shared")
    raised = (f"{alarm_type} of {rule.equipment}" for rule in rules for alarm_type in alarm_types(rule))
    _refuse_twice(raised, "{!r} is raised by two rules; each would clear the other's")
    return rules


def parse_rule(table: Any) -> AnyRule:
    """One rule; RuleError names the setting."""
    if not isinstance(table, dict):
        raise RuleError("rule", "must be a table")
    kind = table.get("kind", "limits")
    if kind == "limits":
        return thresholds.parse_rule({name: value for name, value in table.items() if name != "kind"})
    if not isinstance(kind, str) or kind not in DETECTORS:
        raise RuleError("kind", f"must be one of {', '.join(DETECTORS)}")
    texts: dict[str, Any] = {name: text_of(name, table.get(name)) for name in _TEXTS}
    inputs = _inputs(table.get("inputs", [{"equipment": texts["equipment"], "tag": texts["tag"]}]))
    parameters = {name: value for name, value in table.items() if name not in (*_TEXTS, *_OTHERS)}
    if issubclass(DETECTORS[kind], Several):
        parameters.setdefault("n", len(inputs))
    return DetectorRule(
        **texts,
        severity=severity_of("severity", table.get("severity")),
        detector=DETECTORS[kind].made(parameters),
        inputs=tuple(inputs),
    )


def _inputs(tables: Any) -> list[Point]:
    if not isinstance(tables, list):
        raise RuleError("inputs", 'must be a list such as [{ equipment = "GAS-1", tag = "ch4" }]')
    return [_point(f"inputs[{index}]", table) for index, table in enumerate(tables)]


def _point(path: str, table: Any) -> Point:
    if not isinstance(table, dict) or table.keys() != {"equipment", "tag"}:
        raise RuleError(path, 'must be such as { equipment = "GAS-1", tag = "ch4" }')
    return text_of(f"{path}.equipment", table["equipment"]), text_of(f"{path}.tag", table["tag"])


def _refuse_twice(names: Iterable[str], words: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RuleError("rules", words.format(name))
        seen.add(name)
