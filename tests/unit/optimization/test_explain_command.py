"""`python -m optimization explain` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from optimization.__main__ import main
from tests.unit.optimization import tiny


def written(path: Path, document: dict[str, Any]) -> str:
    path.write_text(json.dumps(document), encoding="utf-8")
    return str(path)


def solved(folder: Path, name: str, document: dict[str, Any]) -> tuple[str, str]:
    instance, plan = written(folder / f"{name}.json", document), str(folder / f"{name}-plan.json")
    assert main(["solve", instance, "--gap", "0", "--output", plan]) == 0
    return instance, plan


def test_plan_is_explained_in_words_and_as_data(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    instance, plan = solved(tmp_path, "i", tiny.document())
    assert main(["explain", instance, plan]) == 0
    words = capsys.readouterr().out
    assert "The plan costs 319.67 $." in words and "one more costs 6.87 $" in words
    assert main(["explain", instance, plan, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["cost"]["total_usd"] == 319.67
    assert {r["rule"] for r in document["rules"] if r["is_binding"]} >= {"(4) blended grade", "(14) demand"}


def test_two_plans_are_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    older, newer = solved(tmp_path, "a", tiny.document()), solved(tmp_path, "b", tiny.document(pc=2))
    capsys.readouterr()
    assert main(["explain", *newer, "--than", *older]) == 0
    words = capsys.readouterr().out
    assert "rises by 80.00 $" in words and "pc (mines, Aurora North) 1 → 2" in words


def test_instance_without_a_plan_gets_the_cheapest_repair(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", written(tmp_path / "i.json", tiny.document(P=38))]) == 0
    words = capsys.readouterr().out
    assert "can have 19.0 t of product by week 1, 20.0 t needed" in words
    assert "short for Steelworks" in words and "more mining ability at Aurora North" in words
    assert main(["explain", written(tmp_path / "i.json", tiny.document())]) == 0
    assert "a plan exists" in capsys.readouterr().out


def test_plan_of_another_instance_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, plan = solved(tmp_path, "i", tiny.document())
    other = written(tmp_path / "o.json", json.loads(json.dumps(tiny.document()).replace("Steelworks", "Smelter")))
    capsys.readouterr()
    assert main(["explain", other, plan]) == 4
    assert "give the plan's own instance" in capsys.readouterr().err
    assert main(["explain", other, "--than", other, plan]) == 4
