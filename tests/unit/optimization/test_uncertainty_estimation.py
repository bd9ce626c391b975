"""From samples to a set: every step against a textbook number, another computation, or a simulated truth."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optimization.checker import check_plan
from optimization.data import BudgetSet, InstanceError, PaperSet, SolveOptions
from optimization.solver import solve
from optimization.uncertainty.checks import check_group, mean_test
from optimization.uncertainty.drift import Drift, retest
from optimization.uncertainty.estimation import (
    FitOptions,
    applied,
    budget_for,
    fit,
    interval,
    paper_set,
    violation_bound,
)
from optimization.uncertainty.report import from_document, in_words, to_document
from optimization.uncertainty.samples import Columns, Sample, at_cutoffs, composites, grouped, read_samples
from tests.unit.optimization import tiny
from tests.unit.optimization.commands import run

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
START = datetime(2026, 5, 1, tzinfo=UTC)


def drawn(
    n: int, mean: float = 0.5, std: float = 0.02, *, seed: int = 1, place: str = "A", hours: int = 0
) -> list[Sample]:
    """Normal grades; with `hours` each is repeated for so many hours, without it there are no times."""
    values = np.random.default_rng(seed).normal(mean, std, n).clip(0, 1)
    if not hours:
        return [Sample(place, "0.5", float(v), None, "lab") for v in values]
    times = (START + timedelta(hours=k) for k in range(n * hours))
    return [Sample(place, "0.5", float(v), next(times), "mill") for v in values for _ in range(hours)]


# The paper's case ---------------------------------------------------------------------------------------------------


def paper_samples() -> np.ndarray:
    """Twenty samples with the paper's statistic: t = (mean - 0.3)/(S/sqrt(20)) = 2.27."""
    raw = np.random.default_rng(0).normal(size=20)
    standard = (raw - raw.mean()) / raw.std(ddof=1)
    return 0.3 + 0.05 * (2.27 / math.sqrt(20) + standard)


def test_papers_test_rejects_at_its_critical_value_and_gives_its_set() -> None:
    """n = 20, t = 2.27, t_0.975(19) = 2.093: rejected; Pi = -10, pi = -3."""
    test = mean_test(list(paper_samples()), 0.3, significance=0.05, n_effective=20)
    assert (test.n, test.df) == (20, 19)
    assert test.t == pytest.approx(2.27) and test.critical_t == pytest.approx(2.093, abs=5e-4)
    assert test.is_rejected and test.decision == "|t| = 2.27 exceeds 2.093: rejected, the mean grade is above 0.3"
    assert 0.03 < test.p < 0.04
    assert paper_set(test, 0.3) == PaperSet(-10.0, -3.0)


def test_papers_case_is_told_in_words_by_the_whole_chain() -> None:
    samples = [Sample("A", "0.5", float(value)) for value in paper_samples()]
    words = in_words(fit(samples, FitOptions(mean0_frac=0.3)))
    assert any("t = 2.27 with 19 degrees of freedom, critical 2.093, p = 0.035" in line for line in words)
    assert any(line.endswith("rejected, the mean grade is above 0.3") for line in words)


def test_no_set_follows_from_a_test_that_does_not_reject() -> None:
    test = mean_test(list(paper_samples()), 0.32, significance=0.05, n_effective=20)
    assert not test.is_rejected and "not rejected" in test.decision
    with pytest.raises(ValueError, match="does not show"):
        paper_set(test, 0.32)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(0.1, 0.9), min_size=3, max_size=30).filter(lambda v: np.std(v) > 1e-3), st.floats(0, 1))
def test_mean_test_is_that_of_scipy(values: list[float], mean0: float) -> None:
    from scipy.stats import ttest_1samp

    made = mean_test(values, mean0, significance=0.05, n_effective=len(values))
    wanted = ttest_1samp(values, mean0)
    assert (made.t, made.p) == pytest.approx((wanted.statistic, wanted.pvalue), rel=1e-6, abs=1e-12)
    assert made.is_rejected == (wanted.pvalue < 0.05)


# Checks -------------------------------------------------------------------------------------------------------------


