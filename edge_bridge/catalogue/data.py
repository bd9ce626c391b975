"""What a kept rule says and where its figures are from: pure."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any

from edge_bridge.protocol import Severity
from edge_bridge.readings.tags import plain_name
from edge_bridge.rules.kinds import DETECTORS, AnyRule, parse_rule, points, together
from edge_bridge.rules.several import Several
from edge_bridge.rules.thresholds import Level, RuleError

UNVERIFIED = "unverified template"
# With ` (unverified template)` behind it, a name still fits the wire.
MAX_RULE_NAME_CHARS = 40
MAX_SETTINGS_CHARS = 20_000
MAX_WORDS_CHARS = 300  # of a note or a reason, or of a clause
MAX_CLAUSE_CHARS = 100
MAX_STATUS_CHARS = 60
SHORTEST_REASON = 3
MOST_RULES_OF_A_SITE = 1_000
MOST_VERSIONS = 200  # of a rule
MOST_SENSORS = 200  # that get a rule from a template at once
DEADBAND_FRAC = 0.02  # of the limit, where a template says nothing
OFF_DELAY_S = 5.0
LIMITS = "limits"
EARLY_WARNING = "time_to_limit"


@dataclass(frozen=True, slots=True)
class Template:
    """A limit as an instrument gives it. `over`: what is held against it, a single reading or the mean of a shift.

    `source` is what the figures were taken from; only with the status "verified" were they read in the instrument.
    """

    key: str
    hazard: str
    unit: str
    jurisdiction: str
    place: str
    side: str
    over: str
    alarm: float
    action_limit: float
    restore_below: float | None
    action: str
    instrument: str
    clause: str
    status: str
    source: str

    @property
    def reference(self) -> str:
        return f"{self.instrument}, {self.clause}"

    @property
    def words(self) -> str:
        return f"{self.hazard}, {self.place} ({self.jurisdiction}): {self.action}"

    @property
    def warning(self) -> str:
        return warning_of(self.status)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Of the rules that it drafts: what single readings are held against is a level that their trend may reach."""
        return (LIMITS, EARLY_WARNING) if self.over == "reading" else ()

    def rule_name(self, kind: str, equipment: str) -> str:
        return f"{self.hazard} soon {equipment}" if kind == EARLY_WARNING else f"{self.hazard} {equipment}"

    def note(self, kind: str) -> str:
        return f"early warning; at the limit: {self.action}" if kind == EARLY_WARNING else self.action

    def settings(self, equipment: str, tag: str, kind: str = LIMITS) -> dict[str, Any]:
        """The rule on one sensor; RuleError where single readings can't be held against the limit."""
        if self.over != "reading":
            raise RuleError("template", f"is a limit on the mean of a {self.over}, not on single readings")
        if kind not in self.kinds:
            raise RuleError("kind", f"one of {', '.join(self.kinds)}")
        about = {"kind": kind, "equipment": equipment, "tag": tag}
        return about | (self._early_warning() if kind == EARLY_WARNING else self._limits())

    def _early_warning(self) -> dict[str, Any]:
        """Before the first limit; how far ahead and over how long a trend is the kind's own default."""
        return {
            "alarm_type": f"{self.hazard.lower()}_soon",
            "severity": str(Severity.HIGH),
            "limit": self.alarm,
            "is_high": self.side == "high",
            "unit": self.unit,
        }

    def _limits(self) -> dict[str, Any]:
        outer, inner = (Level.HI_HI, Level.HI) if self.side == "high" else (Level.LO_LO, Level.LO)
        levels = {outer: _limit(self.action_limit, Severity.CRITICAL)}
        if self.restore_below is not None:
            levels[outer]["clear"] = self.restore_below
        if self.alarm != self.action_limit:
            levels[inner] = _limit(self.alarm, Severity.HIGH)
        return {
            "alarm_type": f"{self.hazard.lower()}_limit",
            "deadband": round(self.alarm * DEADBAND_FRAC, 6),
            "off_delay_s": OFF_DELAY_S,
            **{str(level): limit for level, limit in levels.items()},
        }

    def takes_unit(self, unit: str) -> bool:
        """Whether a sensor that measures in `unit` (UCUM; empty if it never said) can be held against it."""
        return not unit or unit.strip("[]").replace("µ", "u").lower() == self.unit.lower()


