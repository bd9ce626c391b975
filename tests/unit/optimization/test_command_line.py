"""`python -m optimization` as a person runs it: files, words and exit codes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from optimization.__main__ import main
from tests.unit.optimization import tiny
from tests.unit.optimization.commands import run

ROOT = Path(__file__).parents[3]


def run_apart(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "optimization", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)


def sized(*sizes: int) -> list[str]:
    names = ("mines", "centres", "users", "periods", "locations", "cutoffs", "seed")
    return [word for name, size in zip(names, sizes, strict=True) for word in (f"--{name}", str(size))]


@pytest.fixture
def instance_path(tmp_path: Path) -> Path:
    path = tmp_path / "instance.json"
    path.write_text(json.dumps(tiny.document()), encoding="utf-8")
    return path


def written(path: Path, document: dict[str, Any]) -> Path:
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_generated_instance_is_solved_checked_and_a_spoiled_plan_rejected(tmp_path: Path) -> None:
    instance, plan = tmp_path / "i.json", tmp_path / "p.json"
    sizes = sized(2, 1, 2, 2, 2, 2, 1)
    assert run("generate", *sizes, "--output", instance).returncode == 0
    solved = run("solve", instance, "--gap", "0.01", "--time-limit", "30", "--output", plan)
    assert solved.returncode == 0 and solved.stdout == ""
    assert "optimal" in solved.stderr and "gap" in solved.stderr
    document = json.loads(plan.read_text(encoding="utf-8"))
    assert sum(document["cost_terms_usd"].values()) == pytest.approx(document["report"]["objective_usd"], abs=0.01)
    checked = run("check", instance, plan)
    assert checked.returncode == 0 and json.loads(checked.stdout)["is_valid"] is True
    document["plan"]["z"][0][-1] /= 2
    rejected = run("check", instance, written(plan, document))
    assert rejected.returncode == 1
    assert "(14) demand" in {v["constraint"] for v in json.loads(rejected.stdout)["violations"]}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i.json", "p.json"]


def test_plan_goes_to_stdout_without_an_output_file(instance_path: Path) -> None:
    solved = run_apart("solve", instance_path, "--gap", "0")
    assert solved.returncode == 0
    assert json.loads(solved.stdout)["report"]["objective_usd"] == pytest.approx(319 + 2 / 3)


def test_infeasible_instance_ends_with_2_and_the_reasons_as_json(tmp_path: Path) -> None:
    refused = run("solve", written(tmp_path / "i.json", tiny.document(alpha=0.9)), "--output", tmp_path / "p.json")
    assert refused.returncode == 2
    assert "best worst-case grade 0.600 < 0.900" in json.loads(refused.stdout)["explanation"][0]
    assert not (tmp_path / "p.json").exists()


def test_time_over_without_a_plan_ends_with_3_and_writes_nothing(tmp_path: Path) -> None:
    sizes = sized(30, 5, 20, 10, 3, 3, 1)
    run("generate", *sizes, "--output", tmp_path / "i.json")
    late = run("solve", tmp_path / "i.json", "--gap", "0", "--time-limit", "0.05", "--output", tmp_path / "p.json")
    assert late.returncode == 3 and late.stdout == ""
    assert not (tmp_path / "p.json").exists()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is not JSON"),
        ('{"a": 1, "a": 1}', "twice"),
        (json.dumps(tiny.document(pc=-3)), "/mines/0/pc: is -3"),
        (json.dumps(tiny.document(pc=float("nan"))), "/mines/0/pc: is nan"),
        (json.dumps(tiny.document(P=[1, 2, 3])), "/mines/0/P: has 3 numbers"),
    ],
)
def test_bad_instance_ends_with_4_and_one_line_that_names_the_place(
    tmp_path: Path, text: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text, encoding="utf-8")
    assert main(["solve", str(path)]) == 4
    told = capsys.readouterr().err
    assert words in told and told.count("\n") == 1


def test_file_of_200_mb_ends_with_4_before_it_is_parsed_and_leaves_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "long.json"
    with path.open("wb") as file:
        file.truncate(200_000_000)
    began = time.process_time()
    assert main(["solve", str(path), "--output", str(tmp_path / "plan.json")]) == 4
    assert time.process_time() - began < 1.0
    assert "longer than 32 MB" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["long.json"]


def test_bad_arguments_end_with_4_and_a_sentence(
    tmp_path: Path, instance_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    binary = tmp_path / "binary.json"
    binary.write_bytes(b"\xff\xfe\x00")
    for arguments, words in (
        (("solve", tmp_path / "none.json"), "No such file"),
        (("solve", tmp_path), "Is a directory"),
        (("solve", binary), "not UTF-8"),
        (("solve", instance_path, "--gap", "7"), "gap is a fraction"),
        (("solve", instance_path, "--output", tmp_path / "no" / "p.json"), "can't write"),
        (("generate", *sized(0, 1, 1, 1, 1, 1, 1)), "1 or more"),
        (("check", instance_path, instance_path), "unknown variable"),
    ):
        assert main([str(word) for word in arguments]) == 4, arguments
        assert words in capsys.readouterr().err


def test_unknown_argument_ends_with_4_and_not_with_argparse_s_2() -> None:
    refused = run_apart("solve")
    assert refused.returncode == 4
    assert "required: instance" in refused.stderr and "Traceback" not in refused.stderr


def test_interrupt_ends_the_solve_soon_and_in_order(tmp_path: Path) -> None:
    sizes = sized(4, 3, 3, 5, 3, 3, 1)
    run("generate", *sizes, "--output", tmp_path / "i.json")
    command = [
        sys.executable,
        "-m",
        "optimization",
        "solve",
        str(tmp_path / "i.json"),
        "--gap",
        "0",
        "--time-limit",
        "99",
    ]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as solving:
        assert solving.stderr is not None
        solving.stderr.readline()
        solving.send_signal(signal.SIGINT)
        asked = time.perf_counter()
        out, err = solving.communicate(timeout=30)
    assert solving.returncode in (0, 3) and "Traceback" not in err and "cancelled" in err
    assert time.perf_counter() - asked < 15
    assert (solving.returncode == 0) == bool(out)