def test_repeated_hours_count_once() -> None:
    """The trap of the flotation plant: hours that repeat a composite are not samples."""
    hourly = drawn(40, hours=14)
    assert len(hourly) == 560 and len(composites(hourly)) == 40
    repeated, alone = fit(hourly).grades[0], fit(drawn(40)).grades[0]
    assert (repeated.checks.n_given, repeated.checks.n) == (560, 40)
    assert repeated.delta_frac == pytest.approx(alone.delta_frac)
    assert any("560 rows repeat 40 composites" in line for line in in_words(fit(hourly)))


def test_equal_values_without_times_are_kept() -> None:
    same = [Sample("A", "1", 0.5)] * 3 + [Sample("A", "1", 0.6)]
    assert len(composites(same)) == 4


def test_dependent_neighbours_are_seen_and_cost_samples() -> None:
    rng, value, series = np.random.default_rng(3), 0.0, []
    for _ in range(200):
        value = 0.8 * value + rng.normal()
        series.append(0.5 + 0.01 * value)
    checks = check_group(series, 200, in_time=True)
    assert checks.is_independent is False and checks.lag1 == pytest.approx(0.8, abs=0.12)
    assert 10 < checks.n_effective < 60
    assert check_group(series, 200, in_time=False).lag1 is None
    shuffled = list(rng.permutation(series))
    assert check_group(shuffled, 200, in_time=True).is_independent is True


def test_skewed_samples_are_not_normal_and_their_tail_is_told_and_kept() -> None:
    skewed = list(np.random.default_rng(5).exponential(0.05, 200).clip(0, 1))
    checks = check_group(skewed, 200, in_time=False)
    assert checks.is_normal is False and len(checks.outliers_frac) > 3
    assert check_group([s.value_frac for s in drawn(200)], 200, in_time=False).is_normal is True


def test_samples_that_do_not_vary_make_a_set_without_deviation() -> None:
    grade = fit([Sample("A", "1", 0.5)] * 5, FitOptions(mean0_frac=0.4)).grades[0]
    assert grade.delta_frac == 0 and grade.test is None and grade.checks.shapiro_p is None


# Interval, coverage, budget -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["t", "bootstrap"])
def test_interval_of_a_realisation_covers_realisations_and_that_of_the_mean_does_not(method: str) -> None:
    """Three hundred times: fit 40 normal samples, look whether one more lies above the lower end (97.5 % stated)."""
    rng = np.random.default_rng(7)
    hits = {"realisation": 0, "mean": 0}
    for _ in range(300):
        values, one_more = list(rng.normal(0.5, 0.02, 40)), rng.normal(0.5, 0.02)
        for covers in hits:
            low, _ = interval(values, FitOptions(method=method, covers=covers), n_effective=40)
            hits[covers] += one_more >= low
    assert 0.94 < hits["realisation"] / 300 < 1.0
    assert hits["mean"] / 300 < 0.75


def test_t_interval_of_the_mean_is_the_textbook_one() -> None:
    """mean ± t_0.975(4) S/sqrt(5): values 0.1..0.5, S = 0.158114, t = 2.776445."""
    low, high = interval([0.1, 0.2, 0.3, 0.4, 0.5], FitOptions(covers="mean"), n_effective=5)
    half = 2.776445 * 0.158114 / math.sqrt(5)
    assert (low, high) == pytest.approx((0.3 - half, 0.3 + half), rel=1e-5)


def test_bootstrap_interval_of_the_mean_is_close_to_that_of_t_for_many_normal_samples() -> None:
    values = [s.value_frac for s in drawn(300)]
    by_t, by_draws = (
        interval(values, FitOptions(method=m, covers="mean"), n_effective=300) for m in ("t", "bootstrap")
    )
    assert by_draws == pytest.approx(by_t, abs=5e-4)


def test_higher_level_never_makes_the_set_smaller() -> None:
    deltas = [fit(drawn(30), FitOptions(level=level)).grades[0].delta_frac for level in (0.5, 0.8, 0.95, 0.99)]
    assert deltas == sorted(deltas) and deltas[0] < deltas[-1]


def test_held_out_samples_are_the_last_in_time_and_show_a_set_that_does_not_hold() -> None:
    steady, falling = drawn(60, hours=1), drawn(45, hours=1)
    falling += [
        replace(s, value_frac=0.4, taken_at=START + timedelta(days=30, minutes=k)) for k, s in enumerate(drawn(15))
    ]
    falling = [replace(s, value_frac=s.value_frac + 1e-6 * k) for k, s in enumerate(falling)]
    good, bad = fit(steady).grades[0].coverage, fit(falling).grades[0].coverage
    assert good is not None and bad is not None
    assert good.n == bad.n == 15
    assert good.share_frac > 0.85 and bad.covered == 0