def warning_of(status: str) -> str:
    """Only of a template with this one status were the figures read in the instrument."""
    return "" if status == "verified" else UNVERIFIED


def _limit(value: float, severity: Severity) -> dict[str, Any]:
    return {"value": value, "severity": str(severity)}


@cache
def templates() -> Mapping[str, Template]:
    """By key, in the order of the file."""
    text = files("edge_bridge.catalogue").joinpath("safety_limits.csv").read_text("utf-8")
    return {row["key"]: _template(row) for row in csv.DictReader(text.splitlines())}


def _template(row: dict[str, str]) -> Template:
    restore_below = float(row["restore_below"]) if row["restore_below"] else None
    figures = {"alarm": float(row["alarm"]), "action_limit": float(row["action_limit"]), "restore_below": restore_below}
    return Template(**{**row, **figures})  # type: ignore[arg-type]


# Settings to rules ---------------------------------------------------------------------------------------------------


def table_of(name: str, settings: Mapping[str, Any], warning: str = "", clause: str = "") -> dict[str, Any]:
    """The table that goes to gateways: what must be shown with its alarms is part of the rule's name there.

    An early warning names the clause in its words, with the same warning.
    """
    said = {"clause": _marked(clause, warning)} if clause and settings.get("kind") == EARLY_WARNING else {}
    return {**said, **settings, "name": _marked(name, warning)}


def _marked(text: str, warning: str) -> str:
    return f"{text} ({warning})" if warning else text


def warning_in(name: str) -> str:
    """What the name of a rule says that must be shown with its alarms; empty if nothing."""
    return UNVERIFIED if name.endswith(f"({UNVERIFIED})") else ""


def kept_name(name: str) -> str:
    """The name of a kept rule, from how its alarms name it."""
    return name.removesuffix(f" ({UNVERIFIED})")


def guards_people(tag: str, rule: str = "") -> bool:
    """Whether an alarm on the tag, or by a rule of this name, tells of a hazard to people that instruments limit."""
    return bool(warning_in(rule)) or plain_name(tag) in _hazards()


@cache
def _hazards() -> frozenset[str]:
    """Tags of all that a template limits."""
    return frozenset(plain_name(template.hazard) for template in templates().values())


def rule_of(name: str, settings: Mapping[str, Any]) -> AnyRule:
    """RuleError names the setting."""
    if "name" in settings:
        raise RuleError("rule", "must not hold the name, which stands beside the settings")
    return parse_rule(table_of(name, settings))


def equipment_of(rule: AnyRule) -> set[str]:
    """Codes of all equipment that it names."""
    return {rule.equipment} | {equipment for equipment, _ in points(rule)}


def refuse_together(tables: Sequence[Mapping[str, Any]]) -> None:
    """RuleError if no gateway could judge by all of them."""
    together(parse_rule(table) for table in tables)


# Settings to a form --------------------------------------------------------------------------------------------------

_TYPES: Mapping[Any, str] = {bool: "flag", int: "whole", str: "text"}


def kinds() -> list[dict[str, Any]]:
    """Every kind of rule with its parameters, as an editor needs them. Of limits, each level has value and severity."""
    return [
        {
            "kind": kind,
            "purpose": detector.purpose,
            "several": issubclass(detector, Several),
            "parameters": [
                {
                    "name": each.name,
                    "type": "level"
                    if kind == "limits" and each.name in set(Level)
                    else _TYPES.get(each.type, "number"),
                    "needed": each.default is MISSING,
                    "default": None if each.default is MISSING else each.default,
                }
                for each in fields(detector)
                if each.name != "n" and each.init
            ],
        }
        for kind, detector in DETECTORS.items()
    ]
