"""What the gateway asks of a rule, whatever its kind; a state is dropped or kept, never changed."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol

from edge_bridge.gateway.filters import Point
from edge_bridge.protocol import Alarm, Reading
from edge_bridge.rules import kinds
from edge_bridge.rules.kinds import AnyRule

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


class RuleJudge:
    """A rule of any kind that `edge_bridge.rules` knows."""

    def __init__(self, rule: AnyRule) -> None:
        self.name = rule.name
        self.inputs = frozenset(kinds.points(rule))
        self.alarms = frozenset((rule.equipment, alarm_type) for alarm_type in kinds.alarm_types(rule))
        self._rule = rule

    def resume(self, text: str | None, standing: Mapping[Point, Alarm]) -> State:
        here = {alarm_type for equipment, alarm_type in standing if equipment == self._rule.equipment}
        return kinds.resumed(self._rule, text or "", here)

    def step(self, state: State, reading: Reading, now: datetime) -> tuple[State, tuple[Alarm, ...]]:
        return kinds.judge(self._rule, state, reading, now)

    def tick(self, state: State, now: datetime) -> tuple[State, tuple[Alarm, ...]]:
        return kinds.judge_time(self._rule, state, now)

    def to_text(self, state: State) -> str:
        return kinds.to_text(self._rule, state)


def judges_of(rules: Iterable[AnyRule]) -> list[Judge]:
    return [RuleJudge(rule) for rule in rules]