def test_contaminant_is_feared_to_rise() -> None:
    low, high = (fit(drawn(30), FitOptions(is_unwanted=unwanted)).grades[0] for unwanted in (False, True))
    assert low.delta_frac == pytest.approx(low.gamma_frac - low.low_frac)
    assert high.delta_frac == pytest.approx(high.high_frac - high.gamma_frac)


@pytest.mark.parametrize(("n", "budget", "bound"), [(1, 1, 0.5), (2, 0, 0.75), (4, 4, 1 / 16), (4, 2, 5 / 16)])
def test_violation_bound_is_that_of_the_formula_by_hand(n: int, budget: float, bound: float) -> None:
    """n = 4, Gamma = 2: nu = 3, mu = 0, so (C(4,3) + C(4,4))/16 = 5/16; Gamma = 4: C(4,4)/16."""
    assert violation_bound(n, budget) == pytest.approx(bound)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(0.001, 0.9))
def test_budget_is_the_least_that_proves_the_violation(n: int, violation: float) -> None:
    budget = budget_for(n, violation)
    assert 0 <= budget <= n
    assert violation_bound(n, budget) <= violation or budget == n
    assert budget == 0 or violation_bound(n, max(0.0, budget - 1e-4)) > violation


def test_budget_rises_as_the_allowed_violation_falls() -> None:
    budgets = [budget_for(20, violation) for violation in (0.5, 0.2, 0.05, 0.01, 0.001)]
    assert budgets == sorted(budgets) and budgets[0] < budgets[-1] < 20


def test_random_grades_violate_a_budgeted_blend_no_more_often_than_the_bound() -> None:
    """Equal tonnes of 12 locations, grades anywhere within ±delta: the blend falls by more than the budget's loss."""
    n, draws = 12, 20_000
    shares = np.random.default_rng(2).uniform(-1, 1, (draws, n))
    for violation in (0.3, 0.1, 0.03):
        budget = budget_for(n, violation)
        assert np.mean(-shares.sum(axis=1) > budget) <= violation


# The set ------------------------------------------------------------------------------------------------------------


def test_same_samples_in_any_order_and_same_options_make_the_same_set() -> None:
    samples = drawn(20) + drawn(20, 0.4, seed=2, place="B")
    made, turned = fit(samples), fit(sorted(samples, key=lambda s: s.location, reverse=True))
    assert made == turned and made.version == 1
    assert fit(samples, FitOptions(level=0.9)).identity != made.identity
    assert fit(samples[1:]).identity != made.identity


def test_next_version_names_the_one_it_replaces() -> None:
    first = fit(drawn(20))
    second = fit(drawn(25), replaces=first)
    assert (second.version, second.replaces) == (2, first.identity)


@pytest.mark.parametrize("options", [FitOptions(), FitOptions("bootstrap", "mean", 0.9, 0.2, 0.4)])
def test_set_comes_back_equal_from_its_document(options: FitOptions) -> None:
    fitted = fit(drawn(20, hours=3) + drawn(20, 0.4, seed=2, place="B"), options)
    assert from_document(json.loads(json.dumps(to_document(fitted)))) == fitted


def test_words_tell_every_step_of_the_chain() -> None:
    words = "\n".join(in_words(fit(drawn(20, hours=2), FitOptions(violation=0.6, mean0_frac=0.4))))
    for part in ("SHA-256", "lag-1", "Shapiro", "H0", "critical 2.093", "rejected", "interval", "held-out", "Gamma"):
        assert part in words, part


def test_fitted_set_changes_the_plan_of_its_mine_and_the_checker_agrees() -> None:
    samples = [replace(s, location="A") for s in drawn(30, 0.6, 0.02)]
    samples += [replace(s, location="B", cutoff="0.2") for s in drawn(30, 0.3, 0.01, seed=2)]
    fitted = fit(samples, FitOptions(violation=0.4))
    instance = applied(fitted, tiny.instance(), "Aurora North")
    result = solve(instance, SolveOptions(gap=0.0))
    assert isinstance(instance.uncertainty, BudgetSet) and result.plan is not None
    assert check_plan(instance, result.plan).is_valid
    assert instance.mines[0].locations[0].cutoffs[0].gamma[0] == pytest.approx(0.6, abs=0.02)
    assert result.report.objective_usd != pytest.approx(319 + 2 / 3, rel=1e-3)


