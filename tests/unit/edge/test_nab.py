"""The benchmark's scoring: by hand on a small file, and against what was published for the real ones."""

import csv
from collections.abc import Mapping

import numpy as np
import pytest

from bench.nab import (
    PROFILES,
    SHARED,
    Series,
    best_threshold,
    normalised,
    published_raw,
    raw_score,
    read_corpus,
    scored,
    sigmoid,
    worth,
)

STANDARD = PROFILES["standard"]
needs_files = pytest.mark.skipif(not SHARED.exists(), reason="the benchmark's files are not at ../shared/data/nab")


@pytest.fixture(scope="module")
def corpus() -> list[Series]:
    return read_corpus(SHARED)


def series(n: int = 200, windows: tuple[tuple[int, int], ...] = ((100, 119),)) -> Series:
    return Series("by hand", np.arange(n, dtype=float), np.zeros(n), windows)


def detections(*rows: int, n: int = 200) -> np.ndarray:
    scores = np.zeros(n)
    scores[list(rows)] = 1.0
    return scores


def test_sigmoid_is_the_published_one() -> None:
    assert sigmoid([-1.0, -0.5, 0.0, 1.0, 3.1]) == pytest.approx([0.98661, 0.84828, 0.0, -0.98661, -1.0], abs=1e-5)


def test_only_the_first_detection_in_a_window_counts() -> None:
    first = raw_score(series(), detections(100), 0.5, STANDARD)
    assert first == pytest.approx(1.0)
    assert raw_score(series(), detections(100, 101, 119), 0.5, STANDARD) == first
    assert 0 < raw_score(series(), detections(119), 0.5, STANDARD) < 0.3


def test_missed_window_and_far_false_detection_cost_in_full_and_probation_nothing() -> None:
    assert raw_score(series(), detections(), 0.5, STANDARD) == -1.0
    assert raw_score(series(), detections(100, 50), 0.5, STANDARD) == pytest.approx(1 - 0.11)
    assert raw_score(series(), detections(100, 29), 0.5, STANDARD) == pytest.approx(1.0)
    near = raw_score(series(), detections(100, 121), 0.5, STANDARD)
    assert 1 - 0.11 / 2 < near < 1.0


def test_nothing_is_0_and_everything_found_at_once_is_100() -> None:
    files = [series(), series(windows=())]
    for profile in PROFILES.values():
        silent = sum(raw_score(file, detections(), 0.5, profile) for file in files)
        perfect = sum(raw_score(file, detections(*(w[0] for w in file.windows)), 0.5, profile) for file in files)
        assert normalised(files, silent, profile) == 0
        assert normalised(files, perfect, profile) == pytest.approx(100)


def test_threshold_is_one_for_all_files_and_the_best_there_is() -> None:
    files = [series(), series()]
    scores = [detections(100) * 0.9 + detections(60) * 0.8, detections(105) * 0.7 + detections(40) * 0.6]
    threshold, raw = best_threshold(files, scores, STANDARD)
    assert threshold == 0.7
    assert raw == pytest.approx(sum(raw_score(*pair, 0.7, STANDARD) for pair in zip(files, scores, strict=True)))
    for other in (0.5, 0.6, 0.8, 0.9, 1.1):
        assert sum(raw_score(*pair, other, STANDARD) for pair in zip(files, scores, strict=True)) <= raw


@needs_files
def test_rows_inside_and_outside_windows_are_as_many_as_published(corpus: list[Series]) -> None:
    with (SHARED / "scoreboard_per_file.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if (row["Detector"], row["Profile"]) == ("ARTime", "standard")]
    published = {row["File"]: (int(row["TP"]) + int(row["FN"]), int(row["Total_Count"])) for row in rows}
    for file in corpus:
        inside = worth(file)[1][file.begin :] >= 0
        assert (int(inside.sum()), len(inside)) == published[file.name]


@needs_files
def test_silent_and_perfect_detectors_of_the_real_files_score_as_published(corpus: list[Series]) -> None:
    raws: Mapping[str, float] = published_raw(SHARED, corpus)["null"]
    for name, profile in PROFILES.items():
        silent = sum(raw_score(file, np.zeros(len(file.values)), 0.5, profile) for file in corpus)
        assert silent == raws[name]
        assert normalised(corpus, silent, profile) == 0


@needs_files
def test_recommended_detector_finds_a_day_that_is_not_like_the_others_and_tells_nothing_of_a_quiet_file(
    corpus: list[Series],
) -> None:
    by_name = {file.name: file for file in corpus}
    quiet, odd = (
        by_name[name]
        for name in ("artificialNoAnomaly/art_daily_small_noise.csv", "artificialWithAnomaly/art_daily_jumpsdown.csv")
    )
    assert raw_score(quiet, scored(quiet, "surprise"), 0.5, STANDARD) == 0
    assert raw_score(odd, scored(odd, "surprise"), 0.5, STANDARD) > 0.8
