"""The gateway's rule file as the truth reads it: what can be foreseen of it, and why the rest can not."""

import math
import tomllib
from collections.abc import Mapping, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from terminal_sim import learning, several
from terminal_sim.foreseen import Foreseen, Limit, Point, Range, Still
from terminal_sim.learning import Learnt
from terminal_sim.scenario import ScenarioError
from terminal_sim.several import Together
from terminal_sim.silence import Silence

LEVELS = {"lo_lo": -1, "lo": -1, "hi": 1, "hi_hi": 1}  # the side on which it is beyond


@dataclass(frozen=True, slots=True)
class NotForeseen:
    """`why` in words."""

    name: str
    kind: str
    why: str


@dataclass(frozen=True, slots=True)
class RuleFile:
    """`others`: the rules that can't be foreseen. Silence is that of a terminal, in real seconds."""

    alarms: tuple[Foreseen, ...] = ()
    others: tuple[NotForeseen, ...] = ()
    silent_periods: float = 10.0
    silent_least_s: float = 30.0


COMMON = frozenset({"kind", "name", "equipment", "tag", "alarm_type", "severity", "inputs"})
CLEARING = frozenset({"clear_frac", "hold_s"})
HEALTH: Mapping[str, tuple[type[Foreseen], frozenset[str]]] = {
    "stuck": (Still, CLEARING | {"for_s", "tolerance"}),
    "out_of_range": (Range, CLEARING | {"lowest", "highest"}),
    "silence": (Silence, frozenset({"for_s"})),
}
SETTINGS: Mapping[str, Mapping[str, float | None]] = {  # of each kind, with their defaults; None: it has to be said
    **{kind: settings for kind, (_, settings) in learning.KINDS.items()},
    **{kind: settings for kind, (_, settings) in several.KINDS.items()},
}
WORDS = frozenset({"unit", "clause"})  # change nothing about when


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
    others: list[NotForeseen] = []
    for index, table in enumerate(tables):
        where, kind = f"{path}rules[{index}]", table.get("kind", "limits")
        if kind == "limits":
            alarms += _limits(where, table)
        elif why := why_not(table):
            others.append(NotForeseen(str(table.get("name", "")), str(kind), why))
        else:
            alarms.append((_health if kind in HEALTH else _learnt)(where, table))
    return RuleFile(tuple(alarms), tuple(others), **patience)


def _texts(path: str, table: Mapping[str, Any]) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    for key, field in (("name", "rule"), ("equipment", "equipment"), ("tag", "tag"), ("alarm_type", "alarm_type")):
        if not isinstance(table.get(key), str):
            raise ScenarioError(f"{path}.{key}: must be text")
        texts[field] = table[key]
    return texts


def _head(path: str, table: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(table.get("severity"), str):
        raise ScenarioError(f"{path}.severity: must be text")
    inputs = _inputs(f"{path}.inputs", table.get("inputs", []))
    return _texts(path, table) | {"severity": table["severity"], "inputs": inputs}


def _health(path: str, table: Mapping[str, Any]) -> Foreseen:
    made, settings = HEALTH[table["kind"]]
    numbers = _numbers(path, table, settings)
    try:
        return made(**_head(path, table), **numbers)
    except TypeError:
        raise ScenarioError(f"{path}: needs {' and '.join(sorted(settings - CLEARING))}") from None


def why_not(table: Mapping[str, Any]) -> str:
    """Why a rule is not foreseen, in words; empty if it is known with all that it says."""
    kind = str(table["kind"])
    if kind == "surprise":
        return "learns what is usual for the series: nothing but itself says what it is to find"
    if kind not in SETTINGS.keys() | HEALTH.keys():
        return "is of no known kind"
    own = HEALTH[kind][1] if kind in HEALTH else SETTINGS[kind].keys() | CLEARING
    unknown = sorted(table.keys() - (COMMON | own | ({"n"} if kind in several.KINDS else WORDS)))
    return f"says {unknown[0]}, which is not foreseen" if unknown else ""


def _learnt(path: str, table: Mapping[str, Any]) -> Learnt:
    kind = table["kind"]
    settings = dict(SETTINGS[kind])
    settings |= {key: _figure(f"{path}.{key}", table[key]) for key in sorted(settings.keys() & table.keys())}
    missing = sorted(key for key, value in settings.items() if value is None)
    if missing:
        raise ScenarioError(f"{path}: needs {' and '.join(missing)}")
    head = _head(path, table)
    if kind in several.KINDS and not head["inputs"]:
        raise ScenarioError(f"{path}: needs inputs")
    return (Together if kind in several.KINDS else Learnt)(
        **head,
        kind=kind,
        settings={key: value for key, value in settings.items() if value is not None},
        **_numbers(path, table, CLEARING),
    )


def _inputs(path: str, tables: Any) -> tuple[Point, ...]:
    try:
        return tuple((str(table["equipment"]), str(table["tag"])) for table in tables)
    except (TypeError, KeyError):
        raise ScenarioError(f'{path}: must be a list such as [{{ equipment = "GAS-1", tag = "ch4" }}]') from None


def _numbers(path: str, table: Mapping[str, Any], keys: Set[str]) -> dict[str, Any]:
    return {key: _number(f"{path}.{key}", table[key]) for key in sorted(keys & table.keys())}


def _figure(path: str, value: Any) -> float:
    return float(value) if isinstance(value, bool) else _number(path, value)


def _limits(path: str, table: Mapping[str, Any]) -> list[Limit]:
    texts = _texts(path, table)
    delays = _numbers(path, table, {"deadband", "on_delay_s", "off_delay_s"})
    return [_limit(f"{path}.{level}", level, table[level], texts, delays) for level in LEVELS if level in table]


def _limit(path: str, level: str, table: Any, texts: dict[str, Any], delays: dict[str, Any]) -> Limit:
    if not isinstance(table, dict) or not {"value", "severity"} <= table.keys() <= {"value", "severity", "clear"}:
        raise ScenarioError(f'{path}: must be such as {{ value = 1.0, severity = "critical" }}')
    named = texts | {"alarm_type": f"{texts['alarm_type']}.{level}"}
    value = _number(f"{path}.value", table["value"])
    clear = _number(f"{path}.clear", table["clear"]) if "clear" in table else None
    return Limit(**named, severity=str(table["severity"]), side=LEVELS[level], value=value, clear=clear, **delays)


def _number(path: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ScenarioError(f"{path}: must be a number")
    return float(value)
