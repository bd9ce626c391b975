"""A mine of many terminals out of copies of one district, and what must follow from their faults."""

import json
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from terminal_sim.rule_file import read_rules
from terminal_sim.toml import load_scenario
from terminal_sim.truth import truth

DISTRICT = Path(__file__).with_name("district.toml")
Name = tuple[str, str, str]  # equipment, type of the alarm, raised or cleared


@dataclass(frozen=True)
class Foreseen:
    """An alarm event of the truth file, between two moments counted from the scenario's start."""

    name: Name
    earliest: timedelta
    latest: timedelta
    is_by_gateway: bool = False  # whose clock it is


@dataclass(frozen=True)
class Districts:
    """`count` districts as files in `directory`, to be played at `speed`; a terminal may keep silent for `patience_s`.

    Rules, like the stamps, are in seconds of the run. `is_undisturbed`: also those that judge by the gateway's clock.
    """

    directory: Path
    count: int
    speed: float
    patience_s: float
    is_undisturbed: bool = False

    @property
    def scenario(self) -> Path:
        return self.directory / "districts.toml"

    @property
    def rules(self) -> Path:
        return self.directory / "districts.rules.toml"

    def write(self) -> None:
        base = tomllib.loads(DISTRICT.read_text())
        later_s, by_gateway = base.pop("later_s"), base.pop("rules_by_gateway")
        base["rules"] += by_gateway if self.is_undisturbed else []
        copies: dict[str, list[Any]] = {"terminals": [], "faults": [], "rules": []}
        for n in range(self.count):
            for key, tables in copies.items():
                tables += [_numbered(table, n + 1) for table in base[key]]
            for fault in copies["faults"][-len(base["faults"]) :]:
                fault["start_s"] += n * later_s
        rules = [self._by_run(table) for table in copies.pop("rules")]
        said = {"name": "districts", "start_at": datetime.now(UTC)} | {key: base[key] for key in ("seed", "duration_s")}
        self.scenario.write_text(_toml(said | {"step_s": base["step_s"]} | copies))
        self.rules.write_text(_toml({"silent_least_s": self.patience_s, "rules": rules}))

    def _by_run(self, table: Mapping[str, Any]) -> dict[str, Any]:
        return {key: value / self.speed if key.endswith("_s") else value for key, value in table.items()}

    def equipment(self, n: int) -> list[str]:
        """Codes in district `n`, from 1."""
        scenario, share = load_scenario(self.scenario), len(load_scenario(self.scenario).terminals) // self.count
        return [terminal.equipment for terminal in scenario.terminals[(n - 1) * share : n * share]]

    def truth(self) -> list[dict[str, Any]]:
        """The rows of the truth file; all that the rules may say is foreseen."""
        rows = truth(load_scenario(self.scenario), read_rules(self.rules), self.speed)
        assert not [row for row in rows if row["what"] == "not_foreseen"]
        return rows

    def foreseen(self, rows: Iterable[Mapping[str, Any]]) -> list[Foreseen]:
        """Of the truth's rows the alarms that the gateways can see."""
        start_at = load_scenario(self.scenario).start_at
        return [event for row in rows if row.get("origin", "hidden") != "hidden" for event in _events(row, start_at)]


def _events(row: Mapping[str, Any], start_at: datetime) -> list[Foreseen]:
    """An alarm of a rule comes at the moment that ends the span, that of silence somewhere in it."""
    events = []
    for event in ("raised", "cleared"):
        if row[f"{event}_to"]:
            latest = datetime.fromisoformat(row[f"{event}_to"]) - start_at
            earliest = datetime.fromisoformat(row[f"{event}_from"]) - start_at
            is_by_gateway = row["clock"] == "gateway"
            name = row["equipment"], row["alarm_type"], event
            events.append(Foreseen(name, earliest if is_by_gateway else latest, latest, is_by_gateway))
    return events


def _numbered(table: Mapping[str, Any], n: int) -> dict[str, Any]:
    return {key: _filled(value, n) for key, value in table.items()}


def _filled(value: Any, n: int) -> Any:
    if isinstance(value, list):
        return [_numbered(table, n) for table in value]
    return value.replace("{n}", str(n)) if isinstance(value, str) else value


def _toml(table: Mapping[str, Any]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: Any) -> str:
    match value:
        case dict():
            return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
        case list():
            return "[\n" + "".join(f"  {_value(each)},\n" for each in value) + "]"
        case datetime():
            return value.isoformat()
        case _:
            return json.dumps(value)
