"""`python -m optimization experiment` as a person runs it."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from optimization.__main__ import main
from tests.unit.optimization import tiny


def run(study: str, folder: Path, *more: str) -> int:
    small = ["--size", "1-1-1-2", "--cases", "1", "--draws", "2", "--gap", "0.01"]
    return main(["experiment", study, "--output", str(folder), *small, *more])


@pytest.mark.parametrize("study", ["robustness", "silos"])
def test_study_leaves_a_table_its_rows_and_figures(study: str, tmp_path: Path) -> None:
    folder = tmp_path / "results"
    assert run(study, folder) == 0
    with (folder / f"{study}.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    rows = json.loads((folder / f"{study}.json").read_text(encoding="utf-8"))
    assert len(table) == len(rows) >= 1
    assert all(row["size"] == "1-1-1-2" and row["case"] == "1" for row in table)
    figures = list(folder.glob(f"{study}-*.figure.json"))
    assert figures and all(json.loads(path.read_text(encoding="utf-8"))["data"] for path in figures)
    for kind in ("html", "svg"):
        assert len(list(folder.glob(f"{study}-*.{kind}"))) == len(figures)
    assert (folder / "plotly.min.js").stat().st_size > 1_000_000


def test_second_run_solves_nothing_and_says_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("silos", tmp_path) == 0
    first, solves = capsys.readouterr().out, (tmp_path / "solves.jsonl").read_bytes()
    assert run("silos", tmp_path) == 0
    assert capsys.readouterr().out == first, "also the seconds of the solves, which a new solve would change"
    assert (tmp_path / "solves.jsonl").read_bytes() == solves


def test_study_that_runs_out_of_time_says_how_far_it_came_and_how_to_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("sensitivity", tmp_path, "--within", "0") == 3
    assert "0 of 7 solves are there: the same command goes on" in capsys.readouterr().err
    assert run("sensitivity", tmp_path) == 0
    assert run("sensitivity", tmp_path, "--within", "0") == 0, "everything is there already"


def test_instance_of_ones_own_is_studied(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "own.json").write_text(tiny.instance().to_json(), encoding="utf-8")
    own = ["experiment", "protection", "--output", str(tmp_path / "out"), "--instance", str(tmp_path / "own.json")]
    assert main(own) == 0
    answer = capsys.readouterr()
    assert len({row["instance"] for row in csv.DictReader(answer.out.splitlines())}) == 1
    assert "chance of missing demand" in answer.err or "demand is missed" in answer.err
    assert main([*own, "--size", "1-1-1-2"]) == 4
    assert "/options/sizes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (("--size", "3-2-2"), "mines-centres-users-periods"),
        (("--cases", "1,9"), "case '9': give numbers from 1 to 5"),
        (("--draws", "0"), "give 1 or more"),
        (("--gap", "2"), "gap is a fraction"),
    ],
)
def test_bad_arguments_end_with_4_and_nothing_is_made(
    more: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("silos", tmp_path / "results", *more) == 4
    assert words in capsys.readouterr().err
    assert not (tmp_path / "results").exists()