def test_set_of_places_that_the_mine_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="no location"):
        applied(fit(drawn(20, place="Z")), tiny.instance(), "Aurora North")


# Re-test ------------------------------------------------------------------------------------------------------------


def test_set_stands_while_new_samples_are_like_the_old() -> None:
    verdict = retest(fit(drawn(60)), drawn(30, seed=9))
    assert verdict.drift is Drift.STANDS and "stands" in verdict.words[0]


def test_fallen_mean_asks_for_a_new_set_in_words() -> None:
    verdict = retest(fit(drawn(60) + drawn(60, 0.4, seed=3, place="B")), drawn(30, 0.46, seed=9))
    assert verdict.drift is Drift.REFIT
    assert "no longer fits" in verdict.words[0] and "the mean moved from 0.4990 to 0.4620" in verdict.words[1]


def test_wider_spread_with_the_same_mean_asks_for_a_new_set() -> None:
    verdict = retest(fit(drawn(100)), drawn(100, 0.5, 0.08, seed=4))
    assert verdict.drift is Drift.REFIT and "lie below the set" in verdict.words[1]


def test_two_new_samples_are_too_few_to_say() -> None:
    assert retest(fit(drawn(60)), drawn(2)).drift is Drift.TOO_FEW


def test_false_alarms_are_no_more_frequent_than_the_significance() -> None:
    alarms = 0
    for seed in range(200):
        fitted = fit(drawn(50, seed=1000 + seed), FitOptions(held_out=0))
        alarms += retest(fitted, drawn(30, seed=5000 + seed)).drift is Drift.REFIT
    assert alarms <= 20  # 10 expected at most; 20 or more has a probability of 0.3 %


def test_new_samples_of_an_unknown_group_are_refused() -> None:
    with pytest.raises(InstanceError, match="not in the set"):
        retest(fit(drawn(60)), drawn(5, place="Z"))


# Input --------------------------------------------------------------------------------------------------------------


def test_every_bad_row_is_named_with_its_place() -> None:
    text = "location,cutoff,value,time\nA,1,0.5,2026-05-01\nA,1,x,2026-05-01\nA,1,58,\nA,1,0.2,noon\nA,1,nan,\n"
    with pytest.raises(InstanceError) as refused:
        read_samples(text)
    assert [p.path for p in refused.value.problems] == [
        "/rows/1/value",
        "/rows/2/value",
        "/rows/3/time",
        "/rows/4/value",
    ]
    assert "--percent" in refused.value.problems[1].message


@pytest.mark.parametrize("text", ["", "location,grade\nA,1\n", "location,cutoff,value\n", "value\n" + "1" * 200_000])
def test_table_without_samples_is_refused(text: str) -> None:
    with pytest.raises(InstanceError):
        read_samples(text)


def test_column_that_was_asked_for_must_be_there() -> None:
    with pytest.raises(InstanceError, match="has no 'pit', only"):
        read_samples("location,value\nA,0.5\n", Columns(location="pit"))


def test_percent_filter_columns_and_zones_are_read() -> None:
    text = "site,grade,metal,at\nN,58.5,Fe,2026-05-01T08:00:00+08:00\nN,3,SiO2,\n"
    columns = Columns(location="site", value="grade", time="at")
    (sample,) = read_samples(text, columns, in_percent=True, where={"metal": "Fe"})
    assert sample == Sample("N", "all", 0.585, START, "")


def test_sample_counts_for_every_cutoff_that_it_reaches() -> None:
    made = grouped(at_cutoffs([Sample("A", "all", v) for v in (0.2, 0.4, 0.6)], [0.3, 0.5]))
    assert {group: len(held) for group, held in made.items()} == {("A", "0.3"): 2, ("A", "0.5"): 1}


