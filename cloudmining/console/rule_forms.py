"""The editor of a rule: a field for each parameter of its kind, and what was written there read back as settings."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.http import QueryDict

from edge_bridge.protocol import Severity
from tenants.data import FieldError, Invalid

SEVERITIES = [str(severity) for severity in Severity]
FLAGS = {"true": True, "false": False}
MOST_INPUTS = 100


@dataclass(frozen=True, slots=True)
class RuleField:
    """`value` as it stands in the form; of a level, `severity` and `clear` beside it."""

    name: str
    type: str
    needed: bool
    hint: str
    value: str
    severity: str = ""
    clear: str = ""


def fields_of(kind: Mapping[str, Any], settings: Mapping[str, Any]) -> list[RuleField]:
    """The fields of a kind, with what the settings say already."""
    return [_field(parameter, settings.get(parameter["name"])) for parameter in kind["parameters"]]


def fields_as_typed(kind: Mapping[str, Any], given: QueryDict) -> list[RuleField]:
    """The fields of a kind, with what was typed into them, whatever it is."""
    return [
        replace(
            field,
            value=given.get(field.name, ""),
            severity=given.get(f"{field.name}_severity", ""),
            clear=given.get(f"{field.name}_clear", ""),
        )
        for field in fields_of(kind, {})
    ]


def _field(parameter: Mapping[str, Any], value: Any) -> RuleField:
    name, default = parameter["name"], parameter["default"]
    if parameter["type"] == "level":
        level = value or {}
        said = _plain(level.get("value")), level.get("severity", ""), _plain(level.get("clear"))
        return RuleField(name, "level", False, "not judged", *said)
    return RuleField(name, parameter["type"], parameter["needed"], _plain(default), _plain(value))


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


def inputs_of(settings: Mapping[str, Any]) -> str:
    """A sensor a line."""
    return "\n".join(f"{each['equipment']} {each['tag']}" for each in settings.get("inputs", ()))


def settings_of(kind: Mapping[str, Any], given: QueryDict) -> dict[str, Any]:
    """What the form says; an empty field leaves its parameter out."""
    texts = {name: given.get(name, "").strip() for name in ("equipment", "tag", "alarm_type")}
    settings: dict[str, Any] = {"kind": kind["kind"], **texts}
    if kind["kind"] != "limits":
        settings["severity"] = given.get("severity", "")
    if kind["several"]:
        settings["inputs"] = _inputs(given.get("inputs", ""))
    for parameter in kind["parameters"]:
        name, text = parameter["name"], given.get(parameter["name"], "").strip()
        if text:
            is_level = parameter["type"] == "level"
            settings[name] = _level(name, text, given) if is_level else _read(name, parameter["type"], text)
    return settings


def _level(name: str, text: str, given: QueryDict) -> dict[str, Any]:
    level = {"value": _read(name, "level", text), "severity": given.get(f"{name}_severity", "")}
    clear = given.get(f"{name}_clear", "").strip()
    return {**level, "clear": _read(f"{name}/clear", "level", clear)} if clear else level


def _read(name: str, kind: str, text: str) -> Any:
    try:
        match kind:
            case "text":
                return text
            case "flag":
                return FLAGS[text]
            case "whole":
                return int(text)
            case _:
                return float(text)
    except (KeyError, ValueError):
        wanted = {"flag": "true or false", "whole": "a whole number"}.get(kind, "a number")
        raise Invalid("The rule can't be read.", (FieldError(f"/settings/{name}", wanted),)) from None


def _inputs(text: str) -> list[dict[str, str]]:
    found = []
    for n, line in enumerate(filter(str.strip, text.splitlines()[:MOST_INPUTS])):
        equipment, _, tag = line.strip().rpartition(" ")
        if not equipment:
            message = "write the equipment and then the tag: GAS-T0-01 CH4"
            raise Invalid("A sensor can't be read.", (FieldError(f"/settings/inputs/{n}", message),))
        found.append({"equipment": equipment.strip(), "tag": tag})
    return found
