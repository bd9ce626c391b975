"""Silence of one tag: foreseen by the gateway's clock, and the gateway's own rule says the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from terminal_sim.faults import Fault, FaultKind
from terminal_sim.rule_file import read_rules
from terminal_sim.toml import load_scenario
from terminal_sim.truth import truth
from tests.unit.terminal_sim.scenes import SCENARIOS, said_by_the_rules

WEAK = Fault(FaultKind.SILENT, "ROOF-Z", "convergence is lost with a weak battery", 3300, 300, tag="convergence")
SILENT = {  # tags, and what silences them in the order of time
    ("AIR-B2", "h2s"): ["hydrogen sulphide cell is lost"],
    ("AIR-B2", "ch4"): [],
    ("VIB-B", "vibration"): ["terminal is silent"],
    ("GAS-A", "co"): ["leaky feeder is cut"],
    ("GAS-A2", "ch4"): [],  # its clock goes back, which is no silence
    ("ROOF-Z", "convergence"): [WEAK.label, "battery of the roof sensor"],
}
NAMES = {f"{code} {tag}" for code, tag in SILENT}


def rules_in(directory: Path) -> Path:
    path = directory / "rules.toml"
    tables = [
        f'[[rules]]\nkind = "silence"\nname = "{code} {tag}"\nequipment = "{code}"\ntag = "{tag}"\n'
        f'alarm_type = "{tag}.silent"\nseverity = "high"\nfor_s = 93.5\n'
        for code, tag in SILENT
    ]
    path.write_text("\n".join(tables))
    return path


@pytest.mark.parametrize("duration_s", [7_200, 4_500])
def test_rule_of_silence_says_what_the_truth_foresees(tmp_path: Path, duration_s: float) -> None:
    """Raised when the gateway looks, cleared with what comes next, however stamped and unsure."""
    zoo = load_scenario(SCENARIOS / "zoo.toml")
    scenario = replace(zoo, duration_s=duration_s, step_s=4, faults=(*zoo.faults, WEAK))
    rules = rules_in(tmp_path)
    foreseen = [row for row in truth(scenario, read_rules(rules), 1.0) if row.get("rule") in NAMES]
    said = list(said_by_the_rules(scenario, rules))
    for (code, tag), labels in SILENT.items():
        rows = [row for row in foreseen if (row["equipment"], row["tag"]) == (code, tag)]
        assert [row["origin"] for row in rows] == ["sensor"] * len(labels)
        assert all(label in row["causes"] for row, label in zip(rows, labels, strict=True))
        told = [at.isoformat() for equipment, type_, _, at in said if (equipment, type_) == (code, f"{tag}.silent")]
        ends = [(row[f"{end}_from"], row[f"{end}_to"]) for row in rows for end in ("raised", "cleared")]
        moments = [(earliest, latest) for earliest, latest in ends if latest]
        assert all(earliest <= at <= latest for at, (earliest, latest) in zip(told, moments, strict=True))
