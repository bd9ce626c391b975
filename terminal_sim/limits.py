"""What a gateway with certain limits must say, worked out apart from the gateway: half of the truth of a scenario.

Of the rule file only limits can be foreseen; other rules judge by statistics and are left to the bench.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from terminal_sim.scenario import ScenarioError

LEVELS = {"lo_lo": -1, "lo": -1, "hi": 1, "hi_hi": 1}  # the side on which it is beyond


@dataclass(frozen=True, slots=True)
class Limit:
    """One level of one rule. Times in seconds; `value` and `deadband` in the unit of the tag."""

    rule: str
    equipment: str
    tag: str
    alarm_type: str
    severity: str
    side: int
    value: float
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`others`: name and kind of the rules that are no limits. Silence is that of a terminal, in real seconds."""

    limits: tuple[Limit, ...] = ()
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


class Watch:
    """One limit over one series, in the order of arrival."""

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.spans: list[Span] = []
        self._since: timedelta | None = None

    def see(self, at_s: float, stamp: timedelta, value: float, is_sure: bool) -> None:
        """`stamp` by the terminal's clock, from the scenario's start; a value that is not sure clears nothing."""
        standing = self.spans[-1] if self.spans and self.spans[-1].cleared is None else None
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


def read_rules(path: Path) -> RuleFile:
    """The gateway's rule file; ScenarioError names what cannot be read. The gateway itself checks it in full."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not TOML: {error}") from None
    tables = document.get("rules", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ScenarioError(f"{path}: rules: must be tables, [[rules]]")
    limits: list[Limit] = []
    others: list[tuple[str, str]] = []
    for index, table in enumerate(tables):
        if table.get("kind", "limits") == "limits":
            limits += _limits(f"{path}: rules[{index}]", table)
        else:
            others.append((str(table.get("name", "")), str(table["kind"])))
    patience = {
        key: _number(f"{path}: {key}", document[key]) for key in ("silent_periods", "silent_least_s") if key in document
    }
    return RuleFile(tuple(limits), tuple(others), **patience)


def _limits(path: str, table: Mapping[str, Any]) -> list[Limit]:
    texts: dict[str, Any] = {}
    for key, field in (("name", "rule"), ("equipment", "equipment"), ("tag", "tag"), ("alarm_type", "alarm_type")):
        if not isinstance(table.get(key), str):
            raise ScenarioError(f"{path}.{key}: must be text")
        texts[field] = table[key]
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
