"""What a gateway with certain rules must say, worked out apart from the gateway: half of the truth of a scenario.

Of the rule file limits can be foreseen, and values that stand still or leave their range; other rules judge by
statistics and are left to the bench.
"""

import math
import tomllib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from terminal_sim.scenario import ScenarioError

LEVELS = {"lo_lo": -1, "lo": -1, "hi": 1, "hi_hi": 1}  # the side on which it is beyond
CLEAR_FRAC = 0.8  # a rule that says another share is not foreseen


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen(ABC):
    """One alarm that a rule may raise. Times in seconds, values in the unit of the tag."""

    rule: str
    equipment: str
    tag: str
    alarm_type: str
    severity: str

    @abstractmethod
    def watch(self) -> "Watch": ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit(Foreseen):
    """One level of one rule."""

    side: int
    value: float
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0

    def watch(self) -> "Watch":
        return LimitWatch(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Still(Foreseen):
    """The value has stood within `tolerance` for `for_s`."""

    for_s: float = 600.0
    tolerance: float = 0.0
    hold_s: float = 0.0

    def watch(self) -> "Watch":
        return StillWatch(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Range(Foreseen):
    """The value is not from `lowest` to `highest`."""

    lowest: float
    highest: float
    hold_s: float = 0.0

    def watch(self) -> "Watch":
        return RangeWatch(self)


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`others`: name and kind of the rules that can't be foreseen. Silence is that of a terminal, in real seconds."""

    alarms: tuple[Foreseen, ...] = ()
    others: tuple[tuple[str, str], ...] = ()
    silent_periods: float = 10.0
    silent_least_s: float = 30.0


@dataclass(slots=True)
class Span:
    """Stamps, from the scenario's start; `left` and `cleared` are None while the alarm stands.

    `true_from_s` and `true_to_s`: when it was raised and cleared by a right clock, in seconds of the scenario.
    """

    passed: timedelta
    raised: timedelta
    true_from_s: float
    left: timedelta | None = None
    cleared: timedelta | None = None
    true_to_s: float = math.inf


class Watch(ABC):
    """One alarm over one series, in the order of arrival."""

    def __init__(self, alarm: Foreseen) -> None:
        self.alarm = alarm
        self.spans: list[Span] = []

    @property
    def standing(self) -> Span | None:
        return self.spans[-1] if self.spans and self.spans[-1].cleared is None else None

    @abstractmethod
    def see(self, at_s: float, stamp: timedelta, value: float, is_sure: bool) -> None:
        """`stamp` by the terminal's clock, from the scenario's start; a value that is not sure clears nothing."""


class LimitWatch(Watch):
    def __init__(self, limit: Limit) -> None:
        super().__init__(limit)
        self.limit = limit
        self._since: timedelta | None = None

    def see(self, at_s: float, stamp: timedelta, value: float, is_sure: bool) -> None:
        standing = self.standing
        excess = (value - self.limit.value) * self.limit.side
        wants_change = excess >= 0 if standing is None else excess < -self.limit.deadband and is_sure
        if not wants_change:
            self._since = None
            return
        self._since = stamp if self._since is None else min(self._since, stamp)
        delay_s = self.limit.on_delay_s if standing is None else self.limit.off_delay_s
        if stamp - self._since < timedelta(seconds=delay_s):
            return
        if standing is None:
            self.spans.append(Span(self._since, stamp, at_s))
        else:
            standing.left, standing.cleared, standing.true_to_s = self._since, stamp, at_s
        self._since = None


class HealthWatch(Watch):
    """Raised at once when the sensor is ill, cleared once it was well for longer than `hold_s`."""

    hold_s: float

    def __init__(self, alarm: Foreseen) -> None:
        super().__init__(alarm)
        self._ill: timedelta | None = None

    @abstractmethod
    def is_ill(self, stamp: timedelta, value: float) -> bool: ...

    def see(self, at_s: float, stamp: timedelta, value: float, is_sure: bool) -> None:
        standing = self.standing
        if self.is_ill(stamp, value):
            self._ill = stamp
            if standing is None:
                self.spans.append(Span(stamp, stamp, at_s))
        elif standing is not None and is_sure and not self._is_held(stamp):
            standing.left = standing.cleared = stamp
            standing.true_to_s = at_s

    def _is_held(self, stamp: timedelta) -> bool:
        """A clock that went back holds nothing."""
        return self._ill is not None and timedelta(0) <= stamp - self._ill < timedelta(seconds=self.hold_s)


class StillWatch(HealthWatch):
    def __init__(self, still: Still) -> None:
        super().__init__(still)
        self.still, self.hold_s = still, still.hold_s
        self._rest: tuple[timedelta, float] | None = None

    def is_ill(self, stamp: timedelta, value: float) -> bool:
        if self._rest is None or stamp < self._rest[0] or abs(value - self._rest[1]) > self.still.tolerance:
            self._rest = stamp, value
        stood = stamp - self._rest[0]
        # What stands is not over before it moves, though a clock went back a little.
        least_s = self.still.for_s * (CLEAR_FRAC if self.standing else 1.0)
        return stood >= timedelta(seconds=least_s)


class RangeWatch(HealthWatch):
    def __init__(self, range_: Range) -> None:
        super().__init__(range_)
        self.range, self.hold_s = range_, range_.hold_s

    def is_ill(self, stamp: timedelta, value: float) -> bool:
        return not self.range.lowest <= value <= self.range.highest


COMMON = frozenset({"kind", "name", "equipment", "tag", "alarm_type", "severity"})
HEALTH: Mapping[str, tuple[type[Foreseen], frozenset[str]]] = {
    "stuck": (Still, frozenset({"for_s", "tolerance", "hold_s"})),
    "out_of_range": (Range, frozenset({"lowest", "highest", "hold_s"})),
}


def read_rules(path: Path) -> RuleFile:
    """The gateway's rule file; ScenarioError names what cannot be read. The gateway itself checks it in full."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not TOML: {error}") from None
    patience = {
        key: _number(f"{path}: {key}", document[key]) for key in ("silent_periods", "silent_least_s") if key in document
    }
    return rules_of(document.get("rules", []), f"{path}: ", **patience)


def rules_of(tables: Any, path: str = "", **patience: float) -> RuleFile:
    """From tables as TOML gives them; `path` is put before the place of what is wrong."""
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ScenarioError(f"{path}rules: must be tables, [[rules]]")
    alarms: list[Foreseen] = []
    others: list[tuple[str, str]] = []
    for index, table in enumerate(tables):
        where, kind = f"{path}rules[{index}]", table.get("kind", "limits")
        if kind == "limits":
            alarms += _limits(where, table)
        elif kind in HEALTH and table.keys() <= COMMON | HEALTH[kind][1]:
            alarms.append(_health(where, table))
        else:
            others.append((str(table.get("name", "")), str(table["kind"])))
    return RuleFile(tuple(alarms), tuple(others), **patience)


def _texts(path: str, table: Mapping[str, Any]) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    for key, field in (("name", "rule"), ("equipment", "equipment"), ("tag", "tag"), ("alarm_type", "alarm_type")):
        if not isinstance(table.get(key), str):
            raise ScenarioError(f"{path}.{key}: must be text")
        texts[field] = table[key]
    return texts


def _health(path: str, table: Mapping[str, Any]) -> Foreseen:
    made, settings = HEALTH[table["kind"]]
    if not isinstance(table.get("severity"), str):
        raise ScenarioError(f"{path}.severity: must be text")
    numbers: dict[str, Any] = {key: _number(f"{path}.{key}", table[key]) for key in sorted(settings & table.keys())}
    try:
        return made(**_texts(path, table), severity=table["severity"], **numbers)
    except TypeError:
        raise ScenarioError(f"{path}: needs {' and '.join(sorted(settings - {'hold_s'}))}") from None


def _limits(path: str, table: Mapping[str, Any]) -> list[Limit]:
    texts = _texts(path, table)
    delays: dict[str, Any] = {
        key: _number(f"{path}.{key}", table[key]) for key in ("deadband", "on_delay_s", "off_delay_s") if key in table
    }
    return [_limit(f"{path}.{level}", level, table[level], texts, delays) for level in LEVELS if level in table]


def _limit(path: str, level: str, table: Any, texts: dict[str, Any], delays: dict[str, Any]) -> Limit:
    if not isinstance(table, dict) or table.keys() != {"value", "severity"}:
        raise ScenarioError(f'{path}: must be such as {{ value = 1.0, severity = "critical" }}')
    named = texts | {"alarm_type": f"{texts['alarm_type']}.{level}"}
    value = _number(f"{path}.value", table["value"])
    return Limit(**named, severity=str(table["severity"]), side=LEVELS[level], value=value, **delays)


def _number(path: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ScenarioError(f"{path}: must be a number")
    return float(value)