def test_groups_with_too_few_samples_are_all_named() -> None:
    with pytest.raises(InstanceError) as refused:
        fit([Sample("A", "1", 0.5), Sample("B", "1", 0.5)])
    assert [p.path for p in refused.value.problems] == ["/groups/A/1", "/groups/B/1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "guess"}, {"covers": "hope"}, {"level": 1.0}, {"level": 95}, {"violation": 0.0},
        {"mean0_frac": 30.0}, {"held_out": 0.9}, {"seed": -1},
    ],
)  # fmt: skip
def test_option_out_of_range_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong)).split("_")[0]):
        FitOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("document", [[], {}, {"format": "cloudmining.uncertainty-set/1"}])
def test_file_that_is_no_set_is_refused(document: object) -> None:
    with pytest.raises(InstanceError):
        from_document(document)


@pytest.mark.parametrize(
    "path", ["options", "options/level", "grades", "grades/0", "grades/0/gamma_frac", "grades/0/checks"]
)
def test_set_file_with_a_spoiled_value_is_refused(path: str) -> None:
    document = json.loads(json.dumps(to_document(fit(drawn(20)))))
    *parents, last = path.split("/")
    place: Any = document
    for part in parents:
        place = place[int(part) if part.isdigit() else part]
    place[int(last) if last.isdigit() else last] = "spoiled"
    with pytest.raises(InstanceError):
        from_document(document)


# Real samples and the command ---------------------------------------------------------------------------------------


def real(name: str) -> str:
    path = DATA / name
    if not path.exists():
        pytest.skip(f"the public samples {name} are not beside the project")
    return path.read_text(encoding="utf-8-sig")


def test_real_drill_holes_make_a_set_that_covers_most_of_what_was_held_out() -> None:
    columns = Columns(location="site", value="grade")
    text = real("grade_tonnage/grade_samples.csv")
    samples = read_samples(text, columns, in_percent=True, where={"commodity": "Fe"})
    fitted = fit(samples, FitOptions(violation=0.1))
    assert len(fitted.grades) == 14 and fitted.budget is not None and 0 < fitted.budget < 14
    assert sum(grade.checks.is_normal is False for grade in fitted.grades) >= 5
    held = [grade.coverage for grade in fitted.grades if grade.coverage]
    assert sum(c.covered for c in held) / sum(c.n for c in held) > 0.9


def test_real_silica_is_fitted_as_a_contaminant() -> None:
    samples = read_samples(real("iron_ore_study/iron_ore_study.csv"), Columns(value="SIO2"), in_percent=True)
    grade = fit(samples, FitOptions("bootstrap", is_unwanted=True, element="SiO2")).grades[0]
    assert grade.checks.n == 3_500 and grade.checks.is_normal is False
    assert grade.coverage is not None and grade.coverage.share_frac > 0.95


def written(path: Path, samples: list[Sample]) -> Path:
    rows = [f"{s.location},{s.cutoff},{s.value_frac!r},{s.taken_at or ''},{s.source}" for s in samples]
    path.write_text("\n".join(["location,cutoff,value,time,source", *rows]), encoding="utf-8")
    return path


def test_command_fits_a_set_and_tests_it_with_new_samples(tmp_path: Path) -> None:
    old, set_path = written(tmp_path / "old.csv", drawn(60)), tmp_path / "set.json"
    fitted = run("fit", old, "--violation", "0.6", "--mean0", "0.4", "--output", set_path)
    assert fitted.returncode == 0 and "rejected" in fitted.stderr and fitted.stdout == ""
    assert from_document(json.loads(set_path.read_text(encoding="utf-8"))) == fit(
        drawn(60), FitOptions(violation=0.6, mean0_frac=0.4)
    )
    same = run("fit", written(tmp_path / "same.csv", drawn(30, seed=9)), "--retest", set_path)
    assert same.returncode == 0 and json.loads(same.stdout)["drift"] == "stands"
    fallen = run("fit", written(tmp_path / "fallen.csv", drawn(30, 0.4, seed=9)), "--retest", set_path)
    assert fallen.returncode == 1 and json.loads(fallen.stdout)["drift"] == "refit"


def test_command_refuses_bad_samples_with_4_and_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("location,value\nA,58\n", encoding="utf-8")
    refused = run("fit", path, "--output", tmp_path / "set.json")
    assert refused.returncode == 4 and "/rows/0/value" in refused.stderr
    assert not (tmp_path / "set.json").exists()
