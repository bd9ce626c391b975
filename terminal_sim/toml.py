"""A scenario from a TOML file, where a `[[fleet]]` table stands for many terminals."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from terminal_sim.faults import Fault
from terminal_sim.scenario import Order, Scenario, ScenarioError, Terminal

LARGEST_FLEET = 100_000


def load_scenario(path: Path) -> Scenario:
    """The scenario in a TOML file; ScenarioError in words."""
    try:
        document = tomllib.loads(path.read_text())
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioError(f"{path}: is not TOML: {error}") from None
    made = {
        name: tuple(_made(cls, f"{name}[{index}].", table) for index, table in enumerate(_tables(document, name)))
        for name, cls in (("terminals", Terminal), ("faults", Fault), ("orders", Order))
    }
    fleets = [
        terminal
        for index, table in enumerate(_tables(document, "fleet"))
        for terminal in _fleet(f"fleet[{index}].", table)
    ]
    document.pop("fleet", None)
    made["terminals"] += tuple(fleets)
    scenario: Scenario = _made(Scenario, "", document | made)
    return scenario


def _fleet(path: str, table: dict[str, Any]) -> list[Terminal]:
    """Terminal `n` of `count`, with {n} and {group} filled in; a group has `share` terminals."""
    settings = {"name": table.get("equipment", "")} | table
    count, share = (_whole(f"{path}{key}", settings.pop(key, default)) for key, default in (("count", 0), ("share", 1)))
    return [_made(Terminal, path, _numbered(path, settings, n, (n - 1) // share + 1)) for n in range(1, count + 1)]


def _numbered(path: str, settings: Mapping[str, Any], n: int, group: int) -> dict[str, Any]:
    numbered = {}
    for key, value in settings.items():
        try:
            numbered[key] = value.format(n=n, group=group) if isinstance(value, str) else value
        except (KeyError, IndexError, ValueError, AttributeError):
            raise ScenarioError(f"{path}{key}: may have {{n}} and {{group}} in it, such as GAS-{{n:04}}") from None
    return numbered


def _whole(path: str, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= LARGEST_FLEET:
        raise ScenarioError(f"{path}: must be a whole number from 1 to {LARGEST_FLEET}")
    return value


def _tables(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    value = document.get(name, [])
    if not isinstance(value, list) or not all(isinstance(table, dict) for table in value):
        raise ScenarioError(f"{name}: must be tables, [[{name}]]")
    return value


def _made(cls: type[Any], path: str, table: Mapping[str, Any]) -> Any:
    known = {field.name: field for field in fields(cls)}
    unknown = next((name for name in table if name not in known), None)
    if unknown is not None:
        raise ScenarioError(f"{path}{unknown}: is not known; known are {', '.join(known)}")
    missing = next((name for name, field in known.items() if name not in table and field.default is MISSING), None)
    if missing is not None:
        raise ScenarioError(f"{path}{missing}: is missing")
    return cls(**{name: _converted(f"{path}{name}", known[name].type, value) for name, value in table.items()})


def _converted(path: str, kind: Any, value: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in set(kind):
            raise ScenarioError(f"{path}: must be one of {', '.join(kind)}")
        return kind(value)
    if isinstance(kind, type) and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ScenarioError(f"{path}: must be {kind.__name__}")
    return value
