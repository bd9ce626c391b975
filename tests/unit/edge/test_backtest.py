"""The headless backtest: scores of a recorded series, and clear words where the series cannot be read."""

import csv
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from edge_bridge.backtest import BAD_INPUT, WRITTEN, main
from edge_bridge.rules.kinds import DETECTORS, RECOMMENDED

ROOT = Path(__file__).resolve().parents[3]
NAB = ROOT.parent / "shared/data/nab/data"


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A reading every five minutes; a step at row 1500 of 2000."""
    rng = Random(7)
    path = tmp_path / "series.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sensor", "when", "level"])
        for index in range(2000):
            writer.writerow(["A", 1_700_000_000 + 300 * index, rng.gauss(20, 1) + (15 if index >= 1500 else 0)])
    return path


def run(path: Path, output: Path, *more: str, time: str = "when", value: str = "level") -> int:
    return main(["--csv", str(path), "--time", time, "--value", value, "--output", str(output), *more])


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_recommended_detector_scores_every_row_and_tells_the_step(series: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    assert run(series, output) == WRITTEN
    rows = rows_of(output)
    assert list(rows[0]) == ["timestamp", "score", "alarm"]
    assert [row["timestamp"] for row in rows] == [row["when"] for row in rows_of(series)]
    assert all(0 <= float(row["score"]) <= 1 for row in rows)
    alarms = [index for index, row in enumerate(rows) if row["alarm"] == "1"]
    assert any(1500 <= index < 1510 for index in alarms)
    assert sum(index < 1500 for index in alarms) <= 3, "of noise alone, at most one reading in 500"


def test_scores_of_the_first_rows_do_not_depend_on_what_follows(series: Path, tmp_path: Path) -> None:
    whole, part, half = tmp_path / "whole.csv", tmp_path / "part.csv", tmp_path / "half.csv"
    part.write_text("".join(series.read_text().splitlines(keepends=True)[:1001]))
    assert (run(series, whole), run(part, half)) == (WRITTEN, WRITTEN)
    assert rows_of(whole)[:1000] == rows_of(half)


def test_any_detector_can_be_named_and_set(series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "scores.csv"
    assert run(series, output, "--detector", "time_to_limit", "--set", "limit=30", "--set", "over_s=3000") == WRITTEN
    assert run(series, output, "--detector", "limits", "--set", "hi=30") == WRITTEN
    assert [row["alarm"] for row in rows_of(output)].index("1") == 1500
    assert main(["--list"]) == WRITTEN
    listed = capsys.readouterr().out
    assert f"{RECOMMENDED} (recommended): " in listed
    assert "limit (needed)" in listed
    assert not [
        name
        for name in DETECTORS
        if f"{name}:" not in listed.replace(" (recommended)", "")
        and name
        not in (
            "twin",
            "vote",
            "fusion",
            "neighbours",
        )
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is empty"),
        ("when,level\n", "has a header but no rows"),
        ("when,height\n1,2\n", "line 1: column 'level' is not there; there are when, height"),
        ("when,level,level\n1,2,3\n", "line 1: column 'level' is there twice"),
        ("when,level\n1,2\n2,NaN\n", "line 3, column 'level': 'NaN' is not finite"),
        ("when,level\n1,2\n2,\n", "line 3, column 'level': '' is not a number"),
        ("when,level\n1,high\n", "line 2, column 'level': 'high' is not a number"),
        ("when,level\nyesterday,1\n", "line 2, column 'when': 'yesterday' is not a time"),
        ("when,level\n300,1\n600,1\n450,1\n", "line 4, column 'when': is 150 s before the row above"),
        ("when,level\n1,2,3\n", "line 2: has 3 cells, the header has 2"),
        ("when,level\n1,'2\x00\n", "line 2, column 'level'"),
    ],
)
def test_input_that_cannot_be_read_is_named_and_nothing_is_written(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "series.csv", tmp_path / "scores.csv"
    path.write_text(text)
    assert run(path, output) == BAD_INPUT
    assert words in capsys.readouterr().err
    assert sorted(tmp_path.iterdir()) == [path]


def test_byte_order_mark_is_passed_over_and_other_encodings_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, output = tmp_path / "series.csv", tmp_path / "scores.csv"
    path.write_text("when,level\n2026-03-01T06:00:00Z,1\n", encoding="utf-8-sig")
    assert run(path, output) == WRITTEN
    path.write_text("when,level\n1,1\n", encoding="utf-16")
    assert run(path, output) == BAD_INPUT
    assert "is not UTF-8 text" in capsys.readouterr().err


def test_clock_put_back_by_an_hour_is_told_and_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = tmp_path / "series.csv", tmp_path / "scores.csv"
    times = ["02:50", "02:55", "02:00", "02:05"]
    path.write_text("when,level\n" + "".join(f"2026-10-25 {at}:00,1\n" for at in times))
    assert run(path, output) == WRITTEN
    assert "line 4, column 'when': the clock was put back by an hour" in capsys.readouterr().err
    assert len(rows_of(output)) == 4


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--detector", "oracle"], "--detector: 'oracle' is not known for one series"),
        (["--detector", "vote", "--set", "limit=1"], "'vote' is not known for one series"),
        (["--detector", "rate"], "limit_per_s: is needed"),
        (["--set", "limit_exponent=high"], "limit_exponent: must be a number"),
        (["--set", "limit_exponent"], "'limit_exponent' must be NAME=VALUE"),
    ],
)
def test_argument_that_cannot_work_is_named(
    more: list[str], words: str, series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(series, tmp_path / "scores.csv", *more) == BAD_INPUT
    assert words in capsys.readouterr().err


def test_missing_file_unknown_flag_and_own_input_are_refused(
    series: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path / "none.csv", tmp_path / "scores.csv") == BAD_INPUT
    assert run(series, tmp_path / "no" / "scores.csv") == BAD_INPUT
    assert run(series, series) == BAD_INPUT
    assert run(series, tmp_path) == BAD_INPUT
    with pytest.raises(SystemExit, match="4"):
        main(["--csv", str(series)])
    assert "No such file" in capsys.readouterr().err


def test_command_starts_without_django(series: Path, tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    code = (
        "import sys; from edge_bridge.backtest import main; code = main(sys.argv[1:]);"
        "sys.exit(9 if 'django' in sys.modules else code)"
    )
    command = [sys.executable, "-c", code, "--csv", series, "--time", "when", "--value", "level", "--output", output]
    assert subprocess.run(command, cwd=ROOT, check=False).returncode == WRITTEN


@pytest.mark.skipif(not NAB.exists(), reason="the benchmark's files are not at ../shared/data/nab")
def test_failure_of_a_real_machine_is_told_in_its_window(tmp_path: Path) -> None:
    output = tmp_path / "scores.csv"
    path = NAB / "realKnownCause/ambient_temperature_system_failure.csv"
    assert run(path, output, time="timestamp", value="value") == WRITTEN
    windows = [("2013-12-15 07:00:00", "2013-12-30 09:00:00"), ("2014-03-29 15:00:00", "2014-04-20 22:00:00")]
    alarms = [row["timestamp"] for row in rows_of(output) if row["alarm"] == "1"]
    assert all(any(first <= at <= last for at in alarms) for first, last in windows)
