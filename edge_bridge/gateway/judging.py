"""What the gateway asks of a rule, whatever its kind; a state is dropped or kept, never changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from edge_bridge.gateway.filters import Point
from edge_bridge.protocol import Alarm, Reading
from edge_bridge.rules.thresholds import LimitState, Rule, RuleState, state_from_text, state_to_text, step

State = Any  # the rule's own


class Judge(Protocol):
    """A rule at work on the readings of its `inputs`; `alarms` are those it may raise, as (equipment, type)."""

    name: str
    inputs: frozenset[Point]
    alarms: frozenset[Point]

    def resume(self, text: str | None, standing: Mapping[Point, Alarm]) -> State:
        """The state from before a restart (None: there is none), agreeing with the alarms that stand."""

    def step(self, state: State, reading: Reading, now: datetime) -> tuple[State, tuple[Alarm, ...]]: ...

    def tick(self, state: State, now: datetime) -> tuple[State, tuple[Alarm, ...]]:
        """What the passing of time alone changes; about once a second."""

    def to_text(self, state: State) -> str: ...


class LimitJudge:
    def __init__(self, rule: Rule) -> None:
        self.name = rule.name
        self.inputs = frozenset({(rule.equipment, rule.tag)})
        self.alarms = frozenset((rule.equipment, f"{rule.alarm_type}.{level}") for level in rule.limits)
        self._rule = rule

    def resume(self, text: str | None, standing: Mapping[Point, Alarm]) -> RuleState:
        """Corrected where the rule was renamed or changed since: what stands was said, nothing else."""
        stored = state_from_text(text or "{}")
        agreed = {}
        for level in self._rule.limits:
            raised = (self._rule.equipment, f"{self._rule.alarm_type}.{level}") in standing
            state = stored.get(level, LimitState())
            agreed[level] = state if state.raised == raised else LimitState(raised)
        return agreed

    def step(self, state: RuleState, reading: Reading, now: datetime) -> tuple[RuleState, tuple[Alarm, ...]]:
        return step(self._rule, state, reading)

    def tick(self, state: RuleState, now: datetime) -> tuple[RuleState, tuple[Alarm, ...]]:
        return state, ()

    def to_text(self, state: RuleState) -> str:
        return state_to_text(state)


def judges_of(rules: Iterable[Rule]) -> list[Judge]:
    return [LimitJudge(rule) for rule in rules]
