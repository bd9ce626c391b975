"""What a study keeps, tells and obeys: resumed solve by solve, watched, stopped, and refused when asked in vain."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

from optimization.data import InstanceError, SolveOptions
from optimization.experiments import ledger as ledgers
from optimization.experiments.cases import Size, generated, given
from optimization.experiments.ledger import Ledger, Rejected, Stopped, StudyProgress
from optimization.experiments.request import MOST_DRAWS, read_study
from optimization.experiments.robustness import robustness
from optimization.experiments.rows import rows_of
from optimization.experiments.sensitivity import sensitivity
from optimization.experiments.store import Store
from optimization.experiments.studies import require_affordable, subjects_of

SMALL = Size.parse("1-1-1-2")
OPTIONS = SolveOptions(gap=0.01, time_limit_s=20)


def test_progress_counts_solves_and_names_the_one_in_hand() -> None:
    told: list[StudyProgress] = []
    robustness(generated(SMALL, 1, 1), OPTIONS, Ledger(of=4, on_progress=told.append), n_draws=3)
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages[0] == "1-1-1-2, case 1, replan, draw 0" and stages[-1] == "1-1-1-2, case 1, keep, draws 3"
    assert sorted({progress.done for progress in told}) == [0, 1, 2, 3]
    assert all(progress.of == 4 for progress in told)


def test_study_stops_between_solves_and_goes_on_where_it_was() -> None:
    store, subject = Store(), generated(SMALL, 1, 1)
    with pytest.raises(Stopped):
        sensitivity(subject, OPTIONS, Ledger(store, should_stop=lambda: len(store) == 3))
    assert len(store) == 3
    ledger = Ledger(store, of=7)
    (row,) = sensitivity(subject, OPTIONS, ledger)
    assert (len(store), ledger.done, row["n"]) == (7, 7, 7)


def test_solve_is_stopped_from_within_and_half_a_result_is_not_kept() -> None:
    store, asked = Store(), list[int]()

    def should_stop() -> bool:
        asked.append(1)
        return len(asked) > 2

    long = generated(Size.parse("6-5-6-8"), 4, 1)
    with pytest.raises(Stopped):
        robustness(long, SolveOptions(gap=0, time_limit_s=60), Ledger(store, should_stop=should_stop))
    assert len(store) == 0 and len(asked) == 3


def test_judging_a_plan_is_stopped_between_two_draws() -> None:
    judged = list[int]()
    ledger = Ledger(should_stop=lambda: len(judged) == 3)
    with pytest.raises(Stopped):
        judged.extend(ledger.each(range(200)))
    assert judged == [0, 1, 2]


def test_whole_subjects_are_there_when_a_study_is_stopped() -> None:
    store = Store()
    asked = read_study({"sizes": ["1-1-1-2"], "cases": [1, 2], "draws": 2}, is_own=False, time_limit_s=20)
    ledger, rows = Ledger(store, should_stop=lambda: len(store) == 4), []
    with pytest.raises(Stopped):
        for row in rows_of("robustness", asked, subjects_of(asked), ledger):
            rows.append(row)
    assert [(row["case"], row["meaning"]) for row in rows] == [(1, "replan"), (1, "keep")]


def test_failed_solve_is_not_kept_and_is_tried_again() -> None:
    store = Store()
    answers = iter([{"termination": "failed"}, {"termination": "optimal"}])
    for expected in ("failed", "optimal", "optimal"):
        row = Ledger(store).once({"study": "test"}, lambda: next(answers))
        assert row["termination"] == expected


def test_no_number_comes_from_a_plan_that_the_checker_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    """The solver is made to answer with the plan of another instance."""
    other = generated(SMALL, 1, 2).instance
    solve = ledgers.solve
    monkeypatch.setattr(ledgers, "solve", lambda instance, options, **watch: solve(other, options, **watch))
    with pytest.raises(Rejected, match="the plan misses"):
        robustness(generated(SMALL, 1, 1), OPTIONS, Ledger(), n_draws=1)


def test_own_instance_is_told_from_any_other_by_its_data() -> None:
    first, second = generated(SMALL, 1, 1).instance, generated(SMALL, 1, 2).instance
    assert given(first, 1).key == given(first, 1).key != given(second, 1).key
    asked = read_study({}, is_own=True, time_limit_s=20)
    (subject,) = subjects_of(asked, first)
    assert subject.instance == first and (asked.sizes, asked.cases) == ((), ())


def test_request_reads_back_what_it_writes() -> None:
    given_ = {"sizes": ["table-1"], "cases": [5, 1], "draws": 3, "gap": 0, "time_limit_s": 7, "threads": 2, "seed": 9}
    asked = read_study(given_, is_own=False, time_limit_s=20)
    assert [str(size) for size in asked.sizes][-1] == "8-5-12-10" and asked.cases == (5, 1)
    assert read_study(asked.to_document(), is_own=False, time_limit_s=20) == asked
    own = read_study({"draws": 3}, is_own=True, time_limit_s=20)
    assert read_study(own.to_document(), is_own=True, time_limit_s=20) == own


BAD: list[tuple[Any, bool, str, str]] = [
    ([], False, "/options", "must be an object"),
    ({"speed": 1}, False, "/options", "is not an option: use sizes, cases"),
    ({"sizes": "3-2-2-3"}, False, "/options/sizes", "must be a list"),
    ({"sizes": ["3-2-2"]}, False, "/options/sizes", "mines-centres-users-periods"),
    ({"sizes": []}, False, "/options/sizes", "must be a list of 1 to"),
    ({"sizes": ["900-9-900-90"]}, False, "/options/sizes/0", "decisions: at most"),
    ({"sizes": ["1-1-1-2"]}, True, "/options/sizes", "leave it out with your own"),
    ({"cases": [1, 9]}, False, "/options/cases", "case '9': give numbers from 1 to 5"),
    ({"cases": [True]}, False, "/options/cases", "give numbers"),
    ({"cases": [[]]}, False, "/options/cases", "give numbers"),
    ({"draws": 0}, False, "/options/draws", "give 1 or more"),
    ({"draws": MOST_DRAWS + 1}, False, "/options/draws", "at most"),
    ({"seed": 1.5}, False, "/options/seed", "whole number"),
    ({"gap": 2}, False, "/options/gap", "gap is a fraction"),
    ({"gap": "0.1"}, False, "/options/gap", "must be a number"),
    ({"time_limit_s": 10**400}, False, "/options/time_limit_s", "seconds"),
    ({"time_limit_s": 21}, False, "/options/time_limit_s", "above 20 s"),
    ({"threads": 99}, False, "/options/threads", "at most 8"),
]


@pytest.mark.parametrize(("options", "is_own", "path", "words"), BAD)
def test_bad_option_of_a_study_is_refused_with_its_place(options: Any, is_own: bool, path: str, words: str) -> None:
    with pytest.raises(InstanceError) as refused:
        read_study(options, is_own=is_own, time_limit_s=20)
    assert [(problem.path, words in problem.message) for problem in refused.value.problems] == [(path, True)]


def test_asking_for_a_study_loads_no_solver() -> None:
    """It would cost the web process a second and 100 MB."""
    words = "import sys, optimization.experiments.studies; print([m for m in ('pyomo', 'highspy') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


def test_study_that_could_take_too_long_is_refused_with_what_would_do() -> None:
    asked = read_study({"sizes": ["1-1-1-2"], "cases": [1], "time_limit_s": 10}, is_own=False, time_limit_s=20)
    subjects = subjects_of(asked)
    assert require_affordable("sensitivity", asked, subjects, total_s=70) == 7
    with pytest.raises(InstanceError) as refused:
        require_affordable("sensitivity", asked, subjects, total_s=69)
    assert "7 solves of up to 10 s may take 70 s, more than 69 s: give 9.9 s" in str(refused.value)
